"""The terms of retention: a field of days for each purpose, changed with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from core.codes import SessionPurpose
from core.errors import InputError, KnownError
from gui.context import PageContext
from gui.i18n import codes, tr
from gui.i18n.errors import told_error
from gui.views.protection.retention_reading import RetentionView
from gui.widgets.forms import GAP, Plate, add_row, form_layout, heading, quiet
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.repositories.proposals import ProposedError
from storage.retention import set_term

Changes = Mapping[SessionPurpose, float | None]


class TermsPanel(Plate):
    """An empty field is a purpose whose frames are kept until somebody erases them."""

    def __init__(self, context: PageContext, changed: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent, GAP)
        self.column.setSpacing(8)
        self._context, self._changed = context, changed
        self._view: RetentionView | None = None
        self.fields = {purpose: QLineEdit(self) for purpose in SessionPurpose}
        self.reason = QLineEdit(self)
        self.verb = QPushButton(tr("&Change the terms"), self)
        self.notice, self.problem = quiet("", self), quiet("", self)
        self._build()
        self._check()

    def _build(self) -> None:
        form = form_layout()
        form.setVerticalSpacing(2)
        for purpose, field in self.fields.items():
            words = tr("{purpose}, in days", purpose=codes.purpose(purpose))
            field.setAccessibleName(words)
            field.setPlaceholderText(tr("kept until erased"))
            add_row(form, words, field)
        add_row(form, tr("&Reason"), self.reason)
        for edit in (*self.fields.values(), self.reason):
            edit.textChanged.connect(lambda _text: self._check())
            edit.returnPressed.connect(self.verb.click)
        self.verb.setAutoDefault(False)
        self.verb.clicked.connect(self._set)
        row = QHBoxLayout()
        row.addWidget(self.notice, 1)
        row.addWidget(self.verb)
        self.column.addWidget(heading(tr("Terms"), self))
        self.column.addLayout(form)
        self.column.addWidget(self.problem)
        self.column.addLayout(row)
        self.problem.hide()

    def show_view(self, view: RetentionView) -> None:
        """Show the terms that stand; what is being typed is given up only where they are others now."""
        before, self._view = self._view, view
        if before is None or before.terms != view.terms:
            for purpose, field in self.fields.items():
                field.setText(_days(view.terms.get(purpose)))
        self.notice.setText(tr("A second person has to approve a change.") if view.second else "")
        distrusted = [codes.purpose(purpose) for purpose in view.terms if purpose not in view.trusted]
        words = tr("The audit log does not bear out the term of {names}: nothing goes by it. Set it again.", names="{}")
        self._tell(words.format(", ".join(distrusted)) if distrusted else "")
        self._check()

    def changes(self) -> Changes:
        """What differs from the terms that stand, and what has to be set again. Raises `InputError`: no number."""
        if self._view is None:
            return {}
        typed = {purpose: _typed(field.text()) for purpose, field in self.fields.items()}
        view = self._view
        return {
            purpose: days
            for purpose, days in typed.items()
            if days != view.terms.get(purpose) or (days is not None and purpose not in view.trusted)
        }

    def _check(self) -> None:
        try:
            allowed = bool(self.changes()) and bool(self.reason.text().strip())
        except InputError:
            allowed = True  # asked for, it says what is wrong
        self.verb.setEnabled(allowed)

    def _set(self) -> None:
        if not self.verb.isEnabled():
            return
        try:
            changes, reason = self.changes(), self.reason.text().strip()
        except InputError as error:
            self._tell(told_error(error))
            return
        self.verb.setEnabled(False)
        self._context.tasks.run(
            lambda catalogue: _set_terms(catalogue, changes, reason), self._on_set, self._on_failed, self
        )

    def _on_set(self, proposed: int) -> None:
        if proposed:
            self._context.notify(tr("Proposed."), tr("A second person has to approve it."), Level.INFO)
        else:
            self._context.notify(tr("The terms are changed."), "", Level.INFO)
        self.reason.clear()
        self._view = None
        self._changed()

    def _on_failed(self, error: BaseException) -> None:
        self._check()
        if isinstance(error, KnownError):
            self._tell(told_error(error))
        else:
            self._context.show_error(error)

    def _tell(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))


def _set_terms(catalogue: Catalogue, changes: Changes, reason: str) -> int:
    """Set each; returns how many wait for a second person."""
    proposed = 0
    for purpose, days in changes.items():
        try:
            set_term(catalogue, purpose, days, reason)
        except ProposedError:
            proposed += 1
    return proposed


def _days(days: float | None) -> str:
    return "" if days is None else f"{days:g}"


def _typed(text: str) -> float | None:
    """Days as they were typed; nothing = kept until erased."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < float("inf"):
        raise InputError(tr("A term is a number of days above zero."), tr("Leave it empty to keep the frames."))
    return days
