"""Temperature and threshold of every mask, on presentations of people that trained nothing.

Policy of the threshold: the stricter of two points of the source-dev curve: the lowest threshold at which no species
has more than 5 % APCER, and the point where APCER and BPCER are equal. Losing a modality never lowers the bar of the
masks that contain it: each mask has its own threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from core.metrics.ranking import equal_error, error_curve
from core.verdict import sigmoid

MAX_APCER = 0.05
_EDGE = 1e-6
_LOG_TEMPERATURE = (-3.0, 3.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Divisor of the raw logit and threshold of the pooled score, of one mask."""

    temperature: float
    threshold: float


def calibrate(logits: NDArray[np.float64], species: NDArray[np.str_]) -> Calibration:
    """Calibrate one mask from pooled raw logits ``(P,)`` of presentations and their species (empty = bona fide)."""
    temperature = fit_temperature(logits, species == "")
    scaled = logits / temperature
    attacks = {str(kind): scaled[species == kind] for kind in np.unique(species) if kind}
    threshold = sigmoid(choose_threshold(scaled[species == ""], attacks))
    return Calibration(temperature, min(max(threshold, _EDGE), 1.0 - _EDGE))


def fit_temperature(logits: NDArray[np.float64], bona_fide: NDArray[np.bool_]) -> float:
    """The temperature of least class-balanced negative log-likelihood (Guo et al. 2017)."""
    sign = np.where(bona_fide, 1.0, -1.0)
    weight = np.where(bona_fide, 1.0 / max(1, bona_fide.sum()), 1.0 / max(1, (~bona_fide).sum()))

    def loss(log_temperature: float) -> float:
        return float((weight * np.logaddexp(0.0, -sign * logits / math.exp(log_temperature))).sum())

    return math.exp(float(minimize_scalar(loss, bounds=_LOG_TEMPERATURE, method="bounded").x))


def choose_threshold(bona_fide: NDArray[np.float64], attacks: Mapping[str, NDArray[np.float64]]) -> float:
    """The stricter of the species-capped and the equal-error threshold, half-way to the next lower score.

    Half-way, because any threshold between two neighbouring scores decides dev alike, and the middle favours neither
    class on people that dev has not seen.
    """
    everything = np.concatenate(list(attacks.values()))
    point = max(_capped(bona_fide, scores) for scores in attacks.values())
    equal = equal_error(bona_fide, everything)
    if equal is not None:
        point = max(point, equal[1])
    scores = np.concatenate([bona_fide, everything])
    below = scores[scores < point]
    return point if below.size == 0 else (point + float(below.max())) / 2.0


def _capped(bona_fide: NDArray[np.float64], attack: NDArray[np.float64]) -> float:
    """The lowest threshold at which at most `MAX_APCER` of one species passes."""
    thresholds, apcer, _ = error_curve(bona_fide, attack)
    return float(thresholds[int(np.argmax(apcer <= MAX_APCER))])
