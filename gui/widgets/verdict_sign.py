"""The gate's answer as a sign: tick, cross or question mark, each with its own outline."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from core.codes import GateResult
from gui.i18n import codes, tr
from gui.icons import paint_icon
from gui.theme import Tone, current_scheme

_LOOKS = {
    GateResult.PASSED: ("check", Tone.GOOD),
    GateResult.WORSE: ("cross", Tone.BAD),
    GateResult.NOT_BETTER: ("cross", Tone.WARN),
    GateResult.INSUFFICIENT_EVIDENCE: ("refer", Tone.WARN),
}


class ResultSign(QWidget):
    """A disc with the sign; a ring while there is no answer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: GateResult | None = None
        self.setFixedSize(56, 56)
        self.setAccessibleName(tr("Answer of the gate"))

    def sizeHint(self) -> QSize:
        """Fixed."""
        return QSize(56, 56)

    def show_result(self, result: GateResult | None) -> None:
        """Change the answer."""
        self._result = result
        self.setAccessibleDescription(codes.gate(result) if result is not None else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        field = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        if self._result is None:
            painter.setPen(QColor(scheme.line))
            painter.drawEllipse(field)
        else:
            name, tone = _LOOKS[self._result]
            painter.setPen(scheme.fill(tone))
            painter.setBrush(scheme.fill(tone))
            painter.drawEllipse(field)
            paint_icon(painter, name, field.adjusted(10, 10, -10, -10), QColor(scheme.on_fill))
        painter.end()
