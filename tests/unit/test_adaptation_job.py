"""A whole adaptation job on a tiny network: its states, requests, refusals, and that going on changes nothing."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.adaptation import reporting
from core.adaptation.candidate import judged_pairs, report_of, write_candidate
from core.adaptation.execution import Pass, prepare
from core.adaptation.losses import supervised_loss
from core.adaptation.plan import Plan
from core.adaptation.progress import Progress, Unheard
from core.adaptation.report import GateReport
from core.adaptation.result import JobReport
from core.adaptation.traffic import decided_again
from core.adaptation.worker import Workplace, ask, run_job, settle_interrupted
from core.codes import GateReason, GateResult, JobState, Outcome, UnlabelledUse
from core.errors import HostError, InputError, UsageError
from core.frames import ModalityMask
from core.model.bundle import load_network, load_scorer, read_manifest
from core.ports import JobStore, StoredPresentation
from storage.driver import DatabaseError
from storage.problems import BusyError
from tests.unit.adaptation_site import QUICK, MemoryJobs, SiteStore, crop_face, plan_for, simulate, write_champion
from tests.unit.faces import garbage


class Bench:
    """A job and everything it works with."""

    def __init__(
        self,
        folder: Path,
        store: SiteStore | None = None,
        unlabelled: UnlabelledUse = UnlabelledUse.NONE,
        traffic: Sequence[StoredPresentation] = (),
        judged: str = "",
    ) -> None:
        self.store = store or SiteStore()
        self.jobs = MemoryJobs()
        self.champion = write_champion(folder / "champion")
        self.plan: Plan = plan_for(self.store, self.champion, unlabelled=unlabelled, traffic=traffic, judged=judged)
        self.job = self.jobs.create(self.plan.to_json(), self.plan.sha256())
        self.champion_bundle = folder / "champion"
        self.registered: list[Path] = []
        self.deployed = self.champion.sha256
        self.place = self.workplace(folder / "job", self.jobs)
        self.folder = folder

    def workplace(self, out_dir: Path, jobs: JobStore) -> Workplace:
        return Workplace(
            jobs, self.store, lambda _: self.champion_bundle, lambda: self.deployed, out_dir, crop_face,
            self._register, simulate,
        )  # fmt: skip

    def _register(self, bundle: Path) -> str:
        self.registered.append(bundle)
        return read_manifest(bundle).sha256


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A job that ran from plan to report without a break."""
    bench = Bench(tmp_path_factory.mktemp("finished"))
    run_job(bench.job, bench.place)
    return bench


def weights(bundle: Path) -> dict[str, torch.Tensor]:
    return load_network(bundle)[0].state_dict()


def test_a_job_ends_with_a_report_a_bundle_and_curves(finished: Bench) -> None:
    bench = finished
    record = bench.jobs.get(bench.job)
    assert record.state in (JobState.CANDIDATE, JobState.REJECTED)
    report = JobReport.model_validate_json(record.report)
    assert report.subjects == {"train": 3, "calibrate": 0, "judge": 3}
    assert report.gate.judged["hybrid_attack"] == 12
    assert report.overall.before["bpcer"]["trials"] == 6
    wrong = {(one.session, one.species, one.after) for one in report.examples}
    assert all((after is Outcome.BONA_FIDE) is (species != "") for _, species, after in wrong)
    assert {session for session, *_ in wrong} <= set(bench.plan.sessions)
    refused = report.overall.after["bpcer"]["errors"]
    accepted = sum(rate["errors"] for kind, rate in report.overall.after["apcer"].items() if "hybrid" not in kind)
    assert len(report.examples) == refused + accepted
    assert {"hybrid_sheet", "hybrid_mask", "print_flat"} == set(report.overall.after["apcer"])
    assert record.progress == 1.0
    steps = bench.jobs.events(bench.job)
    assert len(steps) == 12
    assert {"site_loss", "replay_loss", "anchor", "stability", "weight", "flips", "remaining_s"} <= set(steps[0][1])
    assert not any(name.startswith("pseudo") for _, values in steps for name in values), "nobody asked for guesses"
    candidate = read_manifest(bench.place.out_dir / "candidate")
    assert candidate.parent == bench.champion.sha256
    assert candidate.sha256 == report.candidate != bench.champion.sha256
    assert set(candidate.thresholds) == set(bench.champion.thresholds)
    assert not list(bench.place.out_dir.glob("checkpoint*"))


