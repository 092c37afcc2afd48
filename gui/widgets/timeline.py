"""Score curve and modality mask over the frame sets of a session, with a cursor that can be dragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.frames import MODALITIES, ModalityMask
from gui.i18n import codes, tr
from gui.theme import Tone, current_scheme, type_size

_LEFT = 70.0
_ROW = 13.0


class Timeline(QWidget):
    """``chosen`` gives the position (0 to count - 1) that a person asked for."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.masks: Sequence[ModalityMask] = ()
        self.scores: Mapping[int, float] = {}
        self.threshold: float | None = None
        self.span: tuple[int, int] | None = None
        self.position = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self.setAccessibleName(tr("Score and sensors over time"))
        self.setMinimumHeight(140)

    def sizeHint(self) -> QSize:
        """A curve and three rows."""
        return QSize(400, 150)

    def show_session(self, masks: Sequence[ModalityMask]) -> None:
        """The mask of each frame set, in order."""
        self.masks, self.scores, self.threshold, self.span, self.position = masks, {}, None, None, 0
        self.update()

    def show_scores(self, scores: Mapping[int, float], threshold: float | None, span: tuple[int, int] | None) -> None:
        """Score by position, the threshold, and the positions of the presentation in question."""
        self.scores, self.threshold, self.span = scores, threshold, span
        self.update()

    def set_position(self, position: int) -> None:
        """Move the cursor."""
        if position != self.position:
            self.position = position
            self.setAccessibleDescription(tr("Frame set {n} of {count}", n=position + 1, count=len(self.masks)))
            self.update()

    # --- mouse --------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def _seek(self, x: float) -> None:
        if self.masks:
            share = (x - _LEFT) / max(self.width() - _LEFT - 8, 1)
            self.chosen.emit(max(0, min(len(self.masks) - 1, int(share * len(self.masks)))))

    # --- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Curve above, mask below, cursor over both."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rows_height = _ROW * len(MODALITIES) + 12
        curve = QRectF(_LEFT, 8, self.width() - _LEFT - 8, self.height() - rows_height - 20)
        rows = QRectF(_LEFT, curve.bottom() + 8, curve.width(), rows_height)
        painter.setFont(type_size(0.85))
        painter.setPen(QColor(scheme.line))
        painter.setBrush(QColor(scheme.base))
        painter.drawRect(curve)
        if self.span is not None and self.masks:
            first, last = (self._x(curve, position) for position in self.span)
            painter.fillRect(QRectF(first, curve.top(), max(last - first, 2), curve.height()), QColor(scheme.raised))
        self._paint_axis(painter, curve)
        self._paint_scores(painter, curve)
        self._paint_masks(painter, rows)
        if self.masks:
            x = self._x(curve, self.position)
            painter.setPen(QPen(QColor(scheme.accent), 2))
            painter.drawLine(QPointF(x, curve.top() - 4), QPointF(x, rows.bottom() - 8))
        painter.end()

    def _x(self, field: QRectF, position: float) -> float:
        return field.left() + field.width() * (position + 0.5) / max(len(self.masks), 1)

    def _paint_axis(self, painter: QPainter, curve: QRectF) -> None:
        scheme = current_scheme()
        painter.setPen(QColor(scheme.muted))
        align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value in (0.0, 1.0):
            y = curve.bottom() - value * curve.height()
            painter.drawText(QRectF(0, y - 8, _LEFT - 8, 16), align, f"{value:.0f}")
        painter.drawText(QRectF(0, curve.center().y() - 8, _LEFT - 8, 16), align, tr("score"))
        if self.threshold is not None:
            y = curve.bottom() - self.threshold * curve.height()
            painter.setPen(QPen(scheme.tone(Tone.WARN), 1.2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(curve.left(), y), QPointF(curve.right(), y))

    def _paint_scores(self, painter: QPainter, curve: QRectF) -> None:
        painter.setPen(QPen(QColor(current_scheme().accent), 1.8))
        points = [
            QPointF(self._x(curve, position), curve.bottom() - score * curve.height())
            for position, score in sorted(self.scores.items())
        ]
        painter.drawPolyline(points)
        painter.setBrush(QColor(current_scheme().accent))
        for point in points[:400]:
            painter.drawEllipse(point, 2.2, 2.2)

    def _paint_masks(self, painter: QPainter, rows: QRectF) -> None:
        scheme = current_scheme()
        for row, modality in enumerate(MODALITIES):
            y = rows.top() + row * (_ROW + 2)
            painter.setPen(QColor(scheme.muted))
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 2, _LEFT - 8, _ROW + 2), align, codes.modality(modality))
            painter.fillRect(QRectF(rows.left(), y, rows.width(), _ROW - 3), QColor(scheme.raised))
            for first, last in _runs([modality in mask for mask in self.masks]):
                left = rows.left() + rows.width() * first / len(self.masks)
                width = rows.width() * (last - first) / len(self.masks)
                painter.fillRect(QRectF(left, y, max(width, 1), _ROW - 3), scheme.tone(Tone.CALM))


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """``[first, last)`` of each run of true."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = index
        elif not flag and start is not None:
            runs.append((start, index))
            start = None
    return runs
