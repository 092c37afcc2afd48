"""What the gate could decide with the chosen sessions, said before a plan is made.

What the caps leave out is read at once; how often the gate would pass a better candidate is asked of `adapt power` in a
process of its own, which is stopped as soon as the choice is another.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.adaptation.power_report import PowerReport, read_power
from core.adaptation.settings import GateSettings
from core.errors import KnownError
from gui.command import Command
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.tasks import Task
from gui.views.recalibrate.outlook import Outlook, read_outlook
from gui.views.recalibrate.power_words import assumptions, left_out_lines, power_line
from gui.widgets.forms import heading, quiet

SETTLE_MS = 500
"""Ticks come one after the other: the gate is asked once they have come to rest."""
CUT, DRAWS = 0.2, 100
"""The least gain that a gate has to see (evaluation.md section 6), and the sites that are drawn of each size."""


class GateOutlook(QWidget):
    """Follows the choice: the caps, then the power, with progress and a way to stop."""

    changed = Signal()

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._sessions: tuple[str, ...] = ()
        self._seed = 0
        self._margin = GateSettings().bpcer_margin
        self._reading: Task | None = None
        self._running: Command | None = None
        self._found: dict[str, PowerReport] = {}
        self._outlook: Outlook | None = None
        self.power: PowerReport | None = None
        """Of the present choice; ``None`` as long as it is not known."""
        self._failure = ""
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.left_out = quiet("", self)
        """What is over a cap; the step gives it its place."""
        self.basis = quiet("", self)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of asking the gate"))
        self.button = QPushButton(tr("&Stop"), self)
        self.button.clicked.connect(self._press)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLE_MS)
        self._settled.timeout.connect(self._read)
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(heading(tr("What the gate could decide"), self))
        for widget in (self.words, self.basis):
            column.addWidget(widget)
        column.addLayout(row)
        self._show()

    @property
    def asking(self) -> bool:
        """Whether the answer for the present choice is on its way."""
        return self._settled.isActive() or self._reading is not None or self._running is not None

    def follow(self, sessions: Sequence[str], seed: int, bpcer_margin: float) -> None:
        """The choice is this one now, or its sessions were read anew; what was asked before is dropped."""
        self._sessions, self._seed, self._margin = tuple(sessions), seed, bpcer_margin
        self._drop()
        self._outlook, self.power, self._failure = None, None, ""
        if sessions:
            self._settled.start()
        self._show()

    def stop(self) -> None:
        """Nobody waits for the answer any more."""
        self._drop()
        self._show()

    def _drop(self) -> None:
        self._settled.stop()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._running is not None:
            self._running.stop()
            self._running = None

    @Slot()
    def _press(self) -> None:
        if self.asking:
            self.stop()
        else:
            self._read()

    @Slot()
    def _read(self) -> None:
        asked = sessions, seed, margin = self._sessions, self._seed, self._margin
        self._failure = ""

        def refused(error: BaseException) -> None:
            if asked == (self._sessions, self._seed, self._margin):
                self._reading = None
                self._failed(error)
                self._show()

        self._reading = self._context.tasks.run(
            lambda catalogue: read_outlook(catalogue, sessions, seed, margin), self._ask, refused, self
        )
        self._show()

    def _ask(self, outlook: Outlook) -> None:
        self._reading, self._outlook = None, outlook
        self.power = self._found.get(outlook.plan)
        if self.power is None:
            arguments = ["adapt", "power", "--sessions", ",".join(self._sessions), "--seed", str(self._seed)]
            arguments += ["--bpcer-margin", str(self._margin), "--cut", str(CUT), "--draws", str(DRAWS), "--json"]
            self.bar.setRange(0, 0)
            running = Command(
                self._context.services.command(arguments),
                lambda output: self._answered(outlook.plan, output),
                self._failed,
                self,
                self._on_step,
            )
            running.ended.connect(lambda: self._ended(running))
            self._running = running
        self._show()

    def _on_step(self, _what: str, done: int, total: int) -> None:
        if self._running is not None:  # one that was stopped may still have said something
            self.bar.setRange(0, total)
            self.bar.setValue(done)

    def _answered(self, plan: str, output: str) -> None:
        try:
            self._found[plan] = self.power = read_power(output)
        except KnownError as error:
            self._failed(error)

    def _ended(self, command: Command) -> None:
        if self._running is command:
            self._running = None
            self._show()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, KnownError):
            self._context.show_error(error)
        self._failure = told_error(error)

    def _show(self) -> None:
        asking = self.asking
        self.words.setText(self._said())
        self.basis.setText("" if self.power is None else assumptions(self.power))
        self.basis.setVisible(self.power is not None)
        lines = [] if self._outlook is None else left_out_lines(self._outlook)
        self.left_out.setText("\n".join(lines))
        self.left_out.setVisible(bool(lines))
        self.bar.setVisible(self._running is not None)
        self.button.setText(tr("&Stop") if asking else tr("Ask the &gate"))
        self.button.setVisible(bool(self._sessions) and (asking or self.power is None))
        self.changed.emit()

    def _said(self) -> str:
        if self.power is not None:
            return power_line(self.power)
        if self.asking:
            return tr("The gate is being asked about drawn sites of this size.")
        if not self._sessions:
            return tr("Choose sessions, and it is said here.")
        return self._failure or tr("Nobody has asked.")
