"""The unit of every figure: one presentation and what became of it (evaluation.md section 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from core.codes import Outcome, Reason, Species
from core.frames import ModalityMask

Thresholds = Callable[[ModalityMask], float | None]
"""Score threshold of a mask; ``None`` where the mask was never calibrated (`core.ports.Scorer.threshold`)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One presentation as it was judged. A frame is never a trial.

    ``subject`` may be empty where it is not known. ``species`` is empty for bona fide. ``score`` in [0, 1], higher =
    bona fide; ``None`` when nothing could be scored. ``outcome`` and ``reason`` are what the band and the policy made
    of it; ``artefact`` names the physical PAI where it is known.
    """

    presentation: str
    subject: str
    species: str
    mask: ModalityMask
    score: float | None
    outcome: Outcome
    reason: Reason = Reason.NONE
    artefact: str = ""

    def __post_init__(self) -> None:
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"the score of presentation {self.presentation!r} is {self.score}, not within 0 and 1")

    @property
    def bona_fide(self) -> bool:
        """Whether the presentation is bona fide."""
        return self.species == Species.BONA_FIDE

    @property
    def answered(self) -> bool:
        """Whether the subsystem responded: a score exists and the outcome is not a non-response."""
        return self.score is not None and self.outcome is not Outcome.NON_RESPONSE

    @property
    def rank(self) -> float:
        """The score for ranking; minus infinity without an answer, so that it lies below every attack."""
        return self.score if self.score is not None and self.answered else -math.inf

    def accepted(self, thresholds: Thresholds) -> bool:
        """The forced decision ``score >= threshold(mask)``; never without an answer, a mask or a threshold."""
        threshold = thresholds(self.mask)
        return threshold is not None and self.answered and self.rank >= threshold
