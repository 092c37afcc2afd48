"""The command ``benchmark --scenes --protocol streams-dev``: learning rates, weighed on a source left out.

All methods that update get the same trials on the same streams; for a target the factor is chosen that errs least on
the site which has no part in it (`core.benchmark.streams.sites`). What was chosen stands in
`core.benchmark.streams.rates`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from core.benchmark.command_line import command_line
from core.benchmark.hardware import described
from core.benchmark.scenes import identity
from core.benchmark.streams.base import AdaptationMethod
from core.benchmark.streams.cells import StreamCell, named
from core.benchmark.streams.folds import Opened
from core.benchmark.streams.judging import outcome, presented, thresholds
from core.benchmark.streams.material import Material, material_of
from core.benchmark.streams.methods.registry import METHODS, NONE, ORACLE, THRESHOLD, WITHOUT_RATE
from core.benchmark.streams.rates import FACTORS
from core.benchmark.streams.runs import Record, keep, record
from core.benchmark.streams.sites import WEIGHED_ON, SiteFold, alike, open_site, site_for
from core.benchmark.streams.size import SizedOrder
from core.benchmark.streams.study import prepare_folds, work_of
from core.benchmark.work import Canceled, Report, Work, stop_if
from core.results import write_json, writing

PROTOCOL = "streams-dev"
_FACTORS = ", ".join(f"{factor:g}" for factor in FACTORS)
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class TuningOrder(SizedOrder):
    """See `SizedOrder`. ``targets``: for which something is weighed; none = all. ``draws``: of labels."""

    targets: tuple[str, ...] = ()
    draws: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A method under a factor of its learning rate, on a stream with as many labels as the label-equal table has."""

    method: AdaptationMethod
    factor: float
    cell: StreamCell
    draw: int

    def piece(self, fold: SiteFold) -> str:
        """Where its record lies."""
        number = WEIGHED_ON.index(self.cell)
        return f"dev/{fold.name}/c{number}-d{self.draw}-l{fold.size.labels}/{self.method.name}-{self.factor:g}.npz"

    def run(self, fold: SiteFold, opened: Opened, work: Work) -> None:
        """Adapt and judge, unless its record lies there."""
        if work.has(self.piece(fold)):
            return
        material = replace(self._material(fold, opened), rate=self.factor)
        found = self.method.adapt(material)
        unadapted = self.method.name == NONE
        told = opened.champion.dev if unadapted else presented(found, opened.source.dev, material.labelled)
        keep(work, self.piece(fold), outcome(found(opened.test.early).numpy(), opened.test, thresholds(told)))

    def _material(self, fold: SiteFold, opened: Opened) -> Material:
        cell, size = replace(self.cell, target=fold.target.name), fold.size
        return material_of(opened.source, opened.site, cell, size.labels, self.draw, size.steps, size.rows)


