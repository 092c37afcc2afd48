"""A rate never stands alone: errors, trials and two-sided 95 % bounds (reliability.md sections 1.2 and 1.3)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_RESAMPLES = 2000
_BOOTSTRAP_SEED = 30107


@dataclass(frozen=True, slots=True)
class Rate:
    """``errors / trials`` with Clopper-Pearson bounds; the clustered bounds are set where subjects are known."""

    value: float
    errors: int
    trials: int
    low: float
    high: float
    low_clustered: float | None = None
    high_clustered: float | None = None

    def as_json(self) -> dict[str, float | int]:
        """The form of formats.md; clustered bounds only where they exist."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def clopper_pearson(errors: float, trials: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact two-sided bounds of a binomial proportion (Clopper and Pearson 1934).

    Both arguments may be fractional (effective sample sizes, Korn and Graubard 1998). ``trials`` must be positive.
    """
    from scipy.special import betaincinv  # heavy: only where figures are made

    if not 0 <= errors <= trials or trials <= 0:
        raise ValueError(f"{errors} errors in {trials} trials")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1.0 - tail))
    return low, high


def rate_of(failed: Sequence[bool], subjects: Sequence[str] = ()) -> Rate | None:
    """The rate of ``True`` in ``failed``, one entry a presentation; ``None`` where there is none.

    ``subjects`` names the subject of each presentation; the clustered bounds are left out unless all are named.
    """
    trials = len(failed)
    if trials == 0:
        return None
    errors = sum(failed)
    low, high = clopper_pearson(errors, trials)
    if len(subjects) != trials or not all(subjects):
        return Rate(errors / trials, errors, trials, low, high)
    clustered_low, clustered_high = clustered_bounds(failed, subjects)
    return Rate(errors / trials, errors, trials, low, high, min(low, clustered_low), max(high, clustered_high))


def clustered_bounds(failed: Sequence[bool], subjects: Sequence[str]) -> tuple[float, float]:
    """Two-sided 95 % bounds of a pooled rate when presentations of one subject are alike.

    Percentiles of a bootstrap that draws whole subjects. Where that bootstrap says nothing (one subject, or no error
    at all, or nothing but errors) each subject counts as a single trial: no error among six people bounds little.
    """
    _, members = cluster_index(subjects)
    trials = np.bincount(members).astype(np.float64)
    errors = np.bincount(members, weights=np.asarray(failed, np.float64))
    rates = errors / trials
    if len(rates) == 1 or rates.max() == 0.0 or rates.min() == 1.0:
        return clopper_pearson(float(rates[0]) * len(rates), len(rates))
    draws = cluster_draws(len(trials), _RESAMPLES, _BOOTSTRAP_SEED)
    resampled = (draws @ errors) / (draws @ trials)
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(resampled, [tail, 100.0 - tail])
    return float(low), float(high)


def cluster_index(clusters: Sequence[Hashable]) -> tuple[list[Hashable], NDArray[np.intp]]:
    """The distinct clusters in order of appearance, and for each entry the position of its cluster."""
    order: dict[Hashable, int] = {}
    members = np.array([order.setdefault(cluster, len(order)) for cluster in clusters], dtype=np.intp)
    return list(order), members


def cluster_draws(clusters: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each cluster occurs in each bootstrap resample: ``(resamples, clusters)``."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=resamples).astype(np.float64)
