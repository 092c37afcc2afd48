"""Every presentation of a manifest gets a score, and an outcome by the same rules as at the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.assessment import assess, bar
from core.codes import Outcome, Reason
from core.data.manifest import LeftOut, Manifest, ManifestRow, load_frame_set
from core.errors import CanceledError, InputError
from core.face.pixels import fault
from core.face.sampler import FaceSampler
from core.frames import ALL_MODALITIES, FaceCrop, FrameSet, ModalityMask
from core.inference.engine import Engine
from core.metrics.block import Block, block_of
from core.metrics.trial import Trial
from core.policy import SitePolicy
from core.ports import Scorer
from core.verdict import Observation

Progress = Callable[[int, int], None]
Cancel = Callable[[], bool]
Also = Callable[[Trial, Sequence[FaceCrop]], None]
"""What else becomes of a presentation once it was judged, with the crops that its evidence rests on."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found: one trial per presentation, and the figures over them.

    ``thresholds`` are those of the masks that occurred; ``latency_ms`` holds one entry per frame set.
    """

    model_name: str
    model_sha256: str
    modalities: ModalityMask
    trials: tuple[Trial, ...]
    left_out: tuple[LeftOut, ...]
    thresholds: dict[ModalityMask, float | None]
    overall: Block
    by_mask: dict[ModalityMask, Block]
    latency_ms: dict[str, float | None]


def evaluate(
    manifest: Manifest,
    scorer: Scorer,
    sampler: FaceSampler,
    modalities: ModalityMask | None = None,
    split: str | None = None,
    policy: SitePolicy | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    also: Also | None = None,
) -> Evaluation:
    """Judge ``scorer`` on the presentations of ``manifest``.

    Args:
        manifest: what to judge on, read with the same ``modalities``; rows whose images cannot be used, and modalities
            that hold no picture, end up in ``left_out``.
        scorer: the model or the baseline.
        sampler: without tracking; the frame sets of a manifest are single pictures.
        modalities: use only these; the images of others are not decoded.
        split: use only this split of the manifest, also of what it left out.
        policy: what the refer figure is computed with. A presentation of a manifest may have a single frame set,
            so the least number of frame sets of a live decision does not apply.
        progress: is told ``(done, all)`` presentations.
        cancel: asked before each presentation.
        also: is told each trial with its crops.

    Raises:
        CanceledError: ``cancel`` said so.
        InputError: there is no presentation in ``split``.
    """
    allowed = modalities or ALL_MODALITIES
    policy = (policy or SitePolicy()).model_copy(update={"min_frame_sets": 1})
    presentations = manifest.presentations(split)
    if not presentations:
        where = f" in split {split!r}" if split else ""
        raise InputError(f"{manifest.path.name} has no usable presentation{where}.", "Check paths and splits.")
    engine = Engine(scorer, sampler)
    trials: list[Trial] = []
    left_out = [entry for entry in manifest.left_out if split is None or entry.split == split]
    latencies_ms: list[float] = []
    for done, rows in enumerate(presentations):
        if cancel is not None and cancel():
            raise CanceledError(f"Evaluation canceled after {done} of {len(presentations)} presentations.")
        frame_sets = _load(rows, allowed, left_out)
        if frame_sets:
            sampler.reset()
            seen = [(engine.observe(frame_set), engine.crop) for frame_set in frame_sets]
            observations = [observation for observation, _ in seen]
            latencies_ms += [o.latency_ms for o in observations if o.evidence is not None]
            trials.append(_judge(rows[0], observations, scorer, policy))
            if also is not None:
                also(trials[-1], [crop for _, crop in seen if crop is not None])
        if progress is not None:
            progress(done + 1, len(presentations))
    return _summary(scorer, allowed, trials, left_out, latencies_ms)


def _load(rows: Sequence[ManifestRow], allowed: ModalityMask, left_out: list[LeftOut]) -> list[FrameSet]:
    """The frame sets that decode, of the modalities that are ``allowed``.

    A modality without a picture in it is left out by name; the rest of the row stays.
    """
    frame_sets = []
    for row in rows:
        try:
            frame_set = load_frame_set(row.restricted(allowed))
        except InputError as error:
            left_out.append(LeftOut(row.line, f"{row.presentation}: {error.what}", row.split))
            continue
        for modality in frame_set.mask:
            reason = fault(frame_set[modality].pixels, modality)
            if reason:
                left_out.append(LeftOut(row.line, f"{row.presentation}: {modality} {reason}", row.split))
        frame_sets.append(frame_set)
    return frame_sets


def _judge(row: ManifestRow, observations: Sequence[Observation], scorer: Scorer, policy: SitePolicy) -> Trial:
    """Pool the evidence of one presentation; without any, the reason that was met most."""
    evidence = [observation.evidence for observation in observations if observation.evidence is not None]
    found = assess(evidence, policy, scorer)
    if found is not None:
        return Trial(row.presentation, row.subject, row.species, found.mask, found.score, found.outcome, found.reason)
    reasons = [observation.reason for observation in observations]
    reason = max(reasons, key=reasons.count) if reasons else Reason.UNREADABLE
    mask = observations[-1].mask if observations else ModalityMask()
    return Trial(row.presentation, row.subject, row.species, mask, None, Outcome.NON_RESPONSE, reason)


def _summary(
    scorer: Scorer,
    allowed: ModalityMask,
    trials: Sequence[Trial],
    left_out: Sequence[LeftOut],
    latencies_ms: Sequence[float],
) -> Evaluation:
    masks = sorted({trial.mask for trial in trials}, key=lambda mask: mask.bits)
    source = scorer.threshold_source
    p50, p95 = np.percentile(latencies_ms, [50, 95]) if latencies_ms else (None, None)
    return Evaluation(
        model_name=scorer.name,
        model_sha256=scorer.sha256,
        modalities=allowed,
        trials=tuple(trials),
        left_out=tuple(sorted(left_out, key=lambda entry: entry.row)),
        thresholds={mask: bar(scorer, SitePolicy(), mask) for mask in masks},
        overall=block_of(trials, scorer.threshold, source),
        by_mask={mask: block_of([t for t in trials if t.mask == mask], scorer.threshold, source) for mask in masks},
        latency_ms={"p50": None if p50 is None else float(p50), "p95": None if p95 is None else float(p95)},
    )
