"""Legal holds: those that stand, and a hold set or released with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QLineEdit, QPushButton, QWidget

from core.errors import ExitCode, KnownError
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.models.table_model import TextTable
from gui.views.protection.retention_reading import RetentionView
from gui.widgets.forms import GAP, Plate, add_row, combo_box, form_layout, heading, quiet
from gui.widgets.tables import make_table
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.repositories.holds import Hold
from storage.retention import hold, release

_TABLE_PX = 104


class HoldsPanel(Plate):
    """A line of the table chooses the person; the reason is asked for both ways."""

    def __init__(self, context: PageContext, changed: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent, GAP)
        self.column.setSpacing(8)
        self._context, self._changed = context, changed
        self._holds: tuple[Hold, ...] = ()
        self.model = TextTable((tr("Person"), tr("Reason"), tr("Set by"), tr("Since")))
        self.table = make_table(tr("Legal holds"), self)
        self.person = combo_box(self, tr("Person"))
        self.reason = QLineEdit(self)
        self.set, self.end = QPushButton(tr("Set a &hold"), self), QPushButton(tr("Re&lease"), self)
        self.problem = quiet("", self)
        self._build()
        self._check()

    def _build(self) -> None:
        self.table.setModel(self.model)
        self.table.setFixedHeight(_TABLE_PX)
        header = self.table.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.selectionModel().currentRowChanged.connect(lambda now, _before: self._choose(now.row()))
        form = form_layout()
        form.setVerticalSpacing(2)
        add_row(form, tr("&Person"), self.person)
        add_row(form, tr("Reason of the h&old"), self.reason)
        self.person.currentIndexChanged.connect(lambda _index: self._check())
        self.reason.textChanged.connect(lambda _text: self._check())
        row = QHBoxLayout()
        row.addWidget(self.problem, 1)
        for button, work in ((self.end, self._release), (self.set, self._hold)):
            button.setAutoDefault(False)
            button.clicked.connect(work)
            row.addWidget(button)
        self.column.addWidget(heading(tr("Legal holds"), self))
        self.column.addWidget(self.table)
        self.column.addLayout(form)
        self.column.addLayout(row)

    def show_view(self, view: RetentionView) -> None:
        """Show the holds that stand."""
        chosen = self.person.currentData()
        self._holds = view.holds
        self.model.show([_row(one) for one in view.holds])
        self.table.setVisible(bool(view.holds))
        self.person.clear()
        for subject in view.people:
            self.person.addItem(subject, subject)
        self.person.setCurrentIndex(max(0, self.person.findData(chosen)))
        self.problem.setText("" if view.holds else tr("No legal hold stands."))
        self._check()

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._holds):
            self.person.setCurrentIndex(self.person.findData(self._holds[row].subject))

    def _check(self) -> None:
        subject, said = self.person.currentData(), bool(self.reason.text().strip())
        self.set.setEnabled(said and subject is not None)
        self.end.setEnabled(said and any(one.subject == subject for one in self._holds))

    def _hold(self) -> None:
        subject, reason = str(self.person.currentData()), self.reason.text().strip()
        done = tr("A legal hold stands on {name}.", name=subject)
        self._do(lambda catalogue: hold(catalogue, subject, reason), done)

    def _release(self) -> None:
        subject, reason = str(self.person.currentData()), self.reason.text().strip()
        done = tr("No legal hold stands on {name} any more.", name=subject)
        self._do(lambda catalogue: release(catalogue, subject, reason), done)

    def _do(self, work: Callable[[Catalogue], object], words: str) -> None:
        for button in (self.set, self.end):
            button.setEnabled(False)
        self._context.tasks.run(work, lambda _result: self._done(words), self._failed, self)

    def _done(self, words: str) -> None:
        self._context.notify(words, "", Level.INFO)
        self.reason.clear()
        self._changed()

    def _failed(self, error: BaseException) -> None:
        self._check()
        if not isinstance(error, KnownError):
            self._context.show_error(error)
        elif error.exit_code is ExitCode.DONE:
            self._context.notify(tr("Proposed."), tr("A second person has to approve it."), Level.INFO)
            self.reason.clear()
        else:
            self.problem.setText(told_error(error))


def _row(one: Hold) -> tuple[str, ...]:
    since = datetime.fromtimestamp(one.created_utc_s).strftime("%Y-%m-%d")
    return (one.subject, one.reason, one.actor, since)
