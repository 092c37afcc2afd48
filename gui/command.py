"""Sub-commands of this program run as processes of their own, so that the window neither waits nor loads torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal, Slot

from core.errors import CanceledError, ExitCode, HostError, InputError, KnownError, UsageError
from gui.i18n import tr

_ERRORS: dict[int, type[KnownError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.INPUT: InputError,
    ExitCode.ENVIRONMENT: HostError,
    ExitCode.CANCELED: CanceledError,
}


class Command(QObject):
    """One run of a sub-command. ``done(output)`` on success, ``failed(error)`` otherwise; then it deletes itself."""

    ended = Signal()

    def __init__(
        self,
        command: Sequence[str],
        done: Callable[[str], object],
        failed: Callable[[BaseException], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._done, self._failed = done, failed
        self._stopped = False
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._process.start(command[0], list(command[1:]))

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does; what is finished is kept."""
        self._stopped = True
        self._process.terminate()

    @Slot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        output = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
        errors = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
        if status == QProcess.ExitStatus.NormalExit and code == ExitCode.DONE:
            self._done(output)
        elif not self._stopped:
            line = errors.splitlines()[-1] if errors else tr("The command ended with code {code}.", code=code)
            self._failed(_ERRORS.get(code, HostError)(line))
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


def read_json(output: str) -> Any:
    """The JSON that a ``--json`` listing printed. Raises `InputError` when it is none."""
    try:
        return json.loads(output)
    except ValueError as error:
        raise InputError(f"The answer of the command is not JSON: {error}", "Run `main.py doctor`.") from error
