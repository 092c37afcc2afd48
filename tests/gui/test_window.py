from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from core.access import Actor
from core.codes import ConnectionState
from core.errors import ExitCode, HostError, InputError, KnownError
from core.frames import Modality, ModalityMask
from core.messages import Problem, StreamEnded
from gui.actions import PAGES
from gui.app import Desk, SallyportApp
from gui.crash import CrashFile
from gui.services import LiveStation, Services
from gui.settings import Settings, load_settings, save_settings
from gui.views.checkpoint.page import CheckpointPage
from gui.views.settings import SettingsDialog
from gui.widgets.toast import Level
from storage.problems import BusyError
from tests.gui.fakes import FakeFrames, FakeStation, frame_set, health, ready

OpenDesk = Callable[[], Desk]


def notices(desk: Desk) -> list[str]:
    return [toast.what for toast in desk.window.toasts.shown]


@pytest.mark.parametrize("page", [info.id for info in PAGES])
def test_every_page_opens_without_a_camera_and_fits_a_small_screen(desk: Desk, qtbot: QtBot, page: str) -> None:
    desk.window.actions_table[page].trigger()
    assert desk.window.front == page
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    smallest = desk.window.minimumSizeHint()
    assert smallest.width() <= 1280, smallest
    assert smallest.height() <= 800, smallest


@pytest.mark.parametrize("page", [info.id for info in PAGES])
def test_pages_fit_in_german_too(services: Services, open_desk: OpenDesk, qtbot: QtBot, page: str) -> None:
    services.settings_file.parent.mkdir(parents=True, exist_ok=True)
    services.settings_file.write_text(json.dumps({"language": "de", "page": page, "theme": "dark"}))
    desk = open_desk()
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    assert desk.window.front == page
    smallest = desk.window.minimumSizeHint()
    assert smallest.width() <= 1280, smallest
    assert smallest.height() <= 800, smallest


def test_everything_that_takes_input_has_a_name(desk: Desk, qtbot: QtBot) -> None:
    for info in PAGES:
        desk.window.go_to(info.id)
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    unnamed = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for kind in (QAbstractButton, QComboBox, QLineEdit)
        for widget in desk.window.findChildren(kind)
        if not _has_name(widget)
    ]
    assert not unnamed


def _has_name(widget: QWidget) -> bool:
    if widget.objectName().startswith("qt_") or isinstance(widget.parent(), QComboBox):
        return True
    if widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()):
        return True
    from PySide6.QtWidgets import QAbstractSpinBox, QLabel, QTableView

    if isinstance(widget.parent(), QAbstractSpinBox | QTableView | QLineEdit):
        return True
    window = widget.window()
    buddies = [label.buddy() for label in window.findChildren(QLabel)]
    return any(buddy is widget or (buddy is not None and buddy.focusProxy() is widget) for buddy in buddies)


def test_the_palette_finds_a_verb_and_does_it_on_its_page(desk: Desk, qtbot: QtBot) -> None:
    window = desk.window
    window.actions_table["palette"].trigger()
    palette = window.command_palette
    qtbot.keyClicks(palette.field, "devices")
    first = palette.list.item(0)
    assert first is not None
    assert first.text().startswith("Devices")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.front == "devices"
    assert palette.isHidden()


def test_escape_leaves_the_palette(desk: Desk, qtbot: QtBot) -> None:
    desk.window.actions_table["palette"].trigger()
    qtbot.keyClick(desk.window.command_palette.field, Qt.Key.Key_Escape)
    assert desk.window.command_palette.isHidden()


def test_a_known_problem_is_told_once_however_often_it_comes(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    station.say(*[Problem("The disk is almost full.", "Free some space.")] * 5)
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown) and desk.window.toasts.shown[0].count == 5)
    assert notices(desk) == ["The disk is almost full."]
    assert desk.window.toasts.shown[0].level is Level.WARNING


