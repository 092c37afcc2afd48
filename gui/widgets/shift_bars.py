"""The shift meter: how far the evidence of each sensor has moved, as a bar with the two limits and a word."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.adaptation.shift import MOVED, MOVED_FAR, Shift
from core.codes import Movement
from gui.i18n import codes, tr
from gui.theme import Tone, current_scheme, type_size
from gui.widgets.figure_rows import FigureRows, Row

_FULL = 0.5
_HEAD = 20.0
_BAR = 10.0
_TONES = {Movement.AS_BEFORE: Tone.CALM, Movement.MOVED: Tone.WARN, Movement.MOVED_FAR: Tone.BAD}


class ShiftBars(FigureRows):
    """A bar for each sensor. What cannot be told is an empty track: a bar would claim something."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Shift of each sensor"), parent)
        self._movements: dict[str, Movement] = {}

    def show_shifts(self, shifts: Sequence[Shift]) -> None:
        """Show what was found."""
        self._movements = {codes.modality(one.modality): one.movement for one in shifts}
        self.show_rows([_row(one) for one in shifts])

    def _top(self) -> float:
        return _HEAD

    def _paint_head(self, painter: QPainter) -> None:
        """The names of the limits, above their lines."""
        if not self.rows:
            return
        field = self._mark_field(QRectF(2, 0, self.width() - 4, _HEAD))
        painter.setFont(type_size(0.85))
        painter.setPen(QColor(current_scheme().muted))
        for limit, word in ((MOVED, Movement.MOVED), (MOVED_FAR, Movement.MOVED_FAR)):
            place = QRectF(_x(field, limit) + 3, 0, field.width(), _HEAD)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, codes.movement(word))

    def _paint_mark(self, painter: QPainter, row: Row, field: QRectF) -> None:
        scheme = current_scheme()
        track = QRectF(field.left(), field.center().y() - _BAR / 2, field.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.raised))
        painter.drawRoundedRect(track, 2, 2)
        tone = _TONES.get(self._movements[row.label])
        if tone is not None:
            painter.setBrush(scheme.tone(tone))
            width = max(_x(field, row.value) - field.left(), 1.5)
            painter.drawRoundedRect(QRectF(track.left(), track.top(), width, _BAR), 2, 2)
        painter.setPen(QPen(QColor(scheme.muted), 1, Qt.PenStyle.DashLine))
        for limit in (MOVED, MOVED_FAR):
            painter.drawLine(QPointF(_x(field, limit), field.top()), QPointF(_x(field, limit), field.bottom()))


def _row(one: Shift) -> Row:
    words = codes.movement(one.movement)
    note = tr("{before} verdicts then, {now} now", before=one.before, now=one.now)
    if one.movement is not Movement.TOO_LITTLE:
        words = f"{words}  {one.moved:.2f}"
        note += ", " + tr("chance alone reaches {value}", value=f"{one.chance:.2f}")
    strong = one.movement in (Movement.MOVED, Movement.MOVED_FAR)
    return Row(codes.modality(one.modality), words, one.moved, strong=strong, note=note)


def _x(field: QRectF, value: float) -> float:
    return field.left() + field.width() * min(max(value / _FULL, 0.0), 1.0)
