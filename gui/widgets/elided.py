"""Texts that end in dots where there is no room, and are told in full by their tool tip: none widens the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

_LEAST_PX = 60


def cut(text: str, metrics: QFontMetrics, room: int) -> str:
    """The text, or its beginning and dots."""
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)


class OneLine(QLabel):
    """A line of plain text that may be longer than there is room."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def minimumSizeHint(self) -> QSize:
        """Some letters and dots."""
        whole = super().minimumSizeHint()
        return QSize(min(whole.width(), _LEAST_PX), whole.height())

    def event(self, event: QEvent) -> bool:
        """What is cut is told when somebody points at it."""
        if event.type() == QEvent.Type.ToolTip:
            self.setToolTip(self.text() if self._shown() != self.text() else "")
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As much of it as fits."""
        painter = QStylePainter(self)
        room, look, ink = self.contentsRect(), self.palette(), self.foregroundRole()
        painter.drawItemText(room, self.alignment(), look, self.isEnabled(), self._shown(), ink)
        painter.end()

    def _shown(self) -> str:
        return cut(self.text(), self.fontMetrics(), self.contentsRect().width())


class Choice(QComboBox):
    """Qt cuts a long entry in the middle of a letter; here it ends in dots."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setItemDelegate(QStyledItemDelegate(self))  # Qt's own for this list knows no style sheet

    def event(self, event: QEvent) -> bool:
        """What is cut is told when somebody points at it."""
        if event.type() == QEvent.Type.ToolTip:
            text = self._option().currentText
            self.setToolTip(text if self._shown(text) != text else "")
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The field with its entry, or with what stands there before one is chosen."""
        painter, option = QStylePainter(self), self._option()
        if self.currentIndex() < 0 and self.placeholderText():
            option.palette.setBrush(QPalette.ColorRole.ButtonText, option.palette.placeholderText())
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self._shown(option.currentText)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0 and self.placeholderText():
            option.currentText = self.placeholderText()
        return option

    def _shown(self, text: str) -> str:
        part, option = QStyle.SubControl.SC_ComboBoxEditField, self._option()
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
        return cut(text, self.fontMetrics(), room.width() - 2)
