"""Names and values in two columns, for facts that change while one looks."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gui.widgets.forms import quiet


class Facts(QWidget):
    """A small table of facts. Values can be selected and copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, QLabel] = {}

    def set(self, name: str, value: str, tip: str = "") -> None:
        """Show ``value`` under ``name``; an empty value shows a dash. ``tip``: the same at length."""
        label = self._values.get(name)
        if label is None:
            row = len(self._values)
            title = quiet(name, self)
            title.setWordWrap(False)
            label = QLabel(self)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAccessibleName(name)
            self._grid.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(label, row, 1)
            self._values[name] = label
        label.setText(value or "–")
        label.setToolTip(tip)

    def clear(self) -> None:
        """Show no fact."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._values.clear()

    def tip(self, name: str) -> str:
        """What stands under ``name`` at length."""
        return self._values[name].toolTip()

    def value(self, name: str) -> str:
        """What stands under ``name``."""
        return self._values[name].text()
