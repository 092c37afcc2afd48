"""Retention in the window: terms, holds, the dry run, and erasing what is due; a real database and real processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.clock import FakeClock, SystemClock
from core.codes import RecordMode, SessionPurpose, SourceKind
from core.daily import Daily
from core.errors import HostError, sentence
from core.handing_over import VARIABLE
from gui.app import Desk, SallyportApp
from gui.i18n.errors import told_form
from gui.main_window import LOG_IN
from gui.services import Services
from gui.views.log_in import LogInPage
from gui.views.people.page import PeoplePage
from gui.views.protection.retention_dialog import RetentionDialog
from gui.views.protection.retention_due import ASK, DONE, EMPTY, LIST, RUN
from gui.widgets.forms import VerbButton
from gui.widgets.toast import Level
from main import main
from storage.catalogue import open_catalogue
from storage.frames import FrameStore
from storage.repositories.proposals import ProposedError
from storage.retention import hold, set_term, terms
from tests import site
from tests.people import PASSPHRASE, add_people, cheap_catalogue

OpenDesk = Callable[[], Desk]
LAB = SessionPurpose.COLLECTION
DAY_MS = 86_400_000.0
LONG_AGO = 1_700_000_000.0


@pytest.fixture
def services(services: Services) -> Services:
    """Erasing is a process of its own: here it is the real one."""

    def command(arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "main.py", *arguments, "--data", str(services.data_dir)]

    return replace(services, command=command)


def old_takes(services: Services, *people: str) -> list[str]:
    """Sessions of these people, years old and a day apart."""
    clock, made = FakeClock(utc_s=LONG_AGO), []
    with open_catalogue(services.data_dir, clock) as catalogue:
        for number, one in enumerate(people):
            made.append(site.take(catalogue, one, 1 + 10 * number))
            clock.sleep_ms(DAY_MS)
    with open_catalogue(services.data_dir) as catalogue:
        site.date_is_right(catalogue)
    return made


def old_import(services: Services, subject: str) -> str:
    """A session on a station with accounts, years old."""
    clock = FakeClock(utc_s=LONG_AGO)
    with cheap_catalogue(services.data_dir, clock) as catalogue, catalogue.acting.going_on():
        catalogue.subjects.add(subject)
        kind = SourceKind.SIMULATED
        session = catalogue.sessions.open(SessionPurpose.IMPORT, RecordMode.FRAMES, kind, subject=subject)
        key = catalogue.vault.for_session(session)
        with FrameStore.create(catalogue.frames_path(session), session, key) as store:
            store.append([site.frame(1)])
        catalogue.sessions.close(session)
    return session


def set_lab_term(services: Services, desk: Desk, qtbot: QtBot) -> None:
    """Once the window has begun: what is due is then left to the person for a day."""
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    with open_catalogue(services.data_dir) as catalogue:
        set_term(catalogue, LAB, 30, "rule")


def opened(desk: Desk, qtbot: QtBot) -> RetentionDialog:
    desk.window.actions_table["retention"].trigger()
    dialog = desk.window.findChildren(RetentionDialog)[-1]
    qtbot.waitUntil(lambda: dialog.view is not None and not desk.tasks.busy)
    return dialog


def there(services: Services, sessions: list[str]) -> list[bool]:
    return [(services.data_dir / "sessions" / f"{session}.db").exists() for session in sessions]


def cells(dialog: RetentionDialog) -> list[list[str]]:
    model = dialog.due.model
    columns = range(model.columnCount())
    return [[str(model.data(model.index(row, column))) for column in columns] for row in range(model.rowCount())]


def test_a_new_site_is_told_that_nothing_goes_and_what_to_do(open_desk: OpenDesk, qtbot: QtBot) -> None:
    dialog = opened(open_desk(), qtbot)
    assert dialog.due.stages.currentIndex() == EMPTY
    assert "No term is set" in dialog.due.empty.remedy.text()
    assert all(field.placeholderText() == "kept until erased" for field in dialog.terms.fields.values())
    assert not dialog.terms.verb.isEnabled()
    assert "nothing by itself before a term is set" in dialog.due.last.text()
    assert all(field.accessibleName() for field in dialog.terms.fields.values())
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not dialog.isVisible())


def test_a_term_is_changed_with_a_reason_from_the_keyboard(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    sessions = old_takes(services, "ann")
    dialog = opened(open_desk(), qtbot)
    field = dialog.terms.fields[LAB]
    qtbot.keyClicks(field, "never")
    qtbot.keyClicks(dialog.terms.reason, "the lab's rule")
    qtbot.keyClick(dialog.terms.reason, Qt.Key.Key_Return)
    assert "number of days" in dialog.terms.problem.text()
    field.clear()
    qtbot.keyClicks(field, "30,5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(cells(dialog)))
    assert dialog.isVisible(), "Return changes the term; it closes nothing"
    assert cells(dialog)[0][1:] == [f"session {sessions[0]}", "ann", "end of the term", "due"]
    assert dialog.due.summary.text() == "1 erasure is due."
    with open_catalogue(services.data_dir) as catalogue:
        assert terms(catalogue) == {LAB: 30.5}
        assert catalogue.audit.of("purpose", "collection")[0].reason == "the lab's rule"
    assert there(services, sessions) == [True]
    field.clear()
    qtbot.keyClicks(dialog.terms.reason, "kept after all")
    dialog.terms.verb.click()
    qtbot.waitUntil(lambda: not cells(dialog))
    dialog.reject()


def test_a_hold_is_set_and_released_and_stops_what_is_due(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    old_takes(services, "ann", "bob")
    with open_catalogue(services.data_dir) as catalogue:
        later = site.take(catalogue, "bob", 30)
    desk = open_desk()
    set_lab_term(services, desk, qtbot)
    dialog = opened(desk, qtbot)
    holds = dialog.holds
    holds.person.setCurrentIndex(holds.person.findData("ann"))
    assert not holds.set.isEnabled()
    qtbot.keyClicks(holds.reason, "case 7")
    assert not holds.end.isEnabled()
    holds.set.click()
    qtbot.waitUntil(lambda: holds.model.rowCount() == 1)
    assert [row[4] for row in cells(dialog)] == ["held: case 7", "due", "in 30 days"]
    assert cells(dialog)[2][1] == f"session {later}"
    assert dialog.due.summary.text().startswith("1 erasure is due, 1 is stopped by a legal hold, the next one on ")
    holds.person.setCurrentIndex(holds.person.findData("bob"))
    holds.table.selectRow(0)
    assert holds.person.currentData() == "ann"
    qtbot.keyClicks(holds.reason, "over")
    holds.end.click()
    qtbot.waitUntil(lambda: holds.model.rowCount() == 0)
    assert dialog.due.summary.text().startswith("2 erasures are due, ")
    dialog.reject()


def test_what_is_due_is_erased_after_a_question_and_its_certificates_are_told(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    sessions = old_takes(services, "ann", "bob", "cid")
    with open_catalogue(services.data_dir) as catalogue:
        hold(catalogue, "cid", "case 7")
    desk = open_desk()
    set_lab_term(services, desk, qtbot)
    dialog = opened(desk, qtbot)
    due = dialog.due
    due.erase.click()
    qtbot.waitUntil(lambda: due.stages.currentIndex() == ASK)
    assert due.question.text() == "2 sessions are destroyed with 2 presentations of 2 people."
    assert due.no.hasFocus(), "what cannot be undone is not what Return does"
    due.no.click()
    assert due.stages.currentIndex() == LIST
    assert there(services, sessions) == [True] * 3
    due.erase.click()
    qtbot.waitUntil(lambda: due.stages.currentIndex() == ASK)
    due.yes.click()
    assert due.stages.currentIndex() == RUN
    qtbot.waitUntil(lambda: due.step.text().startswith(("1 of 2: ", "2 of 2: ")))
    qtbot.waitUntil(lambda: due.stages.currentIndex() == DONE)
    assert due.result.text() == "2 erasures are done."
    assert due.text.toPlainText().count("CERTIFICATE OF ERASURE") == 2
    assert there(services, sessions) == [False, False, True]
    qtbot.waitUntil(lambda: [row[4] for row in cells(dialog)] == ["held: case 7"])
    due.back.click()
    assert not due.erase.isEnabled()
    dialog.reject()


def test_a_run_that_is_stopped_finishes_the_one_it_is_at(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    sessions = old_takes(services, *(f"p{number:02}" for number in range(12)))
    desk = open_desk()
    set_lab_term(services, desk, qtbot)
    dialog = opened(desk, qtbot)
    dialog.due.begin()
    qtbot.waitUntil(lambda: " of 12: " in dialog.due.step.text())
    dialog.due.stop.click()
    qtbot.waitUntil(lambda: dialog.due.stages.currentIndex() == DONE)
    left = there(services, sessions).count(True)
    assert 0 < left < 12
    with open_catalogue(services.data_dir) as catalogue:
        assert catalogue.file.value("SELECT count(*) FROM erasures WHERE step <> 'done'") == 0
        assert catalogue.file.value("SELECT count(*) FROM erasures") == 12 - left
    dialog.reject()


def test_it_goes_on_in_the_background_and_a_failure_is_told(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    sessions = old_takes(services, "ann", "bob")
    copy = services.data_dir / "copy.db"
    copy.write_bytes((services.data_dir / "sessions" / f"{sessions[0]}.db").read_bytes())
    desk = open_desk()
    set_lab_term(services, desk, qtbot)
    dialog = opened(desk, qtbot)
    dialog.due.begin()
    close = dialog.buttons.button(dialog.buttons.StandardButton.Close)
    assert close.text() == "&Go on in the background"
    close.click()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    assert desk.window.toasts.shown[0].what == "1 erasure is done. 1 erasure that is due could not be done."
    assert there(services, sessions) == [False, False]


def test_an_unreadable_catalogue_is_told_and_nothing_can_be_changed(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        catalogue.file.execute("ALTER TABLE holds RENAME TO gone")
    desk = open_desk()
    desk.window.actions_table["retention"].trigger()
    dialog = desk.window.findChildren(RetentionDialog)[-1]
    qtbot.waitUntil(lambda: dialog.problem.text() != "")
    assert not dialog.terms.isEnabled()
    dialog.reject()


def type_the_day(dialog: RetentionDialog, qtbot: QtBot, day: str) -> None:
    question = dialog.clock.ask()
    ok = question.buttons.button(question.buttons.StandardButton.Ok)
    qtbot.keyClicks(question.reason, "it was off")
    assert not ok.isEnabled(), "a day has to be typed"
    qtbot.keyClicks(question.day, day)
    ok.click()


def test_a_clock_in_doubt_is_told_stops_the_erasing_and_is_confirmed_by_the_date_that_a_person_types(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir, FakeClock(utc_s=LONG_AGO)) as catalogue:
        sessions = [site.take(catalogue, "ann")]
    desk = open_desk()
    set_lab_term(services, desk, qtbot)
    dialog = opened(desk, qtbot)
    panel, today = dialog.clock, datetime.now(UTC).date()
    assert panel.isVisible()
    assert "bears out nothing after 2023-11-1" in panel.words.text()
    assert (cells(dialog)[0][4], dialog.due.erase.isEnabled()) == ("waits for the clock", False)
    assert dialog.due.summary.text() == "Nothing is due, 1 waits for the clock."
    type_the_day(dialog, qtbot, "2023-11-16")
    qtbot.waitUntil(lambda: "and you say 2023-11-16" in panel.problem.text() and panel.problem.isVisible())
    type_the_day(dialog, qtbot, today.isoformat())
    qtbot.waitUntil(panel.isHidden)
    qtbot.waitUntil(lambda: cells(dialog)[0][4] == "due" and dialog.due.erase.isEnabled())
    assert there(services, sessions) == [True]
    with open_catalogue(services.data_dir) as catalogue:
        assert [one.reason for one in catalogue.audit.of("clock", today.isoformat())] == ["it was off"]
    dialog.reject()


# --- with accounts --------------------------------------------------------------------------------------------------


@pytest.fixture
def closed_desk(qapp: SallyportApp, services: Services, qtbot: QtBot) -> Iterator[Desk]:
    """A window on a station with accounts, before anybody has logged in; an approved term, and nothing due."""
    with cheap_catalogue(services.data_dir) as catalogue:
        add_people(catalogue)
        catalogue.log_ins.log_in("ada", PASSPHRASE)
        with pytest.raises(ProposedError) as proposed:
            set_term(catalogue, SessionPurpose.IMPORT, 30, "rule")
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        catalogue.proposals.approve(proposed.value.proposal.id)
        set_term(catalogue, SessionPurpose.IMPORT, 30, "rule")
    desk = Desk(qapp, services)
    desk.open()
    qtbot.waitUntil(lambda: desk.door.asks and desk.link.connected)
    yield desk
    desk.close()
    assert not desk.crash.path.exists(), desk.crash.path.read_text()


def enter(desk: Desk, qtbot: QtBot, name: str) -> None:
    page = desk.window.pages[LOG_IN]
    assert isinstance(page, LogInPage)
    page.account.setText(name)
    page.passphrase.setText(PASSPHRASE)
    page.submit()
    qtbot.waitUntil(lambda: desk.door.actor is not None and desk.door.actor.id == name)


def test_a_change_of_a_term_waits_for_a_second_person(closed_desk: Desk, services: Services, qtbot: QtBot) -> None:
    desk = closed_desk
    enter(desk, qtbot, "ada")
    desk.window.go_to("people")
    page = desk.window.pages["people"]
    assert isinstance(page, PeoplePage)
    assert "Retention" in [button.accessibleName() for button in page.findChildren(VerbButton)]
    dialog = opened(desk, qtbot)
    assert "second person" in dialog.terms.notice.text()
    dialog.terms.fields[LAB].setText("30")
    dialog.terms.reason.setText("the lab's rule")
    dialog.terms.verb.click()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    assert desk.window.toasts.shown[0].what == "Proposed."
    qtbot.waitUntil(lambda: dialog.terms.fields[LAB].text() == "")
    with open_catalogue(services.data_dir) as catalogue:
        assert LAB not in terms(catalogue)
        assert [one.action for one in catalogue.proposals.open_ones()] == ["set_retention"]
    dialog.reject()


def test_who_may_not_does_not_see_it(closed_desk: Desk, qtbot: QtBot) -> None:
    enter(closed_desk, qtbot, "tim")
    assert not closed_desk.window.actions_table["retention"].isVisible()


def test_the_command_of_the_dialog_acts_as_whoever_is_here(closed_desk: Desk, qtbot: QtBot) -> None:
    enter(closed_desk, qtbot, "ada")
    dialog = opened(closed_desk, qtbot)
    dialog.due.begin()
    qtbot.waitUntil(lambda: dialog.due.stages.currentIndex() == DONE)
    assert dialog.due.result.text() == "0 erasures are done."
    dialog.reject()


def test_a_log_out_stops_no_erasure_and_its_end_is_told(closed_desk: Desk, services: Services, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not closed_desk.tasks.busy and not closed_desk.erasing.busy)
    sessions = [old_import(services, subject) for subject in ("ann", "bob", "cid")]
    enter(closed_desk, qtbot, "ada")
    dialog = opened(closed_desk, qtbot)
    dialog.due.begin()
    qtbot.waitUntil(lambda: " of 3: " in dialog.due.step.text())
    closed_desk.window.actions_table["log_out"].trigger()
    qtbot.waitUntil(lambda: any(toast.what == "3 erasures are done." for toast in closed_desk.window.toasts.shown))
    assert closed_desk.door.actor is None
    assert there(services, sessions) == [False] * 3


# --- by itself ------------------------------------------------------------------------------------------------------


def test_a_window_erases_by_itself_what_is_due_and_says_so(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    sessions = old_takes(services, "ann", "bob")
    with open_catalogue(services.data_dir) as catalogue:
        hold(catalogue, "bob", "case 7")
        set_term(catalogue, LAB, 30, "rule")
    desk = open_desk()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    assert desk.window.toasts.shown[0].what == "1 erasure is done."
    assert there(services, sessions) == [False, True]
    dialog = opened(desk, qtbot)
    assert dialog.due.last.text().endswith("1 erasure is done.")
    assert [row[4] for row in cells(dialog)] == ["held: case 7"]
    dialog.reject()


def test_a_station_with_accounts_erases_before_anybody_has_logged_in(
    qapp: SallyportApp, services: Services, closed_desk: Desk, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: not closed_desk.tasks.busy and not closed_desk.erasing.busy)
    session = old_import(services, "ann")
    desk = Desk(qapp, services)
    desk.open()
    qtbot.waitUntil(lambda: any(toast.what == "1 erasure is done." for toast in desk.window.toasts.shown))
    assert desk.door.actor is None
    assert there(services, [session]) == [False]
    desk.close()


def test_what_could_not_be_erased_stays_told_until_it_is_done(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    old_takes(services, "ann")
    with open_catalogue(services.data_dir) as catalogue:
        set_term(catalogue, LAB, 30, "rule")
        catalogue.file.change("UPDATE retention SET days = 1")
    desk = open_desk()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    toast = desk.window.toasts.shown[0]
    assert (toast.what, toast.level) == ("1 erasure that is due could not be done.", Level.ERROR)
    assert "does not bear out" in toast.remedy
    assert toast.remedy.endswith("It is tried again tomorrow.")
    desk._renew_window()
    assert desk.window.toasts.shown[0].what == toast.what, "another window tells it too"
    with open_catalogue(services.data_dir) as catalogue:
        set_term(catalogue, LAB, 30, "rule")
    desk.retention._daily = Daily(SystemClock())
    desk.retention.look()
    qtbot.waitUntil(lambda: desk.retention.trouble is None)


def test_why_something_could_not_be_erased_is_told_in_german_with_its_values(
    german: None, services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> dict[str, object]:
        said = sentence("The adaptation job {job} uses the frames and does not stop.", job="job-7")
        raise HostError(said, "End its process, then erase again: it goes on from here.")

    def answer() -> object:
        assert main(["retention", "--json", "--data", str(services.data_dir)]) == 3
        return json.loads(capsys.readouterr().out)["failed"][0][1]

    old_takes(services, "ann")
    with open_catalogue(services.data_dir) as catalogue:
        set_term(catalogue, LAB, 30, "rule")
    monkeypatch.setattr("storage.retention_run.erase", refuse)
    for_people = (
        "The adaptation job job-7 uses the frames and does not stop. "
        "End its process, then erase again: it goes on from here."
    )
    assert answer() == for_people
    monkeypatch.setenv(VARIABLE, "1")
    assert told_form(answer()).startswith("Der Anpassungsauftrag job-7 nutzt die Bilder und hält nicht an. ")
    assert told_form(for_people) == for_people, "an answer that holds only the text"
    assert told_form({"text": 7}) == "{'text': 7}"


def test_nothing_is_begun_twice_a_day_nor_without_a_term(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    desk = open_desk()
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    assert not desk.erasing.busy, "no term is set"
    set_lab_term(services, desk, qtbot)
    desk.retention.look()
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    assert not desk.erasing.busy, "its day is not over"


def test_a_failure_is_told_and_the_dialog_closes_as_before(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    old_takes(services, "ann")
    desk = open_desk()
    set_lab_term(services, desk, qtbot)
    dialog = opened(desk, qtbot)
    desk.erasing._command = lambda arguments: ["false", *arguments]
    dialog.due.begin()
    close = dialog.buttons.button(dialog.buttons.StandardButton.Close)
    qtbot.waitUntil(lambda: not dialog.due.running and not desk.tasks.busy)
    assert close.text() == "Close"
    assert "code 1" in dialog.due.summary.text()
    dialog.reject()
