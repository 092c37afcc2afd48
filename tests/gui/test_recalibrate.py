from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from core.adaptation.report import Check, GateReport, Holds, MaskFinding
from core.adaptation.result import JobReport, MaskFigures, Traffic, TrafficChange, WrongDecision
from core.codes import GateReason, GateResult, JobState, Outcome, RecordMode, SessionPurpose, SourceKind
from core.ports import JobRecord
from gui.app import Desk
from gui.documents.adaptation_report import read_report
from gui.documents.report_words import check_row, reason_line
from gui.main_window import MainWindow
from gui.models.material_model import MaterialModel
from gui.models.table_model import TextTable
from gui.services import Services
from gui.views.recalibrate import page as page_module
from gui.views.recalibrate.page import DATA, DECIDE, REPORT, RUN, SITE, RecalibratePage
from gui.views.recalibrate.reading import read_material
from gui.views.recalibrate.report_step import figures_of
from gui.views.recalibrate.run_step import remaining
from gui.views.recalibrate.summary import balance_of, missing, sentences
from gui.views.review.page import ReviewPage
from gui.widgets.ask import ReasonDialog
from gui.widgets.curves import Curves
from storage.catalogue import Catalogue, open_catalogue
from storage.opening import models_of
from tests.gui.fakes import verdict
from tests.unit.test_lineage import bundle
from tests.unit.test_site_shift import decide

OpenDesk = Callable[[], Desk]


def fill(catalogue: Catalogue, subjects: int = 3) -> list[str]:
    sessions = []
    for number in range(subjects):
        catalogue.subjects.add(f"s{number}")
        session = catalogue.sessions.open(
            SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, subject=f"s{number}"
        )
        for species in ("", "print_flat", None):
            take = catalogue.presentations.open(session, species=species)
            catalogue.presentations.close(take, 1, 5, 1.0)
        catalogue.sessions.close(session)
        sessions.append(session)
    return sessions


