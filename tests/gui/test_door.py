from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from core.codes import DoorReason
from core.door.output import DoorPlaces
from core.messages import DoorChanged
from gui.app import Desk
from gui.settings import load_settings
from gui.theme import Tone
from gui.views.settings import SettingsDialog
from gui.widgets.health_line import HealthLine
from tests.gui.fakes import FakeStation, ready


def shown(desk: Desk) -> str:
    line = desk.window.health_line
    return line.door.text() if not line.door.isHidden() else ""


def enter_socket(desk: Desk, qtbot: QtBot, path: str) -> None:
    desk.window.actions_table.invoke("settings")
    qtbot.waitUntil(lambda: bool(desk.window.findChildren(SettingsDialog)))
    dialog = desk.window.findChildren(SettingsDialog)[-1]
    dialog.door_socket.setText(path)
    buttons = dialog.findChild(QDialogButtonBox)
    assert buttons is not None
    buttons.button(QDialogButtonBox.StandardButton.Ok).click()


def test_a_door_of_the_settings_is_told_to_every_station_and_kept(
    open_desk: Callable[[], Desk], station: FakeStation, qtbot: QtBot
) -> None:
    desk = open_desk()
    ready(station)
    qtbot.waitUntil(lambda: desk.link.session != "")
    assert shown(desk) == ""
    assert not station.named("connect_door"), "a site without a door opens no socket"
    enter_socket(desk, qtbot, " /run/door ")
    qtbot.waitUntil(lambda: station.named("connect_door") == [DoorPlaces("/run/door")])
    assert load_settings(desk.services.settings_file)[0].door_socket == "/run/door"
    desk.link.connect_source("simulated:corridor")
    qtbot.waitUntil(lambda: station.named("connect_door") == [DoorPlaces("/run/door")] * 2)
    enter_socket(desk, qtbot, "")
    qtbot.waitUntil(lambda: station.named("connect_door")[-1] == DoorPlaces())


def test_the_status_line_says_what_the_door_does(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    ready(station)
    station.say(DoorChanged(False, DoorReason.LOCKED_OUT, 0))
    qtbot.waitUntil(lambda: shown(desk) == "Door closed: the station is locked   no gate controller listens")
    station.say(DoorChanged(True, DoorReason.NONE, 1))
    qtbot.waitUntil(lambda: shown(desk) == "Door open")
    desk.link.disconnect_source()
    qtbot.waitUntil(lambda: shown(desk) == "")


def test_a_person_keeps_the_door_closed(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    ready(station)
    qtbot.waitUntil(lambda: desk.link.session != "")
    desk.window.actions_table.invoke("pause_door")
    assert not desk.link.door_paused, "without a gate controller there is nothing to keep closed"
    desk.link.use_door(DoorPlaces("/run/door"))
    desk.window.actions_table.invoke("pause_door")
    qtbot.waitUntil(lambda: station.named("pause_door") == [True])
    desk.link.connect_source("simulated:corridor")
    qtbot.waitUntil(lambda: station.named("pause_door") == [True, True], timeout=60_000)
    desk.window.actions_table.invoke("pause_door")
    qtbot.waitUntil(lambda: station.named("pause_door")[-1] is False)


def test_a_door_without_a_controller_is_a_warning(qtbot: QtBot) -> None:
    line = HealthLine()
    qtbot.addWidget(line)
    tones = []
    for controllers, reason in ((0, DoorReason.NO_VERDICT), (2, DoorReason.NO_VERDICT), (2, DoorReason.NONE)):
        line.show_door(DoorChanged(reason is DoorReason.NONE, reason, controllers))
        tones.append(line.door_sign.tone)
    assert tones == [Tone.WARN, Tone.CALM, Tone.GOOD]
