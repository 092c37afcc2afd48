"""``benchmark --collection``: a model judged by the published protocol of a collection (method.md section 2.5).

The model is used as it is, whatever the protocol's train split would have taught it; that stands in the result. Three
columns, never to be mixed: at the model's own thresholds (fixed on its source dev), at thresholds from the collection's
dev split, and the literature's, whose threshold is taken from the test set itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.data.collections import figures
from core.data.collections.collection import Canceled, Report
from core.data.collections.protocol import Protocol
from core.data.collections.registry import open_collection
from core.errors import InputError
from core.evaluation.evaluate import Evaluation, evaluate
from core.face.sampler import FaceSampler
from core.frames import ModalityMask
from core.metrics.trial import Trial
from core.ports import Scorer

SCHEMA = 1
TRAINED_ON = (
    "The model was not trained on this protocol's train split: it is judged as it comes. Columns of methods that were "
    "trained on it answer another question."
)


def run(
    name: str,
    root: Path,
    protocol: str,
    scorer: Scorer,
    cache: Path | None = None,
    report: Report | None = None,
    canceled: Canceled | None = None,
    sampler: FaceSampler | None = None,
) -> dict[str, Any]:
    """Judge ``scorer`` by ``protocol`` of the collection ``name`` in ``root``.

    Args:
        name: one of `core.data.collections.NAMES`.
        root: the user's folder.
        protocol: one of the collection's protocols.
        scorer: the model.
        cache: where HDF5 and npz are extracted to; kept for the next run.
        report: is told what is being done and which share of it is finished.
        canceled: asked between presentations.
        sampler: finds and cuts faces; the default one where it is not given.

    Returns:
        The JSON of ``benchmark --collection``: ``{schema, collection, protocol, model, note, warnings, splits,
        modalities, columns: {model_threshold, collection_dev_eer, collection_dev_bpcer_1, literature_half,
        literature_oracle}, by_mask, tpr_at_fpr, literature: {operating_point, note, published}, left_out, trials}``.
        Figures are fractions; those under ``published`` are per cent, as printed.

    Raises:
        UsageError: no such collection or protocol, or a cache is needed.
        InputError: the lists are missing or wrong, or no test presentation can be used.
        CanceledError: ``canceled`` said so.
    """
    found = open_collection(name, root, cache).protocol(protocol, ("dev", "eval"), report, canceled)
    if not found.test:
        reason = f": {found.left_out[0].reason}" if found.left_out else ""
        raise InputError(f"No test presentation of {name} {protocol} can be used{reason}", "Check the folder.")
    sampler = sampler or FaceSampler()
    dev = _judge(found, "dev", found.dev_modalities, scorer, sampler, report, canceled) if found.dev else None
    test = _judge(found, "eval", found.modalities, scorer, sampler, report, canceled)
    dev_trials = dev.trials if dev is not None else ()
    warnings = [*found.warnings, *_class_warnings("dev", dev_trials), *_class_warnings("eval", test.trials)]
    left_out = [*found.left_out, *(dev.left_out if dev is not None else ()), *test.left_out]
    return {
        "schema": SCHEMA,
        "collection": name,
        "protocol": protocol,
        "model": {"name": scorer.name, "sha256": scorer.sha256},
        "note": TRAINED_ON,
        "warnings": warnings,
        "splits": {"dev": _counts(dev_trials), "eval": _counts(test.trials)},
        "modalities": {"dev": str(found.dev_modalities), "eval": str(found.modalities)},
        "columns": _columns(dev_trials, test.trials, scorer),
        "by_mask": {str(mask): block.as_json() for mask, block in test.by_mask.items()},
        "tpr_at_fpr": figures.true_positives(test.trials, found.reporting.false_positive_rates),
        "literature": {
            "operating_point": found.reporting.operating_point,
            "note": found.reporting.note,
            "published": [asdict(line) for line in found.reporting.published],
        },
        "left_out": [{"row": entry.row, "reason": entry.reason} for entry in left_out],
        "trials": [_trial(trial) for trial in test.trials],
    }


def _judge(
    protocol: Protocol,
    split: str,
    modalities: ModalityMask,
    scorer: Scorer,
    sampler: FaceSampler,
    report: Report | None,
    canceled: Canceled | None,
) -> Evaluation:
    def progress(done: int, count: int) -> None:
        if report is not None:
            report(f"judging {split}", done / count)

    return evaluate(protocol.manifest(split), scorer, sampler, modalities, progress=progress, cancel=canceled)


def _columns(dev: Sequence[Trial], test: Sequence[Trial], scorer: Scorer) -> dict[str, Any]:
    """The columns; those of the dev split are ``None`` where it cannot set a threshold."""
    equal, strict = figures.equal_error_thresholds(dev), figures.bpcer_thresholds(dev)
    both = all(any(trial.bona_fide is wanted for trial in dev) for wanted in (True, False))
    return {
        "model_threshold": figures.column(test, scorer.threshold, scorer.threshold_source),
        "collection_dev_eer": figures.column(test, equal.get, "the collection's dev split, EER") if both else None,
        "collection_dev_bpcer_1": figures.column(test, strict.get, "the collection's dev split, BPCER 1 %")
        if strict
        else None,
        "literature_half": figures.column(test, lambda _: 0.5, "0.5"),
        "literature_oracle": figures.oracle(test),
    }


def _class_warnings(split: str, trials: Sequence[Trial]) -> list[str]:
    """What a split cannot say because a class is missing."""
    if not trials:
        return [f"{split}: no presentation; no threshold can be taken from it"] if split == "dev" else []
    bona_fide = sum(trial.bona_fide for trial in trials)
    if bona_fide == 0:
        return [f"{split}: no bona fide presentation; figures that need one are empty"]
    return [f"{split}: no attack; figures that need one are empty"] if bona_fide == len(trials) else []


def _counts(trials: Sequence[Trial]) -> dict[str, int]:
    bona_fide = sum(trial.bona_fide for trial in trials)
    return {"presentations": len(trials), "bona_fide": bona_fide, "attack": len(trials) - bona_fide}


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "presentation": trial.presentation,
        "subject": trial.subject,
        "species": trial.species,
        "mask": str(trial.mask),
        "outcome": trial.outcome.value,
        "reason": trial.reason.value,
        "score": trial.score,
    }
