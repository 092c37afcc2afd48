"""What would have changed on recorded traffic: a sentence, and the presentations to look at."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, Slot
from PySide6.QtWidgets import QWidget

from core.adaptation.result import Traffic
from gui.documents.report_words import traffic_line
from gui.i18n import codes, tr
from gui.models.table_model import TextTable
from gui.widgets.forms import Plate, heading, quiet
from gui.widgets.tables import make_table


class TrafficPlate(Plate):
    """Presentations that champion and candidate decide otherwise; Return or a double click opens one in Review."""

    def __init__(self, look_at: Callable[[str, str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look_at = look_at
        self._found: Traffic | None = None
        self.sentence = quiet("", self)
        self.sentence.setWordWrap(True)
        self.changed = TextTable((tr("Presentation"), tr("Champion"), tr("Candidate")))
        self.changed.setParent(self)
        self.table = make_table(tr("Recorded traffic decided again"), self)
        self.table.setModel(self.changed)
        self.table.activated.connect(self._open)
        self.column.addWidget(heading(tr("Recorded traffic decided again"), self))
        self.column.addWidget(self.sentence)
        self.column.addWidget(self.table, 1)

    def show_traffic(self, found: Traffic | None) -> None:
        """Show a report's; hidden where there was no recorded traffic."""
        self._found = found
        self.setVisible(found is not None)
        if found is None:
            return
        self.sentence.setText(traffic_line(found))
        self.changed.show(
            [(one.presentation, codes.outcome(one.before), codes.outcome(one.after)) for one in found.changed]
        )
        self.table.setVisible(bool(found.changed))

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        if self._found is not None:
            chosen = self._found.changed[index.row()]
            self._look_at(chosen.session, chosen.presentation)
