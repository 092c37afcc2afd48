"""A clock that the data folder does not bear out: what that stops, and a person's word that the date is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from core.codes import ClockStanding
from core.errors import ExitCode, KnownError
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.views.protection.retention_reading import RetentionView
from gui.widgets.ask import Question
from gui.widgets.forms import GAP, Plate, add_row, form_layout, heading, quiet
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.clock_trust import confirm_date

DATE_FORM = "%Y-%m-%d"


class DateDialog(Question):
    """Asks which day it is, typed and not merely agreed to, and why that is known."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(
            tr("Confirm the date"),
            tr(
                "Look at a calendar that does not go by this machine: what is due by that date is then erased for good."
            ),
            parent,
        )
        self.day, self.reason = QLineEdit(self), QLineEdit(self)
        self.day.setPlaceholderText(tr("YYYY-MM-DD"))
        form = form_layout()
        add_row(form, tr("&Today is"), self.day)
        add_row(form, tr("&Reason"), self.reason)
        self.body.addLayout(form)
        for field in (self.day, self.reason):
            field.textChanged.connect(lambda _text: self._check())
        self._check()

    @property
    def typed(self) -> date | None:
        """The day; ``None`` while what was typed is none."""
        try:
            return date.fromisoformat(self.day.text().strip())
        except ValueError:
            return None

    def _check(self) -> None:
        self.allow(self.typed is not None and bool(self.reason.text().strip()))


class ClockPanel(Plate):
    """Seen only while the clock stops something, or lets it wait."""

    def __init__(self, context: PageContext, changed: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent, GAP)
        self._context, self._changed = context, changed
        self.words, self.problem = quiet("", self), quiet("", self)
        self.verb = QPushButton(tr("&Confirm the date"), self)
        self.verb.setAutoDefault(False)
        self.verb.clicked.connect(self.ask)
        row = QHBoxLayout()
        row.addWidget(self.words, 1)
        row.addWidget(self.verb)
        self.column.addWidget(heading(tr("The machine's clock is in doubt"), self))
        self.column.addLayout(row)
        self.column.addWidget(self.problem)
        self.problem.hide()
        self.hide()

    def show_view(self, view: RetentionView) -> None:
        """Say what the clock says and what was seen; nothing where nothing waits for it."""
        self.setVisible(bool(view.doubt))
        if not view.doubt or view.clock.borne_out_utc_s is None:
            return
        there, seen = (
            datetime.fromtimestamp(utc_s).strftime(DATE_FORM)
            for utc_s in (view.clock.now_utc_s, view.clock.borne_out_utc_s)
        )
        if view.clock.standing is ClockStanding.AHEAD:
            words = tr(
                "It says {there}, and this data folder bears out nothing after {seen}: nothing is erased by its term. "
                "Set the clock, or confirm the date if the station was off.",
                there=there,
                seen=seen,
            )
        else:
            words = tr(
                "It says {there}, and this data folder has seen {seen} already: what was due then waits. "
                "Set the clock, or confirm the date.",
                there=there,
                seen=seen,
            )
        self.words.setText(words)

    def ask(self) -> DateDialog:
        """Ask for the day and a reason."""
        dialog = DateDialog(self)
        dialog.accepted.connect(lambda: self._confirm(dialog.typed, dialog.reason.text().strip()))
        dialog.open()
        return dialog

    def _confirm(self, day: date | None, reason: str) -> None:
        assert day is not None

        def work(catalogue: Catalogue) -> None:
            confirm_date(catalogue, day, reason)

        self._context.tasks.run(work, lambda _nothing: self._done(tr("The date is confirmed.")), self._failed, self)

    def _done(self, words: str, remedy: str = "") -> None:
        self.problem.hide()
        self._context.notify(words, remedy, Level.INFO)
        self._changed()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, KnownError):
            self._context.show_error(error)
        elif error.exit_code is ExitCode.DONE:
            self._done(tr("Proposed."), tr("A second person has to approve it."))
        else:
            self.problem.setText(told_error(error))
            self.problem.show()
