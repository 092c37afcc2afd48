"""The one large state line of the checkpoint: sign, word, colour."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QFont,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.i18n import tr
from gui.icons import paint_icon
from gui.theme import Tone, current_scheme, type_size
from gui.views.checkpoint.state import Display, Shape


class Banner(QWidget):
    """Shows a `Display`. A stored verdict fills the banner with its colour; everything else stays quiet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display = Display(Shape.WAIT, tr("ONE MOMENT"), Tone.CALM)
        self.watermark = ""
        self.announce = True
        self.setMinimumHeight(104)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("State"))

    def sizeHint(self) -> QSize:
        """As high as two lines of large type."""
        return QSize(700, 112)

    def show_display(self, display: Display, watermark: str) -> None:
        """Change the state; a stored verdict is also told to assistive technology."""
        if display == self.display and watermark == self.watermark:
            return
        word_changed = display.word != self.display.word or display.final != self.display.final
        self.display, self.watermark = display, watermark
        self.setAccessibleDescription(f"{display.word} {watermark}".strip())
        if word_changed and display.final and self.announce:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{display.word} {watermark}".strip()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Plate, sign, word, watermark."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        filled = self.display.final or self.display.shape in (Shape.DASH, Shape.LOCK)
        tone = scheme.fill(self.display.tone)
        painter.setPen(QPen(tone if filled else QColor(scheme.line), 1))
        painter.setBrush(tone if filled else QColor(scheme.base))
        painter.drawRoundedRect(plate, 12, 12)
        ink = QColor(scheme.on_fill) if filled else QColor(scheme.text)
        painter.setFont(type_size(4.2, QFont.Weight.Bold))
        metrics = painter.fontMetrics()
        sign = 0.0 if self.display.shape is Shape.NONE else plate.height() * 0.52
        gap = 24.0 if sign else 0.0
        room = plate.width() - 2 * 20 - sign - gap
        if metrics.horizontalAdvance(self.display.word) > room:
            painter.setFont(type_size(4.2 * room / metrics.horizontalAdvance(self.display.word), QFont.Weight.Bold))
            metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(self.display.word)
        left = plate.center().x() - (width + sign + gap) / 2
        if sign:
            field = QRectF(left, plate.center().y() - sign / 2, sign, sign)
            _paint_sign(painter, self.display.shape, field, ink)
        painter.setPen(ink)
        words = QRectF(left + sign + gap, plate.top(), width + 4, plate.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.display.word)
        if self.watermark:
            painter.setFont(type_size(1.05, QFont.Weight.DemiBold))
            corner = plate.adjusted(0, 10, -16, 0)
            painter.drawText(corner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self.watermark)
        painter.end()


def _paint_sign(painter: QPainter, shape: Shape, field: QRectF, ink: QColor) -> None:
    pen = QPen(ink, field.width() * 0.1, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if shape is Shape.LOCK:
        paint_icon(painter, "lock", field, ink)
        return
    if shape is Shape.CROSS:  # an octagon, as a stop sign
        inset = field.width() * 0.29
        x0, y0, x1, y1 = field.left(), field.top(), field.right(), field.bottom()
        corners = [(x0 + inset, y0), (x1 - inset, y0), (x1, y0 + inset), (x1, y1 - inset)]
        corners += [(x1 - inset, y1), (x0 + inset, y1), (x0, y1 - inset), (x0, y0 + inset)]
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
    elif shape is Shape.QUESTION:  # a diamond, as a warning sign
        middle = field.center()
        points = [
            QPointF(middle.x(), field.top() - 4),
            QPointF(field.right() + 4, middle.y()),
            QPointF(middle.x(), field.bottom() + 4),
            QPointF(field.left() - 4, middle.y()),
        ]
        painter.drawPolygon(QPolygonF(points))
    else:
        painter.drawEllipse(field)
    inner = field.adjusted(*(field.width() * part for part in (0.29, 0.29, -0.29, -0.29)))
    if shape is Shape.TICK:
        painter.drawPolyline(
            [
                QPointF(inner.left() - 2, inner.center().y()),
                QPointF(inner.center().x() - 3, inner.bottom() - 1),
                QPointF(inner.right() + 3, inner.top() + 1),
            ]
        )
    elif shape is Shape.CROSS:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
    elif shape is Shape.QUESTION:
        font = type_size(1.0, QFont.Weight.Bold)
        font.setPixelSize(round(field.height() * 0.58))
        painter.setFont(font)
        painter.drawText(field, Qt.AlignmentFlag.AlignCenter, "?")
    elif shape is Shape.DASH:
        painter.drawLine(QPointF(inner.left(), inner.center().y()), QPointF(inner.right(), inner.center().y()))
    elif shape is Shape.WAIT:
        middle = inner.center()
        painter.drawLine(middle, QPointF(middle.x(), inner.top()))
        painter.drawLine(middle, QPointF(inner.right(), middle.y()))
