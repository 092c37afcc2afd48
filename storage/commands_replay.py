"""`main.py replay [--explain]`: stored verdicts made again from their frames, and explained."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any

from core.codes import ModelRole
from core.data.manifest import LeftOut
from core.errors import ExitCode, InputError
from core.face.sampler import FaceSampler
from core.ports import Scorer
from core.replay import replay_verdict
from core.terminal import Interrupt, plain, progress, show_rows, steps, told_left_out
from core.verdict_explanation import explain_verdict, verdict_explanation_to_plain
from storage.catalogue import Catalogue
from storage.repositories.verdicts import StoredVerdict

Load = Callable[[str], Scorer]
"""The model of a digest."""


def replay(catalogue: Catalogue, options: Namespace, load: Load) -> int:
    """Compute verdicts again and compare; exit code 3 where one differs."""
    reports: list[dict[str, Any]] = []
    scorers: dict[str, Scorer] = {}
    with catalogue.material.session(options.session) as store:
        for stored in _wanted(catalogue, options):
            trace = stored.verdict.trace
            if trace.model not in scorers:
                scorers[trace.model] = load(trace.model)
            frames = store.frame_sets(min(trace.frame_sets), max(trace.frame_sets))
            report = replay_verdict(trace, frames, scorers[trace.model], FaceSampler())
            reports.append({"verdict": stored.id, "outcome": stored.verdict.outcome, **plain(report)})
    if options.json:
        print(json.dumps({"schema": 1, "session": options.session, "verdicts": reports}, indent=2))
    else:
        columns = ("verdict", "outcome", "equal", "max_logit_difference", "contributions")
        show_rows(reports, columns, "No verdict can be replayed.", as_json=False)
    return ExitCode.DONE if all(report["equal"] for report in reports) else ExitCode.INPUT


def explain(catalogue: Catalogue, options: Namespace, load: Load) -> int:
    """Explain verdicts by the model that made them, whichever is the champion now."""
    found: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    with catalogue.material.session(options.session) as store:
        champion = catalogue.models.alias(ModelRole.CHAMPION)
        for stored in _wanted(catalogue, options):
            verdict, trace = stored.verdict, stored.verdict.trace
            try:
                with Interrupt() as canceled:
                    explained = explain_verdict(
                        trace,
                        verdict.mask,
                        store.frame_sets(min(trace.frame_sets), max(trace.frame_sets)),
                        load(trace.model),
                        FaceSampler(),
                        steps("explaining") if options.json else progress("explaining"),
                        canceled,
                    )
            except InputError as error:
                if options.verdict is not None:
                    raise
                left_out.append(LeftOut(stored.id, str(error)))
                continue
            model = {"sha256": trace.model, "champion": trace.model == champion}
            about = {"verdict": stored.id, "presentation": verdict.presentation, "outcome": verdict.outcome}
            found.append({**about, "model": model, **verdict_explanation_to_plain(explained)})
    if options.json:
        print(json.dumps({"schema": 1, "session": options.session, "explanations": found}, indent=2))
    else:
        columns = ("verdict", "outcome", "mask", "logit", "contributions", "interactions")
        rows = [{**one, "logit": f"{one['logit']:+.2f}"} for one in found]
        show_rows(rows, columns, "No verdict can be explained.", as_json=False)
    return told_left_out(left_out, "verdict")


def _wanted(catalogue: Catalogue, options: Namespace) -> Iterator[StoredVerdict]:
    """The session's verdicts that rest on frames, or the one that was asked for."""
    for stored in catalogue.verdicts.of_session(options.session):
        if stored.verdict.trace.frame_sets and options.verdict in (None, stored.id):
            yield stored
