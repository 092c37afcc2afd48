"""Questions to a person: a reason, a choice. Never `exec`: the window goes on while the question stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gui.i18n import tr
from gui.widgets.forms import combo_box, heading, quiet
from gui.widgets.tab_order import follow_layout

Choice = tuple[str, str]
"""Value and its words."""


class Question(QDialog):
    """The frame of every question: title, explanation, room for what is asked, OK and Cancel."""

    def __init__(self, title: str, explanation: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        button = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(button.Ok | button.Cancel, self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.outer = column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(heading(title, self))
        column.addWidget(quiet(explanation, self))
        column.addLayout(self.body)
        column.addWidget(self.buttons)
        self.setMinimumWidth(450)
        self.setSizeGripEnabled(False)

    def showEvent(self, event: QShowEvent) -> None:
        """The keys begin at the first field, not at the buttons, which were made before it."""
        follow_layout(self)
        super().showEvent(event)

    def allow(self, allowed: bool) -> None:
        """Whether what was entered so far can be accepted."""
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(allowed)


class ReasonDialog(Question):
    """Asks for a reason, and for one of some choices where there are any; both are needed."""

    def __init__(self, title: str, explanation: str, choices: Sequence[Choice], parent: QWidget) -> None:
        super().__init__(title, explanation, parent)
        self.choice = combo_box(self)
        for value, words in choices:
            self.choice.addItem(words, value)
        self.choice.setVisible(bool(choices))
        self.choice.setAccessibleName(title)
        self.reason = QPlainTextEdit(self)
        self.reason.setTabChangesFocus(True)
        self.reason.setFixedHeight(84)
        self.reason.textChanged.connect(self._check)
        label = QLabel(tr("&Reason"), self)
        label.setBuddy(self.reason)
        for widget in (self.choice, label, self.reason):
            self.body.addWidget(widget)
        self._check()
        (self.choice if choices else self.reason).setFocus()

    @property
    def answer(self) -> tuple[str, str]:
        """Chosen value (empty without choices) and reason."""
        value = self.choice.currentData()
        return (str(value) if value is not None else "", self.reason.toPlainText().strip())

    def _check(self) -> None:
        self.allow(bool(self.reason.toPlainText().strip()))


def ask_reason(
    parent: QWidget,
    title: str,
    explanation: str,
    answered: Callable[[str, str], object],
    choices: Sequence[Choice] = (),
) -> ReasonDialog:
    """Open the question; ``answered(value, reason)`` follows when it is accepted."""
    dialog = ReasonDialog(title, explanation, choices, parent)
    dialog.accepted.connect(lambda: answered(*dialog.answer))
    dialog.open()
    return dialog
