"""How far a crop lies from everything that the model was made with: a squared Mahalanobis distance per modality.

It is taken over the modality's own physics evidence (`core.model.evidence`), whatever its class: a scarf before the
lens, a sensor that is broken, pictures that are no faces. Learnt features are left out on purpose: every real camera is
far from rendered ones in them, and a check that refers everybody protects nobody. The limit is a stated quantile over
source-dev under strong variation; beyond it the model may refuse, but what it would accept is referred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, sentence
from core.frames import MODALITIES, Modality
from core.model.evidence import EVIDENCE, FIGURES, columns_of
from core.surface import Bool, Float

QUANTILE = 0.999
_UNITS = ("_per_width", "_over_level", "_over_span")
_FLAG = {Modality.RGB: "knows_colour", Modality.DEPTH: "knows_depth", Modality.IR: "knows_infrared"}
_RIDGE = 0.05
_FEWEST_ROWS = 50
Limits = Mapping[str, Mapping[str, Any]]
"""Per modality: ``names`` of the evidence, its ``centre``, the ``precision`` matrix and the ``limit``; plain data."""


def fit_limits(evidence: Float, presence: Bool) -> dict[str, dict[str, Any]]:
    """The limits of source-dev: ``evidence (N, E)``, ``presence bool (N, 3)``."""
    found: dict[str, dict[str, Any]] = {}
    for column, modality in enumerate(MODALITIES):
        own = _columns(modality)
        rows = evidence[_known(evidence, presence, column)][:, own].astype(np.float64)
        if len(rows) < _FEWEST_ROWS:
            continue
        centre = rows.mean(axis=0)
        precision: NDArray[np.float64] = np.linalg.inv(np.cov(rows, rowvar=False) + _RIDGE * np.eye(len(own))).astype(
            np.float64
        )
        limit = float(np.quantile(_squared(rows, centre, precision), QUANTILE))
        found[str(modality)] = {
            "names": [EVIDENCE[i] for i in own],
            "centre": [round(float(value), 5) for value in centre],
            "precision": [[round(float(value), 5) for value in row] for row in precision],
            "limit": round(limit, 4),
        }
    return found


class Novelty:
    """Distances by the limits of a manifest."""

    def __init__(self, limits: Limits) -> None:
        """Raises ``InputError`` where ``limits`` are none that `fit_limits` writes: a distance must stay a number."""
        try:
            self._limits = {MODALITIES.index(Modality(name)): _read(own) for name, own in limits.items()}
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise InputError(
                sentence("The limits of the unfamiliar in the manifest cannot be read: {error}.", error=error),
                "Export the model again.",
            ) from error

    def of(self, evidence: Float, presence: Bool) -> NDArray[np.float64]:
        """``(B,)``: the largest distance of a present modality over its limit; above 1 = beyond. 0 where unknown."""
        worst = np.zeros(len(evidence))
        for column, (own, centre, precision, limit) in self._limits.items():
            distance = _squared(evidence[:, own].astype(np.float64), centre, precision) / limit
            worst = np.maximum(worst, np.where(_known(evidence, presence, column), distance, 0.0))
        return worst


def _read(
    limits: Mapping[str, Any],
) -> tuple[list[int], NDArray[np.float64], NDArray[np.float64], float]:
    """Columns, centre, precision and limit of one modality.

    Raises `KeyError`, `OverflowError`, `TypeError` or `ValueError` where it is no limit.
    """
    own = [EVIDENCE.index(name) for name in limits["names"]]
    centre = np.array(limits["centre"], dtype=np.float64)
    precision = np.array(limits["precision"], dtype=np.float64)
    limit = float(limits["limit"])
    if not own or centre.shape != (len(own),) or precision.shape != (len(own), len(own)):
        raise ValueError(f"centre {centre.shape} and precision {precision.shape} of {len(own)} figures")
    if not (np.isfinite(centre).all() and np.isfinite(precision).all() and 0.0 < limit < np.inf):
        raise ValueError(f"the limit {limit}, or what it is measured by")
    if np.linalg.eigvalsh(precision).min() <= 0.0:
        raise ValueError("a distance that does not grow")
    return own, centre, precision, limit


def _columns(modality: Modality) -> list[int]:
    """Figures that need ``modality`` alone and exist whatever its unit."""
    return [int(i) for i in columns_of(modality) if i < len(FIGURES) and not FIGURES[i].name.endswith(_UNITS)]


def _known(evidence: Float, presence: Bool, column: int) -> Bool:
    return np.asarray(presence[:, column] & (evidence[:, EVIDENCE.index(_FLAG[MODALITIES[column]])] > 0))


def _squared(rows: NDArray[np.float64], centre: NDArray[np.float64], precision: NDArray[np.float64]) -> Any:
    off = rows - centre
    return np.einsum("bi,ij,bj->b", off, precision, off)
