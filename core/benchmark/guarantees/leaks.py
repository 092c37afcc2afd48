"""Guarantee 7: neither the circumstances nor the making of a crop tell the label.

A boosted-tree classifier on the circumstances that the scene drew (distance, pose, exposure, background, image chain)
and one on metadata of the crops, cross-validated by subject, on every presentation of the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.benchmark.guarantees.figures import Bounded, bounded_auc
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.metadata import CONTENT, METADATA
from core.benchmark.guarantees.tables import Rows

MAX_AUC = 0.60
_FOLDS = 5
_SEED = 30107


def leak_findings(domain: str, splits: Sequence[Rows]) -> list[Finding]:
    """The two leak checks on all presentations of a domain."""
    bona_fide = np.concatenate([rows.bona_fide for rows in splits])
    subjects = np.concatenate([rows.subjects for rows in splits])
    found = []
    sources = {
        "circumstances": (np.concatenate([rows.nuisance for rows in splits]), splits[0].nuisance_names),
        "metadata": (np.concatenate([rows.metadata for rows in splits]), METADATA),
    }
    for source, (figures, names) in sources.items():
        measured = leak_auc(figures, bona_fide, subjects)
        details: dict[str, Any] = {"presentations": len(bona_fide), "single": single_aucs(figures, bona_fide, names)}
        if source == "metadata":
            seen = np.concatenate([rows.content for rows in splits])
            details["content"] = single_aucs(seen, bona_fide, CONTENT, len(CONTENT))
        found.append(Finding(7, f"leak/{source}/{domain}", measured, (None, MAX_AUC), by_bound=True, details=details))
    return found


def leak_auc(figures: NDArray[np.float32], bona_fide: NDArray[np.bool_], subjects: NDArray[np.str_]) -> Bounded:
    """AUC of boosted trees on ``figures (P, K)``, each presentation scored by trees that saw nothing of its subject."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    trees = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, learning_rate=0.08, min_samples_leaf=15, random_state=_SEED
    )
    folds = GroupKFold(n_splits=_FOLDS, shuffle=True, random_state=_SEED)
    shares = cross_val_predict(trees, figures, bona_fide, groups=subjects, cv=folds, method="predict_proba")
    return bounded_auc(np.asarray(shares[:, 1], dtype=np.float64), bona_fide, subjects)


def single_aucs(
    figures: NDArray[np.float32], bona_fide: NDArray[np.bool_], names: Sequence[str], most: int = 3
) -> dict[str, float]:
    """The figures that tell most by themselves, by name, with their AUC in the better direction."""
    from core.metrics.ranking import auc

    found = {}
    for column, name in enumerate(names):
        one = auc(figures[bona_fide, column], figures[~bona_fide, column])
        if one is not None:
            found[name] = round(max(one, 1.0 - one), 3)
    return dict(sorted(found.items(), key=lambda pair: -pair[1])[:most])