def test_what_holds_the_champion_back_holds_the_candidate(finished: Bench) -> None:
    candidate = load_scorer(finished.place.out_dir / "candidate", "cpu")
    assert candidate.score([garbage()])[0].novelty > 1.0, "the unfamiliar is referred (M6)"
    assert not candidate.may_accept(ModalityMask.parse("ir"))
    assert candidate.may_accept(ModalityMask.parse("depth+ir"))


def test_captures_without_a_label_are_labelled_by_the_pass_and_counted_in_its_report(tmp_path: Path) -> None:
    store = SiteStore(subjects=8)
    labelled = plan_for(store, write_champion(tmp_path / "champion"))
    store.labels = {f"s-{subject[1:]}/1": None for subject in labelled.split.train}
    bench = Bench(tmp_path, store, UnlabelledUse.COLLECTED)
    assert len(bench.plan.pseudo_labelled) == 4
    run_job(bench.job, bench.place)
    record = bench.jobs.get(bench.job)
    assert record.state in (JobState.CANDIDATE, JobState.REJECTED)
    told = JobReport.model_validate_json(record.report).pseudo_labels
    assert told["rows"] == 4 * QUICK.frames
    assert 0 <= told["bona_fide"] + told["attack"] <= told["rows"]
    for _, step in bench.jobs.events(bench.job):
        assert 0.0 <= step["coverage"] <= 1.0
        assert 0.0 <= step["pseudo_agreement"] <= 1.0
        assert step["pseudo_bona_fide"] + step["pseudo_attacks"] <= told["rows"]


def test_recorded_traffic_is_decided_again_by_both_models_and_changes_nothing_else(
    tmp_path: Path, finished: Bench
) -> None:
    class Busy(SiteStore):
        def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
            return [one for one in SiteStore(12).presentations(sessions) if one.id not in ("s-7/0", "s-8/1")]

    seen = SiteStore(12).presentations([f"s-{number}" for number in range(5, 12)])
    bench = Bench(tmp_path, Busy(), traffic=seen)
    assert {one.session for one in bench.plan.traffic} == {f"s-{number}" for number in range(6, 12)}
    run_job(bench.job, bench.place)
    report = JobReport.model_validate_json(bench.jobs.get(bench.job).report)
    traffic = report.traffic
    assert traffic is not None
    assert (traffic.presentations, traffic.gone, traffic.without_face, traffic.decided) == (18, 2, 0, 16)
    said = [(before, after, n) for before, found in traffic.outcomes.items() for after, n in found.items()]
    assert sum(n for *_, n in said) == 16
    assert sum(n for before, after, n in said if before != after) == len(traffic.changed)
    undisturbed = JobReport.model_validate_json(finished.jobs.get(finished.job).report)
    assert report.gate == undisturbed.gate
    assert undisturbed.traffic is None
    assert report.overall.after["bpcer"] == undisturbed.overall.after["bpcer"]


def test_nobody_is_let_in_on_paper_whom_the_door_would_refer(tmp_path: Path) -> None:
    """Masks that never accept (M5) and the unfamiliar (M6) hold back what the report says as they do the door."""

    def let_in(name: str, withheld: Sequence[str] = (), strange: tuple[str, ...] = ()) -> tuple[dict[str, int], int]:
        site = SiteStore(12, strange=strange)
        champion = write_champion(tmp_path / name / "champion", withheld=withheld, threshold=0.1)
        place = Pass(
            plan_for(SiteStore(), champion, traffic=SiteStore(12).presentations(["s-7", "s-8"])),
            tmp_path / name / "champion", tmp_path / name, Progress("", Unheard()), site, crop_face, simulate,
        )  # fmt: skip
        prepared = prepare(place)
        written = write_candidate(place, prepared)
        traffic = decided_again(place, prepared, written)
        assert traffic is not None
        assert traffic.decided == 6
        figures = report_of(place, prepared, written, judged_pairs(place, prepared)).overall.before
        assert figures["bpcer"]["errors"] == 0, "rates are those of forced decisions"
        said = {before: sum(after.values()) for before, after in traffic.outcomes.items()}
        return said, figures["refer"]["bona_fide"]["errors"]

    judging = plan_for(SiteStore(), write_champion(tmp_path / "any")).split.judge
    people = tuple(f"s-{one[1:]}/0" for one in judging)
    assert let_in("free") == ({"bona_fide": 6}, 0)
    assert let_in("withheld", withheld=["rgb+depth+ir"]) == ({"refer": 6}, 2 * len(people))
    assert let_in("strange", strange=("s-7/0", "s-8/2", *people)) == ({"bona_fide": 4, "refer": 2}, len(people))


