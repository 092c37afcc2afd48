"""From trained weights to a candidate: calibrated, written as a bundle, judged against the champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from core.adaptation.distance import decision_distance, parameter_distance, too_far
from core.adaptation.execution import Pass, Prepared
from core.adaptation.gate import refused, unstable
from core.adaptation.judging import Bars, Deployed, Judge, Judged, bars_of, deployed
from core.adaptation.paired import Stratum
from core.adaptation.reporting import Side, reported
from core.adaptation.result import Distance, JobReport
from core.adaptation.thresholds import bound, misplaced
from core.data.hybrids import Family
from core.frames import ModalityMask
from core.model.bundle import load_network, save_bundle
from core.model.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Written:
    """The candidate's bundle, its bars, and those of the champion's weights on the same calibrating data.

    ``misplaced``: masks whose thresholds follow the site alone (`core.adaptation.thresholds.misplaced`).
    """

    bundle: Path
    manifest: Manifest
    bars: Bars
    recalibrated: Bars
    misplaced: list[ModalityMask]


def write_candidate(work: Pass, prepared: Prepared) -> Written:
    """Calibrate every mask on samples that neither trained nor judge (where there are enough), and write the bundle.

    What holds the champion back holds the candidate: the masks that never accept, and the limits of the unfamiliar,
    which are of the evidence and not of the weights.
    """
    plan, judge_of = work.plan, Judge((prepared.champion, prepared.trainer.teacher))
    samples = work.progress.watched(prepared.calibration, len(prepared.calibration), 0.0, 0.4)
    judged = list(judge_of.each(samples))
    sides = [[pair[side] for pair in judged] for side in (0, 1)]
    champion = bars_of(prepared.manifest)
    own = misplaced(sides[0], champion)
    before, after = (bound(side, sides[0], champion, own) for side in sides)
    digest = plan.sha256()
    manifest = prepared.manifest.model_copy(
        update={
            "name": f"{prepared.manifest.name.split('+')[0]}+{digest[:8]}",
            "parent": plan.champion,
            "code_version": "",
            "created_utc": "",
            "seed": plan.seed,
            "data": {
                "plan": digest,
                "sessions": plan.sessions,
                "source_kinds": plan.source_kinds,
                **({} if plan.excision is None else {"excised": plan.excision.sessions, "instead_of": plan.replaces}),
            },
            "temperature": {str(mask): found.temperature for mask, found in after.items()},
            "thresholds": {str(mask): found.threshold for mask, found in after.items()},
            "threshold_source": f"adaptation {digest[:12]}: calibrating subjects of the site, simulated source dev",
            "figures": {},
        }
    )
    bundle = work.out_dir / "candidate"
    written = save_bundle(bundle, prepared.trainer.teacher, manifest)
    bars = Bars(written.sha256, after), Bars(plan.champion, before)
    return Written(bundle, written, *bars, own)


def judged_pairs(work: Pass, prepared: Prepared) -> list[tuple[Judged, Judged]]:
    """Champion and candidate on judging subjects, hybrids of the judging family and the simulated hold-out."""
    plan = work.plan
    judge_of = Judge((prepared.champion, prepared.trainer.teacher), prepared.manifest.novelty)
    site = work.site(prepared.champion, "judge", plan.of(plan.split.judge), Family.JUDGING, 0.4, 0.65)
    source = work.source(prepared.champion, plan.training.holdout, plan.replay.judge_seed, 0.65, 0.9)
    return [(pair[0], pair[1]) for pair in judge_of.each(chain(site, source))]


def report_of(work: Pass, prepared: Prepared, written: Written, pairs: Sequence[tuple[Judged, Judged]]) -> JobReport:
    """The gate's answer to what was judged, and the figures behind it."""
    plan = work.plan
    distance = _distance(work, prepared, written, pairs)
    beyond = [unstable()] if prepared.trainer.gave_up else []
    beyond += [] if distance is None else too_far(distance, plan.gate)
    source = written.manifest.threshold_source
    found = reported(
        plan,
        pairs,
        Side(deployed(prepared.manifest), prepared.manifest.threshold_source),
        Side(Deployed(written.recalibrated, prepared.manifest.withheld), source),
        Side(deployed(written.manifest), source),
        work.without_face,
    )
    return found.model_copy(
        update={
            "gate": refused(found.gate, beyond),
            "steps": prepared.trainer.steps_done,
            "returns": prepared.trainer.returns,
            "misplaced": [str(mask) for mask in written.misplaced],
            "pseudo_labels": prepared.trainer.pseudo_counts,
            "distance": distance,
        }
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
        sides = [(before[0], after) for before, (_, after) in zip(judge_of.each(source), sides, strict=True)]
    changed, trials = decision_distance(sides, bars_of(manifest), written.bars)
    parameters = parameter_distance(prepared.trainer.teacher, root)
    return Distance(root=manifest.sha256, parameters=parameters, decisions=changed, trials=trials)
