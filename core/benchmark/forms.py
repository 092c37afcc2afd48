"""The forms of the command ``benchmark``: which of them the options ask for, what is missing, what is written."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from core.benchmark.work import Canceled, Report
from core.errors import ExitCode, UsageError
from core.ports import Scorer
from core.results import beside, overwrites, write_json, writing

Load = Callable[[str], Scorer]
"""A model by name, alias, digest or path."""
_DRAWS = 10


def scenes(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    """``--scenes`` with one of ``--protocol``, ``--guarantees`` and ``--realism``; returns the exit code."""
    wanted = [name for name in ("protocol", "guarantees", "realism") if getattr(options, name)]
    if len(wanted) != 1:
        raise UsageError(
            "What should be done with the scenes?",
            "Give one of --protocol P1..P5|ablation|joint|whole|streams|gate, --guarantees, --realism.",
        )
    form: Callable[[Namespace, Path, Report, Canceled], int] = {
        "protocol": _study,
        "guarantees": _guarantees,
        "realism": _realism,
    }[wanted[0]]
    return form(options, work, report, canceled)


def collection(options: Namespace, load: Load, work: Path, report: Report, canceled: Canceled) -> int:
    """``--collection NAME --root DIR --protocol P``: a model by a collection's published protocol."""
    from core.data.collections.benchmark import run
    from core.data.collections.tables import as_markdown

    for name in ("root", "protocol"):
        if getattr(options, name) is None:
            raise UsageError(f"A collection needs --{name}.", "See main.py benchmark --help.")
    out, scorer = _out(options), load(options.model)
    result = run(options.collection, options.root, options.protocol, scorer, work / "collections", report, canceled)
    write_json(result, out, 1)
    print(as_markdown(result), end="")
    return ExitCode.INPUT if result["left_out"] else ExitCode.DONE


def robustness(options: Namespace, load: Load, report: Report, canceled: Canceled) -> int:
    """``--robustness``: attacks on pixels, planted conflicts and the red team; finds go beside the result."""
    from core.benchmark.robustness.run import FULL, QUICK, run

    out = _out(options)
    surrogate = None if options.surrogate is None else load(options.surrogate)
    budget = QUICK if options.quick else FULL
    result = run(load(options.model), budget, out.parent, report, canceled, surrogate)
    write_json(result, out, 1)
    return ExitCode.DONE


def adapted(options: Namespace, champion: Path, work: Path, report: Report, canceled: Canceled) -> int:
    """``--adapt --manifest F`` with ``--labelled N --draws K`` or ``--splits``: passes of the product on captures."""
    from core.benchmark.adapted import Order, as_markdown, run
    from core.data.likeness import picture_warnings
    from core.data.manifest import LeftOut, read_manifest
    from core.terminal import say, told_left_out

    out = _out(options, page=True)
    if options.manifest is None or (options.labelled is None) == (options.splits is None):
        raise UsageError(
            "What should be adapted on?", "Give --manifest F and one of --labelled N [--draws K], --splits [N]."
        )
    manifest = read_manifest(options.manifest)
    for warning in picture_warnings(manifest.path.name, manifest.rows):
        say(warning)
    order = Order(manifest, champion, work, options.labelled or 0, options.draws or _DRAWS, options.splits)
    result = run(order, report, canceled)
    write_json(result, out, 1)
    with writing(out):
        out.with_suffix(".md").write_text(as_markdown(result), encoding="utf-8")
    return told_left_out([LeftOut(**one) for one in result["left_out"]], "line")


