"""What the order of the scores says, without a threshold: AUC, EER, DET points, histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = Sequence[float] | NDArray[np.float64]


def auc(bona_fide: Scores, attack: Scores) -> float | None:
    """Probability that a bona fide scores above an attack, ties counted half; ``None`` where a class is absent."""
    positive, negative = np.asarray(bona_fide, np.float64), np.sort(np.asarray(attack, np.float64))
    if positive.size == 0 or negative.size == 0:
        return None
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).sum() / (2.0 * positive.size * negative.size))


def error_curve(
    bona_fide: Scores, attack: Scores
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Thresholds (ascending) with the APCER and the BPCER of ``score >= threshold`` at each.

    The thresholds are every finite score and one above the greatest, so that both ends of the curve are there.
    """
    positive, negative = np.sort(np.asarray(bona_fide, np.float64)), np.sort(np.asarray(attack, np.float64))
    scores = np.unique(np.concatenate([positive, negative]))
    scores = scores[np.isfinite(scores)]
    above = np.nextafter(scores[-1], np.inf) if scores.size else 0.0
    thresholds = np.append(scores, above)
    apcer = 1.0 - np.searchsorted(negative, thresholds, side="left") / max(1, negative.size)
    bpcer = np.searchsorted(positive, thresholds, side="left") / max(1, positive.size)
    return thresholds, apcer, bpcer


def equal_error(bona_fide: Scores, attack: Scores) -> tuple[float, float] | None:
    """Equal error rate and its threshold: where APCER and BPCER differ least, their mean (reliability.md 1.2)."""
    if len(bona_fide) == 0 or len(attack) == 0:
        return None
    thresholds, apcer, bpcer = error_curve(bona_fide, attack)
    best = int(np.argmin(np.abs(apcer - bpcer)))
    return float((apcer[best] + bpcer[best]) / 2.0), float(thresholds[best])


def det_points(bona_fide: Scores, attack: Scores, limit: int = 200) -> list[tuple[float, float]]:
    """At most ``limit`` points (APCER, BPCER) of the DET curve, from strict to lenient; empty without both classes."""
    if len(bona_fide) == 0 or len(attack) == 0:
        return []
    _, apcer, bpcer = error_curve(bona_fide, attack)
    corners = np.unique(np.stack([apcer, -bpcer], axis=1), axis=0) * (1.0, -1.0)
    keep = np.unique(np.linspace(0, len(corners) - 1, min(limit, len(corners))).round().astype(int))
    return [(float(a), float(b)) for a, b in corners[keep]]


def histogram(scores: Scores, bins: int = 20) -> list[int]:
    """Counts of finite scores in ``bins`` equal bins over [0, 1]."""
    values = np.asarray(scores, np.float64)
    counts, _ = np.histogram(values[np.isfinite(values)], bins=bins, range=(0.0, 1.0))
    return [int(count) for count in counts]
