"""Step 1: what changed. Figures of the newest verdicts at this site, with bounds, and the shift of each sensor."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.codes import Outcome
from core.frames import ModalityMask
from core.metrics.rate import Rate
from gui.i18n import codes, tr, tr_count
from gui.models.table_model import TextTable
from gui.views.recalibrate.reading import SiteFigures
from gui.views.recalibrate.shift_panel import ShiftPanel
from gui.widgets.facts import Facts
from gui.widgets.forms import GAP, Plate, heading, quiet
from gui.widgets.tables import make_table


class SiteStep(QWidget):
    """Shares of the outcomes, shift of the sensors, sensors in use, overrides."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.note = quiet("", self)
        self.outcomes = TextTable((tr("Outcome"), tr("Share"), tr("95 % bounds"), tr("Verdicts")))
        self.outcomes.setParent(self)
        self._facts = Facts(self)
        table = make_table(tr("Outcomes"), self)
        table.setModel(self.outcomes)
        self.shift = ShiftPanel(self)
        left, right = Plate(self), Plate(self)
        left.column.addWidget(heading(tr("Newest verdicts of this site"), self))
        left.column.addWidget(self.note)
        left.column.addWidget(table, 1)
        right.column.addWidget(heading(tr("Beside them"), self))
        right.column.addWidget(self._facts)
        explanation = tr(
            "A rising share of REFER and NO RESPONSE or of overrides, or a sensor that has moved, says that people, "
            "light or camera have changed. Record labelled sessions on the page Collect, then go on with step 2."
        )
        right.column.addWidget(quiet(explanation, self))
        right.column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        both = QVBoxLayout()
        both.setSpacing(GAP)
        both.addWidget(left, 1)
        both.addWidget(self.shift)
        row.addLayout(both, 3)
        row.addWidget(right, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)

    def show_figures(self, figures: SiteFigures) -> None:
        """Show what was read."""
        self.note.setText(
            tr_count(
                figures.verdicts, "Over the newest verdict.", "Over the newest {n} verdicts, of every kind of source."
            )
            if figures.verdicts
            else tr("There is no verdict yet. Decide about somebody on the page Checkpoint.")
        )
        self.outcomes.show([_row(outcome, rate) for outcome, rate in figures.outcomes.items()])
        overridden = figures.overridden
        self._facts.set(tr("Champion"), figures.champion)
        self._facts.set(
            tr("Decided otherwise by a person"),
            f"{overridden.value:.1%}  ({overridden.low:.1%} … {overridden.high:.1%})" if overridden else "",
        )
        masks = sorted(figures.masks.items(), key=lambda item: -item[1])
        self._facts.set(tr("Sensors"), "\n".join(f"{codes.mask(ModalityMask.parse(mask))}: {n}" for mask, n in masks))


def _row(outcome: Outcome, rate: Rate) -> tuple[str, str, str, str]:
    return codes.outcome(outcome), f"{rate.value:.1%}", f"{rate.low:.1%} … {rate.high:.1%}", str(rate.errors)
