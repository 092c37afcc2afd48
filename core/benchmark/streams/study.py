"""What the study runs: the two tables, the label curve, the checkpoint case, harm, ablations and proofs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from core.benchmark.scenes import frozen_domains, recipe_digest
from core.benchmark.streams.base import AdaptationMethod
from core.benchmark.streams.cells import CELLS, CLOSER, StreamCell
from core.benchmark.streams.folds import Fold, Opened, make_inputs, open_fold
from core.benchmark.streams.methods.ablation import ABLATIONS
from core.benchmark.streams.methods.registry import (
    BY_NAME,
    NONE,
    OURS,
    OURS_BOUND,
    REPLAY,
    THRESHOLD,
    THRESHOLD_BOUND,
    table,
    together,
)
from core.benchmark.streams.proofs import prove
from core.benchmark.streams.runs import Stream, run_stream
from core.benchmark.streams.size import StreamSize
from core.benchmark.tables import make_tables
from core.benchmark.work import Canceled, Report, Work, stop_if

CURVE = (5, 10, 50)
CURVE_METHODS = (OURS, THRESHOLD, "linear_probe", REPLAY)
CHECKPOINT_METHODS = (OURS, NONE, THRESHOLD, REPLAY)
HARM_METHODS = (OURS, OURS_BOUND, NONE, THRESHOLD, THRESHOLD_BOUND)
"""Two adaptations, one of them none."""


@dataclass(frozen=True, slots=True)
class StreamsPlan:
    """What is run. ``harm``: draws of each cell beside the first; ``further``: curve, checkpoint, ablations, proofs."""

    size: StreamSize
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    harm: int
    further: bool = True
    most_cells: int = len(CELLS)
    """Of each target."""
    harm_seeds: tuple[int, ...] = ()
    """On whose networks all draws run; none = the first seed's."""

    @property
    def all_drawn(self) -> tuple[int, ...]:
        """The seeds on whose networks all draws run."""
        return self.harm_seeds or self.seeds[:1]

    def cells(self, target: str) -> list[StreamCell]:
        """The cells at a target, those that are looked at closer first."""
        found = sorted((cell for cell in CELLS if cell.target == target), key=lambda cell: cell not in CLOSER)
        return sorted(found[: self.most_cells], key=CELLS.index)

    def adaptations(self, target: str, seed: int) -> list[tuple[Stream, tuple[AdaptationMethod, ...]]]:
        """Every stream at a target with what runs on it: the methods that share an adaptation stand together."""
        found: dict[Stream, list[AdaptationMethod]] = {}
        for stream, method in self.streams(target, seed):
            found.setdefault(stream, []).append(method)
        return [(stream, methods) for stream, rows in found.items() for methods in together(rows)]

    def streams(self, target: str, seed: int) -> list[tuple[Stream, AdaptationMethod]]:
        """Every stream at a target with every method that runs on it."""
        chosen = self.cells(target)
        labels = self.size.labels
        found: list[tuple[Stream, AdaptationMethod]] = []
        for cell in chosen:
            for count in (labels, 0):
                rows = [method for method in table(count > 0) if method.name in self.methods]
                found += [(Stream(cell, seed, 0, count), method) for method in rows]
            if not self.further or cell not in CLOSER:
                continue
            found += [(Stream(cell, seed, 0, n), BY_NAME[m]) for n in (labels, *CURVE) for m in CURVE_METHODS]
            checkpoint = Stream(cell, seed, 0, labels, bona_fide_only=True)
            found += [(checkpoint, BY_NAME[m]) for m in CHECKPOINT_METHODS]
            found += [(Stream(cell, seed, 0, 0), method) for method in ABLATIONS]
        if seed in self.all_drawn:
            found += [
                (Stream(cell, seed, draw, labels), BY_NAME[m])
                for draw in range(1, self.harm + 1)
                for cell in chosen
                for m in HARM_METHODS
            ]
        return list(dict.fromkeys(found))


def work_of(root: Path, size: StreamSize) -> Work:
    """Where the pieces of a size and of today's scenes lie."""
    return Work(root / f"{size.name}-{size.digest()[:8]}-{recipe_digest()[:12]}")


def fold_of(size: StreamSize, work: Work, target: str, seed: int, stages: int = 1) -> Fold:
    """A target's fold: every other frozen domain trains; the target's own camera may hang elsewhere."""
    domains = frozen_domains()
    sources = tuple(domain for name, domain in domains.items() if name != target)
    return Fold(work.root, size, sources, domains[target], seed, stages)


def run_plan(plan: StreamsPlan, work: Work, processes: int, report: Report, canceled: Canceled) -> None:
    """Make every piece of the plan that does not lie there.

    Raises:
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    torch.set_num_threads(1)
    work.sweep()
    folds = [fold_of(plan.size, work, target, seed) for seed in plan.seeds for target in plan.targets]
    prepare_folds(folds, work, processes, report, canceled)
    todo = [_Task(fold, tuple(plan.adaptations(fold.target.name, fold.seed)), plan.further) for fold in folds]
    total = sum(len(task.adaptations) for task in todo)
    done = 0
    for task in todo:
        task.run(work, canceled, _from(report, done, total))
        done += len(task.adaptations)


def prepare_folds(folds: Sequence[Fold], work: Work, processes: int, report: Report, canceled: Canceled) -> None:
    """Render and prepare what the folds read, unless it lies there.

    Raises:
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    size = folds[0].size
    wanted = list(dict.fromkeys(pair for fold in folds for pair in fold.sets))
    make_tables(work, wanted, size, processes, report, canceled)
    for number, (domain, split) in enumerate(wanted):
        report("inputs", number / len(wanted))
        make_inputs(work, domain, split, size, canceled)


@dataclass(frozen=True, slots=True)
class _Task:
    fold: Fold
    adaptations: tuple[tuple[Stream, tuple[AdaptationMethod, ...]], ...]
    proofs: bool

    def run(self, work: Work, canceled: Canceled, finished: Callable[[int], None]) -> None:
        """Every stream of a fold, the fold opened once."""
        proof = proof_piece(self.fold)
        if all(work.has(s.of(m.name)) for s, shared in self.adaptations for m in shared) and (
            work.has(proof) or not self.proofs
        ):
            return
        opened: Opened = open_fold(self.fold, canceled)
        for number, (stream, methods) in enumerate(self.adaptations):
            stop_if(canceled)
            finished(number)
            run_stream(opened, self.fold, stream, methods)
        if self.proofs and not work.has(proof):
            cells = [stream for stream, shared in self.adaptations if BY_NAME[OURS] in shared and stream.draw == 0]
            first: Sequence[Stream] = [s for s in cells if s.labels == self.fold.size.labels and not s.bona_fide_only]
            work.save_json(proof, prove(opened, self.fold, first))


def proof_piece(fold: Fold) -> str:
    """Where the proofs of a fold lie."""
    return f"proofs/{fold.name}.json"


def _from(report: Report, done: int, total: int) -> Callable[[int], None]:
    return lambda number: report("streams", (done + number) / max(1, total))
