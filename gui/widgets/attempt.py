"""A question that stays, with all that was typed, until what it asks for is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtWidgets import QWidget

from core.errors import ExitCode, KnownError
from gui.i18n.errors import told_error
from gui.tasks import Tasks
from gui.widgets.ask import Question
from gui.widgets.forms import quiet
from storage.catalogue import Catalogue

T = TypeVar("T")


class Attempt(Question):
    """OK begins the work; what goes wrong is told in the dialog, and can be corrected there."""

    def __init__(self, title: str, explanation: str, parent: QWidget) -> None:
        super().__init__(title, explanation, parent)
        self.problem = quiet("", self)
        self.problem.hide()
        self.outer.insertWidget(self.outer.indexOf(self.buttons), self.problem)
        self._begin: Callable[[], object] | None = None
        self._waiting = False

    def ask(
        self,
        tasks: Tasks,
        read: Callable[[], Callable[[Catalogue], T]],
        done: Callable[[T], object],
        show_error: Callable[[BaseException], None],
    ) -> None:
        """Open it. ``read`` takes what was typed and gives the work for the background; ``done(result)`` follows.

        ``show_error`` tells what is no mistake of whoever typed: a bug, or that the change was only proposed.
        """

        def succeeded(result: T) -> None:
            self._close()
            done(result)

        def failed(error: BaseException) -> None:
            self._waiting = False
            self.allow(True)
            if isinstance(error, KnownError) and error.exit_code is not ExitCode.DONE:
                self._tell(told_error(error))
                return
            if isinstance(error, KnownError):
                self._close()
            show_error(error)

        self._begin = lambda: tasks.run(read(), succeeded, failed, self)
        self.open()

    def accept(self) -> None:
        """Begin, once."""
        if self._begin is not None and not self._waiting:
            self._waiting = True
            self.allow(False)
            self._begin()

    def reject(self) -> None:
        """Leave, but not before an answer that is on its way."""
        if not self._waiting:
            super().reject()

    def _close(self) -> None:
        self._waiting = False
        super().accept()

    def _tell(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.show()
        self.adjustSize()
