"""Retention: how long frames are kept for each purpose, what a legal hold keeps, what is due and what goes next."""

from __future__ import annotations

from PySide6.QtWidgets import QDialogButtonBox, QHBoxLayout, QVBoxLayout, QWidget

from core.errors import KnownError
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.views.protection.retention_clock import ClockPanel
from gui.views.protection.retention_due import DuePanel
from gui.views.protection.retention_holds import HoldsPanel
from gui.views.protection.retention_reading import RetentionView, read_retention
from gui.views.protection.retention_terms import TermsPanel
from gui.widgets.ask import Question
from gui.widgets.forms import GAP, quiet

_LEFT_PX = 400
_RIGHT_PX = 720
_AROUND_PX = 40
"""The margins of the dialog."""


class RetentionDialog(Question):
    """Three panels, and one more while the clock is in doubt; each change reads everything anew."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Retention"),
            tr(
                "How long frames are kept. A consent that ends takes its sessions with it, one that is withdrawn "
                "takes everything of the person; a legal hold stops all of it."
            ),
            parent,
        )
        self._context = context
        self.view: RetentionView | None = None
        self.terms = TermsPanel(context, self.refresh, self)
        self.holds = HoldsPanel(context, self.refresh, self)
        self.due = DuePanel(context, self.refresh, self)
        self.clock = ClockPanel(context, self.refresh, self)
        self.problem = quiet("", self)
        self._build()
        self.refresh()

    def _build(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(GAP)
        left.addWidget(self.terms)
        left.addWidget(self.holds)
        left.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addLayout(left)
        row.addWidget(self.due, 1)
        for panel in (self.terms, self.holds):
            panel.setFixedWidth(_LEFT_PX)
        self.setMinimumWidth(_LEFT_PX + GAP + _RIGHT_PX + _AROUND_PX)
        self.body.addWidget(self.problem)
        self.body.addWidget(self.clock)
        self.body.addLayout(row, 1)
        self.problem.hide()
        self.buttons.clear()
        self._close = self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        self._close.setAutoDefault(False)
        self._words = self._close.text()

    def refresh(self) -> None:
        """Read everything again, and say what closing the dialog means now."""
        self._close.setText(tr("&Go on in the background") if self.due.running else self._words)
        self._context.tasks.run(read_retention, self._show, self._failed, self)

    def _show(self, view: RetentionView) -> None:
        self.view = view
        self.problem.hide()
        self.terms.show_view(view)
        self.holds.show_view(view)
        self.due.show_view(view)
        self.clock.show_view(view)

    def _failed(self, error: BaseException) -> None:
        """Without a view nothing here can be changed."""
        if isinstance(error, KnownError):
            self.problem.setText(told_error(error))
            self.problem.show()
        for panel in (self.terms, self.holds, self.due, self.clock):
            panel.setEnabled(False)
        if not isinstance(error, KnownError):
            self._context.show_error(error)
