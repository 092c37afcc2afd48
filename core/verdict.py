"""What a decision is made of, and the record that lets it be made again.

The trace follows evidence -> modality assessment -> risk -> policy rule -> answer (method.md section 9, UniMod), all of
it plain data that goes to the database as JSON and reproduces the logits from the stored frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.challenge import ChallengeAnswer
from core.codes import Hint, Outcome, Reason, Rule, SourceKind
from core.frames import ModalityMask


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the model and the physics said of one frame set.

    ``logit`` is the calibrated fused log-odds of bona fide for ``mask``; ``score = sigmoid(logit)`` in [0, 1], higher =
    bona fide. ``modality_scores`` are the per-modality heads, ``residuals`` the relative distance between a present
    modality and what the others predict of it, ``physics`` named figures with their unit in the name
    (``quadric_residual_mm``, ``ir_level_m2``, ...). ``uncertainty`` is in [0, 1].
    """

    mask: ModalityMask
    logit: float
    score: float
    modality_scores: Mapping[str, float] = field(default_factory=dict)
    residuals: Mapping[str, float] = field(default_factory=dict)
    physics: Mapping[str, float] = field(default_factory=dict)
    uncertainty: float = 0.0
    novelty: float = 0.0
    """How far this lies from what the model was made with; above 1 it is too far to be accepted."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame set as the decision sees it: either evidence, or the reason why there is none."""

    frame_set: int
    time_ms: float
    mask: ModalityMask
    evidence: Evidence | None = None
    reason: Reason = Reason.NONE
    hints: tuple[Hint, ...] = ()
    box: tuple[int, int, int, int] | None = None
    """Face box ``x, y, width, height`` in the reference image (rgb, else depth/ir), for display."""
    latency_ms: float = 0.0
    """From frame arrival in the ring to this observation."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything needed to show, question and replay one verdict."""

    frame_sets: tuple[int, ...]
    evidence: tuple[Evidence, ...]
    hints: Mapping[str, int]
    masks: Mapping[str, int]
    threshold: float | None
    abstain_band: tuple[float, float] | None
    rule: Rule
    model: str
    policy_sha256: str
    calibration_sha256: str = ""
    camera: str = ""
    """Fingerprint of the camera's identity (`core.camera_identity`); empty where the station knew none."""
    challenge: ChallengeAnswer | None = None
    notes: tuple[str, ...] = ()
    qualified: tuple[str, ...] = ()
    """Masks under which the camera stood qualified at this decision: why the verdict is a shadow verdict, or is not."""
    boxes: tuple[tuple[int, int, int, int] | None, ...] = ()
    """Face box of each frame set, so that a replay cuts the same crop; ``None`` where the image is a crop."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one presentation. ``model`` is the sha256 of the weights; ``t_s`` camera time in the session.

    A ``shadow`` verdict comes from a live camera that is not qualified with the modalities of ``mask``, or from a test
    of a camera: it is shown and stored, and it opens nothing, counts in no live statistics and never towards a lock-out
    (`core.qualification`).
    """

    presentation: str
    session: str
    source_kind: SourceKind
    shadow: bool
    t_s: float
    outcome: Outcome
    reason: Reason
    mask: ModalityMask
    score: float | None
    threshold: float | None
    rule: Rule
    model: str
    trace: Trace
    duration_ms: float = 0.0

    @property
    def opens(self) -> bool:
        """Whether a gate may open on this verdict, once it is stored: live, qualified and bona fide, nothing else."""
        return self.source_kind is SourceKind.LIVE and not self.shadow and self.outcome is Outcome.BONA_FIDE


def sigmoid(logit: float) -> float:
    """``1 / (1 + exp(-logit))`` without overflow."""
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))


def pooled_logit(evidence: Sequence[Evidence]) -> float:
    """One logit for a presentation: the mean over its frame sets (live decision and `evaluate` alike)."""
    return math.fsum(e.logit for e in evidence) / len(evidence)
