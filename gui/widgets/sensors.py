"""Which sensors are in use: one plate each, with a tick or a dash, so that colour is not needed to read it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.frames import MODALITIES, ModalityMask
from gui.i18n import codes, tr
from gui.icons import paint_icon
from gui.theme import Tone, current_scheme, type_size


class Sensors(QWidget):
    """The modality mask."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = ModalityMask(0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Sensors in use"))

    def sizeHint(self) -> QSize:
        """Room for three names."""
        return QSize(sum(self._widths()) + 8 * (len(MODALITIES) - 1) + 2, 32)

    def set_mask(self, mask: ModalityMask) -> None:
        """Show another mask."""
        if mask != self.shown:
            self.shown = mask
            self.setAccessibleDescription(codes.mask(mask))
            self.update()

    def _widths(self) -> list[int]:
        metrics = self.fontMetrics()
        return [metrics.horizontalAdvance(codes.modality(m)) + 52 for m in MODALITIES]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Three plates."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = 0.5
        for modality, width in zip(MODALITIES, self._widths(), strict=True):
            present = modality in self.shown
            plate = QRectF(left, 1.5, width, self.height() - 3)
            painter.setPen(QColor(scheme.line))
            painter.setBrush(QColor(scheme.base if present else scheme.window))
            painter.drawRoundedRect(plate, 15, 15)
            sign = QRectF(left + 10, self.height() / 2 - 8, 16, 16)
            if present:
                paint_icon(painter, "check", sign, scheme.tone(Tone.GOOD))
            else:
                paint_icon(painter, "cross", sign, scheme.tone(Tone.WARN))
            font = type_size(1.0, QFont.Weight.Medium)
            font.setStrikeOut(not present)
            painter.setFont(font)
            painter.setPen(QColor(scheme.text if present else scheme.muted))
            words = QRectF(left + 32, 0, width - 34, self.height())
            painter.drawText(
                words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, codes.modality(modality)
            )
            left += width + 8
        painter.end()
