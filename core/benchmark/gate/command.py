"""The command ``benchmark --scenes --protocol gate``: power, harm and poisoning, with a page of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.benchmark.command_line import command_line
from core.benchmark.gate import poisoning, second_look, sites
from core.benchmark.gate.page import page
from core.benchmark.hardware import described
from core.benchmark.scenes import identity
from core.benchmark.streams.folds import open_fold
from core.benchmark.streams.size import SizedOrder
from core.benchmark.streams.study import fold_of, prepare_folds, work_of
from core.benchmark.work import Canceled, Report
from core.results import write_json, writing

PROTOCOL = "gate"
SCHEMA = 2
_TARGET = "lobby"
_STEPS = 40


@dataclass(frozen=True, slots=True)
class GateOrder(SizedOrder):
    """See `SizedOrder`. ``draws``: of each poison and share; drawn sites are a hundred times as many."""

    draws: int | None = None


def run(order: GateOrder, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Measure the gate, write ``OUT`` and ``OUT.md``, and return the result.

    Raises:
        HostError: the result or the work folder cannot be written.
        CanceledError: the person asked to stop; finished passes are kept.
    """
    size, draws = order.sized, order.draws or (1 if order.quick else 5)
    drawn = sites.study(20 if order.quick else 100, report, canceled)
    bought = sites.trades(20 if order.quick else 100, report, canceled)
    caught = second_look.caught(200 if order.quick else 1000, report, canceled)
    work = work_of(order.work, size)
    fold = fold_of(size, work, _TARGET, 0)
    prepare_folds([fold], work, order.processes, report, canceled)
    bench = poisoning.Bench(open_fold(fold, canceled), work, fold.name, _STEPS, size.rows)
    passes = poisoning.study(bench, draws, report, canceled)
    twice = poisoning.second_look(bench, draws, report, canceled)
    result = {
        "schema": SCHEMA,
        "kind": PROTOCOL,
        "command": command_line(PROTOCOL, order.out, quick=order.quick, draws=order.draws),
        "scenes": identity(None),
        "size": size.model_dump(mode="json"),
        "hardware": described(),
        "drawn_sites": drawn,
        "trades": bought,
        "poisoning": poisoning.summary(passes),
        "flips_caught": caught,
        "second_labels": poisoning.summary(twice),
    }
    write_json(result, order.out, 1)
    with writing(order.out):
        order.out.with_suffix(".md").write_text(page(result), encoding="utf-8")
    return result
