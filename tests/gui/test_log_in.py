"""Log-in and log-out through the window."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from core.access import LOCAL
from core.codes import Outcome
from core.door.output import DoorPlaces
from gui.actions import PAGES
from gui.app import Desk, SallyportApp
from gui.main_window import LOG_IN
from gui.services import Services
from gui.views.log_in import LogInPage
from gui.views.settings import SettingsDialog
from storage.catalogue import Catalogue
from storage.people_commands import TOKEN_VARIABLE
from tests.gui.fakes import FakeStation, committed
from tests.gui.logging_in import enter, log_in, visible_pages
from tests.people import add_people


def test_an_open_station_says_so_and_asks_nobody(desk: Desk) -> None:
    assert desk.door.actor == LOCAL
    assert "no accounts" in desk.window.who_line.who.text()
    assert visible_pages(desk) == [info.id for info in PAGES]
    assert not desk.window.actions_table["log_out"].isVisible()


def test_nobody_sees_anything_but_the_log_in_and_nobody_is_decided_about(
    closed_desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: closed_desk.window.front == LOG_IN)
    assert visible_pages(closed_desk) == []
    closed_desk.window.go_to("people")
    assert closed_desk.window.front == LOG_IN
    qtbot.waitUntil(lambda: station.named("act_as") == [None])
    assert station.named("open_session") == []


def test_nobody_at_the_log_in_and_no_operator_says_what_opens_the_door(closed_desk: Desk, qtbot: QtBot) -> None:
    for name in ("", "olga"):
        if name:
            enter(closed_desk, qtbot, name)
        closed_desk.window.actions_table.invoke("settings")
        qtbot.waitUntil(lambda: bool(closed_desk.window.findChildren(SettingsDialog)))
        dialog = closed_desk.window.findChildren(SettingsDialog)[-1]
        assert not dialog.door_hook.isVisibleTo(dialog)
        dialog.door_hook.setText("/bin/sh -c something")
        dialog.accept()
        assert (closed_desk.settings.door_hook, closed_desk.link.door_places) == ("", DoorPlaces())
        chosen = closed_desk.settings.model_copy(update={"door_hook": "/bin/sh", "theme": "dark"})
        closed_desk.window._take_settings(chosen)
        assert closed_desk.settings.door_hook == ""


def test_a_wrong_pass_phrase_is_told_with_its_wait_and_is_not_left_in_the_field(
    closed_desk: Desk, qtbot: QtBot
) -> None:
    page = closed_desk.window.pages[LOG_IN]
    assert isinstance(page, LogInPage)
    for told in ("Try again", "Try again", " seconds", " seconds"):
        page.account.clear()
        log_in(closed_desk, qtbot, "olga", "not the one at all")
        qtbot.waitUntil(lambda: page.button.isEnabled())
        assert told in page.message.text()
        assert page.passphrase.text() == ""
    assert page.passphrase.echoMode() is QLineEdit.EchoMode.Password
    assert closed_desk.door.actor is None


def test_log_out_ends_the_session_and_the_commands_of_the_one_who_left(
    closed_desk: Desk, station: FakeStation, catalogue: Catalogue, qtbot: QtBot
) -> None:
    enter(closed_desk, qtbot, "olga")
    qtbot.waitUntil(lambda: closed_desk.link.session != "")
    assert os.environ[TOKEN_VARIABLE]
    closed_desk.window.actions_table["log_out"].trigger()
    qtbot.waitUntil(lambda: closed_desk.door.actor is None and not closed_desk.tasks.busy)
    assert closed_desk.window.front == LOG_IN
    assert TOKEN_VARIABLE not in os.environ
    qtbot.waitUntil(lambda: station.named("act_as")[-1] is None)
    assert station.named("close_session")
    assert catalogue.file.value("SELECT count(*) FROM log_ins") == 0
    enter(closed_desk, qtbot, "tim")


def test_an_idle_window_logs_out_and_input_or_a_verdict_keeps_it(
    closed_desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    enter(closed_desk, qtbot, "olga")
    qtbot.waitUntil(lambda: closed_desk.link.session != "")
    closed_desk._idle.start(60_000)
    station.say(committed(Outcome.BONA_FIDE))
    qtbot.waitUntil(lambda: closed_desk._idle.remainingTime() > 59_000)
    closed_desk._idle.setInterval(1)
    closed_desk._idle.start()
    qtbot.waitUntil(lambda: closed_desk.door.actor is None)
    assert "Logged out" in closed_desk.window.toasts.shown[0].what


def test_a_desk_that_was_closed_goes_on_by_no_clock(
    qapp: SallyportApp, services: Services, catalogue: Catalogue, qtbot: QtBot
) -> None:
    add_people(catalogue)
    desk = Desk(qapp, services)
    desk.open()
    qtbot.waitUntil(lambda: desk.door.asks and desk.link.connected)
    enter(desk, qtbot, "olga")
    assert desk._idle.isActive()
    desk.close()
    widget = QLineEdit()
    qtbot.addWidget(widget)
    qtbot.keyClick(widget, Qt.Key.Key_A)
    assert not desk._idle.isActive(), "it would log out in a window that is gone"
    assert not desk.retention._timer.isActive()


def test_a_window_that_was_open_before_accounts_came_asks_to_log_in(
    desk: Desk, catalogue: Catalogue, qtbot: QtBot
) -> None:
    add_people(catalogue)
    desk.window.go_to("review")
    qtbot.waitUntil(lambda: desk.window.front == LOG_IN)
