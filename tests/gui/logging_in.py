"""How a test logs somebody in, and looks at what they see."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.actions import PAGES
from gui.app import Desk
from gui.main_window import LOG_IN
from gui.views.log_in import LogInPage
from tests.people import PASSPHRASE


def page_of(desk: Desk, name: str) -> object:
    desk.window.go_to(name)
    return desk.window.pages[name]


def log_in(desk: Desk, qtbot: QtBot, name: str, passphrase: str = PASSPHRASE) -> None:
    page = desk.window.pages[LOG_IN]
    assert isinstance(page, LogInPage)
    qtbot.keyClicks(page.account, name)
    qtbot.keyClick(page.account, Qt.Key.Key_Return)
    qtbot.keyClicks(page.passphrase, passphrase)
    qtbot.keyClick(page.passphrase, Qt.Key.Key_Return)


def enter(desk: Desk, qtbot: QtBot, name: str) -> None:
    log_in(desk, qtbot, name)
    qtbot.waitUntil(lambda: desk.door.actor is not None and desk.door.actor.id == name)


def visible_pages(desk: Desk) -> list[str]:
    return [info.id for info in PAGES if desk.window.actions_table[info.id].isVisible()]
