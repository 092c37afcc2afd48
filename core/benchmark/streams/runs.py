"""One stream under one method: adapted, given thresholds, judged, and kept as a piece of a few kilobytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.adaptation.judging import Judged
from core.benchmark.statistics import Counts, counts_of
from core.benchmark.streams.base import AdaptationMethod
from core.benchmark.streams.cells import CELLS, StreamCell
from core.benchmark.streams.folds import Fold, Opened
from core.benchmark.streams.judging import FIGURES, Outcome, outcome, presented, thresholds
from core.benchmark.streams.material import Material, material_of
from core.benchmark.streams.methods.registry import NONE
from core.benchmark.streams.rates import factor_of
from core.benchmark.work import Work
from core.training.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Stream:
    """A cell with everything that is drawn. ``labels`` 0 = the unlabelled table; ``stages``: see `Fold`."""

    cell: StreamCell
    seed: int
    draw: int
    labels: int
    bona_fide_only: bool = False
    stages: int = 1

    @property
    def piece(self) -> str:
        """The folder of its pieces."""
        kind = f"l{self.labels}{'-bona-fide' if self.bona_fide_only else ''}"
        kind += f"-stages{self.stages}" if self.stages > 1 else ""
        return f"runs/to-{self.cell.target}-s{self.seed}/c{CELLS.index(self.cell):02d}-d{self.draw}-{kind}"

    def of(self, method: str) -> str:
        """Where what a method did lies, under the learning rate that it has at the target."""
        factor = factor_of(self.cell.target, method)
        return f"{self.piece}/{method}{'' if factor == 1.0 else f'-x{factor:g}'}.npz"

    def material(self, opened: Opened, fold: Fold, method: str) -> Material:
        """What a method adapts on."""
        drawn = 1000 * self.seed + self.draw
        size = fold.size
        found = material_of(
            opened.source, opened.site, self.cell, self.labels, drawn, size.steps, size.rows,
            bona_fide_only=self.bona_fide_only,
        )  # fmt: skip
        return replace(found, rate=factor_of(self.cell.target, method))


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is kept: ``figures`` of each name ``(7,)``, and the counts of errors under each mask."""

    figures: dict[str, NDArray[np.float64]]
    counts: tuple[Counts, ...]

    def mean(self, name: str) -> float:
        """Mean over the seven masks."""
        return float(np.nanmean(self.figures[name]))

    def complete(self, name: str) -> float:
        """Under the complete mask."""
        return float(self.figures[name][-1])


def run_stream(opened: Opened, fold: Fold, stream: Stream, methods: Sequence[AdaptationMethod]) -> None:
    """Adapt once, with what ``methods`` share, and keep how each fares; a record that lies there already stays."""
    work = Work(fold.root)
    missing = [method for method in methods if not work.has(stream.of(method.name))]
    if not missing:
        return
    started = time.monotonic()
    material = stream.material(opened, fold, missing[0].name)
    found = missing[0].adapt(material)
    logits = found(opened.test.early).numpy()
    told = presented(found, opened.source.dev, material.labelled)
    for method in missing:
        keep(work, stream.of(method.name), outcome(logits, opened.test, _thresholds(method, opened, told, material)))
    work.note(f"adapting {stream.of(missing[0].name)}", time.monotonic() - started)


def _thresholds(method: AdaptationMethod, opened: Opened, told: list[Judged], material: Material) -> list[Calibration]:
    """By the rule of a row: unadapted has the champion's, from source-dev alone."""
    if method.bound:
        return opened.champion.binds(told, material.labelled)
    return thresholds(opened.champion.dev if method.name == NONE else told)


def keep(work: Work, piece: str, found: Outcome) -> None:
    """Write a record."""
    counts = [counts_of(one) for one in found.judged]
    arrays: dict[str, NDArray[np.generic]] = dict(found.figures.items())
    arrays["errors"] = np.stack([one.errors for one in counts]).astype(np.uint8)
    arrays["trials"] = np.stack([one.trials for one in counts]).astype(np.uint8)
    arrays["subjects"] = np.array(counts[0].subjects)
    with work.making(piece) as path, path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def record(work: Work, piece: str) -> Record:
    """Read one."""
    arrays = work.load_arrays(piece)
    subjects = tuple(str(s) for s in arrays["subjects"].tolist())
    pairs = zip(arrays["errors"].astype(np.float64), arrays["trials"].astype(np.float64), strict=True)
    return Record({name: arrays[name] for name in FIGURES}, tuple(Counts(e, t, subjects) for e, t in pairs))
