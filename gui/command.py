"""Sub-commands of this program run as processes of their own, so that the window neither waits nor loads torch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal, Slot

from core.errors import CanceledError, ExitCode, HostError, InputError, KnownError, UsageError, sentence
from core.handing_over import MARK, VARIABLE, taken_over
from core.terminal import heard
from gui.i18n import tr

_ERRORS: dict[int, type[KnownError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.INPUT: InputError,
    ExitCode.ENVIRONMENT: HostError,
    ExitCode.CANCELED: CanceledError,
}
_STEP = re.compile(r"^(\S+) (\d+) of (\d+)$")
"""A line of `core.terminal.steps`."""


class Command(QObject):
    """One run of a sub-command. ``done(output)`` on success, ``failed(error)`` otherwise; then it deletes itself.

    ``on_step(what, done, total)`` is told its progress. ``also_fine``: further exit codes that come with an answer,
    such as a replay that found a difference.
    """

    ended = Signal()

    def __init__(
        self,
        command: Sequence[str],
        done: Callable[[str], object],
        failed: Callable[[BaseException], object],
        parent: QObject,
        on_step: Callable[[str, int, int], object] | None = None,
        also_fine: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(parent)
        self._done, self._failed, self._on_step = done, failed, on_step
        self._fine = also_fine | {ExitCode.DONE}
        self._stopped = False
        self._said, self._partial = "", ""
        self._handed_over: tuple[str, str] | None = None
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert(VARIABLE, "1")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardError.connect(self._listen)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        process = self._process
        self.destroyed.connect(lambda: _take_along(process))
        self._process.start(command[0], list(command[1:]))

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does; what is finished is kept."""
        self._stopped = True
        self._process.terminate()

    def finish(self) -> None:
        """Ask it to end with what it is doing; its answer is still told."""
        self._process.terminate()

    def leave(self, patience_ms: int) -> None:
        """The program ends: no answer is told any more; it is asked to end, and after that killed."""
        self._process.blockSignals(True)
        self._process.terminate()
        if not self._process.waitForFinished(patience_ms):
            self._process.kill()
            self._process.waitForFinished(patience_ms)

    @Slot()
    def _listen(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._hear(line)

    def _hear(self, line: str) -> None:
        if line.startswith(MARK):
            self._handed_over = taken_over(line)
        elif (step := _STEP.match(line)) is None:
            self._said += line + "\n"
        elif self._on_step is not None:
            self._on_step(step[1], int(step[2]), int(step[3]))

    @Slot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._listen()
        output = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
        whole = status == QProcess.ExitStatus.NormalExit and code in self._fine
        if not self._stopped and (code == ExitCode.DONE or output.strip()) and whole:
            self._done(output)
        elif not self._stopped:
            self._hear(self._partial)  # without an end: it was killed while it spoke
            self._failed(_told(code, self._handed_over or heard(self._said)))
        self._end()

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            what = tr("The command could not be started: {text}", text=self._process.errorString())
            self._failed(HostError(what, tr("Check the installation with `make setup`.")))
            self._end()

    def _end(self) -> None:
        self.ended.emit()
        self.deleteLater()


def _take_along(process: QProcess) -> None:
    """End what still runs when its window goes; Qt would do so too, with a warning."""
    if process.state() != QProcess.ProcessState.NotRunning:
        process.blockSignals(True)
        process.kill()
        process.waitForFinished()


def _told(code: int, said: tuple[str, str]) -> KnownError:
    """What a command that failed said, and its remedy, as the error that its exit code stands for."""
    what, remedy = said
    return _ERRORS.get(code, HostError)(what or tr("The command ended with code {code}.", code=code), remedy)


def read_json(output: str) -> Any:
    """The JSON that a ``--json`` listing printed. Raises `InputError` when it is none."""
    try:
        return json.loads(output)
    except ValueError as error:
        raise InputError(
            sentence("The answer of the command is not JSON: {error}", error=error), "Run `main.py doctor`."
        ) from error
