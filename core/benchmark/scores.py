"""The figures of evaluation.md section 1 for one set of judged presentations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.benchmark.judging import Array, Judged
from core.metrics.ranking import auc, equal_error, error_curve

_BINS = 10
FIGURES = ("macro_hter", "apcer_max", "auc", "eer", "bpcer", "pooled_hter", "oracle_hter", "ece", "brier", "aurc")
"""``macro_hter`` is primary. ``oracle_hter``: the least pooled HTER of any threshold, found on the target itself, as
much literature reports (method.md 2.5); it is never what a site would see."""


def figures(judged: Judged) -> dict[str, float]:
    """All of `FIGURES`, and ``non_response``; NaN where a class is absent.

    A bona fide without an answer is an error and ranks below everything; an attack without one is told in
    ``non_response`` alone.
    """
    bona_fide = judged.people.bona_fide
    asked = bona_fide | judged.answered
    margin = np.where(judged.answered, judged.margin, -np.inf)[asked]
    bona_fide = bona_fide[asked]
    accepted = margin >= 0.0
    bpcer = _share(~accepted[bona_fide])
    by_species = apcer(judged)
    worst = max(by_species.values(), default=np.nan)
    macro = float(np.mean(list(by_species.values()))) if by_species else np.nan
    positive, negative = margin[bona_fide], margin[~bona_fide]
    equal = equal_error(positive, negative)
    score = np.where(judged.answered, judged.score, 0.0)[asked]
    return {
        "macro_hter": (macro + bpcer) / 2.0,
        "apcer_max": worst,
        "auc": _number(auc(positive, negative)),
        "eer": np.nan if equal is None else equal[0],
        "bpcer": bpcer,
        "pooled_hter": (_share(accepted[~bona_fide]) + bpcer) / 2.0,
        "oracle_hter": oracle_hter(positive, negative),
        "ece": ece(score, bona_fide),
        "brier": float(np.mean((score - bona_fide) ** 2)),
        "aurc": aurc(margin, bona_fide),
        "non_response": float(np.mean(~judged.answered)),
    }


def apcer(judged: Judged) -> Mapping[str, float]:
    """APCER of each species among the presentations that were answered."""
    attacks = ~judged.people.bona_fide & judged.answered
    kinds = np.unique(judged.people.species[attacks])
    return {str(k): _share(judged.margin[attacks & (judged.people.species == k)] >= 0.0) for k in kinds}


def oracle_hter(bona_fide: Array, attack: Array) -> float:
    """The least (APCER + BPCER) / 2 over all thresholds (Youden's point on the judged set itself)."""
    if bona_fide.size == 0 or attack.size == 0:
        return float(np.nan)
    _, accepted, refused = error_curve(bona_fide, attack)
    return float(((accepted + refused) / 2.0).min())


def ece(score: Array, bona_fide: NDArray[np.bool_]) -> float:
    """Expected calibration error over bins of equal mass (equal scores share one); the classes weigh alike."""
    if bona_fide.all() or not bona_fide.any():
        return float(np.nan)
    weight = np.where(bona_fide, 0.5 / bona_fide.sum(), 0.5 / (~bona_fide).sum())
    _, place = np.unique(score, return_inverse=True)
    mass = np.bincount(place, weights=weight)
    middle = np.cumsum(mass) - mass / 2.0
    bins = np.minimum((middle * _BINS).astype(int), _BINS - 1)[place]
    total = 0.0
    for number in range(_BINS):
        rows = np.flatnonzero(bins == number)
        total += abs(float(weight[rows] @ score[rows]) - float(weight[rows] @ bona_fide[rows]))
    return total


def aurc(margin: Array, bona_fide: NDArray[np.bool_]) -> float:
    """Area under the risk-coverage curve when the least certain, by the distance to the threshold, are left out."""
    certainty = np.where(np.isfinite(margin), np.abs(margin), -np.inf)
    wrong = (margin >= 0.0) != bona_fide
    ordered = wrong[np.argsort(-certainty, kind="stable")]
    return float(np.mean(np.cumsum(ordered) / np.arange(1, len(ordered) + 1))) if len(ordered) else float(np.nan)


def _share(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if found.size else float(np.nan)


def _number(value: float | None) -> float:
    return float(np.nan) if value is None else value