@pytest.mark.parametrize(
    ("asked", "remembered", "opened"),
    [
        ("", "", "simulated"),
        ("", "simulated:corridor", "simulated:corridor"),
        ("realsense", "simulated:corridor", "realsense"),
    ],
)
def test_the_source_of_the_command_line_comes_before_the_one_used_last(
    qapp: SallyportApp, services: Services, qtbot: QtBot, asked: str, remembered: str, opened: str
) -> None:
    save_settings(Settings(source=remembered), services.settings_file)
    desk = Desk(qapp, replace(services, source=asked))
    try:
        desk.open()
        qtbot.waitUntil(lambda: desk.link.session != "")
        assert desk.link.source == opened
    finally:
        desk.close()
    assert load_settings(services.settings_file)[0].source == remembered


def test_a_catalogue_that_is_busy_at_the_start_is_tried_again(
    qapp: SallyportApp, services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.app.AGAIN_MS", 50)
    troubles: list[KnownError] = [BusyError("catalogue.db was busy.", "Close other programs.")] * 2

    def busy_at_first() -> Any:
        if troubles:
            raise troubles.pop()
        return services.open_catalogue()

    opened: list[str] = []

    def open_station(source: str, actor: Actor | None) -> LiveStation:
        opened.append(source)
        return services.open_station(source, actor)

    desk = Desk(qapp, replace(services, open_catalogue=busy_at_first, open_station=open_station))
    try:
        desk.open()
        qtbot.waitUntil(lambda: desk.link.session != "")
        assert not troubles
        assert desk.door.actor is not None
        assert len(opened) == 1, "the camera that runs already goes on"
    finally:
        desk.close()


def test_a_catalogue_that_cannot_be_opened_is_told_once_and_left_alone(
    qapp: SallyportApp, services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.app.AGAIN_MS", 0)
    tries: list[None] = []

    def damaged() -> Any:
        tries.append(None)
        raise InputError("catalogue.db is damaged.", "Restore a backup.")

    desk = Desk(qapp, replace(services, open_catalogue=damaged))
    try:
        desk.open()
        qtbot.waitUntil(lambda: notices(desk) == ["catalogue.db is damaged."])
        qtbot.wait(100)
        assert desk.door.actor is None
        assert len(tries) == 1
    finally:
        desk.close()


def test_a_station_that_fails_is_told_and_the_window_stays(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    station.fail(HostError("The data folder is in use.", "Close the other station."))
    qtbot.waitUntil(lambda: notices(desk) == ["The data folder is in use."])
    qtbot.waitUntil(lambda: station.ended)
    assert desk.window.isVisible()
    assert "in use" in desk.window.health_line.state.text()
    assert not desk.link.connected


def test_a_bug_in_the_station_is_kept_in_the_crash_file(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    station.fail(ZeroDivisionError("one over none"))
    qtbot.waitUntil(lambda: bool(notices(desk)))
    assert "ZeroDivisionError" in notices(desk)[0]
    assert "one over none" in desk.crash.path.read_text()


def test_a_bug_in_a_slot_does_not_close_the_window(desk: Desk, qtbot: QtBot) -> None:
    def broken() -> None:
        raise LookupError("nothing there")

    desk.window.bug.emit(LookupError("nothing there"))
    desk.tasks.run(lambda _catalogue: broken(), lambda _nothing: None)
    qtbot.waitUntil(lambda: any("LookupError" in what for what in notices(desk)))
    assert desk.window.isVisible()


def test_a_run_that_ended_badly_is_told_at_the_next_start(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    CrashFile(services.logs)  # a run that never came to its end
    desk = open_desk()
    qtbot.waitUntil(lambda: "The last run ended badly." in notices(desk))


def test_settings_that_cannot_be_read_are_told(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    services.settings_file.parent.mkdir(parents=True, exist_ok=True)
    services.settings_file.write_text('{"theme": "pink"}')
    desk = open_desk()
    qtbot.waitUntil(lambda: "Some settings could not be read." in notices(desk))


def test_health_stands_in_the_status_line(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    mask = ModalityMask.of([Modality.RGB, Modality.IR])
    station.say(health(ConnectionState.DEGRADED, mask=mask))
    line = desk.window.health_line
    qtbot.waitUntil(lambda: "A stream is missing" in line.state.text())
    assert "Depth missing" in line.streams.text()


def test_the_station_runs_in_its_own_thread_and_is_shut_down(
    desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    import threading

    assert station.thread != threading.get_ident()
    desk.link.close()
    assert station.ended
    assert frames.closed


def test_another_source_closes_the_first_station(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    desk.link.connect_source("file:other.db3")
    qtbot.waitUntil(lambda: station.ended)
    qtbot.waitUntil(lambda: desk.link.source == "file:other.db3" and desk.link.session != "")


def test_the_language_changes_while_the_station_goes_on(
    desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot, qapp: SallyportApp
) -> None:
    frames.push(frame_set(1))
    ready(station)
    qtbot.waitUntil(lambda: desk.link.model is not None)
    desk.window.actions_table["settings"].trigger()
    dialog = desk.window.findChild(SettingsDialog)
    assert dialog is not None
    dialog.language.setCurrentIndex(dialog.language.findData("de"))
    dialog.accept()
    assert desk.window.actions_table["checkpoint"].text() == "Kontrolle"
    assert "Modell" in desk.window.health_line.model.text()
    assert not station.ended
    assert json.loads(desk.services.settings_file.read_text())["language"] == "de"
    desk.settings.language = "en"
    desk.window.look_changed.emit()
    assert desk.window.actions_table["checkpoint"].text() == "Checkpoint"


def test_the_end_of_a_recording_is_told(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    station.say(StreamEnded())
    qtbot.waitUntil(lambda: "The recording has ended." in notices(desk))


def test_the_window_loads_neither_torch_nor_the_camera_sdk() -> None:
    import subprocess
    import sys

    code = (
        "import sys, importlib, gui.app, gui.main_window as m\n"
        "for module, _ in m._PAGE_CLASSES.values(): importlib.import_module(module)\n"
        "import gui.widgets.curves\n"
        "print([n for n in ('torch', 'pyrealsense2', 'PySide6.QtMultimedia', 'embreex') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_preferred_holds_at_once(desk: Desk, qtbot: QtBot) -> None:
    chosen = desk.settings.model_copy(update={"depth_near_m": 1.0, "depth_far_m": 4.0, "announce": False})
    desk.window._take_settings(chosen)
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    assert page.depth_view.range_m == (1.0, 4.0)
    assert not page.banner.announce


def test_a_long_failure_does_not_widen_the_window(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    what = "The recording /home/somebody/recordings/2026-11-27/lobby-north/the-name-of-a-recording.db3 cannot be read: "
    station.say(Problem(what + "it is none.", "Choose another one.", fatal=True))
    qtbot.waitUntil(lambda: desk.link.failure is not None)
    checkpoint = desk.window.pages["checkpoint"]
    assert isinstance(checkpoint, CheckpointPage)
    checkpoint.refresh()
    assert desk.window.minimumSizeHint().width() <= 1024
    line = desk.window.health_line
    assert line.accessibleDescription() == line.state.text() == what + "it is none."


def test_the_palette_says_what_cannot_be_done_now(desk: Desk, qtbot: QtBot) -> None:
    desk.window.actions_table["palette"].trigger()
    palette = desk.window.command_palette
    qtbot.keyClicks(palette.field, "checkpoint unlock")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert notices(desk) == ["Unlock: that cannot be done now."]


def test_what_is_only_proposed_is_no_error(desk: Desk) -> None:
    class ProposedError(KnownError):
        exit_code = ExitCode.DONE

    desk.window.show_error(ProposedError("Proposed 3.", "Another one approves it."))
    assert desk.window.toasts.shown[0].level is Level.INFO


def test_another_look_opens_the_window_anew(desk: Desk, qapp: SallyportApp) -> None:
    """Plots are drawn in the colours of the look in which they were made."""
    before = desk.window
    desk.settings.theme = "dark"
    desk._on_look_changed()
    assert desk.window is not before
    desk.settings.theme = "light"
    desk._on_look_changed()
