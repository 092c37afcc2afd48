"""A command that the window runs as a process of its own: its end with whoever asked for it, and how it fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

import gui
from gui.app import SallyportApp
from gui.command import Command
from gui.i18n.errors import told_error


def test_a_command_ends_with_whoever_asked_for_it(qapp: SallyportApp, qtbot: QtBot, tmp_path: Path) -> None:
    said, told = tmp_path / "pid", list[object]()
    text = f"import os, pathlib, time; pathlib.Path({str(said)!r}).write_text(str(os.getpid()) + '.'); time.sleep(600)"
    asker = QObject()
    Command([sys.executable, "-c", text], told.append, told.append, asker)
    qtbot.waitUntil(lambda: said.exists() and said.read_text().endswith("."))
    shiboken6.delete(asker)  # and Qt has nothing to warn of: a warning fails this test
    assert not psutil.pid_exists(int(said.read_text()[:-1]))
    assert told == []


ROOT = Path(gui.__file__).parents[1]


def told_by(command: Sequence[str], qtbot: QtBot) -> str:
    """What the window says of a command that fails."""
    failed, asker = list[BaseException](), QObject()
    Command(command, lambda output: pytest.fail(output), failed.append, asker)
    qtbot.waitUntil(lambda: bool(failed))
    shiboken6.delete(asker)
    return told_error(failed[0])


def program(*lines: str, code: int = 3) -> list[str]:
    """A command that says ``lines`` on stderr and fails."""
    return [sys.executable, "-c", f"import sys; sys.stderr.write({chr(10).join(lines)!r}); sys.exit({code})"]


@pytest.mark.parametrize(
    ("arguments", "german_text"),
    [
        (
            ["export", "--session", "gone", "--out", "x"],
            "Es gibt keine Sitzung 'gone'. `main.py sessions` zeigt alle Sitzungen.",
        ),
        (["replay", "--session", "gone", "--json"], "Zur Sitzung gone sind keine Bilder gespeichert."),
        (["replay", "--session", "gone", "--verdict", "3", "--explain", "--json"], "Zur Sitzung gone"),
        (["erase", "--subject", "nobody", "--reason", "x", "--yes", "--json"], "Es gibt keine Person 'nobody'."),
        (["promote", "site-9", "--reason", "x"], "Es gibt kein Modell 'site-9'."),
        (["adapt", "plan", "--sessions", "gone", "--seed", "1"], "Die Sitzung gone hat keine verwendbaren"),
        (["adapt", "report", "job-1", "--out", "x.html"], "Es gibt keinen Auftrag 'job-1'."),
    ],
)
def test_a_command_that_fails_is_told_in_german_with_its_values(
    german: None, qtbot: QtBot, tmp_path: Path, arguments: list[str], german_text: str
) -> None:
    command = [sys.executable, str(ROOT / "main.py"), *arguments, "--data", str(tmp_path / "data")]
    assert told_by(command, qtbot).startswith(german_text)


def test_people_read_the_same_lines_as_ever(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "export", "--session", "gone", "--out", str(tmp_path / "x")]
    done = subprocess.run([*command, "--data", str(tmp_path / "data")], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert (done.stdout, done.stderr) == (
        "", "sallyport: There is no session 'gone'.\n  List them with `main.py sessions`.\n",
    )  # fmt: skip


def test_a_text_without_a_form_is_shown_as_it_is(german: None, qtbot: QtBot) -> None:
    old = ("sallyport: There is no session 'a'.", "  List them with `main.py sessions`.")
    assert told_by(program(*old), qtbot) == "There is no session 'a'. `main.py sessions` zeigt alle Sitzungen."
    assert told_by(program("Traceback (most recent call last):", "ValueError: a bug", code=1), qtbot) == (
        "ValueError: a bug"
    )
    assert told_by(program(), qtbot) == "Der Befehl endete mit Code 3."


@pytest.mark.parametrize("line", ["sallyport-error: {", 'sallyport-error: {"what": 7, "remedy": ""}\n'])
def test_a_form_that_cannot_be_read_leaves_the_text(german: None, qtbot: QtBot, line: str) -> None:
    said = told_by(program("sallyport: There is no session 'a'.", line), qtbot)
    assert said == "There is no session 'a'."
