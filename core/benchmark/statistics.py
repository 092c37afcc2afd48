"""Paired comparison: a hierarchical bootstrap over target x seed x subject, and Holm's correction over peers.

Every method saw the same presentations, so a resample draws targets, then seeds, then the subjects of a target (the
same people for every seed and method), and the difference is taken inside it (evaluation.md section 1). With four
targets and three seeds the bounds are wide, and should be: a three-seed table ranks nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.benchmark.judging import Judged
from core.metrics.rate import cluster_draws, cluster_index

Array = NDArray[np.float64]
RESAMPLES = 2000
_SEED = 30107
LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Errors and trials ``(subjects, classes)`` of one method in one target and seed; the last class is bona fide."""

    errors: Array
    trials: Array
    subjects: tuple[str, ...]

    def macro_hter(self, weights: Array) -> Array:
        """Macro HTER ``(R,)`` when subjects count as often as ``weights (R, subjects)`` says."""
        trials = weights @ self.trials
        rates = np.where(trials > 0, (weights @ self.errors) / np.maximum(trials, 1e-12), np.nan)
        judged = np.isfinite(rates[:, :-1])
        total = np.where(judged, rates[:, :-1], 0.0).sum(axis=1)
        attacks = np.where(judged.any(axis=1), total / np.maximum(judged.sum(axis=1), 1), np.nan)
        return np.asarray((attacks + rates[:, -1]) / 2.0)

    @property
    def value(self) -> float:
        """Macro HTER of the presentations as they are."""
        return float(self.macro_hter(np.ones((1, len(self.trials))))[0])


def counts_of(judged: Judged) -> Counts:
    """Errors by subject and species; a bona fide without an answer is an error, an attack without one is no trial."""
    people = judged.people
    subjects, member = cluster_index(people.subjects.tolist())
    kinds = [*sorted(set(people.species[~people.bona_fide].tolist())), ""]
    errors, trials = np.zeros((len(subjects), len(kinds))), np.zeros((len(subjects), len(kinds)))
    accepted = np.where(judged.answered, judged.margin, -np.inf) >= 0.0
    wrong = accepted != people.bona_fide
    counted = people.bona_fide | judged.answered
    for column, kind in enumerate(kinds):
        rows = counted & (people.species == kind)
        np.add.at(errors[:, column], member[rows], wrong[rows].astype(np.float64))
        np.add.at(trials[:, column], member[rows], 1.0)
    return Counts(errors, trials, tuple(str(s) for s in subjects))


Cells = Mapping[tuple[str, int], Counts]
"""Counts of one method by target and seed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over targets and seeds, with its 95 % bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """``gain``: macro HTER of the other minus ours, positive where ours is better; cells won, tied and lost.

    A cell (target, seed, mask) is won or lost where the 95 % bounds of its paired difference leave out 0.
    """

    other: str
    gain: Estimate
    p: float
    p_holm: float
    wins: int
    ties: int
    losses: int

    @property
    def verdict(self) -> str:
        """In words, at the corrected 5 % level."""
        if self.p_holm >= 1.0 - LEVEL:
            return "not told apart"
        return "ours better" if self.gain.value > 0 else "ours worse"


def resampled(cells: Cells, seed: int = _SEED) -> Array:
    """Mean macro HTER over targets and seeds in each resample, ``(RESAMPLES,)``; the same draws for every method."""
    targets = sorted({target for target, _ in cells})
    seeds = sorted({number for _, number in cells})
    random = np.random.default_rng(seed)
    target_weight = _draws(len(targets), random)
    total, weight = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for column, target in enumerate(targets):
        seed_weight = _draws(len(seeds), random)
        values, share = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
        for row, number in enumerate(seeds):
            if (target, number) in cells:
                one = cells[target, number]
                subjects = _subject_draws(len(one.subjects), seed + 1 + column)
                values += seed_weight[:, row] * np.nan_to_num(one.macro_hter(subjects), nan=one.value)
                share += seed_weight[:, row]
        usable = share > 0
        total += np.where(usable, target_weight[:, column] * values / np.maximum(share, 1e-12), 0.0)
        weight += target_weight[:, column] * usable
    return total / np.maximum(weight, 1e-12)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Counts of one method under one condition, with their resamples."""

    cells: Cells
    drawn: Array

    @classmethod
    def of(cls, cells: Cells) -> Sample:
        """Draw once; every comparison pairs the same draws."""
        return cls(cells, resampled(cells))

    @property
    def value(self) -> float:
        """Mean macro HTER over seeds first, then over targets."""
        by_target: dict[str, list[float]] = {}
        for (target, _), counts in self.cells.items():
            by_target.setdefault(target, []).append(counts.value)
        return float(np.mean([np.mean(values) for values in by_target.values()]))


