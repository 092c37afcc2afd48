"""Accounts, roles and what each role sees, through the window."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from core.access import DeniedError, Permission, Role
from core.codes import Outcome, SecondLineResult, SessionPurpose
from core.station.ports import SessionOrder
from gui.app import Desk
from gui.main_window import LOG_IN
from gui.views.checkpoint.page import CheckpointPage
from gui.views.collect.page import CollectPage
from gui.views.people.dialogs import AccountDialog, CodeDialog, SecretDialog
from gui.views.people.page import PeoplePage
from gui.widgets.toast import Toast
from storage.catalogue import Catalogue
from tests.gui.fakes import FakeFrames, FakeStation, committed, frame_set, ready, verdict
from tests.gui.logging_in import enter, page_of, visible_pages
from tests.people import PASSPHRASE
from tests.unit.test_second_line import checkpoint, stopped


def roles_shown(page: PeoplePage) -> list[str]:
    accounts = page.view.accounts if page.view is not None else ()
    return [f"{one.name} {role}" for one in accounts for role in one.roles]


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("olga", ["checkpoint"]),
        ("carl", ["collect", "review"]),
        ("tim", ["checkpoint", "review", "recalibrate", "devices", "people"]),
        ("ada", ["checkpoint", "review", "recalibrate", "people", "audit"]),
    ],
)
def test_pages_open_by_role_and_what_is_not_theirs_is_absent(
    closed_desk: Desk, station: FakeStation, qtbot: QtBot, name: str, pages: list[str]
) -> None:
    enter(closed_desk, qtbot, name)
    assert visible_pages(closed_desk) == pages
    assert closed_desk.window.front in pages
    assert closed_desk.window.who_line.who.text().startswith(name)
    operates = closed_desk.door.actor is not None and closed_desk.door.actor.may(Permission.OPERATE)
    if operates:
        qtbot.waitUntil(lambda: closed_desk.link.session != "")
    else:
        qtbot.waitUntil(lambda: len(station.named("act_as")) == 2)
        assert station.named("open_session") == []
    if name == "ada":
        assert not closed_desk.window.actions_table["next_person"].isVisible()


def test_a_collector_who_leaves_the_page_leaves_no_session_that_records(
    closed_desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = station.open_session

    def as_the_ledger_does(order: SessionOrder) -> str:
        if order.purpose is SessionPurpose.CHECKPOINT:
            raise DeniedError("carl may not do this (operate).", "Ask an operator.")
        return opened(order)

    monkeypatch.setattr(station, "open_session", as_the_ledger_does)
    enter(closed_desk, qtbot, "carl")
    frames.push(frame_set(1))
    ready(station)
    page = page_of(closed_desk, "collect")
    assert isinstance(page, CollectPage)
    qtbot.waitUntil(lambda: page.allowed)
    page.start_take()
    qtbot.waitUntil(lambda: station.session != "" and len(station.named("begin_presentation")) == 1)
    closed_desk.window.go_to("review")
    qtbot.waitUntil(lambda: station.session == "" and closed_desk.link.session == "")
    assert not closed_desk.window.toasts.findChildren(Toast)


def test_the_first_account_closes_the_station_and_its_code_is_shown_once(desk: Desk, qtbot: QtBot) -> None:
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None)
    desk.window.actions_table["add_account"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.account.setText("ada")
    dialog.secret.setText(PASSPHRASE)
    assert not dialog.buttons.buttons()[0].isEnabled() or dialog.again.text() == PASSPHRASE
    dialog.again.setText(PASSPHRASE)
    dialog.accept()
    qtbot.waitUntil(lambda: page.findChild(CodeDialog) is not None)
    code = page.findChild(CodeDialog)
    assert code is not None
    assert len(code.code.text()) == 39
    code.accept()
    qtbot.waitUntil(lambda: desk.window.front == LOG_IN)
    enter(desk, qtbot, "ada")


def test_the_share_that_an_operator_overrides_is_shown_with_its_bounds(
    closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot
) -> None:
    catalogue.log_ins.log_in("olga", PASSPHRASE)
    session = checkpoint(catalogue)
    rows = [stopped(catalogue, session)[0] for _ in range(4)]
    catalogue.verdicts.override(rows[0], Outcome.BONA_FIDE, "knows her")
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.operators.rowCount() == 1)
    shown = [page.operators.data(page.operators.index(0, column)) for column in range(page.operators.columnCount())]
    assert shown == ["olga", "4", "1", "25.0% (0.6% … 80.6%)", "0"]


def test_the_second_line_takes_two_keystrokes_and_holds_nobody_up(
    desk: Desk, catalogue: Catalogue, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    page = page_of(desk, "checkpoint")
    assert isinstance(page, CheckpointPage)
    frames.push(frame_set(1))
    ready(station)
    first = catalogue.verdicts.commit(verdict(Outcome.ATTACK, session="", presentation=""))
    second = catalogue.verdicts.commit(verdict(Outcome.REFER, session="", presentation=""))
    station.say(committed(Outcome.REFER, second))
    qtbot.waitUntil(lambda: page.second_line.choice.count() == 2)
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_L)
    qtbot.keyClick(page, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: page.second_line.choice.count() == 1)
    assert catalogue.second_line.of(first) is SecondLineResult.FALSE_ALARM
    page.next_person()
    qtbot.waitUntil(lambda: station.named("begin_presentation") != [])
    assert page.second_line.chosen == second
    qtbot.keyClick(page, Qt.Key.Key_L)
    qtbot.keyClick(page, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: page.second_line.isHidden())
    assert catalogue.second_line.of(second) is SecondLineResult.CONFIRMED


def test_the_full_screen_is_left_with_the_pin_only(desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> None:
    catalogue.accounts.set_kiosk_pin("739154")
    window = desk.window
    window.actions_table["full_screen"].trigger()
    qtbot.waitUntil(window.isFullScreen)
    window.close()
    assert window.isVisible(), "closing is leaving"
    qtbot.waitUntil(lambda: window.findChild(SecretDialog) is not None)
    dialog = window.findChild(SecretDialog)
    assert dialog is not None
    dialog.secret.setText("111222")
    dialog.accept()
    qtbot.waitUntil(lambda: bool(window.toasts.shown))
    assert window.isFullScreen()
    window.actions_table["full_screen"].trigger()
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(SecretDialog)))
    again = next(one for one in window.findChildren(SecretDialog) if one.isVisible())
    again.secret.setText("739154")
    again.accept()
    qtbot.waitUntil(lambda: not window.isFullScreen())


def test_an_operator_does_not_see_the_site_policy(closed_desk: Desk, qtbot: QtBot) -> None:
    enter(closed_desk, qtbot, "olga")
    assert not closed_desk.window.actions_table["site_policy"].isVisible()


def test_an_account_that_is_refused_can_be_corrected(desk: Desk, qtbot: QtBot) -> None:
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None)
    desk.window.actions_table["add_account"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.account.setText("ada")
    for field in (dialog.secret, dialog.again):
        field.setText("short")
    dialog.accept()
    qtbot.waitUntil(dialog.problem.isVisible)
    assert "15 characters" in dialog.problem.text()
    assert dialog.account.text() == "ada"
    for field in (dialog.secret, dialog.again):
        field.setText(PASSPHRASE)
    dialog.accept()
    qtbot.waitUntil(lambda: page.findChild(CodeDialog) is not None)


def test_roles_change_also_where_the_answer_has_to_wait(closed_desk: Desk, qtbot: QtBot) -> None:
    """What was ticked is read at once: the work is done in another thread, when the dialog may be gone."""
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None and bool(page.view.accounts))
    assert page.view is not None
    page.table.selectRow([one.name for one in page.view.accounts].index("olga"))
    gate = threading.Event()
    closed_desk.tasks.run(lambda _catalogue: gate.wait(30), lambda _nothing: None)
    closed_desk.window.actions_table["change_roles"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.roles[Role.COLLECTOR].setChecked(True)
    dialog.accept()
    qtbot.wait(100)
    gate.set()
    qtbot.waitUntil(lambda: "olga collector" in roles_shown(page))


def test_a_recovery_code_stays_on_screen_whoever_walks_by(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    """From the first account on the open station may do nothing any more; its window stays until the code was read."""
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None)
    desk.window.actions_table["add_account"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.account.setText("ada")
    for field in (dialog.secret, dialog.again):
        field.setText(PASSPHRASE)
    dialog.accept()
    qtbot.waitUntil(lambda: page.findChild(CodeDialog) is not None)
    code = page.findChild(CodeDialog)
    station.say(committed(Outcome.ATTACK))
    qtbot.wait(300)
    assert isValid(code), "the window was renewed, and the code is lost"
    assert code is not None
    code.accept()
    qtbot.waitUntil(lambda: desk.window.front == LOG_IN)
