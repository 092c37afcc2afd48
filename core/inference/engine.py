"""One frame set in, one observation out: sample the face, score it, check the numbers."""

from __future__ import annotations

import math
from dataclasses import replace

from core.assessment import valid
from core.clock import Clock, SystemClock
from core.codes import Hint, Reason
from core.errors import InputError, KnownError
from core.face.sampler import FaceSample, FaceSampler
from core.frames import FaceCrop, FrameSet
from core.ports import Scorer
from core.verdict import Evidence, Observation


class Engine:
    """Turns frame sets into observations. Whatever goes wrong becomes a reason, never a score."""

    def __init__(self, scorer: Scorer, sampler: FaceSampler, clock: Clock | None = None) -> None:
        self.scorer = scorer
        self.sampler = sampler
        self.crop: FaceCrop | None = None
        """What the newest evidence rests on; ``None`` while there is none."""
        self._clock = clock or SystemClock()

    def observe(self, frame_set: FrameSet, age_ms: float = 0.0) -> Observation:
        """Look at one frame set.

        Args:
            frame_set: native or registered frames.
            age_ms: how long the set has been in the ring.

        Returns:
            Evidence, or the reason why there is none. The observation's mask is that of the crop where there is one,
            else that of the frame set; ``latency_ms`` counts from the arrival in the ring.
        """
        started_ms = self._clock.now_ms()
        try:
            sample = self.sampler.sample(frame_set)
        except InputError:
            sample = FaceSample(None, Reason.INVALID_PIXELS)
        # A flawed set is looked at, so that the person is not lost from sight, but says nothing of them.
        evidence, reason = self._score(sample) if frame_set.flaw is Reason.NONE else (None, frame_set.flaw)
        self.crop = sample.crop if evidence is not None else None
        return Observation(
            frame_set=frame_set.number,
            time_ms=frame_set.time_ms,
            mask=sample.crop.mask if sample.crop is not None else frame_set.mask,
            evidence=evidence,
            reason=reason,
            hints=sample.hints or ((Hint.OK,) if evidence is not None else ()),
            box=sample.box,
            latency_ms=age_ms + self._clock.now_ms() - started_ms,
        )

    def _score(self, sample: FaceSample) -> tuple[Evidence | None, Reason]:
        if sample.crop is None:
            return None, sample.reason
        try:
            evidence = self.scorer.score([sample.crop])[0]
        except KnownError:
            return None, Reason.MODEL_ERROR
        if not valid(evidence) or evidence.mask != sample.crop.mask:
            return None, Reason.MODEL_ERROR
        return _finite(evidence), Reason.NONE


def _finite(evidence: Evidence) -> Evidence:
    """Figures that could not be measured are left out: a NaN has no place in a record."""
    return replace(
        evidence,
        modality_scores={k: v for k, v in evidence.modality_scores.items() if math.isfinite(v)},
        residuals={k: v for k, v in evidence.residuals.items() if math.isfinite(v)},
        physics={k: v for k, v in evidence.physics.items() if math.isfinite(v)},
        uncertainty=evidence.uncertainty if math.isfinite(evidence.uncertainty) else 1.0,
    )
