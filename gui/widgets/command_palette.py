"""Ctrl+K: every verb of the window, found by typing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from gui.actions import PAGES, Actions
from gui.i18n import tr
from gui.widgets.forms import Plate

_ID = Qt.ItemDataRole.UserRole


class CommandPalette(Plate):
    """A field and a list over the window; Return does the chosen verb, Escape leaves."""

    chosen = Signal(str)

    def __init__(self, actions: Actions, host: QWidget) -> None:
        super().__init__(host, margin=12)
        self._actions = actions
        self._host = host
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(tr("Type a command"))
        self.field.setAccessibleName(tr("Command"))
        self.field.setClearButtonEnabled(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName(tr("Commands that fit"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.column.addWidget(self.field)
        self.column.addWidget(self.list)
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item: self._choose())
        self.hide()

    def open(self) -> None:
        """Show it, empty, in the upper middle of the window."""
        self.field.clear()
        self._fill("")
        width = min(620, self._host.width() - 80)
        self.resize(width, min(440, self._host.height() - 120))
        self.move((self._host.width() - width) // 2, 60)
        self.show()
        self.raise_()
        self.field.setFocus()

    def _fill(self, typed: str) -> None:
        self.list.clear()
        pages = {info.id: tr(info.text) for info in PAGES}
        words = typed.casefold().split()
        for info, action in self._actions:
            page = pages.get(info.page, "")
            text = f"{page}: {action.text()}" if page else action.text()
            if info.id == "palette" or not action.isVisible() or not all(word in text.casefold() for word in words):
                continue
            keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
            item = QListWidgetItem(action.icon(), f"{text}    {keys}" if keys else text)
            item.setData(_ID, info.id)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _choose(self) -> None:
        item = self.list.currentItem()
        self.hide()
        if item is not None:
            self.chosen.emit(item.data(_ID))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys walk the list while the field keeps the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                row = self.list.currentRow() + (1 if key == Qt.Key.Key_Down else -1)
                self.list.setCurrentRow(max(0, min(row, self.list.count() - 1)))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose()
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                return True
        if event.type() == QEvent.Type.FocusOut and watched is self.field:
            self.hide()
        return False
