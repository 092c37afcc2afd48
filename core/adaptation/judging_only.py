"""A model that came from elsewhere, judged here by the same gate as the candidate of a pass; nothing is trained.

Another lane's gate compared it with that lane's champion, on that lane's people. Here everybody judges whom neither
model has learned, as far as their lineages are known here. Its thresholds are its own, as it would be deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch

from core.adaptation.early import encode
from core.adaptation.execution import Pass
from core.adaptation.judging import Judge, Judged, deployed
from core.adaptation.material import Sample, site_samples
from core.adaptation.reporting import Side, reported
from core.adaptation.result import JobReport
from core.data.hybrids import Family
from core.model.bundle import load_network


def judge_model(work: Pass, model: Path) -> JobReport:
    """Champion and ``model`` on every planned presentation, its hybrids and the simulated hold-out.

    Raises:
        InputError: one of the two, or a stored frame, cannot be used.
        Interrupted: a person asked to pause or to cancel.
    """
    torch.set_num_threads(1)  # as in a pass
    networks = [load_network(bundle) for bundle in (work.champion, model)]
    judges = [(network, Judge((network,), manifest.novelty)) for network, manifest in networks]
    pairs: list[tuple[Judged, Judged]] = []
    for sample in chain(_site(work), _source(work)):
        first, second = (judge(encode(network, sample, 0, work.plan.seed))[0] for network, judge in judges)
        pairs.append((first, second))
    champion, candidate = (Side(deployed(manifest), manifest.threshold_source) for _, manifest in networks)
    return reported(work.plan, pairs, champion, champion, candidate, work.without_face)


def _site(work: Pass) -> Iterator[Sample]:
    planned, plan = work.plan.presentations, work.plan
    for presentation in work.progress.watched(planned, len(planned), 0.0, 0.6):
        found = site_samples(
            [presentation], work.store, work.crop_face, plan.training.frames, Family.JUDGING, plan.seed
        )
        for sample in found:
            if sample is None:
                work.without_face["judge"] = work.without_face.get("judge", 0) + 1
            else:
                yield sample


def _source(work: Pass) -> Iterator[Sample]:
    replay, holdout = work.plan.replay, work.plan.training.holdout
    made = work.simulate(replay.domains, range(holdout), replay.judge_seed)
    return work.progress.watched(made, holdout, 0.6, 0.9)
