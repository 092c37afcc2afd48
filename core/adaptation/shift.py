"""Has the evidence of a modality moved? Two spans of verdicts are compared, without a label and without the model.

The scores of a modality in both spans are counted in the same bins, the deciles of both spans together. Their distance
is the population stability index (Siddiqi 2006, Credit Risk Scorecards): Jeffreys' divergence of the two histograms,

    PSI = sum_b (q_b - p_b) ln(q_b / p_b)        p_b = (n_b + 1/2) / (n + B/2), q_b alike

It is above zero also where nothing moved, about (B - 1)(1/n + 1/m) (Yurdakul and Naranjo 2020), which for 200 verdicts
is as much as the customary limit of 0.1. So chance is measured: verdicts are dealt to the two spans anew many times, in
blocks of some that came in a row, because one person may come several times. The mean of that is taken off, and the
share of deals that reach as far is the p-value ((b + 1) / (m + 1), Phipson and Smyth 2010), by Holm over modalities.
A shift is of people, light, camera or of the share of attacks alike: it says that something moved, not what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codes import Movement
from core.frames import Modality

MOVED, MOVED_FAR = 0.1, 0.25
"""The customary limits of the index: below the first no change, above the second a change that calls for action."""
FEWEST = 40
"""Verdicts in each span below which nothing is compared."""
ENOUGH = 160
"""Verdicts in each span from which chance alone stays below `MOVED` where nobody comes twice: with 9 degrees of freedom
its 95 % quantile lies 7.9 (1/n + 1/m) above its mean."""
_LEVEL = 0.05
_BINS = 10
_BLOCK = 10
"""Verdicts in a row. People who came four times each passed for a shift in 3 % of samples, without blocks in 82 %."""
_DEALS = 999

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shift:
    """One modality. ``before`` and ``now`` are numbers of verdicts.

    ``moved``: the index without what chance gives it on the mean; ``chance``: what chance alone reaches of it, the 95 %
    quantile of the deals; ``p`` is Holm's.
    """

    modality: Modality
    movement: Movement
    moved: float
    chance: float
    p: float
    before: int
    now: int


def shifts(before: Mapping[Modality, Sequence[float]], now: Mapping[Modality, Sequence[float]]) -> list[Shift]:
    """Compare two spans of scores, each in the order in which they came, for every modality that either has.

    The same scores give the same answer: the deals are drawn from a fixed seed.
    """
    found = [_compared(m, before.get(m, ()), now.get(m, ())) for m in Modality if before.get(m) or now.get(m)]
    p_values = _holm([one.p for one in found])
    return [_named(one, p) for one, p in zip(found, p_values, strict=True)]


def _compared(modality: Modality, before: Sequence[float], now: Sequence[float]) -> Shift:
    """With its own p-value, and not yet named."""
    old, new = np.asarray(before, np.float64), np.asarray(now, np.float64)
    if min(len(old), len(new)) < FEWEST:
        return Shift(modality, Movement.TOO_LITTLE, 0.0, 0.0, 1.0, len(old), len(new))
    both = np.concatenate([old, new])
    edges = np.unique(np.quantile(both, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
    places = np.searchsorted(edges, both, side="right")
    counts = _block_counts(places, len(old), len(edges) + 1)
    blocks_before = -(-len(old) // _BLOCK)
    index = float(_psi(counts[:blocks_before].sum(axis=0), counts[blocks_before:].sum(axis=0)))
    chance = _dealt(counts, blocks_before)
    mean = float(chance.mean())
    p = (1 + int((chance >= index - 1e-12).sum())) / (1 + len(chance))
    reach = float(np.quantile(chance, 1.0 - _LEVEL)) - mean
    return Shift(modality, Movement.TOO_LITTLE, max(0.0, index - mean), reach, p, len(old), len(new))


def _named(one: Shift, p: float) -> Shift:
    """Not shown is "as before" only where a shift that matters would have been seen."""
    if min(one.before, one.now) < FEWEST:
        movement = Movement.TOO_LITTLE
    elif p <= _LEVEL and one.moved >= MOVED:
        movement = Movement.MOVED_FAR if one.moved >= MOVED_FAR else Movement.MOVED
    else:
        movement = Movement.TOO_LITTLE if one.chance > MOVED else Movement.AS_BEFORE
    return Shift(one.modality, movement, one.moved, one.chance, p, one.before, one.now)


def _block_counts(places: NDArray[np.intp], first: int, bins: int) -> NDArray[np.int64]:
    """How many of each block fall into each bin, ``(blocks, bins)``; no block reaches over the two spans."""
    rows = [
        np.bincount(span[start : start + _BLOCK], minlength=bins)
        for span in (places[:first], places[first:])
        for start in range(0, len(span), _BLOCK)
    ]
    return np.array(rows, np.int64)


def _dealt(counts: NDArray[np.int64], before: int) -> Scores:
    """The index of every deal of the blocks to the two spans."""
    random = np.random.default_rng(0)
    total = counts.sum(axis=0)
    deals = np.zeros((_DEALS, len(counts)), np.int64)
    deals[:, :before] = 1
    dealt = random.permuted(deals, axis=1) @ counts
    return _psi(dealt, total - dealt)


def _psi(old: NDArray[np.int64], new: NDArray[np.int64]) -> Scores:
    """The index of counts ``(..., bins)``."""
    bins = old.shape[-1]
    p = (old + 0.5) / (old.sum(axis=-1, keepdims=True) + 0.5 * bins)
    q = (new + 0.5) / (new.sum(axis=-1, keepdims=True) + 0.5 * bins)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1), np.float64)


def _holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979), in the order given."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
