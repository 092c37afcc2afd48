"""`main.py models|promote|rollback|evaluate|benchmark`: the stored models listed, changed and judged."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ExitCode, InputError
from core.terminal import Interrupt, percentage, plain, progress, say, show_rows, told_left_out
from storage.catalogue import Catalogue
from storage.lineage import learned
from storage.opening import bundle_of, folder_of, load_model, opened
from storage.registry import ModelRegistry

if TYPE_CHECKING:
    from core.ports import Scorer


def list_models(catalogue: Catalogue, options: Namespace) -> int:
    """All models with their roles and lineages, and which of them were trained on material that was erased since."""
    flags = catalogue.models.trained_on_erased()
    registry = ModelRegistry(catalogue)
    found = [
        {
            **plain(record),
            "lineage": [ancestor.name for ancestor in registry.lineage(record.sha256)],
            "excised": list(learned(record).excised),
            "trained_on_erased": flags.get(record.sha256, []),
        }
        for record in registry.all()
    ]
    columns = ("sha256", "name", "roles", "origin", "lineage", "excised", "trained_on_erased")
    show_rows(found, columns, "No model is stored.", as_json=options.json)
    return ExitCode.DONE


def promote(catalogue: Catalogue, options: Namespace) -> int:
    """A candidate becomes the champion, after its self-test and with a person's reason."""
    record = ModelRegistry(catalogue).promote(options.model, options.reason, self_test)
    print(f"champion is now {record.name} {record.sha256}")
    return ExitCode.DONE


def rollback(catalogue: Catalogue, options: Namespace) -> int:
    """The champion before this one comes back."""
    record = ModelRegistry(catalogue).rollback(options.reason, self_test)
    print(f"champion is now {record.name} {record.sha256}")
    return ExitCode.DONE


def self_test(bundle: Path) -> None:
    """Load a bundle and let it decide about known crops.

    Raises:
        InputError: it cannot be loaded, or answers otherwise than it must.
    """
    from core.inference.selftest import self_test
    from core.model.bundle import load_scorer
    from core.processes import compute_with_one_thread

    compute_with_one_thread()
    self_test(load_scorer(bundle))


def evaluate(options: Namespace) -> int:
    """A model on a manifest, by ISO/IEC 30107-3; exit code 3 where lines were left out, or hybrids are of nobody."""
    from core.data.likeness import picture_warnings
    from core.data.manifest import read_manifest
    from core.evaluation.evaluate import evaluate
    from core.evaluation.hybrids import BesideHybrids
    from core.evaluation.report import table_beside, write_report
    from core.face.sampler import FaceSampler
    from core.frames import ALL_MODALITIES
    from core.processes import compute_with_one_thread

    compute_with_one_thread()
    table_beside(options.json, options.manifest)
    with opened(options) as (_, registry), Interrupt() as canceled:
        manifest = read_manifest(options.manifest, options.modalities or ALL_MODALITIES)
        for warning in picture_warnings(manifest.path.name, manifest.rows):
            say(warning)
        scorer = load_model(options.model, registry)
        beside = BesideHybrids(scorer) if options.hybrids else None
        evaluation = evaluate(
            manifest,
            scorer,
            FaceSampler(),
            options.modalities,
            options.split,
            progress=progress("evaluating"),
            cancel=canceled,
            also=beside,
        )
    hybrids, refused = None, None
    try:
        hybrids = None if beside is None else beside.blocks(evaluation)
    except InputError as error:
        refused = error
    write_report(evaluation, options.json, hybrids)
    code = told_left_out(evaluation.left_out, "line")
    if refused is not None:
        raise refused
    return code


def benchmark(options: Namespace) -> int:
    """Whichever study the options ask for (`core.benchmark.forms`); ``--scenes`` needs no catalogue."""
    from core.benchmark import forms
    from core.processes import compute_with_one_thread

    compute_with_one_thread()
    work = options.work or folder_of(options).root / "benchmark"
    shown: dict[str, Callable[[float], None]] = {}

    def report(what: str, share: float) -> None:
        shown.setdefault(what, percentage(what))(share)

    with Interrupt() as canceled:
        if options.scenes:
            return forms.scenes(options, work, report, canceled)
        with opened(options) as (_, registry):

            def load(reference: str) -> Scorer:
                return load_model(reference, registry)

            if options.robustness:
                return forms.robustness(options, load, report, canceled)
            if options.adapt:
                return forms.adapted(options, bundle_of(options.model, registry), work, report, canceled)
            return forms.collection(options, load, work, report, canceled)