def report(result: GateResult = GateResult.INSUFFICIENT_EVIDENCE) -> JobReport:
    check = Check(
        reason=GateReason.BPCER_OPEN,
        holds=Holds.OPEN,
        mask="depth+ir",
        before=0.02,
        after=0.03,
        low=-0.01,
        high=0.04,
        trials=80,
        subjects=6,
        needs_trials=300,
        needs_subjects=14,
    )
    gate = GateReport(
        result=result,
        reasons=[check],
        masks=[MaskFinding(mask="depth+ir", holds=Holds.OPEN, claimed=False, checks=[check])],
        settings={},
        judged={},
    )
    rate = {"value": 0.1, "errors": 1, "trials": 10, "low": 0.003, "high": 0.445}
    block = {"bpcer": rate, "apcer": {"print_flat": rate}, "auc": 0.9}
    det = {"before": [(0.0, 0.4), (0.5, 0.0)], "after": [(0.0, 0.2), (0.3, 0.0)]}
    counts = {"bona_fide": [0] * 19 + [9], "attack": [7] + [0] * 19}
    figures = MaskFigures(
        mask="depth+ir", before=block, threshold_only=block, after={**block, "bpcer": None}, det=det, histograms=counts
    )
    return JobReport(
        gate=gate,
        overall=figures,
        by_mask=[figures],
        subjects={},
        without_face={},
        steps=240,
        returns=0,
        candidate="ab" * 32,
    )


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have become processes of their own."""
    found: list[list[str]] = []

    def launch(_page: RecalibratePage, arguments: list[str]) -> bool:
        found.append(arguments)
        return True

    monkeypatch.setattr(page_module.RecalibratePage, "_launch", launch)
    return found


@pytest.fixture
def page(services: Services, open_desk: OpenDesk, qtbot: QtBot, launched: list[list[str]]) -> RecalibratePage:
    with open_catalogue(services.data_dir) as catalogue:
        fill(catalogue)
    desk = open_desk()
    desk.window.go_to("recalibrate")
    found = desk.window.pages["recalibrate"]
    assert isinstance(found, RecalibratePage)
    found.go_to_step(DATA)
    qtbot.waitUntil(lambda: found.data.model.rowCount() == 3)
    return found


def with_job(page: RecalibratePage, qtbot: QtBot, **changes: object) -> str:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        job = catalogue.jobs.create("{}", "00")
        for step in range(3):
            catalogue.jobs.append_event(job, step, {"loss": 1.0 / (step + 1), "anchor": float(step)})
        catalogue.jobs.update(job, **changes)  # type: ignore[arg-type]
    page._watch()
    qtbot.waitUntil(lambda: page.job is not None and page.job.id == job)
    return job


def test_site_figures_have_bounds(page: RecalibratePage, qtbot: QtBot) -> None:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        for outcome in (Outcome.BONA_FIDE, Outcome.BONA_FIDE, Outcome.REFER):
            catalogue.verdicts.commit(verdict(outcome, session="", presentation=""))
    page.go_to_step(SITE)
    outcomes = page.site.outcomes
    qtbot.waitUntil(lambda: outcomes.rowCount() == len(Outcome) and outcomes.data(outcomes.index(0, 3)) == "2")
    assert outcomes.data(outcomes.index(0, 1)) == "66.7%"
    assert "…" in str(outcomes.data(outcomes.index(0, 2)))


def test_the_shift_meter_says_which_sensor_moved_in_words(page: RecalibratePage, qtbot: QtBot) -> None:
    panel = page.site.shift
    page.go_to_step(SITE)
    qtbot.waitUntil(lambda: "not decided" in panel.spans.text())
    assert panel.bars.isHidden()
    with open_catalogue(page.context.services.data_dir) as catalogue:
        decide(catalogue, 320)
        decide(catalogue, 310, ir=-2.0)
    page.go_to_step(SITE)
    qtbot.waitUntil(panel.bars.isVisible)
    assert [row.words.split("  ")[0] for row in panel.bars.rows] == ["as before", "as before", "moved far"]
    assert "champion's first 300 verdicts" in panel.spans.text()
    spoken = panel.bars.accessibleDescription()
    assert "Infrared: moved far" in spoken
    assert "300 verdicts then, 300 now, chance alone reaches" in spoken
    assert panel.bars.grab().width() > 0


def test_few_verdicts_are_too_little_to_tell(page: RecalibratePage, qtbot: QtBot) -> None:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        decide(catalogue, 20)
    page.go_to_step(SITE)
    qtbot.waitUntil(page.site.shift.bars.isVisible)
    assert {row.words for row in page.site.shift.bars.rows} == {"too little to tell"}
    assert "about 160 verdicts on each side" in page.site.shift.spans.text()


def test_the_choice_says_what_it_amounts_to_and_what_is_missing(page: RecalibratePage) -> None:
    assert not page.context.actions["make_plan"].isEnabled()
    page.data.model.choose_all(True)
    words = page.data.summary.text()
    assert "3 sessions chosen" in words
    assert "print, flat: 3" in words
    assert "3 presentations have no label" in words
    assert "17 more subjects" in page.data.gaps.text()
    assert page.context.actions["make_plan"].isEnabled()


def test_enough_subjects_leave_no_gap() -> None:
    balance = replace(balance_of([]), subjects=20, genuine=20, bona_fide=60, attacks={"print_flat": 60})
    assert missing(balance) == []
    assert len(sentences(balance)) == 5


def test_a_plan_is_frozen_by_the_command_line_and_its_job_started_apart(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]]
) -> None:
    asked: list[list[str]] = []

    def command(arguments: object) -> list[str]:
        asked.append(list(arguments))  # type: ignore[call-overload]
        return [sys.executable, "-c", "print('job-1')"]

    page.context.services = replace(page.context.services, command=command)
    assert not page.data.unlabelled.isEnabled(), "nothing is chosen"
    page.data.model.choose_all(True)
    page.data.unlabelled.setChecked(True)
    page.context.actions["make_plan"].trigger()
    qtbot.waitUntil(lambda: launched == [["adapt", "run", "job-1"]])
    assert asked[0][:3] == ["adapt", "plan", "--sessions"]
    assert asked[0][-1] == "--unlabelled"
    assert len(asked[0][3].split(",")) == 3
    assert page.steps.currentIndex() == RUN


def test_the_process_of_a_job_is_not_a_child_of_the_window(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    said = tmp_path / "parent"
    text = f"import os, pathlib; pathlib.Path({str(said)!r}).write_text(str(os.getppid()) + '.')"
    page.context.services = replace(page.context.services, command=lambda _arguments: [sys.executable, "-c", text])
    assert page._launch(["adapt", "run", "job-1"])
    qtbot.waitUntil(lambda: said.exists() and said.read_text().endswith("."))
    assert int(said.read_text()[:-1]) != os.getpid()


def test_a_process_that_cannot_start_is_told(desk: Desk, qtbot: QtBot) -> None:
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    page.context.services = replace(page.context.services, command=lambda _arguments: ["/no/such/program"])
    assert not page._launch(["adapt", "run", "job-1"])
    assert any("could not be started" in toast.what for toast in desk.window.toasts.shown)


def test_recorded_traffic_that_would_be_decided_otherwise_is_shown_and_opened(
    page: RecalibratePage, qtbot: QtBot
) -> None:
    window = page.window()
    assert isinstance(window, MainWindow)
    with open_catalogue(page.context.services.data_dir) as catalogue:
        session = catalogue.sessions.page()[0][0].id
    change = TrafficChange(presentation="p-7", session=session, before=Outcome.ATTACK, after=Outcome.BONA_FIDE)
    outcomes = {"attack": {"attack": 5, "bona_fide": 1}}
    traffic = Traffic(presentations=8, gone=1, without_face=1, outcomes=outcomes, changed=[change])
    told = report().model_copy(update={"traffic": traffic})
    with_job(page, qtbot, state=JobState.CANDIDATE, report=told.to_json(), candidate="c" * 64)
    page.go_to_step(REPORT)
    plate = page.report.traffic
    qtbot.waitUntil(lambda: page.report.tabs.isTabVisible(3))
    page.report.tabs.setCurrentWidget(plate)
    assert plate.sentence.text() == (
        "1 of 6 recorded presentations would be decided otherwise. Newly accepted: 1; no longer accepted: 0. "
        "Left out (gone, or without a face): 2."
    )
    plate.table.activated.emit(plate.changed.index(0, 0))
    assert window.front == "review"
    review = window.pages["review"]
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: review.opened is not None and review.opened.session.id == session)


def test_what_the_candidate_decides_wrongly_can_be_looked_at(page: RecalibratePage, qtbot: QtBot) -> None:
    window = page.window()
    assert isinstance(window, MainWindow)
    with open_catalogue(page.context.services.data_dir) as catalogue:
        session = catalogue.sessions.page()[0][0].id
    wrong = WrongDecision(
        presentation="p-3", session=session, species="print_flat", before=Outcome.ATTACK, after=Outcome.BONA_FIDE
    )
    with_job(page, qtbot, state=JobState.REJECTED, report=report().model_copy(update={"examples": [wrong]}).to_json())
    page.go_to_step(REPORT)
    plate = page.report.examples
    qtbot.waitUntil(lambda: page.report.tabs.isTabVisible(2))
    assert not page.report.tabs.isTabVisible(3), "there was no recorded traffic"
    page.report.tabs.setCurrentWidget(plate)
    assert [plate.changed.data(plate.changed.index(0, column)) for column in range(3)] == [
        "print, flat, p-3", "ATTACK", "BONA FIDE"
    ]  # fmt: skip
    plate.table.activated.emit(plate.changed.index(0, 0))
    assert window.front == "review"


def test_a_candidate_runs_in_shadow_and_what_it_would_have_answered_is_shown(
    page: RecalibratePage, qtbot: QtBot, tmp_path: Path
) -> None:
    data = page.context.services.data_dir
    page.context.services = replace(
        page.context.services, command=lambda said: [sys.executable, "main.py", *said, "--data", str(data)]
    )
    with open_catalogue(data) as catalogue:
        candidate = models_of(catalogue).add(bundle(tmp_path, "site-1")).sha256
    with_job(page, qtbot, state=JobState.CANDIDATE, report=report().to_json(), candidate=candidate)
    page.go_to_step(DECIDE)
    begin, end = page.context.actions["shadow_run"], page.context.actions["end_shadow"]
    assert begin.isEnabled()
    assert not end.isEnabled()
    begin.trigger()
    qtbot.waitUntil(end.isEnabled)
    assert not begin.isEnabled()
    assert "Nobody was decided about yet" in page.decide.shadow.sentence.text()
    with open_catalogue(data) as catalogue:
        row = catalogue.verdicts.commit(verdict(Outcome.ATTACK, session="", presentation=""))
        catalogue.shadow_answers.add(row, candidate, Outcome.BONA_FIDE)
    qtbot.waitUntil(lambda: page.decide.shadow.changed.rowCount() == 1)
    assert page.decide.shadow.sentence.text() == (
        "site-1 runs beside the champion: 1 of 1 verdicts would have been others."
    )
    end.trigger()
    qtbot.waitUntil(begin.isEnabled)
    assert "can run beside" in page.decide.shadow.sentence.text()


def test_a_model_is_judged_on_the_sessions_that_are_chosen(
    page: RecalibratePage, qtbot: QtBot, tmp_path: Path, launched: list[list[str]]
) -> None:
    asked: list[list[str]] = []

    def command(arguments: object) -> list[str]:
        asked.append(list(arguments))  # type: ignore[call-overload]
        return [sys.executable, "-c", "print('job-7')"]

    with open_catalogue(page.context.services.data_dir) as catalogue:
        model = models_of(catalogue).add(bundle(tmp_path, "site-1")).sha256
    page.go_to_step(DECIDE)
    judge = page.context.actions["judge_model"]
    qtbot.waitUntil(lambda: page.decide.chosen == model)
    assert not judge.isEnabled(), "no session is chosen"
    page.context.services = replace(page.context.services, command=command)
    page.data.model.choose_all(True)
    assert judge.isEnabled()
    judge.trigger()
    qtbot.waitUntil(lambda: launched == [["adapt", "run", "job-7"]])
    planned = next(one for one in asked if one[:2] == ["adapt", "judge"])
    assert planned[2:4] == [model, "--sessions"]
    assert len(planned[4].split(",")) == 3


def test_a_model_goes_to_another_lane_and_comes_back_as_a_file(
    page: RecalibratePage, qtbot: QtBot, tmp_path: Path
) -> None:
    data = page.context.services.data_dir
    page.context.services = replace(
        page.context.services, command=lambda said: [sys.executable, "main.py", *said, "--data", str(data)]
    )
    with open_catalogue(data) as catalogue:
        sent = models_of(catalogue).add(bundle(tmp_path, "site-1")).sha256
    page.go_to_step(DECIDE)
    send, take = page.context.actions["send_model"], page.context.actions["receive_model"]
    qtbot.waitUntil(lambda: send.isEnabled() and page.decide.chosen == sent)
    page.verbs.send_to(page.decide.chosen, str(tmp_path / "model.zip"))
    qtbot.waitUntil(lambda: (tmp_path / "model.zip").is_file() and take.isEnabled())
    shown: list[BaseException] = []
    page.context.show_error = shown.append
    page.verbs.receive_from(str(tmp_path / "model.zip"))
    qtbot.waitUntil(take.isEnabled)
    assert not shown, "a lane trusts itself"
    (tmp_path / "model.zip").write_bytes(b"PK")
    page.verbs.receive_from(str(tmp_path / "model.zip"))
    qtbot.waitUntil(lambda: bool(shown))
    assert "damaged" in str(shown[0])
    qtbot.waitUntil(take.isEnabled)


def test_a_check_that_holds_is_not_named_by_its_failure() -> None:
    check = Check(reason=GateReason.SPECIES_RISES, holds=Holds.YES, mask="depth+ir", species="print_flat")
    assert check_row(check)[:2] == ("✓", "this species is not accepted more often")
    failed = check.model_copy(update={"holds": Holds.NO})
    assert check_row(failed)[:2] == ("✗", "one species is accepted more often")


def test_a_command_that_dies_without_a_word_is_told(page: RecalibratePage, qtbot: QtBot) -> None:
    shown: list[BaseException] = []
    page.context.show_error = shown.append
    page.context.services = replace(page.context.services, command=lambda _arguments: ["false"])
    page.data.model.choose_all(True)
    page.context.actions["make_plan"].trigger()
    qtbot.waitUntil(lambda: bool(shown))
    assert "ended with code 1" in str(shown[0])


def test_a_job_is_watched_and_can_be_paused(page: RecalibratePage, qtbot: QtBot) -> None:
    job = with_job(page, qtbot, state=JobState.TRAINING, progress=0.4, message="step 96 of 240", pid=os.getpid())
    page.go_to_step(RUN)
    assert "training" in page.run_step.state.text()
    assert page.run_step.bar.value() == 400
    assert page.context.actions["pause_job"].isEnabled()
    page.context.actions["pause_job"].trigger()
    qtbot.waitUntil(lambda: "pause" in page.run_step.message.text())
    with open_catalogue(page.context.services.data_dir) as catalogue:
        assert catalogue.jobs.take_request(job) == "pause"


def test_guessed_labels_have_a_curve_only_where_the_pass_guesses(page: RecalibratePage, qtbot: QtBot) -> None:
    page.go_to_step(RUN)

    def run(**guessed: float) -> Curves:
        with open_catalogue(page.context.services.data_dir) as catalogue:
            job = catalogue.jobs.create("{}", "00")
            for step in range(3):
                catalogue.jobs.append_event(job, step, {"site_loss": 1.0 / (step + 1), **guessed})
            catalogue.jobs.update(job, state=JobState.TRAINING, pid=os.getpid())
        page.jobs.setCurrentIndex(-1)  # the newest one is looked at, whatever was chosen before
        page._watch()
        qtbot.waitUntil(lambda: page.job is not None and page.job.id == job and page.run_step.curves is not None)
        found = page.run_step.curves
        assert isinstance(found, Curves)
        return found

    assert set(run().plots) == {"site_loss"}
    guessing = run(pseudo_bona_fide=12.0, pseudo_attacks=40.0, pseudo_agreement=0.875).plots
    assert set(guessing) == {"site_loss", "pseudo_bona_fide", "pseudo_agreement"}
    assert guessing["pseudo_bona_fide"].accessibleDescription() == "bona fide 12, attack 40"
    assert guessing["pseudo_agreement"].accessibleDescription() == "0.875"
    legend = guessing["pseudo_bona_fide"].getPlotItem().legend
    assert [label.text for _sample, label in legend.items] == ["bona fide", "attack"]


def test_a_job_whose_process_is_gone_can_be_resumed(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]]
) -> None:
    job = with_job(page, qtbot, state=JobState.TRAINING, progress=0.4, pid=2**22 + 1)
    qtbot.waitUntil(lambda: page.job is not None and page.job.state is JobState.INTERRUPTED)
    assert page.context.actions["resume_job"].isEnabled()
    page.context.actions["resume_job"].trigger()
    assert launched == [["adapt", "resume", job]]


def test_canceling_an_idle_job_starts_somebody_who_obeys(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]]
) -> None:
    job = with_job(page, qtbot, state=JobState.PAUSED, progress=0.4)
    page.context.actions["cancel_job"].trigger()
    qtbot.waitUntil(lambda: launched == [["adapt", "resume", job]])


def test_the_report_says_what_would_decide(page: RecalibratePage, qtbot: QtBot) -> None:
    with_job(page, qtbot, state=JobState.REJECTED, progress=1.0, report=report().to_json())
    page.go_to_step(REPORT)
    assert page.report.result.text() == "Insufficient evidence"
    assert "220 more presentations of 8 more people who judge would decide it." in page.report.why.text()
    assert page.report.checks.rowCount() == 1
    assert page.report.figures.rowCount() == 6
    assert not page.context.actions["promote"].isEnabled(), "a refused candidate cannot be promoted here"


def test_figures_stand_with_bounds_and_n() -> None:
    rows = figures_of(report())
    assert rows[0][2] == "10.0%  (0.3% … 44.5%; n 10)"
    assert rows[0][4] == "", "an absent class has no rate"


def test_a_report_of_another_version_is_none() -> None:
    assert read_report('{"gate": 3}') is None
    assert read_report("") is None
    assert read_report(report().to_json()) is not None


def test_a_reason_names_sensors_and_needs() -> None:
    line = reason_line(report().gate.reasons[0])
    assert "Depth + Infrared" in line
    assert "220 more presentations of 8 more people" in line


def test_a_candidate_is_promoted_with_a_reason(page: RecalibratePage, qtbot: QtBot) -> None:
    with_job(page, qtbot, state=JobState.CANDIDATE, progress=1.0, candidate="ab" * 32)
    page.go_to_step(DECIDE)
    asked: list[list[str]] = []

    def command(arguments: object) -> list[str]:
        asked.append(list(arguments))  # type: ignore[call-overload]
        return [sys.executable, "-c", ""]

    page.context.services = replace(page.context.services, command=command)
    said: list[str] = []
    page.context.notify = lambda what, _remedy, _level: said.append(what)
    page.context.actions["promote"].trigger()
    dialog = page.findChild(ReasonDialog)
    assert dialog is not None
    dialog.reason.setPlainText("better on print")
    dialog.accept()
    qtbot.waitUntil(lambda: said == ["The candidate is the champion now."])
    assert asked == [["promote", "ab" * 32, "--reason", "better on print"]]


def test_a_candidate_is_rejected_with_a_reason(page: RecalibratePage, qtbot: QtBot) -> None:
    job = with_job(page, qtbot, state=JobState.CANDIDATE, progress=1.0, candidate="ab" * 32)
    page.verbs.reject()
    dialog = page.findChild(ReasonDialog)
    assert dialog is not None
    dialog.reason.setPlainText("not now")
    dialog.accept()
    qtbot.waitUntil(lambda: page.job is not None and page.job.state is JobState.REJECTED)
    with open_catalogue(page.context.services.data_dir) as catalogue:
        assert catalogue.audit.of("job", job)[-1].reason == "not now"


def test_an_empty_catalogue_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    page.go_to_step(DATA)
    qtbot.waitUntil(lambda: page.data.rooms.currentIndex() == 1)


@pytest.mark.parametrize(
    ("progress", "passed_s", "text"),
    [(0.5, 60.0, "about 60 s left"), (0.25, 300.0, "about 15 min left"), (0.0, 10.0, "")],
)
def test_the_remaining_time_follows_from_the_progress(progress: float, passed_s: float, text: str) -> None:
    record = JobRecord(
        "job", JobState.TRAINING, "{}", "00", progress, created_utc_s=100.0, updated_utc_s=100.0 + passed_s
    )
    assert remaining(record) == text


def test_models_keep_qt_rules(services: Services, qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        fill(catalogue)
        rows = read_material(catalogue)
    material = MaterialModel()
    material.show(rows)
    qtmodeltester.check(material)
    table = TextTable(("a", "b"))
    table.show([("1", "2"), ("3", "4")])
    qtmodeltester.check(table)
