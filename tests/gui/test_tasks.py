from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.tasks import Task, Tasks
from tests.patience import PATIENCE_S


class Opened:
    """Counts connections and remembers their thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.closed = False

    def close(self) -> None:
        self.closed = threading.get_ident() == self.thread


@pytest.fixture
def opened() -> list[Opened]:
    return []


@pytest.fixture
def tasks(qtbot: QtBot, opened: list[Opened]) -> Iterator[Tasks]:
    def open_catalogue() -> Opened:
        opened.append(Opened())
        return opened[-1]

    made = Tasks(open_catalogue)
    yield made
    made.close()


def test_work_runs_elsewhere_and_its_result_comes_home(tasks: Tasks, qtbot: QtBot, opened: list[Opened]) -> None:
    threads: list[tuple[int, int]] = []
    tasks.run(lambda _c: threading.get_ident(), lambda there: threads.append((there, threading.get_ident())))
    qtbot.waitUntil(lambda: bool(threads))
    there, here = threads[0]
    assert here == threading.get_ident()
    assert there == opened[0].thread != here


def test_one_connection_serves_all_and_is_closed_in_its_thread(
    tasks: Tasks, qtbot: QtBot, opened: list[Opened]
) -> None:
    results: list[int] = []

    def give(number: int, _catalogue: object) -> int:
        return number

    for number in range(5):
        tasks.run(partial(give, number), results.append)
    qtbot.waitUntil(lambda: results == [0, 1, 2, 3, 4])
    tasks.close()
    assert len(opened) == 1
    assert opened[0].closed


def test_an_error_reaches_whoever_asked(tasks: Tasks, qtbot: QtBot) -> None:
    told: list[BaseException] = []

    def fail(_catalogue: object) -> None:
        raise ValueError("no")

    tasks.run(fail, lambda _nothing: None, told.append)
    qtbot.waitUntil(lambda: len(told) == 1)
    tasks.failed.connect(told.append)
    tasks.run(fail, lambda _nothing: None)
    qtbot.waitUntil(lambda: len(told) == 2)


def test_a_canceled_task_stops_and_delivers_nothing(tasks: Tasks, qtbot: QtBot) -> None:
    begun = threading.Event()
    results: list[str] = []
    shares: list[float] = []

    def work(_catalogue: object, task: Task) -> str:
        begun.set()
        task.progress(0.5)
        while not task.canceled:
            pass
        return "late"

    task = tasks.start(work, results.append, on_progress=shares.append)
    waiting = tasks.run(lambda _c: "never", results.append)
    assert begun.wait(PATIENCE_S)
    waiting.cancel()
    task.cancel()
    qtbot.waitUntil(lambda: not tasks.busy)
    assert results == []
    assert shares == [0.5]


def test_nothing_is_delivered_to_what_is_gone(tasks: Tasks, qtbot: QtBot) -> None:
    results: list[int] = []
    owner = QObject()
    release = threading.Event()
    tasks.run(lambda _c: release.wait(PATIENCE_S), results.append, owner=owner)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not _alive(owner))
    release.set()
    qtbot.waitUntil(lambda: not tasks.busy)
    assert results == []


def test_once_closed_nothing_begins_and_nothing_breaks(tasks: Tasks, qtbot: QtBot) -> None:
    tasks.close()
    results: list[str] = []
    task = tasks.run(lambda _c: "late", results.append)
    assert task.canceled
    qtbot.wait(50)
    assert results == []
    assert not tasks.busy


def _alive(owner: QObject) -> bool:
    from shiboken6 import isValid

    return isValid(owner)
