"""Work off the GUI thread: one thread that owns a catalogue connection, results delivered on the GUI thread.

SQLite connections belong to one thread (architecture.md 5), so all reads of the views share this one, in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

T = TypeVar("T")
C = TypeVar("C")


class Task:
    """A running piece of work: ask it to stop with `cancel`; the work looks at `canceled` and reports progress."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._stop = threading.Event()
        self.future: Future[Any] | None = None
        self.on_progress: Callable[[float], None] | None = None

    @property
    def canceled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask to stop; work that has not begun never begins."""
        self._stop.set()
        if self.future is not None:
            self.future.cancel()

    def progress(self, fraction: float) -> None:
        """From the working thread: tell how far it is, 0 to 1."""
        if self.on_progress is not None:
            self._tasks.deliver(self.on_progress, fraction)


class Tasks(QObject):
    """Runs callables in one worker thread and brings their results back to the GUI thread, in order."""

    _delivered = Signal(object, object)
    failed = Signal(object)
    """An exception that nobody asked for."""

    def __init__(self, open_catalogue: Callable[[], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_catalogue = open_catalogue
        self._catalogue: Any = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reads")
        self._delivered.connect(self._deliver)
        self._pending: set[Task] = set()
        self._closed = False

    def run(
        self,
        work: Callable[[Any], T],
        done: Callable[[T], object],
        failed: Callable[[BaseException], object] | None = None,
        owner: QObject | None = None,
    ) -> Task:
        """Run ``work(catalogue)``, then ``done(result)`` on the GUI thread, unless ``owner`` is gone by then."""
        return self.start(lambda catalogue, _task: work(catalogue), done, failed, owner)

    def start(
        self,
        work: Callable[[Any, Task], T],
        done: Callable[[T], object],
        failed: Callable[[BaseException], object] | None = None,
        owner: QObject | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> Task:
        """Like `run`, for work that tells its progress and can be stopped half-way; once closed, nothing begins."""
        task = Task(self)
        if self._closed:  # a timer of a window that is going: nobody waits for the answer
            task.cancel()
            return task
        task.on_progress = on_progress
        self._pending.add(task)
        task.future = self._executor.submit(self._work, work, task)

        def finished(future: Future[Any]) -> None:
            self._delivered.emit(finish, future)

        def finish(future: Future[Any]) -> None:
            self._pending.discard(task)
            if owner is not None and not isValid(owner):
                return
            try:
                result = future.result()
            except CancelledError:
                return
            except Exception as error:  # noqa: BLE001 - handed on, never swallowed
                (failed or self.failed.emit)(error)
                return
            if not task.canceled:
                done(result)

        task.future.add_done_callback(finished)
        return task

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._pending)

    def deliver(self, receiver: Callable[[Any], object], value: object) -> None:
        """From any thread: call ``receiver(value)`` on the GUI thread."""
        self._delivered.emit(receiver, value)

    def close(self) -> None:
        """Cancel what waits, finish what runs, close the connection."""
        if self._closed:
            return
        self._closed = True
        for task in tuple(self._pending):
            task.cancel()
        self._executor.submit(self._close_catalogue)
        self._executor.shutdown(wait=True)

    def _work(self, work: Callable[[Any, Task], T], task: Task) -> T:
        if self._catalogue is None:
            self._catalogue = self._open_catalogue()
        return work(self._catalogue, task)

    def _close_catalogue(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    @Slot(object, object)
    def _deliver(self, receiver: Callable[[Any], object], value: object) -> None:
        receiver(value)