def test_a_model_from_elsewhere_is_judged_by_everybody_and_nothing_is_trained(tmp_path: Path) -> None:
    other = write_champion(tmp_path / "other", seed=2)
    bench = Bench(tmp_path, judged=other.sha256)
    bundles = {bench.champion.sha256: bench.champion_bundle, other.sha256: tmp_path / "other"}
    place = replace(bench.place, model=lambda sha256: bundles[sha256])
    assert run_job(bench.job, place) in (JobState.CANDIDATE, JobState.REJECTED)
    report = JobReport.model_validate_json(bench.jobs.get(bench.job).report)
    assert report.subjects == {"train": 0, "calibrate": 0, "judge": 6}
    assert report.candidate == other.sha256
    assert report.overall.before == report.overall.threshold_only
    assert report.overall.before["auc"] != report.overall.after["auc"]
    assert report.gate.judged["hybrid_attack"] == 24
    assert not bench.registered
    assert not (place.out_dir / "candidate").exists()
    assert bench.jobs.events(bench.job) == []


def test_a_model_from_elsewhere_that_accepts_where_the_champion_never_does_is_seen_by_the_gate(tmp_path: Path) -> None:
    other = write_champion(tmp_path / "other", seed=2, withheld=(), threshold=0.1)
    bench = Bench(tmp_path, SiteStore(12), judged=other.sha256)
    champion = write_champion(tmp_path / "held", withheld=["rgb+depth+ir"], threshold=0.1)
    assert champion.sha256 == bench.champion.sha256, "other rules, the same weights"
    bundles = {champion.sha256: tmp_path / "held", other.sha256: tmp_path / "other"}
    assert run_job(bench.job, replace(bench.place, model=bundles.__getitem__)) is JobState.REJECTED
    gate = JobReport.model_validate_json(bench.jobs.get(bench.job).report).gate
    assert gate.result is GateResult.WORSE
    (rise,) = [check for check in gate.masks[0].checks if check.reason is GateReason.APCER_RISES]
    assert (rise.mask, rise.before, rise.after) == ("rgb+depth+ir", 0.0, 1.0)


def test_one_that_passes_is_the_job_s_candidate_and_is_not_registered_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_champion(tmp_path / "other", seed=2)
    bench = Bench(tmp_path, judged=other.sha256)
    monkeypatch.setattr(
        reporting, "judge", lambda _trials, gate: GateReport(
            result=GateResult.PASSED, reasons=[], masks=[], settings=gate.model_dump(), judged={}
        )
    )  # fmt: skip
    assert run_job(bench.job, bench.place) is JobState.CANDIDATE
    assert bench.jobs.get(bench.job).candidate == other.sha256
    assert not bench.registered


def test_early_stages_stay_those_of_the_champion(finished: Bench) -> None:
    before, after = weights(finished.champion_bundle), weights(finished.place.out_dir / "candidate")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(f".stages.{i}." in name for name in changed for i in range(3))


