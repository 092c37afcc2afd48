"""Recorded checkpoint traffic, decided once more by champion and candidate: what would have changed, without labels.

It judges nothing: nobody knows who stood there. It shows a person what a promotion would have meant on the door, with
the presentations to look at, before it is made.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.adaptation.candidate import Written
from core.adaptation.early import encode
from core.adaptation.execution import Pass, Prepared
from core.adaptation.judging import Judge, deployed
from core.adaptation.material import Sample, unlabelled_crops
from core.adaptation.paired import Stratum
from core.adaptation.plan import PlannedTraffic
from core.adaptation.result import Traffic, TrafficChange
from core.codes import Outcome, Species
from core.errors import KnownError
from core.ports import PresentationStore


def decided_again(work: Pass, prepared: Prepared, written: Written) -> Traffic | None:
    """What both models say of the plan's traffic, each at its own thresholds; ``None`` where it names none.

    What was erased, has lost its consent or cannot be read meanwhile is counted as gone.

    Raises:
        Interrupted: a person asked to pause or to cancel.
    """
    planned = work.plan.traffic
    if not planned:
        return None
    judge_of = Judge((prepared.champion, prepared.trainer.teacher), prepared.manifest.novelty)
    models = (deployed(prepared.manifest), deployed(written.manifest))
    here = _still_here(work.store, planned)
    outcomes: dict[str, dict[str, int]] = {}
    changed: list[TrafficChange] = []
    gone = without_face = 0
    for one in work.progress.watched(planned, len(planned), 0.9, 1.0):
        try:
            sample = _sample(work, one) if one.id in here else None
        except KnownError:
            sample = None
        if sample is None:
            gone += 1
            continue
        if not sample.crops:
            without_face += 1
            continue
        judged = judge_of(encode(prepared.champion, sample, 0, work.plan.seed))
        before, after = (model.trial(said, said.mask).outcome for model, said in zip(models, judged, strict=True))
        by_candidate = outcomes.setdefault(str(before), {})
        by_candidate[str(after)] = by_candidate.get(str(after), 0) + 1
        if before is not after:
            changed.append(TrafficChange(presentation=one.id, session=one.session, before=before, after=after))
    return Traffic(
        presentations=len(planned), gone=gone, without_face=without_face, outcomes=outcomes, changed=_worst(changed)
    )


def _sample(work: Pass, one: PlannedTraffic) -> Sample:
    ((_, crops),) = unlabelled_crops([one.id], work.store, work.crop_face, work.plan.training.frames)
    return Sample(one.id, "", Species.UNKNOWN, Stratum.SITE, crops)


def _still_here(store: PresentationStore, planned: Sequence[PlannedTraffic]) -> Collection[str]:
    return {one.id for one in store.presentations(sorted({one.session for one in planned}))}


def _worst(changed: Sequence[TrafficChange]) -> list[TrafficChange]:
    """Those whom the candidate would let in and the champion did not come first."""
    return sorted(changed, key=lambda one: (one.after != Outcome.BONA_FIDE, one.before, one.presentation))
