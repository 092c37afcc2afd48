"""From trained weights to a candidate: calibrated, written as a bundle, judged against the champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from core.adaptation.distance import decision_distance, parameter_distance, too_far
from core.adaptation.execution import Pass, Prepared
from core.adaptation.gate import judge, refused, unstable
from core.adaptation.judging import Bars, Judge, Judged, bars_of, paired, trials_of
from core.adaptation.paired import Stratum
from core.adaptation.result import Distance, JobReport, MaskFigures
from core.adaptation.thresholds import bound, calibrated
from core.data.hybrids import Family
from core.frames import EVERY_MASK, ModalityMask
from core.metrics.block import block_of
from core.metrics.ranking import det_points, histogram
from core.metrics.trial import Trial
from core.model.bundle import load_network, save_bundle
from core.model.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Written:
    """The candidate's bundle, its bars, and those of the champion's weights on the same calibrating data."""

    bundle: Path
    manifest: Manifest
    bars: Bars
    recalibrated: Bars


def write_candidate(work: Pass, prepared: Prepared) -> Written:
    """Calibrate every mask on samples that neither trained nor judge (where there are enough), and write the bundle."""
    plan, judge_of = work.plan, Judge((prepared.champion, prepared.trainer.teacher))
    samples = work.progress.watched(prepared.calibration, len(prepared.calibration), 0.0, 0.4)
    judged = [judge_of(sample) for sample in samples]
    sides = [[pair[side] for pair in judged] for side in (0, 1)]
    champion = bars_of(prepared.manifest)
    before, after = (bound(calibrated(side), side, sides[0], champion) for side in sides)
    digest = plan.sha256()
    manifest = Manifest(
        name=f"{prepared.manifest.name.split('+')[0]}+{digest[:8]}",
        sha256=prepared.manifest.sha256,  # save_bundle fills in the candidate's own
        parent=plan.champion,
        architecture=prepared.manifest.architecture,
        seed=plan.seed,
        data={
            "plan": digest,
            "sessions": plan.sessions,
            "source_kinds": plan.source_kinds,
            **({} if plan.excision is None else {"excised": plan.excision.sessions, "instead_of": plan.replaces}),
        },
        temperature={str(mask): found.temperature for mask, found in after.items()},
        thresholds={str(mask): found.threshold for mask, found in after.items()},
        withheld=prepared.manifest.withheld,
        threshold_source=f"adaptation {digest[:12]}: calibrating subjects of the site, simulated source dev",
    )
    bundle = work.out_dir / "candidate"
    written = save_bundle(bundle, prepared.trainer.teacher, manifest)
    return Written(bundle, written, Bars(written.sha256, after), Bars(plan.champion, before))


def judged_pairs(work: Pass, prepared: Prepared) -> list[tuple[Judged, Judged]]:
    """Champion and candidate on judging subjects, hybrids of the judging family and the simulated hold-out."""
    plan, judge_of = work.plan, Judge((prepared.champion, prepared.trainer.teacher))
    site = work.site(prepared.champion, "judge", plan.of(plan.split.judge), Family.JUDGING, 0.4, 0.65)
    source = work.source(prepared.champion, plan.training.holdout, plan.replay.judge_seed, 0.65, 0.9)
    return [(pair[0], pair[1]) for pair in map(judge_of, chain(site, source))]


def report_of(work: Pass, prepared: Prepared, written: Written, pairs: Sequence[tuple[Judged, Judged]]) -> JobReport:
    """The gate's answer to what was judged, and the figures behind it."""
    plan = work.plan
    champion = bars_of(prepared.manifest)
    artefacts = {one.id: one.artefact for one in plan.presentations if one.artefact}
    trials = paired([p[0] for p in pairs], champion, [p[1] for p in pairs], written.bars, artefacts)
    distance = _distance(work, prepared, written, pairs)
    beyond = [unstable()] if prepared.trainer.gave_up else []
    beyond += [] if distance is None else too_far(distance, plan.gate)
    on_site = [pair for pair in pairs if pair[0].stratum is not Stratum.SOURCE]
    before, after = [pair[0] for pair in on_site], [pair[1] for pair in on_site]
    sides = (
        _Side(before, champion, prepared.manifest.threshold_source),
        _Side(before, written.recalibrated, written.manifest.threshold_source),
        _Side(after, written.bars, written.manifest.threshold_source),
    )
    masks = [mask for mask in EVERY_MASK if any(mask in judged.logits for judged in before)]
    return JobReport(
        schema=1,
        gate=refused(judge(trials, plan.gate), beyond),
        overall=_figures(sides, None),
        by_mask=[_figures(sides, mask) for mask in masks],
        subjects={use: len(getattr(plan.split, use)) for use in ("train", "calibrate", "judge")},
        without_face=work.without_face,
        steps=prepared.trainer.steps_done,
        returns=prepared.trainer.returns,
        pseudo_labels=prepared.trainer.pseudo_counts,
        candidate=written.manifest.sha256,
        distance=distance,
    )


def _distance(
    work: Pass, prepared: Prepared, written: Written, pairs: Sequence[tuple[Judged, Judged]]
) -> Distance | None:
    """From the root of the lineage; it shares the early stages with the candidate, and so the cached maps.

    The first pass of a lineage starts from the root itself, whose answers are the champion's in ``pairs``.
    """
    if work.root is None:
        return None
    root, manifest = (prepared.champion, prepared.manifest) if not work.plan.root else load_network(work.root)
    sides = [pair for pair in pairs if pair[0].stratum is Stratum.SOURCE]
    if work.plan.root:
        judge_of, plan = Judge((root,)), work.plan
        source = work.source(prepared.champion, plan.training.holdout, plan.replay.judge_seed, 0.9, 0.9)
        sides = [(judge_of(sample)[0], after) for sample, (_, after) in zip(source, sides, strict=True)]
    changed, trials = decision_distance(sides, bars_of(manifest), written.bars)
    parameters = parameter_distance(prepared.trainer.teacher, root)
    return Distance(root=manifest.sha256, parameters=parameters, decisions=changed, trials=trials)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """Logits with the bars that they are held against."""

    judged: Sequence[Judged]
    bars: Bars
    source: str


def _figures(sides: tuple[_Side, _Side, _Side], mask: ModalityMask | None) -> MaskFigures:
    trials = [trials_of(side.judged, side.bars, mask) for side in sides]
    before, threshold_only, after = (
        block_of(of_side, side.bars.threshold, side.source).as_json()
        for of_side, side in zip(trials, sides, strict=True)
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
    return [t.rank for t in trials if t.bona_fide], [t.rank for t in trials if not t.bona_fide]