def test_pause_and_resume_give_the_same_candidate(finished: Bench) -> None:
    bench = finished
    other = bench.workplace(bench.folder / "paused", bench.jobs)
    job = bench.jobs.create(bench.plan.to_json(), bench.plan.sha256())
    bench.jobs.pause_at = 6
    assert run_job(job, other) is JobState.PAUSED
    assert (other.out_dir / "checkpoint.safetensors").is_file()
    assert run_job(job, other) in (JobState.CANDIDATE, JobState.REJECTED)
    straight, paused = weights(bench.place.out_dir / "candidate"), weights(other.out_dir / "candidate")
    for name, value in straight.items():
        torch.testing.assert_close(paused[name], value, atol=1e-4, rtol=0)
    assert [step for step, _ in bench.jobs.events(job)] == list(range(1, 13))


def test_cancel_leaves_the_champion_and_no_checkpoint(bench: Bench) -> None:
    bench.jobs.pause_at = 4
    run_job(bench.job, bench.place)
    bench.jobs.request(bench.job, "cancel")
    assert run_job(bench.job, bench.place) is JobState.CANCELED
    assert not list(bench.place.out_dir.glob("checkpoint*"))
    assert read_manifest(bench.champion_bundle).sha256 == bench.champion.sha256
    with pytest.raises(UsageError, match="canceled"):
        run_job(bench.job, bench.place)


def test_a_cancel_that_comes_while_the_figures_are_made_is_obeyed(bench: Bench) -> None:
    asked: list[str] = []

    def deployed() -> str:
        """Asked for before the pass, and once more after its report."""
        asked.append(bench.jobs.get(bench.job).state)
        if asked[-1] == JobState.EVALUATING:
            ask(bench.jobs, bench.job, "cancel")
        return bench.deployed

    assert run_job(bench.job, replace(bench.place, deployed=deployed)) is JobState.CANCELED
    assert asked[-1] == JobState.EVALUATING
    assert bench.jobs.get(bench.job).report == ""
    assert not bench.registered
    assert not list(bench.place.out_dir.glob("checkpoint*"))


