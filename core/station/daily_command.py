"""A command of this program that a station without a window has run once a day, as a process of its own.

The station never waits for it, but for a moment at its end. What the command could not do becomes a problem of the run.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import IO

from core.clock import Clock, SystemClock
from core.daily import Daily
from core.errors import KnownError, sentence
from core.messages import Problem
from core.terminal import heard

log = logging.getLogger(__name__)

LOOK_MS = 60_000.0
"""How often it is looked whether a day is over."""
PATIENCE_S = 30.0


class DailyCommand:
    """Call `look` often. ``wanted``: whether there is anything to be done at all; asked once a day."""

    def __init__(self, command: Sequence[str], wanted: Callable[[], bool], clock: Clock | None = None) -> None:
        self._command, self._wanted = list(command), wanted
        self._clock = clock or SystemClock()
        self._daily = Daily(self._clock)
        self._next_ms = self._clock.now_ms()
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def look(self) -> list[Problem]:
        """Begin when it is time; returns what went wrong since the last look."""
        if self._process is not None:
            return self._ended() if self._process.poll() is not None else []
        if self._clock.now_ms() < self._next_ms:
            return []
        self._next_ms = self._clock.now_ms() + LOOK_MS
        try:
            if self._daily.due() and self._wanted():
                self._begin()
        except KnownError as error:
            return [_told(error.what, error.remedy)]
        except OSError as error:
            return [_told(f"{self._command[0]} could not be started: {error.strerror}.", "Run `main.py doctor`.")]
        return []

    def finish(self, patience_s: float = PATIENCE_S) -> list[Problem]:
        """The station ends: wait a moment. What takes longer goes on by itself, and writes its own log."""
        if self._process is None or self._said is None:
            return []
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._said.close()
            return []
        return self._ended()

    def _begin(self) -> None:
        # No pipe: nobody reads while it runs, and a full one would stop it. It is closed when the process has ended.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._said
            )
        except OSError:
            self._said.close()
            raise

    def _ended(self) -> list[Problem]:
        assert self._process is not None
        assert self._said is not None
        code, self._process = self._process.returncode, None
        with self._said as said:
            said.seek(0)
            errors = said.read().decode(errors="replace")
        if code == 0:
            return []
        what, remedy = heard(errors)
        return [_told(what or sentence("A daily command ended with code {code}.", code=code), remedy)]


def _told(what: str, remedy: str) -> Problem:
    log.warning("a daily command failed")
    return Problem(what, remedy)
