"""How pictures stand beside each other: without gaps, at 4 : 3, as large as the room allows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

GAP = 10


class BigAndSmall(QWidget):
    """One big picture, two small ones stacked to its right."""

    def __init__(self, big: QWidget, small: Sequence[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._big, self._small = big, small
        for view in (big, *small):
            view.setParent(self)
        self.setMinimumSize(360, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place them."""
        count = len(self._small)
        height = self.height()
        # width = 4/3 h + gap + 4/3 (h - gaps) / count, solved for the height that fits
        room = self.width() - GAP + 4 / 3 * (count - 1) * GAP / count
        height = min(height, int(room / (4 / 3 * (1 + 1 / count))))
        small_height = (height - (count - 1) * GAP) // count
        widths = (height * 4 // 3, small_height * 4 // 3)
        left = (self.width() - sum(widths) - GAP) // 2
        top = (self.height() - height) // 2
        self._big.setGeometry(QRect(left, top, widths[0], height))
        for row, view in enumerate(self._small):
            y = top + row * (small_height + GAP)
            view.setGeometry(QRect(left + widths[0] + GAP, y, widths[1], small_height))


class Strip(QWidget):
    """Equal pictures in a row."""

    def __init__(self, views: Sequence[QWidget], parent: QWidget | None = None, minimum_height: int = 120) -> None:
        super().__init__(parent)
        self._views = views
        for view in views:
            view.setParent(self)
        self.setMinimumSize(3 * 120, minimum_height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place them."""
        count = len(self._views)
        width = min((self.width() - (count - 1) * GAP) // count, self.height() * 4 // 3)
        height = width * 3 // 4
        left = (self.width() - count * width - (count - 1) * GAP) // 2
        top = (self.height() - height) // 2
        for column, view in enumerate(self._views):
            view.setGeometry(QRect(left + column * (width + GAP), top, width, height))