def _study(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.command import StudyOrder, run
    from core.benchmark.protocols import PROTOCOLS

    if options.protocol in _FORMS:
        return _FORMS[options.protocol](options, work, report, canceled)
    if options.protocol not in PROTOCOLS:
        known = ", ".join((*PROTOCOLS, *_FORMS))
        raise UsageError(f"There is no protocol {options.protocol!r}.", f"Use one of {known}.")
    order = StudyOrder(
        protocol=options.protocol,
        out=_out(options, page=True),
        work=work,
        quick=options.quick,
        domain=options.domain,
        methods=tuple(options.methods or ()),
        targets=tuple(options.targets or ()),
        seeds=_seeds(options.seeds),
        processes=options.processes,
    )
    run(order, report, canceled)
    return ExitCode.DONE


def _streams(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.streams.command import StreamsOrder, run

    if options.domain is not None:
        raise UsageError("The streams have four targets of their own.", "Leave --domain out.")
    order = StreamsOrder(
        out=_out(options, page=True),
        work=work,
        quick=options.quick,
        targets=tuple(options.targets or ()),
        seeds=_seeds(options.seeds),
        methods=tuple(options.methods or ()),
        draws=options.draws,
        processes=options.processes,
    )
    run(order, report, canceled)
    return ExitCode.DONE


def _streams_whole(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.streams.whole import WholeOrder, run

    out = _out(options, page=True)
    run(WholeOrder(out, work, options.quick, options.processes, seeds=_seeds(options.seeds)), report, canceled)
    return ExitCode.DONE


def _streams_dev(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.streams.tuning import TuningOrder, run

    if options.seeds or options.methods or options.domain is not None:
        raise UsageError(
            "Rates are weighed for every method alike, on one seed.", "Leave --seeds, --methods and --domain out."
        )
    out, targets = _out(options, page=True), tuple(options.targets or ())
    order = TuningOrder(out, work, options.quick, options.processes, targets=targets, draws=options.draws)
    run(order, report, canceled)
    return ExitCode.DONE


def _streams_harm(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.streams.harm_command import HarmOrder, run

    if options.methods or options.domain is not None:
        raise UsageError("Harm is counted of the product's pass.", "Leave --methods and --domain out.")
    order = HarmOrder(
        _out(options, page=True), work, options.quick, options.processes,
        targets=tuple(options.targets or ()), seeds=_seeds(options.seeds), draws=options.draws,
    )  # fmt: skip
    run(order, report, canceled)
    return ExitCode.DONE


def _gate(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.gate.command import GateOrder, run

    order = GateOrder(_out(options, page=True), work, options.quick, options.processes, draws=options.draws)
    run(order, report, canceled)
    return ExitCode.DONE


_FORMS = {
    "streams": _streams,
    "streams-whole": _streams_whole,
    "streams-dev": _streams_dev,
    "streams-harm": _streams_harm,
    "gate": _gate,
}
"""Protocols that are commands of their own."""


def _guarantees(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.guarantees import check

    out = _out(options)
    files = None if options.domain is None else [options.domain]
    found = check(files, options.quick, report, canceled, work / "guarantees", options.processes, _seeds(options.seeds))
    write_json(found, out, 1)
    for guarantee in found["guarantees"]:
        print(f"{'holds' if guarantee['holds'] else 'FAILS':<6} {guarantee['number']}. {guarantee['title']}")
    return ExitCode.DONE if found["holds"] else ExitCode.INPUT


def _realism(options: Namespace, work: Path, report: Report, canceled: Canceled) -> int:
    from core.benchmark.realism import measure

    del work
    for name in ("manifest", "out"):
        if getattr(options, name) is None:
            raise UsageError(f"--realism needs --{name}.", "Give --manifest REAL --out DIR.")
    out = None if options.json is None else _out(options)
    found = measure(options.manifest, options.out, options.domain, report=report, canceled=canceled)
    for name, one in found["statistics"].items():
        print(f"{name}: {json.dumps(one)}")
    print(f"probe AUC: {json.dumps(found['probe_auc'])}")
    if out is not None:
        write_json(found, out)
    return ExitCode.DONE


def _out(options: Namespace, *, page: bool = False) -> Path:
    """Where the result goes; with ``page``, a Markdown file goes beside it. Neither may overwrite what is read."""
    if options.json is None:
        raise UsageError("Where should the result go?", "Give --json OUT.")
    out: Path = options.json
    written = [out, beside(out, ".md")] if page else [out]
    for name in ("manifest", "domain"):
        read: Path | None = getattr(options, name)
        if read is not None and any(overwrites(one, read) for one in written):
            raise UsageError(f"The result would overwrite {read}, which --{name} names.", "Give --json another name.")
    return out


def _seeds(given: list[str] | None) -> tuple[int, ...]:
    try:
        found = tuple(int(seed) for seed in given or ())
    except ValueError as error:
        raise UsageError(f"--seeds takes whole numbers, not {given}.", "For example --seeds 0,1,2.") from error
    if any(not 0 <= seed < 1_000 for seed in found) or len(set(found)) != len(found):
        raise UsageError("--seeds takes different numbers from 0 to 999.", "For example --seeds 0,1,2.")
    return found
