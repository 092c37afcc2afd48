"""Figures in pictures: rows of signed bars, shares and gauges, each with its words, so that nothing hangs on colour.

A painted widget can be reached by keyboard and tells a screen reader what it shows, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.face_ranges import Usual
from gui.i18n import tr
from gui.theme import Tone, current_scheme, type_size

_GAP = 8.0
_ROW = 24.0
_BAR = 10.0
_LEAST_SIDE = 0.3
"""Each side of zero is at least that long, over the longest bar."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is, how it reads, and its number. ``spread`` is drawn as a whisker around the end of a bar.

    ``strong`` rows are the ones to look at; ``usual`` is the range of faces, ``note`` what stands below a gauge.
    """

    label: str
    words: str
    value: float
    spread: float = 0.0
    strong: bool = False
    usual: Usual | None = None
    note: str = ""


class FigureRows(QWidget):
    """Labels on the left, words on the right, a mark in between; subclasses draw the mark."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Row] = ()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other figures."""
        self.rows = tuple(rows)
        spoken = (f"{row.label}: {row.words}{f', {row.note}' if row.note else ''}" for row in self.rows)
        self.setAccessibleDescription("; ".join(spoken))
        self.setVisible(bool(self.rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """A line for each row."""
        return QSize(220, round(self._top() + sum(self._height(row) for row in self.rows) + 4))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Every row, and a frame around them while they have the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_head(painter)
        y = self._top()
        for row in self.rows:
            self._paint_row(painter, row, QRectF(2, y, self.width() - 4, self._height(row)))
            y += self._height(row)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(current_scheme().accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 5, 5)
        painter.end()

    def _top(self) -> float:
        return 2.0

    def _height(self, row: Row) -> float:
        return _ROW

    def _paint_head(self, painter: QPainter) -> None:
        """Nothing above the rows."""

    def _paint_row(self, painter: QPainter, row: Row, field: QRectF) -> None:
        self._paint_words(painter, row, field)
        self._paint_mark(painter, row, self._mark_field(field))

    def _paint_words(self, painter: QPainter, row: Row, field: QRectF) -> None:
        scheme = current_scheme()
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(_row_font(row))
        painter.setPen(QColor(scheme.text if row.strong else scheme.muted))
        room = field.width() - painter.fontMetrics().horizontalAdvance(row.words) - _GAP
        label = painter.fontMetrics().elidedText(row.label, Qt.TextElideMode.ElideRight, round(room))
        painter.drawText(field, middle | Qt.AlignmentFlag.AlignLeft, label)
        painter.setPen(QColor(scheme.text))
        painter.drawText(field, middle | Qt.AlignmentFlag.AlignRight, row.words)

    def _mark_field(self, field: QRectF) -> QRectF:
        """Where the marks are: all of them below each other, as wide as the longest words leave room."""
        labels = max(_width(row.label) for row in self.rows)
        words = max(_width(row.words) for row in self.rows)
        left = field.left() + labels + _GAP
        return QRectF(left, field.top(), max(field.right() - words - _GAP - left, 24.0), field.height())

    def _paint_mark(self, painter: QPainter, row: Row, field: QRectF) -> None:
        raise NotImplementedError


class SignedBars(FigureRows):
    """Bars from a common zero: to the left against, to the right for bona fide. ``line``: a threshold, dashed."""

    def __init__(self, name: str, ends: tuple[str, str], parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._ends = ends
        self.line: float | None = None
        self.low, self.high = -1.0, 1.0
        """What the marks' field reaches from and to; zero is always well inside."""

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other figures; the scale follows the largest of them, whisker and threshold included."""
        far = [0.0, *([] if self.line is None else [self.line])]
        far += [row.value + side * row.spread for row in rows for side in (-1, 1)]
        least = max(_LEAST_SIDE * max(map(abs, far)), 0.5)
        self.low, self.high = min(*far, -least) * 1.05, max(*far, least) * 1.05
        super().show_rows(rows)

    def _top(self) -> float:
        return 20.0

    def _paint_head(self, painter: QPainter) -> None:
        """Which side means what, on both sides of zero."""
        if not self.rows:
            return
        zero = self._x(self._mark_field(QRectF(2, 0, self.width() - 4, 18)), 0.0)
        painter.setFont(type_size(0.85))
        painter.setPen(QColor(current_scheme().muted))
        middle = Qt.AlignmentFlag.AlignVCenter
        left, right = f"◂ {self._ends[0]}", f"{self._ends[1]} ▸"
        painter.drawText(QRectF(0, 0, zero - 6, 18), middle | Qt.AlignmentFlag.AlignRight, left)
        painter.drawText(QRectF(zero + 6, 0, self.width() - zero, 18), middle | Qt.AlignmentFlag.AlignLeft, right)

    def _x(self, field: QRectF, value: float) -> float:
        return field.left() + field.width() * (value - self.low) / (self.high - self.low)

    def _paint_mark(self, painter: QPainter, row: Row, field: QRectF) -> None:
        scheme = current_scheme()
        zero, end = self._x(field, 0.0), self._x(field, row.value)
        painter.setPen(QPen(QColor(scheme.line), 1))
        painter.drawLine(QPointF(zero, field.top()), QPointF(zero, field.bottom()))
        bar = QRectF(min(zero, end), field.center().y() - _BAR / 2, abs(end - zero), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(scheme.fill(Tone.BAD if row.value < 0 else Tone.GOOD))
        painter.drawRoundedRect(bar, 2, 2)
        if row.spread > 0:
            _whisker(painter, self._x(field, row.value - row.spread), self._x(field, row.value + row.spread), field)
        if self.line is not None and row is self.rows[-1]:
            painter.setPen(QPen(scheme.tone(Tone.WARN), 1.6, Qt.PenStyle.DashLine))
            x = self._x(field, self.line)
            painter.drawLine(QPointF(x, field.top() + 1), QPointF(x, field.bottom() - 1))


class ShareBars(FigureRows):
    """Bars from 0 to ``full``."""

    def __init__(self, name: str, full: float = 1.0, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.full = full

    def _paint_mark(self, painter: QPainter, row: Row, field: QRectF) -> None:
        scheme = current_scheme()
        track = QRectF(field.left(), field.center().y() - _BAR / 2, field.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.raised))
        painter.drawRoundedRect(track, 2, 2)
        share = min(max(row.value / self.full, 0.0), 1.0)
        painter.setBrush(scheme.tone(Tone.CALM))
        painter.drawRoundedRect(QRectF(track.left(), track.top(), max(share * track.width(), 1.5), _BAR), 2, 2)


class Gauges(FigureRows):
    """A figure above its gauge: the range of faces as a band, the figure as a mark, too low and too high as words."""

    def _height(self, row: Row) -> float:
        return _ROW + (22.0 if row.usual is not None else 0.0)

    def _paint_row(self, painter: QPainter, row: Row, field: QRectF) -> None:
        self._paint_words(painter, row, QRectF(field.left(), field.top(), field.width(), _ROW))
        if row.usual is None:
            return
        below = QRectF(field.left(), field.top() + _ROW - 3, field.width(), 18)
        painter.setFont(type_size(0.85))
        painter.setPen(QColor(current_scheme().muted))
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.note)
        notes = max(_width(one.note, 0.85) for one in self.rows)
        below.setRight(below.right() - notes - _GAP)
        self._paint_gauge(painter, row.value, row.usual, below)

    def _paint_gauge(self, painter: QPainter, value: float, usual: Usual, field: QRectF) -> None:
        scheme = current_scheme()
        full = 2.0 * usual.high if usual.high is not None else 3.0 * usual.low
        track = QRectF(field.left(), field.center().y() - 3, field.width(), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.raised))
        painter.drawRoundedRect(track, 3, 3)
        low = track.left() + track.width() * usual.low / full
        high = track.left() + track.width() * (usual.high if usual.high is not None else full) / full
        painter.setBrush(scheme.tone(Tone.CALM))
        painter.drawRoundedRect(QRectF(low, track.top(), high - low, track.height()), 3, 3)
        x = track.left() + track.width() * min(max(value / full, 0.0), 1.0)
        unusual = usual.place(value) != 0
        painter.setBrush(scheme.tone(Tone.WARN) if unusual else QColor(scheme.text))
        painter.setPen(QPen(QColor(scheme.base), 1.5))
        middle = track.center().y()
        if unusual:
            points = [QPointF(x, middle - 7), QPointF(x + 7, middle), QPointF(x, middle + 7), QPointF(x - 7, middle)]
            painter.drawPolygon(QPolygonF(points))
        else:
            painter.drawEllipse(QPointF(x, middle), 5, 5)


def range_words(usual: Usual, digits: int, unit: str) -> str:
    """``faces 3.0–5.6 mm``, or ``faces from 36 mm``."""
    low = f"{usual.low:.{digits}f}"
    if usual.high is None:
        return tr("faces from {low} {unit}", low=low, unit=unit).rstrip()
    return tr("faces {low}–{high} {unit}", low=low, high=f"{usual.high:.{digits}f}", unit=unit).rstrip()


def _whisker(painter: QPainter, left: float, right: float, field: QRectF) -> None:
    y = field.center().y()
    painter.setPen(QPen(QColor(current_scheme().text), 1.4))
    painter.drawLine(QPointF(left, y), QPointF(right, y))
    for x in (left, right):
        painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 3))


def _row_font(row: Row) -> QFont:
    return type_size(1.0, QFont.Weight.DemiBold if row.strong else QFont.Weight.Normal)


def _width(text: str, size: float = 1.0) -> float:
    return QFontMetricsF(type_size(size, QFont.Weight.DemiBold)).horizontalAdvance(text)
