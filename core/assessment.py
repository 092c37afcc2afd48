"""What the evidence in a window amounts to: the bar of each modality mask, and what clears it. Pure functions.

The rules, in the order in which they apply to the mask of the newest evidence, which is the one that speaks:

- fewer than ``min_frame_sets`` of that mask: nothing yet;
- rgb alone (M1) and masks without a calibrated threshold (M2) are referred;
- a pooled logit below the abstain band is an attack, inside it a referral (T2), above it bona fide (T1), unless the
  model may only refuse under this mask (M5): then it is a referral;
- what lies too far from all that the model was made with (mean novelty above 1) is referred, not accepted (M6);
- a mask that was seen earlier in the same presentation cannot grant acceptance, but with at least two frame sets it
  can veto it (M4): whoever covers a sensor after it spoke against them gains nothing. Losing a modality never lowers
  the bar.

That an imputed modality never raises a score (M3) is the scorer's part: `Evidence.logit` already holds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.codes import Outcome, Reason, Rule
from core.frames import Modality, ModalityMask
from core.policy import SitePolicy
from core.verdict import Evidence, pooled_logit, sigmoid

VETO_FRAME_SETS = 2
"""A single frame set of another mask is a flicker, and weighs too little to hold somebody up."""
RGB_ALONE = ModalityMask.of([Modality.RGB])


class Thresholds(Protocol):
    """The part of a scorer that a decision needs."""

    @property
    def sha256(self) -> str:
        """Digest of the model."""
        ...

    def threshold(self, mask: ModalityMask) -> float | None:
        """Score threshold of a mask; ``None`` = never calibrated."""
        ...

    def may_accept(self, mask: ModalityMask) -> bool:
        """Whether the model may accept under ``mask``."""
        ...


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the window says. ``settled`` is whether more evidence could still change it into an answer."""

    outcome: Outcome
    reason: Reason
    rule: Rule
    mask: ModalityMask
    score: float
    threshold: float | None
    band: tuple[float, float] | None
    settled: bool


def bar(model: Thresholds, policy: SitePolicy, mask: ModalityMask) -> float | None:
    """Score threshold of ``mask``: the model's own, which the policy can only raise.

    ``None`` = refer: never calibrated, or not a threshold inside (0, 1); at 1 nobody could be accepted anyway.
    """
    own = model.threshold(mask)
    if own is None or not 0.0 < own < 1.0:
        return None
    raised = max(own, policy.thresholds.get(str(mask), own))
    return raised if raised < 1.0 else None


def valid(evidence: Evidence) -> bool:
    """Whether the numbers of a scorer can be used at all: finite, a score in [0, 1], at least one modality.

    A novelty that is no number would count as familiar.
    """
    finite = math.isfinite(evidence.logit) and not math.isnan(evidence.novelty)
    return bool(evidence.mask) and finite and 0.0 <= evidence.score <= 1.0


def assess(window: Sequence[Evidence], policy: SitePolicy, model: Thresholds) -> Assessment | None:
    """Judge the evidence of a window, oldest first; ``None`` while there is too little of the newest mask."""
    if not window:
        return None
    mask = window[-1].mask
    spoken = [evidence for evidence in window if evidence.mask == mask]
    if len(spoken) < policy.min_frame_sets:
        return None
    logit = pooled_logit(spoken)
    threshold = bar(model, policy, mask)
    outcome, reason, rule, band, settled = Outcome.REFER, Reason.NONE, Rule.THRESHOLD, None, False
    if mask == RGB_ALONE and policy.rgb_alone_refers:
        reason, rule = Reason.RGB_ALONE, Rule.RGB_ALONE_REFERS
    elif threshold is None:
        reason, rule = Reason.MASK_NOT_CALIBRATED, Rule.MASK_WITHOUT_THRESHOLD
    else:
        centre = log_odds(threshold)
        band = (centre - policy.abstain_margin, centre + policy.abstain_margin)
        if logit < band[0]:
            outcome, settled = Outcome.ATTACK, True
        elif logit < band[1]:
            reason, rule = Reason.IN_BAND, Rule.ABSTAIN_BAND
        elif not model.may_accept(mask):
            reason, rule = Reason.MASK_TOO_WEAK, Rule.MASK_NEVER_ACCEPTS
        elif math.fsum(evidence.novelty for evidence in spoken) > len(spoken):
            reason, rule = Reason.UNFAMILIAR, Rule.UNFAMILIAR_REFERS
        elif _vetoed(window, mask, policy, model):
            reason, rule = Reason.MASK_CHANGED, Rule.MASK_CHANGED
        else:
            outcome, settled = Outcome.BONA_FIDE, True
    return Assessment(outcome, reason, rule, mask, sigmoid(logit), threshold, band, settled)


def log_odds(score: float) -> float:
    """The logit of a score in (0, 1)."""
    return math.log(score) - math.log1p(-score)


def _vetoed(window: Sequence[Evidence], mask: ModalityMask, policy: SitePolicy, model: Thresholds) -> bool:
    for other in {evidence.mask for evidence in window} - {mask}:
        threshold = bar(model, policy, other)
        said = [evidence for evidence in window if evidence.mask == other]
        if threshold is not None and len(said) >= VETO_FRAME_SETS and pooled_logit(said) < log_odds(threshold):
            return True
    return False
