"""Figures of scored presentations: threshold from dev, macro HTER, AUC, each with bounds over resampled subjects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.ranking import auc
from core.metrics.rate import cluster_index
from core.training.calibration import choose_threshold

Floats = NDArray[np.float64]
Names = NDArray[np.str_]
_RESAMPLES = 400
_SEED = 30107


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure with two-sided 95 % bounds."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Plain data, rounded to four places."""
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def threshold_of(logits: Floats, species: Names) -> float:
    """Where macro APCER equals BPCER on dev (`core.training.calibration`), of presentations that have a logit."""
    usable = np.isfinite(logits)
    logits, species = logits[usable], species[usable]
    return choose_threshold(logits[species == ""], {str(k): logits[species == k] for k in np.unique(species) if k})


def macro_hter(logits: Floats, species: Names, threshold: float) -> float:
    """(Mean over species of APCER + BPCER) / 2; no logit = refused."""
    accepted = np.nan_to_num(logits, nan=-np.inf) >= threshold
    kinds = [kind for kind in np.unique(species) if kind]
    passed = float(np.mean([accepted[species == kind].mean() for kind in kinds]))
    return (passed + float(1.0 - accepted[species == ""].mean())) / 2.0


def bounded(
    figure: Callable[[NDArray[np.intp]], float], subjects: Sequence[str] | Names, resamples: int = _RESAMPLES
) -> Bounded:
    """The figure on everything and its 95 % percentile bounds when whole subjects are drawn again.

    Args:
        figure: called with positions of presentations (some more than once); NaN where it does not exist.
        subjects: subject of each presentation.
        resamples: how often.
    """
    _, members = cluster_index([str(subject) for subject in subjects])
    order = np.argsort(members, kind="stable")
    ends = np.cumsum(np.bincount(members))
    groups = np.split(order, ends[:-1])
    random = np.random.default_rng(_SEED)
    drawn = []
    for _ in range(resamples):
        at = np.concatenate([groups[i] for i in random.integers(0, len(groups), len(groups))])
        drawn.append(figure(at))
    found = np.asarray(drawn)[np.isfinite(drawn)]
    value = figure(np.arange(len(members)))
    low, high = np.percentile(found, (2.5, 97.5)) if found.size else (np.nan, np.nan)
    return Bounded(value, min(float(low), value), max(float(high), value))


def bounded_hter(logits: Floats, species: Names, subjects: Names, threshold: float) -> Bounded:
    """Macro HTER with bounds."""

    def figure(at: NDArray[np.intp]) -> float:
        chosen = species[at]
        if not (chosen == "").any() or not (chosen != "").any():
            return float("nan")
        return macro_hter(logits[at], chosen, threshold)

    return bounded(figure, subjects)


def bounded_auc(scores: Floats, bona_fide: NDArray[np.bool_], subjects: Names) -> Bounded:
    """AUC with bounds; no score ranks below every other."""
    filled = np.nan_to_num(scores, nan=-1e9)

    def figure(at: NDArray[np.intp]) -> float:
        found = auc(filled[at][bona_fide[at]], filled[at][~bona_fide[at]])
        return float("nan") if found is None else found

    return bounded(figure, subjects)
