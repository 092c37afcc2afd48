"""Making a decision again from its trace and the stored frames (reliability.md 6.3, "replay determinism")."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import InputError
from core.face.sampler import FaceSampler
from core.frames import MODALITIES, FrameSet, Modality
from core.ports import Scorer
from core.stability import Explainable, explain_crop
from core.verdict import Trace

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
    contributions: Mapping[str, float] = field(default_factory=dict)
    """Mean Shapley value of each modality over the replayed frame sets (`core.explain`), for models that give them."""


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
    explained: list[Mapping[Modality, float]] = []
    differences: list[float] = []
    for number, box, said in zip(trace.frame_sets, trace.boxes, trace.evidence, strict=True):
        crop = sampler.crop_at(stored[number], box) if number in stored else None
        again = scorer.score([crop])[0] if crop is not None and crop.mask else None
        if again is not None and crop is not None and isinstance(scorer, Explainable):
            explained.append(explain_crop(scorer, crop).contributions)
        logits.append(None if again is None else again.logit)
        same = again is not None and again.mask == said.mask and math.isfinite(again.logit)
        differences.append(abs(again.logit - said.logit) if again is not None and same else math.inf)
    largest = max(differences, default=0.0)
    same_model = scorer.sha256 == trace.model
    missing = tuple(number for number in trace.frame_sets if number not in stored)
    equal = same_model and largest <= TOLERANCE_LOGITS
    return ReplayReport(equal, largest, same_model, missing, tuple(logits), _mean(explained))


def _mean(explained: Sequence[Mapping[Modality, float]]) -> dict[str, float]:
    named = {modality for contributions in explained for modality in contributions}
    return {
        str(modality): sum(contributions.get(modality, 0.0) for contributions in explained) / len(explained)
        for modality in sorted(named, key=MODALITIES.index)
    }
