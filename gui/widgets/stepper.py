"""The steps of a longer task, numbered, in a row."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QWidget

from gui.theme import current_scheme, type_size


class _Step(QAbstractButton):
    def __init__(self, number: int, words: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._number = number
        self.setText(words)
        self.setCheckable(True)
        self.setAccessibleName(f"{number} {words}")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(46)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 64, 46)

    def paintEvent(self, event: QPaintEvent) -> None:
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QColor(scheme.accent if self.isChecked() or self.hasFocus() else scheme.line))
        painter.setBrush(QColor(scheme.base if self.isChecked() else scheme.window))
        painter.drawRoundedRect(plate, 8, 8)
        disc = QRectF(plate.left() + 12, plate.center().y() - 12, 24, 24)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.accent if self.isChecked() else scheme.raised))
        painter.drawEllipse(disc)
        painter.setPen(QColor(scheme.on_accent if self.isChecked() else scheme.text))
        painter.setFont(type_size(1.0, QFont.Weight.Bold))
        painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, str(self._number))
        painter.setPen(QColor(scheme.text if self.isChecked() else scheme.muted))
        painter.setFont(type_size(1.0, QFont.Weight.DemiBold if self.isChecked() else QFont.Weight.Normal))
        words = plate.adjusted(46, 0, -8, 0)
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(
            words, align, painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, int(words.width()))
        )
        painter.end()


class Stepper(QWidget):
    """``chosen`` gives the step, counted from 0."""

    chosen = Signal(int)

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._group = QButtonGroup(self)
        for index, name in enumerate(names):
            button = _Step(index + 1, name, self)
            self._group.addButton(button, index)
            row.addWidget(button, 1)
        self._group.idClicked.connect(self.chosen)
        self.mark(0)

    def mark(self, index: int) -> None:
        """Show which step is in front."""
        self._group.button(index).setChecked(True)
