"""The key of the door in the window: whether lines are signed, a new key, its end, and who may."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.access import Actor, Role
from core.door.output import DoorPlaces
from core.door.signing import read_door_key
from gui.app import Desk
from gui.main_window import Doorkeeping
from gui.services import Services
from gui.views.protection.door_key_dialog import DoorKeyDialog
from gui.views.settings import SettingsDialog
from storage.catalogue import open_catalogue
from tests.gui.fakes import FakeStation, ready

OpenDesk = Callable[[], Desk]


def asked(desk: Desk, qtbot: QtBot) -> DoorKeyDialog:
    desk.window.actions_table.invoke("door_key")
    dialog = desk.window.findChildren(DoorKeyDialog)[-1]
    qtbot.waitUntil(lambda: dialog.view is not None)
    return dialog


def test_a_key_is_made_with_a_reason_and_the_dialog_says_where_it_lies(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    dialog = asked(open_desk(), qtbot)
    assert dialog.state.text() == "Lines are not signed"
    assert (dialog.place.isVisible(), dialog.remove.isVisible(), dialog.make.isEnabled()) == (False, False, False)
    assert dialog.reason.hasFocus(), "the keyboard begins where something is to be written"
    qtbot.keyClicks(dialog.reason, "a gate in another room")
    qtbot.keyClick(dialog.make, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: dialog.remove.isVisible() and not dialog.reason.text())
    path = services.door_key
    told = read_door_key(path).id
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(told)
    assert dialog.state.text() == f"Lines are signed with the key {told}"
    assert dialog.place.text() == f"File: {path}"
    assert "main.py door watch SOCKET --key FILE" in dialog.meaning.text()

    qtbot.keyClicks(dialog.reason, "no gate any more")
    dialog.remove.click()
    qtbot.waitUntil(lambda: dialog.state.text() == "Lines are not signed")
    assert not path.exists()
    dialog.reject()
    with open_catalogue(services.data_dir) as catalogue:
        trail = [(one.action, one.reason) for one in catalogue.audit.of("door", "")]
    assert trail == [("make_door_key", "a gate in another room"), ("remove_door_key", "no gate any more")]


def test_the_next_station_signs_with_it_and_the_one_that_runs_goes_on(
    open_desk: OpenDesk, services: Services, station: FakeStation, qtbot: QtBot
) -> None:
    desk = open_desk()
    ready(station)
    desk.link.use_door(DoorPlaces("/run/door"))
    desk.settings.door_socket = "/run/door"
    qtbot.waitUntil(lambda: station.named("connect_door") == [DoorPlaces("/run/door")])
    dialog = asked(desk, qtbot)
    qtbot.keyClicks(dialog.reason, "a gate")
    dialog.make.click()
    qtbot.waitUntil(dialog.remove.isVisible)
    dialog.reject()
    assert len(station.named("connect_door")) == 1
    desk.link.connect_source("simulated:corridor")
    signed = DoorPlaces("/run/door", key=str(services.door_key))
    qtbot.waitUntil(lambda: station.named("connect_door")[1:] == [signed])


def test_a_damaged_key_is_told_and_another_can_be_made(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    desk = open_desk()
    services.door_key.write_text("abc", encoding="utf-8")
    dialog = asked(desk, qtbot)
    assert dialog.state.text() == "The key cannot be used"
    assert "cannot be read" in dialog.meaning.text()
    qtbot.keyClicks(dialog.reason, "it was damaged")
    dialog.make.click()
    qtbot.waitUntil(lambda: dialog.state.text().startswith("Lines are signed"))
    dialog.reject()


@pytest.mark.parametrize(("role", "there"), [(Role.ADMINISTRATOR, True), (Role.TECHNICIAN, False)])
def test_the_settings_lead_there_whoever_may(desk: Desk, qtbot: QtBot, role: Role, there: bool) -> None:
    desk._let_in(Doorkeeping(Actor.of("ada", [role]), asks=True))
    assert desk.window.actions_table["door_key"].isVisible() == there
    desk.window.actions_table.invoke("settings")
    settings = desk.window.findChildren(SettingsDialog)[-1]
    verbs = [one for one in settings.findChildren(QPushButton) if "which key" in one.text()]
    assert bool(verbs) == there
    if there:
        qtbot.keyClick(verbs[0], Qt.Key.Key_Space)
        (dialog,) = settings.findChildren(DoorKeyDialog)
        dialog.reject()
    settings.reject()
