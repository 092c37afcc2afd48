"""One pass after the other: the distance from the first model is measured and limited, and no champion is overtaken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from core.adaptation.distance import parameter_distance, too_far
from core.adaptation.plan import make_plan
from core.adaptation.report import Check
from core.adaptation.result import Distance, JobReport
from core.adaptation.settings import GateSettings
from core.adaptation.worker import Workplace, run_job
from core.codes import GateReason, JobState
from core.model.bundle import read_manifest
from tests.unit.adaptation_site import (
    QUICK,
    MemoryJobs,
    SiteStore,
    crop_face,
    simulate,
    tiny_network,
    write_champion,
)  # fmt: skip


class Site:
    """A station whose every candidate is promoted by somebody who looks at nothing."""

    def __init__(self, folder: Path, gate: GateSettings | None = None) -> None:
        self.folder, self.gate = folder, gate or GateSettings()
        self.store, self.jobs = SiteStore(), MemoryJobs()
        root = write_champion(folder / "root")
        self.root = self.deployed = root.sha256
        self.bundles = {root.sha256: folder / "root"}

    def adapt(self, number: int) -> JobReport:
        plan = make_plan(self.store, self.store.sessions, self.deployed, "m", number, QUICK, self.gate, root=self.root)
        job = self.jobs.create(plan.to_json(), plan.sha256())
        place = Workplace(
            self.jobs, self.store, self.bundles.__getitem__, lambda: self.deployed, self.folder / job, crop_face,
            lambda bundle: read_manifest(bundle).sha256, simulate,
        )  # fmt: skip
        run_job(job, place)
        report = JobReport.model_validate_json(self.jobs.get(job).report)
        self.bundles[report.candidate] = self.folder / job / "candidate"
        return report


def reasons(report: JobReport) -> list[GateReason]:
    return [check.reason for check in report.gate.reasons]


def test_a_lineage_that_goes_ever_further_is_refused_in_the_end(tmp_path: Path) -> None:
    site = Site(tmp_path, GateSettings(max_parameter_distance=1e-9))
    distances = []
    for number in range(3):
        report = site.adapt(number)
        assert report.distance is not None
        distances.append(report.distance)
        site.deployed = report.candidate
    assert [distance.root for distance in distances] == [site.root] * 3
    assert 0.0 < distances[0].parameters < distances[1].parameters < distances[2].parameters
    assert all(0.0 <= distance.decisions <= 1.0 and distance.trials == QUICK.holdout for distance in distances)
    assert reasons(report)[0] is GateReason.WEIGHTS_TOO_FAR
    assert site.jobs.get("job-2").state is JobState.REJECTED


def test_a_candidate_is_as_far_as_its_weights_and_its_decisions_say() -> None:
    near, far = (Distance(root="a" * 64, parameters=p, decisions=d, trials=240) for p, d in ((0.1, 0.0), (0.3, 0.5)))
    assert too_far(near, GateSettings()) == []
    weights, decisions = too_far(far, GateSettings())
    assert (weights.reason, weights.after, weights.limit) == (GateReason.WEIGHTS_TOO_FAR, 0.3, 0.25)
    assert (decisions.reason, decisions.trials) == (GateReason.DECISIONS_TOO_FAR, 240)
    lost: list[Check] = too_far(near.model_copy(update={"parameters": float("nan")}), GateSettings())
    assert [check.reason for check in lost] == [GateReason.WEIGHTS_TOO_FAR]


def test_networks_of_another_shape_are_infinitely_far() -> None:
    one, other = tiny_network(1), tiny_network(2)
    assert parameter_distance(one, one) == 0.0
    assert parameter_distance(one, other) > 0.1
    narrow = tiny_network(1, replace(one.config, hidden=4))
    assert parameter_distance(narrow, one) == float("inf")


def test_a_champion_that_changes_while_the_pass_runs_refuses_the_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)

    def deploy(jobs: MemoryJobs, job: str, step: int, values: Mapping[str, float]) -> None:
        site.deployed = "d" * 64

    monkeypatch.setattr(MemoryJobs, "append_event", deploy)
    report = site.adapt(0)
    assert reasons(report)[0] is GateReason.CHAMPION_CHANGED
    record = site.jobs.get("job-0")
    assert (record.state, record.candidate) == (JobState.REJECTED, "")
