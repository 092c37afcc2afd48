"""The narrow rail of pages on the left: picture, word, and a bar beside the page in front."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from gui.icons import paint_icon
from gui.theme import current_scheme, type_size

WIDTH = 92


class RailButton(QAbstractButton):
    """One page."""

    def __init__(self, action: QAction, icon_name: str, checkable: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self.setCheckable(checkable)
        self.setAutoExclusive(checkable)
        self.setText(action.text())
        self.setAccessibleName(action.text())
        self.setToolTip(f"{action.text()}  {action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)}")
        self.setFixedSize(WIDTH, 68)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(action.trigger)

    def sizeHint(self) -> QSize:
        """Fixed."""
        return QSize(WIDTH, 68)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Icon above the word."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QRectF(self.rect()).adjusted(8, 4, -8, -4)
        color = QColor(scheme.accent if self.isChecked() else scheme.muted)
        if self.isChecked() or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(scheme.raised))
            painter.drawRoundedRect(plate, 10, 10)
        if self.isChecked():
            painter.setBrush(QColor(scheme.accent))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(QRectF(0, plate.top() + 12, 4, plate.height() - 24), 2, 2)
        if self.hasFocus():
            painter.setPen(QColor(scheme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(plate.adjusted(1, 1, -1, -1), 9, 9)
        paint_icon(painter, self._icon_name, QRectF(self.width() / 2 - 12, plate.top() + 8, 24, 24), color)
        painter.setPen(QColor(scheme.text if self.isChecked() else scheme.muted))
        painter.setFont(type_size(0.86, QFont.Weight.DemiBold if self.isChecked() else QFont.Weight.Normal))
        words = QRectF(0, plate.bottom() - 24, self.width(), 18)
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, WIDTH - 8)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, text)
        painter.end()


class Rail(QWidget):
    """The pages, top down; what belongs to the window itself stands at the foot."""

    chosen = Signal(str)

    def __init__(
        self, pages: Sequence[tuple[QAction, str]], foot: Sequence[tuple[QAction, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._buttons: dict[str, RailButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 10)
        column.setSpacing(2)
        for action, name in pages:
            button = RailButton(action, name, True, self)
            self._buttons[action.objectName()] = button
            column.addWidget(button)
        column.addStretch(1)
        for action, name in foot:
            column.addWidget(RailButton(action, name, False, self))
        self.setFixedWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def mark(self, page: str) -> None:
        """Show which page is in front."""
        self._buttons[page].setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet plate with a line to the page."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(scheme.base))
        painter.setPen(QColor(scheme.line))
        painter.drawLine(self.width() - 1, 0, self.width() - 1, self.height())
        painter.end()
