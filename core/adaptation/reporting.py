"""From pairs of judged presentations to a job's report: the gate's answer and the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.adaptation.gate import judge
from core.adaptation.judging import Bars, Deployed, Judged, paired, trials_of
from core.adaptation.paired import Stratum
from core.adaptation.plan import Plan
from core.adaptation.result import JobReport, MaskFigures, WrongDecision
from core.codes import Outcome, Reason, Species
from core.frames import EVERY_MASK, ModalityMask
from core.metrics.block import block_of
from core.metrics.ranking import det_points, histogram
from core.metrics.trial import Trial

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Side:
    """A model as it is or would be deployed, and where its thresholds come from."""

    model: Deployed
    source: str

    @property
    def bars(self) -> Bars:
        """What its logits are held against."""
        return self.model.bars


def reported(
    plan: Plan,
    pairs: Sequence[tuple[Judged, Judged]],
    champion: Side,
    recalibrated: Side,
    candidate: Side,
    without_face: Mapping[str, int],
) -> JobReport:
    """The report on what champion and candidate said of the same presentations.

    ``recalibrated``: the champion's own logits with newly derived thresholds.
    """
    artefacts = {one.id: one.artefact for one in plan.presentations if one.artefact}
    trials = paired([p[0] for p in pairs], champion.model, [p[1] for p in pairs], candidate.model, artefacts)
    on_site = [pair for pair in pairs if pair[0].stratum is not Stratum.SOURCE]
    before, after = [pair[0] for pair in on_site], [pair[1] for pair in on_site]
    sides = ((before, champion), (before, recalibrated), (after, candidate))
    masks = [mask for mask in EVERY_MASK if any(mask in judged.logits for judged in before)]
    silent = _unanswered(plan, before)
    return JobReport(
        schema=1,
        gate=judge(trials, plan.gate),
        overall=_figures(sides, None, silent),
        by_mask=[_figures(sides, mask) for mask in masks],
        subjects={use: len(getattr(plan.split, use)) for use in ("train", "calibrate", "judge")},
        without_face=dict(without_face),
        steps=0,
        returns=0,
        candidate=candidate.bars.sha256,
        examples=_examples(plan, on_site, champion.bars, candidate.bars),
        second_labels=plan.second_labels,
    )


def _examples(
    plan: Plan, pairs: Sequence[tuple[Judged, Judged]], champion: Bars, candidate: Bars
) -> list[WrongDecision]:
    """By the forced decisions that the figures count; captured ones alone: what a hybrid shows is nowhere stored."""
    sessions = {one.id: one.session for one in plan.presentations}
    found: list[tuple[bool, float, WrongDecision]] = []
    for old, new in pairs:
        if new.stratum is not Stratum.SITE:
            continue
        before, after = _forced(old, champion), _forced(new, candidate)
        accepted = after is Outcome.BONA_FIDE
        if accepted is (new.species == Species.BONA_FIDE):
            continue
        score = candidate.score(new.mask, new.logits[new.mask])
        example = WrongDecision(
            presentation=new.presentation,
            session=sessions.get(new.presentation, ""),
            species=new.species,
            before=before,
            after=after,
        )
        found.append((not accepted, -score if accepted else score, example))
    return [example for *_, example in sorted(found, key=lambda one: one[:2])][:_EXAMPLES]


def _forced(judged: Judged, bars: Bars) -> Outcome:
    return Outcome.BONA_FIDE if bars.accepts(judged.mask, judged.logits[judged.mask]) else Outcome.ATTACK


def _unanswered(plan: Plan, judged: Sequence[Judged]) -> list[Trial]:
    """Judging presentations that no model could answer, since no face was found: non-responses, of either model."""
    answered = {one.presentation for one in judged}
    return [
        Trial(one.id, one.subject, one.species, ModalityMask(), None, Outcome.NON_RESPONSE, Reason.NO_FACE)
        for one in plan.of(plan.split.judge)
        if one.id not in answered
    ]


def _figures(
    sides: Sequence[tuple[Sequence[Judged], Side]], mask: ModalityMask | None, silent: Sequence[Trial] = ()
) -> MaskFigures:
    trials = [[*trials_of(judged, side.model, mask), *silent] for judged, side in sides]
    before, threshold_only, after = (
        block_of(found, side.bars.threshold, side.source).as_json()
        for found, (_, side) in zip(trials, sides, strict=True)
    )
    bona_fide, attack = _scores(trials[2])
    return MaskFigures(
        mask="" if mask is None else str(mask),
        before=before,
        threshold_only=threshold_only,
        after=after,
        det={"before": det_points(*_scores(trials[0])), "after": det_points(bona_fide, attack)},
        histograms={"bona_fide": histogram(bona_fide), "attack": histogram(attack)},
    )


def _scores(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    answered = [t for t in trials if t.answered]
    return [t.rank for t in answered if t.bona_fide], [t.rank for t in answered if not t.bona_fide]
