"""The command ``benchmark --scenes --protocol streams``: from the options to a result, its page and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.benchmark.command_line import command_line
from core.benchmark.hardware import described
from core.benchmark.result import without_nan
from core.benchmark.scenes import identity
from core.benchmark.streams.cells import CELLS, named
from core.benchmark.streams.figures import write_figures
from core.benchmark.streams.methods.registry import METHODS, NONE, ORACLE, OURS, OURS_BOUND, THRESHOLD, THRESHOLD_BOUND
from core.benchmark.streams.page import page
from core.benchmark.streams.result import Results, aims
from core.benchmark.streams.size import SizedOrder
from core.benchmark.streams.study import StreamsPlan, run_plan, work_of
from core.benchmark.work import Canceled, Report, Work
from core.errors import UsageError
from core.results import write_json, writing

PROTOCOL = "streams"
SCHEMA = 2
QUICK_TARGET, QUICK_CELLS = "lobby", 2
HARM_DRAWS = 19
"""Beside the first: with 16 cells 320 streams."""


@dataclass(frozen=True, slots=True)
class StreamsOrder(SizedOrder):
    """See `SizedOrder`; of ``targets``, ``seeds`` and ``methods`` none = all."""

    targets: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()
    draws: int | None = None
    """Of labels, order and missingness in each cell; the first makes the tables, all of them count harm."""

    def plan(self) -> StreamsPlan:
        """What is run.

        Raises:
            UsageError: an unknown target or method.
        """
        targets = named((QUICK_TARGET,) if self.quick and not self.targets else self.targets)
        known = [method.name for method in METHODS]
        for name in self.methods:
            if name not in known:
                raise UsageError(f"There is no method {name!r} here.", f"Name some of {', '.join(known)}.")
        needed = {OURS, OURS_BOUND, NONE, THRESHOLD, THRESHOLD_BOUND, ORACLE}
        return StreamsPlan(
            self.sized,
            targets,
            self.seeds or tuple(range(self.sized.seeds)),
            tuple(name for name in known if not self.methods or name in {*self.methods, *needed}),
            (0 if self.quick else HARM_DRAWS) if self.draws is None else self.draws - 1,
            further=not self.quick,
            most_cells=QUICK_CELLS if self.quick else len(CELLS),
        )


def run(order: StreamsOrder, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Run or finish the study, write ``OUT``, ``OUT.md`` and the figures, and return the result.

    Raises:
        UsageError: an unknown target or method.
        HostError: the result or the work folder cannot be written.
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    plan = order.plan()
    work = work_of(order.work, plan.size)
    run_plan(plan, work, order.processes, report, canceled)
    report("figures", 1.0)
    result = told(order, plan, work)
    write(result, order.out)
    return result


def told(order: StreamsOrder, plan: StreamsPlan, work: Work) -> dict[str, Any]:
    """The result as plain data."""
    results = Results(plan, work)
    labelled = results.table(labelled=True)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": PROTOCOL,
        "command": command_line(
            PROTOCOL,
            order.out,
            quick=order.quick,
            targets=order.targets,
            seeds=order.seeds,
            methods=order.methods,
            draws=order.draws,
        ),
        "scenes": identity(None),
        "size": plan.size.model_dump(mode="json"),
        "seeds": list(plan.seeds),
        "targets": list(plan.targets),
        "cells": [cell.name for cell in results.cells],
        "titles": {method.name: method.title for method in METHODS},
        "label_equal": labelled,
        "unlabelled": results.table(labelled=False),
        "aims": aims(labelled, results.cells),
        "harm": results.harm(),
        "hours": work.seconds() / 3600.0,
        "hardware": described(),
    }
    if plan.further:
        found |= {
            "curve": results.curve(),
            "checkpoint": results.checkpoint(),
            "ablation": results.ablation(),
            "proofs": results.proofs(),
        }
    cleaned: dict[str, Any] = without_nan(found)
    return cleaned


def write(result: Mapping[str, Any], out: Path) -> None:
    """The JSON, and beside it the page and the figures.

    Raises:
        HostError: they cannot be written.
    """
    write_json(result, out, indent=None)
    with writing(out):
        out.with_suffix(".md").write_text(page(result), encoding="utf-8")
        write_figures(result, out.with_suffix(""))
