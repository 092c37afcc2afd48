"""The slope of a series with its confidence bounds, honest about samples that resemble their neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Slope:
    """Least squares through ``n`` samples, per hour, with two-sided 95 % bounds."""

    value: float
    low: float
    high: float
    n: int


def slope_per_hour(seconds: Sequence[float], values: Sequence[float]) -> Slope | None:
    """The slope; ``None`` for fewer than five samples.

    The standard error is widened by the first autocorrelation of the residuals: memory moves in steps, and a hundred
    samples of one step are not a hundred observations.
    """
    if len(values) < 5:
        return None
    hours = np.asarray(seconds, np.float64) / 3600.0
    fit = stats.linregress(hours, values)
    residuals = np.asarray(values, np.float64) - (fit.slope * hours + fit.intercept)
    power = float(residuals @ residuals)
    correlation = float(residuals[1:] @ residuals[:-1]) / power if power > 0.0 else 0.0
    correlation = min(max(correlation, 0.0), 0.95)
    error = float(fit.stderr) * math.sqrt((1.0 + correlation) / (1.0 - correlation))
    independent = max(3.0, len(values) * (1.0 - correlation) / (1.0 + correlation))
    half = float(stats.t.ppf(0.975, independent - 2.0)) * error
    return Slope(float(fit.slope), float(fit.slope) - half, float(fit.slope) + half, len(values))
