"""Making a decision again from its trace and the stored frames (reliability.md 6.3, "replay determinism")."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import InputError
from core.face.sampler import FaceSampler
from core.frames import FrameSet
from core.ports import Scorer
from core.verdict import Evidence, Trace

TOLERANCE_LOGITS = 1e-4
"""Largest difference of two runs of one model on one kind of device."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """How a replay compares with the trace. ``logits`` are the replayed ones; missing frame sets have none."""

    equal: bool
    max_logit_difference: float
    same_model: bool
    missing: tuple[int, ...]
    logits: tuple[float | None, ...]


def replay_verdict(trace: Trace, frame_sets: Iterable[FrameSet], scorer: Scorer, sampler: FaceSampler) -> ReplayReport:
    """Score the frame sets of ``trace`` again, cropped where the trace says that the face was.

    Args:
        trace: of the verdict.
        frame_sets: the stored frame sets of the presentation (or the whole session), in any order.
        scorer: the model; another one than the trace names is compared all the same, and never ``equal``.
        sampler: cuts the crops; nothing is detected again.

    Raises:
        InputError: the trace does not say where the faces were.
    """
    if not len(trace.frame_sets) == len(trace.evidence) == len(trace.boxes):
        raise InputError("This trace has no face boxes and cannot be replayed.", "Replay a newer verdict.")
    wanted = set(trace.frame_sets)
    stored = {frame_set.number: frame_set for frame_set in frame_sets if frame_set.number in wanted}
    logits: list[float | None] = []
    differences: list[float] = []
    for number, box, said in zip(trace.frame_sets, trace.boxes, trace.evidence, strict=True):
        again = _score(stored[number], box, scorer, sampler) if number in stored else None
        logits.append(None if again is None else again.logit)
        same = again is not None and again.mask == said.mask and math.isfinite(again.logit)
        differences.append(abs(again.logit - said.logit) if again is not None and same else math.inf)
    largest = max(differences, default=0.0)
    same_model = scorer.sha256 == trace.model
    missing = tuple(number for number in trace.frame_sets if number not in stored)
    return ReplayReport(same_model and largest <= TOLERANCE_LOGITS, largest, same_model, missing, tuple(logits))


def _score(
    frame_set: FrameSet, box: tuple[int, int, int, int] | None, scorer: Scorer, sampler: FaceSampler
) -> Evidence | None:
    crop = sampler.crop_at(frame_set, box)
    return None if crop is None or not crop.mask else scorer.score([crop])[0]
