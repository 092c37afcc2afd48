"""A command that the window runs as a process of its own goes when whoever asked for it goes."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.app import SallyportApp
from gui.command import Command


def test_a_command_ends_with_whoever_asked_for_it(qapp: SallyportApp, qtbot: QtBot, tmp_path: Path) -> None:
    said, told = tmp_path / "pid", list[object]()
    text = f"import os, pathlib, time; pathlib.Path({str(said)!r}).write_text(str(os.getpid()) + '.'); time.sleep(600)"
    asker = QObject()
    Command([sys.executable, "-c", text], told.append, told.append, asker)
    qtbot.waitUntil(lambda: said.exists() and said.read_text().endswith("."))
    shiboken6.delete(asker)  # and Qt has nothing to warn of: a warning fails this test
    assert not psutil.pid_exists(int(said.read_text()[:-1]))
    assert told == []
