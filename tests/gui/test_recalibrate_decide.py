"""Recalibrate, the steps Report and Decide: what is shown of a candidate, and what a person does with models."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.adaptation.report import Check, Holds
from core.adaptation.result import Traffic, TrafficChange, WrongDecision
from core.codes import GateReason, JobState, Outcome
from gui.documents.adaptation_report import read_report
from gui.documents.report_words import check_row, reason_line
from gui.main_window import MainWindow
from gui.services import Services
from gui.views.recalibrate.page import DECIDE, REPORT, RecalibratePage
from gui.views.recalibrate.report_step import figures_of
from gui.views.review.page import ReviewPage
from gui.widgets.ask import ReasonDialog
from storage.catalogue import open_catalogue
from storage.opening import models_of
from tests.gui.fakes import verdict
from tests.gui.recalibrating import OpenDesk, catch_launches, open_page, report, with_commands, with_job
from tests.unit.test_lineage import bundle


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    return catch_launches(monkeypatch)


@pytest.fixture
def page(services: Services, open_desk: OpenDesk, qtbot: QtBot, launched: list[list[str]]) -> RecalibratePage:
    return open_page(services, open_desk, qtbot)


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
    data = with_commands(page)
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
    data = with_commands(page)
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


def test_the_report_says_what_would_decide(page: RecalibratePage, qtbot: QtBot) -> None:
    with_job(page, qtbot, state=JobState.REJECTED, progress=1.0, report=report().to_json())
    page.go_to_step(REPORT)
    assert page.report.result.text() == "Insufficient evidence"
    assert "220 more presentations of 8 more people who judge would decide it." in page.report.why.text()
    assert page.report.checks.rowCount() == 1
    assert page.report.figures.rowCount() == 6
    assert not page.context.actions["promote"].isEnabled(), "a refused candidate cannot be promoted here"


def test_the_report_says_where_thresholds_follow_the_site_alone(page: RecalibratePage, qtbot: QtBot) -> None:
    shifted = report().model_copy(update={"misplaced": ["depth+ir"]})
    with_job(page, qtbot, state=JobState.REJECTED, progress=1.0, report=shifted.to_json())
    page.go_to_step(REPORT)
    assert "Labelled attacks pass the champion" in page.report.why.text()
    assert "(Depth + Infrared)" in page.report.why.text()


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


def test_an_attack_that_only_the_renderer_made_is_named_so() -> None:
    """Nobody at the site has seen that mask, and no capture decides about it."""
    check = Check(
        reason=GateReason.SPECIES_OPEN, holds=Holds.OPEN, mask="depth+ir", stratum="source", species="mask_half"
    )
    line = reason_line(check)
    assert "mask, half (simulated)" in line
    assert line.endswith("No capture decides about simulated attacks: another pass may do better.")
    assert check_row(check)[3] == "mask, half (simulated)"
    on_site = check.model_copy(update={"stratum": "site"})
    assert "simulated" not in reason_line(on_site) + check_row(on_site)[3]


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