def estimate(sample: Sample) -> Estimate:
    """Mean macro HTER over targets and seeds with the bounds of the hierarchical bootstrap."""
    return _bounded(sample.value, sample.drawn)


def compare(ours: Sequence[Sample], others: Mapping[str, Sequence[Sample]]) -> list[Comparison]:
    """Ours against each other method; every entry of a sequence is one mask, and the gain is the mean over masks."""
    mine = np.mean([one.drawn for one in ours], axis=0)
    found = []
    for name, theirs in others.items():
        gain = float(np.mean([t.value - o.value for t, o in zip(theirs, ours, strict=True)]))
        drawn = np.mean([one.drawn for one in theirs], axis=0) - mine
        found.append((name, _bounded(gain, drawn), two_sided(drawn), _won(ours, theirs)))
    corrected = holm([p for _, _, p, _ in found])
    return [Comparison(name, gain, p, corrected[i], *won) for i, (name, gain, p, won) in enumerate(found)]


def two_sided(differences: Array) -> float:
    """Twice the share of resamples on the rarer side of 0, at most 1 and at least one resample's worth.

    1 where a resample has no value: what could not be judged is no difference.
    """
    if not np.isfinite(differences).all():
        return 1.0
    below, above = np.mean(differences <= 0.0), np.mean(differences >= 0.0)
    return min(1.0, max(2.0 * min(float(below), float(above)), 2.0 / len(differences)))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): adjusted values in the order given."""
    order = np.argsort(p, kind="stable")
    adjusted, highest = np.zeros(len(p)), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[at]))
        adjusted[at] = highest
    return [float(value) for value in adjusted]


def _won(ours: Sequence[Sample], theirs: Sequence[Sample]) -> tuple[int, int, int]:
    wins = ties = losses = 0
    for mine, other in zip(ours, theirs, strict=True):
        for key, counts in mine.cells.items():
            draws = _subject_draws(len(counts.subjects), _SEED)[: RESAMPLES // 4]
            gain = other.cells[key].macro_hter(draws) - counts.macro_hter(draws)
            low, high = _bounds(gain)
            wins, losses = wins + (low > 0.0), losses + (high < 0.0)
            ties += not (low > 0.0 or high < 0.0)
    return wins, ties, losses


@lru_cache(maxsize=64)
def _subject_draws(count: int, seed: int) -> Array:
    return cluster_draws(count, RESAMPLES, seed)


def _draws(count: int, random: np.random.Generator) -> Array:
    return random.multinomial(count, np.full(count, 1.0 / count), size=RESAMPLES).astype(np.float64)


def _bounded(value: float, drawn: Array) -> Estimate:
    low, high = _bounds(drawn)
    return Estimate(value, low, high)


def _bounds(drawn: Array) -> tuple[float, float]:
    """95 % of the resamples that have a value; NaN where none has."""
    usable = drawn[np.isfinite(drawn)]
    low, high = np.percentile(usable, _tails()) if usable.size else (np.nan, np.nan)
    return float(low), float(high)


def _tails() -> list[float]:
    return [50.0 * (1.0 - LEVEL), 100.0 - 50.0 * (1.0 - LEVEL)]