def run(order: TuningOrder, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Run or finish every trial, write ``OUT`` and ``OUT.md``, and return the result.

    Raises:
        UsageError: an unknown target.
        HostError: the result or the work folder cannot be written.
        CanceledError: a person asked to stop; finished pieces are kept.
    """
    torch.set_num_threads(1)
    size, targets = order.sized, named(order.targets)
    work = work_of(order.work, size)
    work.sweep()
    folds = {target: site_for(size, work, target, 0) for target in targets}
    prepare_folds(list(folds.values()), work, order.processes, report, canceled)
    draws = range(order.draws or 1)
    todo = [trial for draw in draws for cell in WEIGHED_ON for trial in _trials(cell, draw)]
    for number, fold in enumerate(folds.values()):
        if all(work.has(trial.piece(fold)) for trial in todo):
            continue
        opened = open_site(fold, work, canceled)
        for done, trial in enumerate(todo):
            stop_if(canceled)
            report(f"trials: {fold.target.name}", (number + done / len(todo)) / len(folds))
            trial.run(fold, opened, work)
    result = _told(order, work, folds, todo)
    write_json(result, order.out, 1)
    with writing(order.out):
        order.out.with_suffix(".md").write_text(page(result), encoding="utf-8")
    return result


def tuned() -> tuple[AdaptationMethod, ...]:
    """The methods that have a learning rate; what shares an adaptation is weighed once."""
    return tuple(method for method in METHODS if method.name not in (*WITHOUT_RATE, ORACLE) and not method.bound)


def _trials(cell: StreamCell, draw: int) -> list[Trial]:
    still = [Trial(method, 1.0, cell, draw) for method in METHODS if method.name in (NONE, THRESHOLD)]
    return still + [Trial(method, factor, cell, draw) for method in tuned() for factor in FACTORS]


def _told(order: TuningOrder, work: Work, folds: Mapping[str, SiteFold], todo: Sequence[Trial]) -> dict[str, Any]:
    by_target = {target: _rows(work, fold, todo) for target, fold in folds.items()}
    return {
        "schema": SCHEMA,
        "kind": PROTOCOL,
        "command": command_line(PROTOCOL, order.out, quick=order.quick, targets=order.targets, draws=order.draws),
        "scenes": identity(None),
        "size": order.sized.model_dump(mode="json"),
        "hardware": described(),
        "sites": {target: alike(target) for target in folds},
        "trials": by_target,
        "chosen": {target: chosen(rows) for target, rows in by_target.items()},
        "titles": {method.name: method.title for method in METHODS},
    }


def _rows(work: Work, fold: SiteFold, todo: Sequence[Trial]) -> dict[str, dict[str, dict[str, float]]]:
    """By method and factor: means over the streams of the site."""
    found: dict[str, dict[str, list[Record]]] = {}
    for trial in todo:
        of_method = found.setdefault(trial.method.name, {})
        of_method.setdefault(f"{trial.factor:g}", []).append(record(work, trial.piece(fold)))
    names = ("macro_hter", "auc", "oracle_hter")
    return {
        method: {
            factor: {name: float(np.mean([one.mean(name) for one in records])) for name in names}
            for factor, records in factors.items()
        }
        for method, factors in found.items()
    }


def chosen(rows: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """The factor of each method with the least macro HTER; among equals the one nearest to the method's own rate."""
    found = {}
    for method, factors in rows.items():
        if len(factors) > 1:
            best = min(factors, key=lambda f: (round(factors[f]["macro_hter"], 4), abs(np.log(float(f)))))
            found[method] = float(best)
    return found


def page(result: Mapping[str, Any]) -> str:
    """The result for people."""
    sites, trials = result["sites"], result["trials"]
    lines = [
        f"# Learning rates on {result['scenes']['name']}, on sources left out as sites",
        "",
        f"`{result['command']}`; {result['hardware']['processor']}. Two domains train, the site",
        "that is named below is adapted to with twenty labels and judged, on people of its training split; the target",
        f"has no part in it. Macro HTER in %, mean over the seven masks and {len(WEIGHED_ON)} streams a draw, at",
        f"{_FACTORS} times the method's own rate, the chosen one in bold, and its AUC.",
        "",
        f"| method | {' | '.join(f'for {target}, at {site}' for target, site in sites.items())} |",
        f"|---|{'---|' * len(sites)}",
    ]
    for method in next(iter(trials.values())):
        cells = [_cell(trials[target][method], result["chosen"][target].get(method)) for target in sites]
        lines.append(f"| {result['titles'][method]} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(factors: Mapping[str, Mapping[str, float]], best: float | None) -> str:
    told = []
    for factor, row in factors.items():
        figure = f"{100.0 * row['macro_hter']:.1f}"
        told.append(f"**{figure}**" if best is not None and float(factor) == best else figure)
    at = next(iter(factors)) if best is None else f"{best:g}"
    return f"{' / '.join(told)} ({factors[at]['auc']:.3f})"
