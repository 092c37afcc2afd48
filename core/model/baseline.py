"""`builtin:sheet`: the relief baseline. How far is the depth of this face from a bent sheet of paper?

One physical figure through a fixed logistic, no training: the row that every model must beat (evaluation.md section 5,
"physics only"). It knows nothing where depth is absent, and nothing of masks that have the right relief.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence

from core import physics
from core.frames import FaceCrop, Modality, ModalityMask
from core.verdict import Evidence, sigmoid

SHEET_NAME = "builtin:sheet"
_RESIDUAL_AT_EVEN = 0.0075
"""Quadric residual over the region's width at even odds: about 1.7 mm, between sheets and the 3.0 mm of faces' 5th
percentile (scenes.md)."""
_RESIDUAL_SLOPE = 700.0
_USUAL_WIDTH_MM = 220.0
"""Width of a crop (`core.face.crop`), for metric crops without a calibration."""
_NOISE_RATIO_AT_EVEN = 3.0
_NOISE_RATIO_SLOPE = 1.5
"""For relative depth, which has no scale: residual over pixel noise."""
_LIMIT = 6.0
_UNKNOWN_LOGIT = -_LIMIT
"""No usable depth: nothing speaks for bona fide."""


class SheetScorer:
    """See `core.ports.Scorer`; decides only under masks that contain depth."""

    name = SHEET_NAME
    device = "cpu"
    threshold_source = "even odds of a fixed logistic on the quadric residual; no data"

    @property
    def sha256(self) -> str:
        """Digest of the parameters."""
        parameters = [SHEET_NAME, _RESIDUAL_AT_EVEN, _RESIDUAL_SLOPE, _NOISE_RATIO_AT_EVEN, _NOISE_RATIO_SLOPE, _LIMIT]
        return hashlib.sha256(json.dumps(parameters).encode()).hexdigest()

    def may_accept(self, mask: ModalityMask) -> bool:
        """Relief decides wherever there is depth."""
        return self.threshold(mask) is not None

    def threshold(self, mask: ModalityMask) -> float | None:
        """0.5 where the mask contains depth, else never calibrated."""
        return 0.5 if Modality.DEPTH in mask else None

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        """See `Scorer.score`; without depth the score says nothing for bona fide."""
        return [self._evidence(crop) for crop in crops]

    def _evidence(self, crop: FaceCrop) -> Evidence:
        figures = physics.figures(crop)
        logit = _logit(figures)
        score = sigmoid(logit)
        by_modality = {str(Modality.DEPTH): score} if crop.depth is not None else {}
        return Evidence(crop.mask, logit, score, by_modality, {}, figures, 1.0 - abs(2.0 * score - 1.0))


def _logit(figures: dict[str, float]) -> float:
    residual = figures.get("quadric_residual_per_width")
    if residual is None and "quadric_residual_mm" in figures:
        residual = figures["quadric_residual_mm"] / _USUAL_WIDTH_MM
    if residual is not None:
        logit = _RESIDUAL_SLOPE * (residual - _RESIDUAL_AT_EVEN)
    elif (ratio := figures.get("quadric_residual_over_noise")) is not None:
        logit = _NOISE_RATIO_SLOPE * math.log2(max(ratio, 1e-3) / _NOISE_RATIO_AT_EVEN)
    else:
        return _UNKNOWN_LOGIT
    return max(-_LIMIT, min(_LIMIT, logit))
