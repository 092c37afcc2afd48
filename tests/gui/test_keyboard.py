"""The window without a mouse: keys reach the button that has the focus, and Tab walks as one reads."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from core.codes import SourceKind, Species
from core.messages import LockOutChanged
from gui.app import Desk
from gui.views.checkpoint.page import CheckpointPage
from gui.views.collect.page import CollectPage
from gui.widgets.forms import VerbButton
from tests.gui.fakes import FakeFrames, FakeStation, frame_set, ready


def button_of(desk: Desk, action: str) -> VerbButton:
    words = desk.window.actions_table[action].text()
    page = desk.window.pages[desk.window.front]
    return next(button for button in page.findChildren(VerbButton) if button.accessibleName() == words)


def stops(root: QWidget) -> list[QWidget]:
    """Where Tab stops within a widget, in this order."""
    found: list[QWidget] = []
    widget = root.nextInFocusChain()
    while widget is not None and widget is not root:
        takes_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None
        if takes_tab and root.isAncestorOf(widget) and widget.isVisibleTo(root):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def test_space_presses_the_button_that_has_the_focus(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    ready(station)
    desk.window.activateWindow()
    qtbot.waitUntil(desk.window.actions_table["refer"].isEnabled)
    button = button_of(desk, "refer")
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(station.named("end_presentation") or station.named("begin_presentation")))
    assert not station.named("begin_presentation"), "the page's own verb of that key"


def test_a_button_that_cannot_be_pressed_any_more_leaves_the_focus_to_its_page(
    desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    ready(station)
    desk.window.activateWindow()
    qtbot.waitUntil(desk.window.actions_table["next_person"].isEnabled)
    button = button_of(desk, "next_person")
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    station.say(LockOutChanged(SourceKind.SIMULATED, locked=True))
    qtbot.waitUntil(lambda: not button.isEnabled())
    assert QApplication.focusWidget() is desk.window.pages["checkpoint"]


def test_the_focus_of_the_shift_check_is_never_on_what_space_does_not_press(
    desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    ready(station)
    qtbot.waitUntil(desk.window.actions_table["shift_check"].isEnabled)
    desk.window.actions_table["shift_check"].trigger()
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    assert page.shift is not None
    assert stops(page.shift) == [page.shift.on]
    with qtbot.waitSignal(page.shift.finished, timeout=2000):
        qtbot.keyClick(page.shift, Qt.Key.Key_Escape)


def test_space_twice_in_the_shift_check_begins_once_and_closes_nothing(
    desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    frames.push(frame_set(1))
    ready(station)
    qtbot.waitUntil(desk.window.actions_table["shift_check"].isEnabled)
    desk.window.actions_table["shift_check"].trigger()
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    dialog = page.shift
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.on.hasFocus() and dialog.isActiveWindow())
    for _ in range(2):
        qtbot.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Space)
    assert dialog.busy
    assert dialog.isVisible()
    qtbot.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Space)
    assert dialog.isVisible()
    dialog.close()


def test_return_in_the_plan_sets_the_card(desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot) -> None:
    frames.push(frame_set(1))
    ready(station)
    desk.window.go_to("collect")
    page = desk.window.pages["collect"]
    assert isinstance(page, CollectPage)
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    page.plan_view.setFocus()
    for _ in range(4):
        qtbot.keyClick(page.plan_view, Qt.Key.Key_Down)
    qtbot.keyClick(page.plan_view, Qt.Key.Key_Return)
    assert page.species.currentData() == Species.PRINT_FLAT


@pytest.mark.parametrize("page", ["collect", "devices", "people", "audit"])
def test_tab_walks_a_page_in_columns_from_above(desk: Desk, qtbot: QtBot, page: str) -> None:
    desk.window.go_to(page)
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    shown = desk.window.pages[page]
    places = [widget.mapTo(shown, QPoint(0, 0)) for widget in stops(shown)]
    for before, after in pairwise(places):
        assert after.y() >= before.y() - 4 or after.x() > before.x(), (before, after)


def _settings(desk: Desk) -> None:
    desk.window.actions_table["settings"].trigger()


def _subject(desk: Desk) -> None:
    desk.window.go_to("collect")
    desk.window.actions_table["new_subject"].trigger()


def _policy(desk: Desk) -> None:
    desk.window.actions_table["site_policy"].trigger()


@pytest.mark.parametrize("opens", [_settings, _subject, _policy])
def test_tab_walks_a_dialog_from_its_first_field_to_its_buttons(
    desk: Desk, qtbot: QtBot, opens: Callable[[Desk], None]
) -> None:
    opens(desk)
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    places = [widget.mapTo(dialog, QPoint(0, 0)).y() for widget in stops(dialog)]
    assert places == sorted(places)
    dialog.reject()
