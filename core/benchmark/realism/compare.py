"""Distances between two sets of statistics, one number a statistic, and what a linear probe makes of them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.benchmark.guarantees.figures import Bounded, bounded_auc
from core.benchmark.realism.statistics import STATISTICS

_FOLDS = 6
_SEED = 30107
_STRENGTH = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Statistics ``float64 (N, K)`` in the order of `STATISTICS` and the subject of each crop."""

    values: NDArray[np.float64]
    subjects: NDArray[np.str_]


def distances(real: Measured, rendered: Measured) -> dict[str, dict[str, float | None]]:
    """Per statistic: medians of both, Kolmogorov-Smirnov distance 0..1, Wasserstein distance over the real spread."""
    from scipy.stats import ks_2samp, wasserstein_distance

    found: dict[str, dict[str, float | None]] = {}
    for column, name in enumerate(STATISTICS):
        one, other = (part.values[np.isfinite(part.values[:, column]), column] for part in (real, rendered))
        if len(one) < 2 or len(other) < 2:
            found[name] = {"real": None, "rendered": None, "ks": None, "wasserstein": None}
            continue
        spread = max(float(np.subtract(*np.percentile(one, (75, 25)))), 1e-9)
        found[name] = {
            "real": round(float(np.median(one)), 4),
            "rendered": round(float(np.median(other)), 4),
            "ks": round(float(ks_2samp(one, other).statistic), 3),
            "wasserstein": round(float(wasserstein_distance(one, other)) / spread, 3),
        }
    return found


def probe_auc(real: Measured, rendered: Measured) -> Bounded:
    """AUC of a logistic on all statistics, each crop scored by a probe that saw no crop of its subject.

    0.5: the statistics cannot tell; 1: they always can. Statistics that are missing count as the median.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = np.concatenate([real.values, rendered.values])
    known = np.isfinite(values).any(axis=0)
    subjects = np.concatenate([real.subjects, rendered.subjects])
    is_real = np.arange(len(values)) < len(real.values)
    probe = make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000),
    )
    folds = StratifiedGroupKFold(n_splits=min(_FOLDS, len(set(real.subjects)), len(set(rendered.subjects))))
    shares = cross_val_predict(probe, values[:, known], is_real, groups=subjects, cv=folds, method="predict_proba")
    return bounded_auc(np.asarray(shares[:, 1], dtype=np.float64), is_real, subjects)
