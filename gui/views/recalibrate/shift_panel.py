"""How far the evidence of each sensor has moved since the champion began here, and between which verdicts."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtWidgets import QWidget

from core.adaptation.shift import ENOUGH
from core.codes import Movement
from gui.i18n import codes, tr
from gui.widgets.forms import Plate, heading, quiet
from gui.widgets.shift_bars import ShiftBars
from storage.site_shift import SiteShift, Span


class ShiftPanel(Plate):
    """The meter with its words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars = ShiftBars(self)
        self.spans = quiet("", self)
        self.meaning = quiet(
            tr(
                "Index of population stability, less what chance gives it. It needs no labels, and cannot tell people, "
                "light or camera from more attacks."
            ),
            self,
        )
        self.column.addWidget(heading(tr("Evidence of each sensor"), self))
        self.column.addWidget(self.spans)
        self.column.addWidget(self.bars)
        self.column.addWidget(self.meaning)
        self.show_shift(SiteShift())

    def show_shift(self, found: SiteShift) -> None:
        """Show what was read."""
        self.bars.show_shifts(found.shifts)
        self.meaning.setVisible(bool(found.shifts))
        self.spans.setText(spans_words(found))


def spans_words(found: SiteShift) -> str:
    """What is compared with what, and how much more it takes where that is too little."""
    if found.kind is None or found.before is None or found.now is None:
        return tr("The champion has not decided at this checkpoint yet.")
    words = tr(
        "The champion's first {before} against its newest {now}, {kind}.",
        before=_span_words(found.before), now=_span_words(found.now), kind=codes.source(found.kind),
    )  # fmt: skip
    if any(one.movement is Movement.TOO_LITTLE for one in found.shifts):
        words += " " + tr("To be sure that nothing moved takes about {n} verdicts on each side.", n=ENOUGH)
    return words


def _span_words(span: Span) -> str:
    first, last = (datetime.fromtimestamp(t).strftime("%Y-%m-%d %H:%M") for t in (span.from_utc_s, span.to_utc_s))
    return tr("{n} verdicts ({first} to {last})", n=span.verdicts, first=first, last=last)
