"""One stream on which the whole trunk adapts, beside the same with its last stage alone: does the ranking hold?

Every other stream adapts the last stage and the heads on cached maps (evaluation.md section 7). Here what is cached are
the planes themselves, and every method of the label-equal table changes all that it changes elsewhere and the early
stages too. Start network, people, labels, order and updates are the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau

from core.benchmark.command_line import command_line
from core.benchmark.hardware import described
from core.benchmark.scenes import identity
from core.benchmark.streams.cells import CELLS
from core.benchmark.streams.folds import Fold, open_fold
from core.benchmark.streams.methods.registry import BY_NAME, NONE, table, together
from core.benchmark.streams.runs import Stream, record, run_stream
from core.benchmark.streams.size import SizedOrder
from core.benchmark.streams.study import fold_of, prepare_folds, work_of
from core.benchmark.work import Canceled, Report, Work, stop_if
from core.results import write_json, writing

PROTOCOL = "streams-whole"
SCHEMA = 1
CELL = next(cell for cell in CELLS if (cell.target, cell.order, cell.missing) == ("lobby", "balanced", "0 % missing"))


@dataclass(frozen=True, slots=True)
class WholeOrder(SizedOrder):
    """See `SizedOrder`; ``seeds``: none = those of the size."""

    seeds: tuple[int, ...] = ()

    @property
    def drawn(self) -> tuple[int, ...]:
        """Its seeds."""
        return self.seeds or tuple(range(self.sized.seeds))


def run(order: WholeOrder, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Run or finish both forms of the stream, write ``OUT`` and ``OUT.md``, and return the result.

    Raises:
        HostError: the result or the work folder cannot be written.
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    torch.set_num_threads(1)
    size = order.sized
    work = work_of(order.work, size)
    work.sweep()
    folds = [fold_of(size, work, CELL.target, seed) for seed in order.drawn]
    prepare_folds(folds, work, order.processes, report, canceled)
    depths = (1, len(size.widths))
    todo = [(fold, stages) for fold in folds for stages in depths]
    for number, (fold, stages) in enumerate(todo):
        report("streams", number / len(todo))
        _adapt(replace(fold, stages=stages), work, canceled)
    result = _told(order, work, depths)
    write_json(result, order.out, 1)
    with writing(order.out):
        order.out.with_suffix(".md").write_text(page(result), encoding="utf-8")
    return result


def _adapt(fold: Fold, work: Work, canceled: Canceled) -> None:
    """Every method on the stream of a fold, unless its record lies there."""
    stream = Stream(CELL, fold.seed, 0, fold.size.labels, stages=fold.stages)
    todo = [methods for methods in together(table(True)) if not all(work.has(stream.of(m.name)) for m in methods)]
    if not todo:
        return
    opened = open_fold(fold, canceled)
    for methods in todo:
        stop_if(canceled)
        started = time.monotonic()
        run_stream(opened, fold, stream, methods)
        work.save_json(_cost(stream, methods[0].name), {"seconds": time.monotonic() - started})


def _cost(stream: Stream, method: str) -> str:
    return f"costs/{stream.piece}/{method}.json"


def _told(order: WholeOrder, work: Work, depths: Sequence[int]) -> dict[str, Any]:
    by_depth = {str(stages): _rows(order, work, stages) for stages in depths}
    return {
        "schema": SCHEMA,
        "kind": PROTOCOL,
        "command": command_line(PROTOCOL, order.out, quick=order.quick, seeds=order.seeds),
        "scenes": identity(None),
        "size": order.sized.model_dump(mode="json"),
        "hardware": described(),
        "cell": CELL.name,
        "seeds": list(order.drawn),
        "stages": by_depth,
        "agreement": agreement(*by_depth.values()),
    }


def _rows(order: WholeOrder, work: Work, stages: int) -> dict[str, Any]:
    streams = [Stream(CELL, seed, 0, order.sized.labels, stages=stages) for seed in order.drawn]
    rows: dict[str, Any] = {}
    for methods in together(table(True)):
        pieces = [_cost(stream, methods[0].name) for stream in streams]
        costs = [work.load_json(piece)["seconds"] for piece in pieces if work.has(piece)]
        for method in methods:
            records = [record(work, stream.of(method.name)) for stream in streams]
            rows[method.name] = {
                "macro_hter": [one.mean("macro_hter") for one in records],
                "auc": [one.mean("auc") for one in records],
                "seconds": float(np.median(costs)) if costs else None,
            }
    return rows


def agreement(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """Kendall's tau between two rankings of the methods, by mean macro HTER over the seeds and by the gain of each."""
    names = [name for name in one if name != NONE]
    means = [[float(np.mean(rows[name]["macro_hter"])) for name in names] for rows in (one, other)]
    tau = kendalltau(*means)
    return {"kendall_tau": float(tau.statistic), "p": float(tau.pvalue), "methods": len(names)}


def page(result: Mapping[str, Any]) -> str:
    """The result for people."""
    depths = list(result["stages"])
    agreed = result["agreement"]
    lines = [
        f"# {result['cell']}: the whole trunk adapts",
        "",
        f"`{result['command']}`, seeds {', '.join(map(str, result['seeds']))}; {result['hardware']['processor']}.",
        "",
        "Macro HTER in %, mean over the seven masks and the seeds (each seed in brackets); AUC; seconds of an",
        "adaptation and its judgement, median of the seeds. Left: the last stage and the heads; right: every stage.",
        "",
        "| method | macro HTER | AUC | s | macro HTER, whole | AUC, whole | s |",
        "|---|---|---|---|---|---|---|",
    ]
    first = result["stages"][depths[0]]
    for name in sorted(first, key=lambda name: float(np.mean(first[name]["macro_hter"]))):
        cells = [_cells(result["stages"][depth][name]) for depth in depths]
        lines.append(f"| {BY_NAME[name].title} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Kendall's tau between the two rankings of {agreed['methods']} methods: {agreed['kendall_tau']:.2f} "
        f"(p {agreed['p']:.2g}).",
    ]
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any]) -> str:
    each = ", ".join(f"{100.0 * value:.1f}" for value in row["macro_hter"])
    seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f}"
    return f"{100.0 * float(np.mean(row['macro_hter'])):.1f} ({each}) | {float(np.mean(row['auc'])):.3f} | {seconds}"