def test_a_loss_that_is_not_finite_fails_the_job_and_not_the_champion(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def breaks_later(*arguments: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return supervised_loss(*arguments) * (float("nan") if len(calls) > 6 else 1.0)  # type: ignore[arg-type]

    monkeypatch.setattr("core.adaptation.batch.supervised_loss", breaks_later)
    with pytest.raises(HostError, match="not finite"):
        run_job(bench.job, bench.place)
    record = bench.jobs.get(bench.job)
    assert record.state is JobState.FAILED
    assert "champion is untouched" in record.message
    assert read_manifest(bench.champion_bundle).sha256 == bench.champion.sha256


def test_a_pass_that_runs_out_of_memory_goes_on_from_its_checkpoint_to_the_same_candidate(
    finished: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once in its training, once when it judges; the error is the allocator's own."""
    bench = finished
    other = bench.workplace(bench.folder / "short of memory", bench.jobs)
    job = bench.jobs.create(bench.plan.to_json(), bench.plan.sha256())
    before = (bench.champion_bundle / "model.safetensors").read_bytes()
    short = [True]

    def greedy(*arguments: torch.Tensor) -> torch.Tensor:
        if short and len(bench.jobs.events(job)) == 5:  # a checkpoint is written every four steps
            short.clear()
            torch.empty(2**60)
        return supervised_loss(*arguments)  # type: ignore[arg-type]

    def judged(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("core.adaptation.batch.supervised_loss", greedy)
    with pytest.raises(HostError, match="ran out of memory"):
        run_job(job, other)
    record = bench.jobs.get(job)
    assert (record.state, record.candidate, record.report) == (JobState.OUT_OF_MEMORY, "", "")
    assert (other.out_dir / "checkpoint.safetensors").is_file()
    bench.jobs.points.pop(job)
    with monkeypatch.context() as patch:
        patch.setattr("core.adaptation.candidate.judged_pairs", judged)
        with pytest.raises(HostError, match="adapt resume"):
            run_job(job, other)
    assert bench.jobs.get(job).state is JobState.OUT_OF_MEMORY
    assert [step for step, _ in bench.jobs.events(job)] == list(range(5, 13)), "it went on from its checkpoint"
    bench.jobs.points.pop(job)
    assert run_job(job, other) in (JobState.CANDIDATE, JobState.REJECTED)
    assert bench.jobs.events(job) == [], "all of its training was kept"
    straight, resumed = weights(bench.place.out_dir / "candidate"), weights(other.out_dir / "candidate")
    for name, value in straight.items():
        torch.testing.assert_close(resumed[name], value, atol=1e-4, rtol=0)
    assert (bench.champion_bundle / "model.safetensors").read_bytes() == before


def busy(*_: object) -> None:
    raise BusyError("The catalogue was busy.") from DatabaseError("database is locked")


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "breaks", "words"),
    [
        ("core.model.checkpoint.os.fsync", no_room, "No space left"),
        ("core.model.bundle._write", no_room, "No space left"),
        ("tests.unit.adaptation_site.MemoryJobs.append_event", busy, "was busy"),
    ],
)
def test_a_pass_in_whose_way_the_machine_was_goes_on_as_its_message_says(
    finished: Bench, monkeypatch: pytest.MonkeyPatch, place: str, breaks: Callable[..., None], words: str
) -> None:
    """A full disk while a checkpoint is written, or the candidate; a catalogue that another program holds."""
    bench = finished
    other = bench.workplace(bench.folder / place, bench.jobs)
    job = bench.jobs.create(bench.plan.to_json(), bench.plan.sha256())
    with monkeypatch.context() as patch:
        patch.setattr(place, breaks)
        with pytest.raises(HostError, match=words):
            run_job(job, other)
    record = bench.jobs.get(job)
    assert record.state is JobState.INTERRUPTED
    assert words in record.message
    assert run_job(job, other) in (JobState.CANDIDATE, JobState.REJECTED)
    assert read_manifest(other.out_dir / "candidate").sha256 == read_manifest(bench.place.out_dir / "candidate").sha256


def test_a_job_that_waits_for_memory_can_be_canceled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        torch.empty(2**60)

    monkeypatch.setattr("core.adaptation.execution.table_of", greedy)
    with pytest.raises(HostError, match="ran out of memory"):
        run_job(bench.job, bench.place)
    ask(bench.jobs, bench.job, "cancel")
    assert bench.jobs.get(bench.job).state is JobState.CANCELED


def test_a_label_that_changed_after_the_plan_fails_the_job(bench: Bench) -> None:
    bench.store.labels["s-0/0"] = "mask_rigid"
    with pytest.raises(InputError, match="label of presentation s-0/0"):
        run_job(bench.job, bench.place)
    assert bench.jobs.get(bench.job).state is JobState.FAILED


def test_another_champion_or_a_changed_plan_fails_the_job(bench: Bench) -> None:
    bench.deployed = "c" * 64
    with pytest.raises(InputError, match="is deployed now"):
        run_job(bench.job, bench.place)
    forged = json.loads(bench.plan.to_json())
    forged["gate"]["margin"] = 0.4
    job = bench.jobs.create(json.dumps(forged), bench.plan.sha256())
    with pytest.raises(InputError, match="changed after it was frozen"):
        run_job(job, bench.place)


def test_a_damaged_checkpoint_is_named(bench: Bench) -> None:
    bench.jobs.pause_at = 4
    run_job(bench.job, bench.place)
    path = bench.place.out_dir / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged"):
        run_job(bench.job, bench.place)


def test_a_job_whose_worker_is_gone_is_interrupted_and_a_running_one_is_left(bench: Bench) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    bench.jobs.update(bench.job, state=JobState.TRAINING, pid=gone.pid)
    running = bench.jobs.create("", "")
    bench.jobs.update(running, state=JobState.TRAINING, pid=os.getppid())
    assert settle_interrupted(bench.jobs) == [bench.job]
    assert bench.jobs.get(bench.job).state is JobState.INTERRUPTED
    with pytest.raises(UsageError, match="running already"):
        run_job(running, bench.place)


def test_a_job_that_nobody_runs_is_canceled_at_once_and_cannot_be_paused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="nothing to pause"):
        ask(bench.jobs, bench.job, "pause")
    ask(bench.jobs, bench.job, "cancel")
    assert bench.jobs.get(bench.job).state is JobState.CANCELED
    with pytest.raises(UsageError, match="nothing to cancel"):
        ask(bench.jobs, bench.job, "cancel")
