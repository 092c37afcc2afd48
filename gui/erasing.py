"""Erasing in processes of its own, which outlive the dialog and the window that began them: nothing is half erased.

Pages go on meanwhile: the thread that reads for them is not used. A process that the program's end cuts off costs
nothing: the next start finishes its work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from core.errors import KnownError
from gui.command import Command, read_json
from gui.i18n import tr
from gui.i18n.errors import told, told_error
from gui.widgets.toast import Level

LEAVE_MS = 5_000
"""How long the end of the program waits for an erasure to come to its end."""


class Erasing(QObject):
    """Starts the commands and brings their answers to whoever began them, or, where that is gone, to the window."""

    erased = Signal()
    """Frames may be gone: who shows some reads again."""
    told = Signal(str, str, object)
    """A notice (what, remedy, `Level`) for the window that is open now."""

    def __init__(self, command: Callable[[Sequence[str]], list[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._command = command
        self._running: set[Command] = set()

    @property
    def busy(self) -> bool:
        """Whether something is being erased from here."""
        return bool(self._running)

    def run(
        self,
        arguments: Sequence[str],
        done: Callable[[str], object],
        failed: Callable[[BaseException], object],
        owner: QObject,
        unseen: Callable[[str], tuple[str, str]],
        on_step: Callable[[str, int, int], object] | None = None,
        also_fine: frozenset[int] = frozenset(),
    ) -> Command:
        """Begin; ``unseen(output)`` puts the answer into a notice where ``owner`` is gone by then."""

        def finished(output: str) -> None:
            if _anything(output):
                self.erased.emit()
            if isValid(owner):
                done(output)
            else:
                self.told.emit(*unseen(output), Level.INFO)

        def went_wrong(error: BaseException) -> None:
            self.erased.emit()
            if isValid(owner):
                failed(error)
            elif isinstance(error, KnownError):
                self.told.emit(told(error.what), told(error.remedy), Level.ERROR)  # a signal keeps the bare text
            else:
                self.told.emit(tr("The erasure is not finished."), told_error(error), Level.ERROR)

        def step(what: str, count: int, total: int) -> None:
            if on_step is not None and isValid(owner):
                on_step(what, count, total)

        command = Command(self._command(list(arguments)), finished, went_wrong, self, step, also_fine)
        self._running.add(command)
        command.ended.connect(lambda: self._running.discard(command))
        return command

    def close(self) -> None:
        """The program ends: wait a moment; the next start finishes what is cut off now."""
        for command in tuple(self._running):
            command.leave(LEAVE_MS)
        self._running.clear()


def _anything(output: str) -> bool:
    """Whether the command erased at all: a certificate says so by itself, a run of retention lists what it erased."""
    try:
        return bool(read_json(output).get("erased", True))
    except KnownError:
        return True
