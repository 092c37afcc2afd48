"""Presentations that two models answer otherwise: a sentence, and a table to look at them from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QModelIndex, Slot
from PySide6.QtWidgets import QWidget

from core.codes import Outcome
from gui.i18n import codes, tr
from gui.models.table_model import TextTable
from gui.widgets.forms import Plate, heading, quiet
from gui.widgets.tables import make_table


class Change(Protocol):
    """One of them: what the champion says, and what the other model says."""

    @property
    def presentation(self) -> str:
        """Its id."""
        ...

    @property
    def session(self) -> str:
        """The session that it belongs to; empty where that is not known."""
        ...

    @property
    def before(self) -> Outcome:
        """Of the champion."""
        ...

    @property
    def after(self) -> Outcome:
        """Of the candidate."""
        ...


class ChangesPlate(Plate):
    """Return or a double click opens one of them in Review."""

    def __init__(
        self,
        title: str,
        look_at: Callable[[str, str], None],
        parent: QWidget | None = None,
        name: Callable[[Any], str] = lambda change: str(change.presentation),
    ) -> None:
        """``name`` says what one of them is called in the table."""
        super().__init__(parent)
        self._name = name
        self._look_at = look_at
        self._shown: Sequence[Change] = ()
        self.sentence = quiet("", self)
        self.sentence.setWordWrap(True)
        self.changed = TextTable((tr("Presentation"), tr("Champion"), tr("Candidate")))
        self.changed.setParent(self)
        self.table = make_table(title, self)
        self.table.setModel(self.changed)
        self.table.activated.connect(self._open)
        self.column.addWidget(heading(title, self))
        self.column.addWidget(self.sentence)
        self.column.addWidget(self.table, 1)

    def show_changes(self, sentence: str, changes: Sequence[Change]) -> None:
        """Show other ones; what is chosen stays chosen."""
        self.sentence.setText(sentence)
        self.table.setVisible(bool(changes))
        if list(changes) != list(self._shown):
            self._shown = changes
            rows = [(self._name(one), codes.outcome(one.before), codes.outcome(one.after)) for one in changes]
            self.changed.show(rows)

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        chosen = self._shown[index.row()]
        if chosen.session:
            self._look_at(chosen.session, chosen.presentation)
