"""Guarantee 3: relief does not give everything away.

Share of attacks with correct relief or without depth, AUC of the curved-sheet baseline, and AUC of a logistic on all
physics figures (fitted on the other frozen domains, as everything is that is judged here).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.benchmark.guarantees.figures import Bounded, bounded, bounded_auc
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.tables import Rows
from core.codes import Species
from core.scenes.artefacts import MASKS

MIN_SHARE, MAX_SHEET_AUC, MAX_LOGISTIC_AUC = 0.40, 0.92, 0.95
CORRECT_RELIEF = frozenset(str(species) for species in (*MASKS, Species.MANNEQUIN))
"""Worn instruments and busts. Sheets and screens are not among them, however bent."""
_STRENGTH = 0.3


def relief_findings(domain: str, judged: Rows, training: Sequence[Rows]) -> list[Finding]:
    """The three checks on the presentations ``judged``; the logistic learns from ``training``."""
    return [
        Finding(3, f"relief/hidden_share/{domain}", hidden_share(judged), (MIN_SHARE, None)),
        Finding(3, f"relief/sheet_auc/{domain}", sheet_auc(judged), (None, MAX_SHEET_AUC)),
        Finding(3, f"relief/physics_auc/{domain}", physics_auc(judged, training), (None, MAX_LOGISTIC_AUC)),
    ]


def hidden_share(rows: Rows) -> Bounded:
    """Share of attacks whose relief is right, or whose depth was not measured."""
    measured = rows.pooled(rows.presence[:, 1].astype(np.float64)) > 0
    hidden = np.array([kind in CORRECT_RELIEF for kind in rows.species]) | ~measured
    attacks = np.flatnonzero(~rows.bona_fide)
    return bounded(lambda at: float(hidden[attacks[at]].mean()), rows.subjects[attacks])


def sheet_auc(rows: Rows) -> Bounded:
    """AUC of `builtin:sheet`."""
    return bounded_auc(rows.pooled(rows.sheet.astype(np.float64)), rows.bona_fide, rows.subjects)


def physics_auc(judged: Rows, training: Sequence[Rows]) -> Bounded:
    """AUC of a logistic regression on every physics figure (`core.model.evidence`)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    figures = np.concatenate([rows.evidence for rows in training])
    labels = np.concatenate([rows.bona_fide[rows.owner] for rows in training])
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=1000))
    logistic.fit(figures, labels)
    scores = judged.pooled(np.asarray(logistic.decision_function(judged.evidence), dtype=np.float64))
    return bounded_auc(scores, judged.bona_fide, judged.subjects)
