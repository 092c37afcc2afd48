"""Retention by itself: at the window's start and then once a day, in a process of its own (`main.py retention --due`).

Nobody has to be logged in, and whoever is lends it nothing: the command acts as the station, and erases what is due.
"""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, QTimer, Signal

from core.clock import Clock, SystemClock
from core.daily import Daily
from core.errors import ExitCode, KnownError
from gui.command import read_json
from gui.erasing import Erasing
from gui.i18n import tr
from gui.i18n.errors import told_error, told_form
from gui.i18n.protection_codes import erasures_done, erasures_failed
from gui.tasks import Tasks
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.retention import terms

log = logging.getLogger(__name__)

LOOK_MS = 10 * 60 * 1000
"""How often it is looked whether a day is over."""


class DailyRetention(QObject):
    """Runs it, and remembers what could not be done until a run has done it."""

    troubled = Signal()
    """`trouble` has something new to tell."""

    def __init__(self, tasks: Tasks, erasing: Erasing, parent: QObject, clock: Clock | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._erasing = tasks, erasing
        self._daily = Daily(clock or SystemClock())
        self.trouble: tuple[str, str] | None = None
        """What could not be done, and why: the reason may name a person, so it is for those who may know."""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Run now, and from now on once a day."""
        self._timer.start()
        self.look()

    def stop(self) -> None:
        """Run no more; what runs goes on."""
        self._timer.stop()

    def look(self) -> None:
        """Run when it is time, on a site that has set a term."""
        if self._daily.due():
            self._tasks.run(_has_terms, self._begin, self._failed, self)

    def _begin(self, wanted: bool) -> None:
        if not wanted:
            return
        self._erasing.run(
            ["retention", "--due", "--json"],
            self._on_output,
            self._failed,
            self,
            lambda _output: ("", ""),
            also_fine=frozenset({ExitCode.INPUT}),
        )

    def _on_output(self, output: str) -> None:
        try:
            answer = read_json(output)
        except KnownError as error:
            self._failed(error)
            return
        erased, failed = len(answer["erased"]), answer["failed"]
        if erased:
            self._erasing.told.emit(
                erasures_done(erased), tr("It was time: Retention tells what goes next."), Level.INFO
            )
        if failed:
            self._say(erasures_failed(len(failed)), told_form(failed[0][1]))
        else:
            self.trouble = None

    def _failed(self, error: BaseException) -> None:
        self._say(tr("What is due could not be erased."), told_error(error))

    def _say(self, what: str, why: str) -> None:
        log.warning("retention by itself could not erase all that is due")
        self.trouble = (what, why)
        self.troubled.emit()


def _has_terms(catalogue: Catalogue) -> bool:
    return bool(terms(catalogue))
