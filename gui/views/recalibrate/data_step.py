"""Step 2: choose labelled sessions; see subjects, species, balance, what the gate could decide, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.adaptation.settings import GateSettings
from gui.context import PageContext
from gui.i18n import tr
from gui.models.material_model import MaterialModel
from gui.views.recalibrate.gate_outlook import GateOutlook
from gui.views.recalibrate.reading import Material
from gui.views.recalibrate.summary import balance_of, missing_words, sentences
from gui.widgets.forms import GAP, EmptyState, Plate, VerbButton, heading, quiet, spin_box
from gui.widgets.tables import make_table


class DataStep(QWidget):
    """A list with ticks, and what the ticks amount to."""

    changed = Signal()

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = MaterialModel()
        self.model.setParent(self)
        self.summary = quiet("", self)
        self.outlook = GateOutlook(context, self)
        self.gaps = quiet("", self)
        self.seed = spin_box(0, 9999, 0, parent=self)
        self.seed.setPrefix(tr("Seed") + "  ")
        self.seed.setAccessibleName(tr("Seed"))
        self.margin = spin_box(1, 10, round(100 * GateSettings().bpcer_margin), " %", parent=self)
        self.margin.setPrefix(tr("More people refused, at most:") + "  ")
        self.margin.setAccessibleName(tr("More people refused, at most:"))
        self.margin.setToolTip(
            tr("What fewer accepted attacks may cost: raise it where attacks pass. For attacks nothing changes.")
        )
        self.unlabelled = QCheckBox(tr("Also learn from presentations &without a label"), self)
        self.unlabelled.setToolTip(
            tr("Their labels are guessed where sensors agree; never of people who judge, never checkpoint traffic.")
        )
        content = QWidget(self)
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self._choosing(), 3)
        row.addWidget(self._telling(context), 2)
        self.rooms = QStackedWidget(self)
        self.rooms.addWidget(content)
        empty = EmptyState(
            "empty",
            tr("No session with frames is stored yet"),
            tr("Record labelled takes on the page Collect, or import a manifest with `main.py import`."),
            self,
        )
        self.rooms.addWidget(empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.rooms)
        self.model.dataChanged.connect(lambda *_: self._tell())
        self.model.modelReset.connect(self._tell)
        self.seed.valueChanged.connect(self._follow)
        self.margin.valueChanged.connect(self._follow)
        self.outlook.changed.connect(self._tell_gaps)
        self._tell()

    def _choosing(self) -> QWidget:
        """The sessions with their ticks."""
        table = make_table(tr("Sessions with frames"), self)
        table.setModel(self.model)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setStretchLastSection(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # pseudonyms of a collection differ in their ends
        every = QPushButton(tr("Choose all"), self)
        none = QPushButton(tr("Choose none"), self)
        every.clicked.connect(lambda: self.model.choose_all(True))
        none.clicked.connect(lambda: self.model.choose_all(False))
        plate = Plate(self)
        plate.column.addWidget(heading(tr("Sessions with frames"), self))
        plate.column.addWidget(table, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(every)
        buttons.addWidget(none)
        buttons.addStretch(1)
        plate.column.addLayout(buttons)
        return plate

    def _telling(self, context: PageContext) -> QWidget:
        """What the ticks amount to, scrolled where it is much; below it what starts the pass."""
        words = QWidget(self)
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 0, GAP // 2, 0)
        column.setSpacing(GAP)
        column.addWidget(heading(tr("What they amount to"), self))
        column.addWidget(self.summary)
        column.addWidget(self.outlook)
        column.addWidget(heading(tr("Missing for a conclusive gate"), self))
        column.addWidget(self.gaps)
        column.addWidget(self.outlook.left_out)
        column.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(tr("What they amount to"))
        scroll.setWidget(words)
        scroll.viewport().setAutoFillBackground(False)
        words.setAutoFillBackground(False)
        plate = Plate(self)
        plate.column.addWidget(scroll, 1)
        plate.column.addWidget(self.unlabelled)
        plate.column.addWidget(self.margin)
        plate.column.addWidget(self.seed)
        plate.column.addWidget(VerbButton(context.actions["make_plan"], self, primary=True))
        return plate

    def show_material(self, rows: Sequence[Material]) -> None:
        """Show what was read."""
        self.rooms.setCurrentIndex(0 if rows else 1)
        self.model.show(rows)

    @property
    def learns_unlabelled(self) -> bool:
        """Whether the pass is to learn from what nobody labelled."""
        return self.unlabelled.isEnabled() and self.unlabelled.isChecked()

    @property
    def bpcer_margin(self) -> float:
        """By less than this share more bona fide may be refused."""
        return self.margin.value() / 100

    @property
    def sessions(self) -> list[str]:
        """Ids of the chosen sessions."""
        return [material.session.id for material in self.model.chosen]

    @Slot()
    def _tell(self) -> None:
        chosen = self.model.chosen
        balance = balance_of(chosen)
        self.summary.setText("\n".join(sentences(balance)) if chosen else tr("Choose the sessions to learn from."))
        self.unlabelled.setEnabled(balance.unlabelled > 0)
        self._follow()
        self._tell_gaps()
        self.changed.emit()

    @Slot()
    def _follow(self) -> None:
        self.outlook.follow(self.sessions, self.seed.value(), self.bpcer_margin)

    @Slot()
    def _tell_gaps(self) -> None:
        self.gaps.setText(missing_words(balance_of(self.model.chosen), self.outlook.power))
