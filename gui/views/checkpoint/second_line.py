"""People who were stopped and whose second-line result is still open: a strip that never holds up the next person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.codes import SecondLineResult
from gui.actions import Actions
from gui.i18n import codes, tr
from gui.widgets.forms import VerbButton, combo_box, quiet
from storage.repositories.second_line import Waiting

VERBS = {
    "second_confirmed": SecondLineResult.CONFIRMED,
    "second_false_alarm": SecondLineResult.FALSE_ALARM,
    "second_unknown": SecondLineResult.UNKNOWN,
}
"""Two keystrokes each: L, then C, F or U."""


class SecondLineStrip(QWidget):
    """Who waits (the oldest is chosen), and three verbs for the one that is chosen."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self._actions = actions
        self._waiting: Sequence[Waiting] = ()
        self.choice = combo_box(self, tr("Second line: who was stopped"))
        self.choice.setMinimumWidth(250)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        label = quiet(tr("Second line"), self)
        label.setWordWrap(False)
        row.addWidget(label)
        row.addWidget(self.choice, 1)
        for verb in VERBS:
            row.addWidget(VerbButton(actions[verb], self))
        self.show_waiting(())

    @property
    def chosen(self) -> int | None:
        """Row id of the verdict that a result is given for."""
        value = self.choice.currentData()
        return None if value is None else int(value)

    def show_waiting(self, waiting: Sequence[Waiting]) -> None:
        """Show who waits; the choice stays where it was, as long as that one waits."""
        if waiting != self._waiting:
            self._waiting, before = waiting, self.choice.currentData()
            self.choice.clear()
            for one in waiting:
                when = datetime.fromtimestamp(one.committed_utc_s).strftime("%H:%M:%S")
                self.choice.addItem(
                    f"{when}  {codes.outcome(one.outcome)}  {codes.source(one.source_kind)}", one.verdict
                )
            self.choice.setCurrentIndex(max(0, self.choice.findData(before)))
        self.setVisible(bool(waiting))
        for verb in VERBS:
            self._actions[verb].setEnabled(bool(waiting))
