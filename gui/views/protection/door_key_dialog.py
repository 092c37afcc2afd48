"""The key of the door: whether lines to gate controllers are signed, with which key, and where that lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QLineEdit, QPushButton, QWidget

from core.access import Permission
from core.door.signing import read_door_key
from core.errors import ExitCode, HostError, KnownError
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.widgets.ask import Question
from gui.widgets.forms import add_row, form_layout, heading, quiet
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.commands_door import make_door_key, remove_door_key

WATCH = "main.py door watch SOCKET --key FILE"
"""How the reference controller takes a copy."""


@dataclass(frozen=True, slots=True)
class DoorKeyView:
    """``id``: of the key, empty without one. ``trouble``: why the file that is there is of no use."""

    path: Path
    id: str
    trouble: HostError | None
    second: bool


class DoorKeyDialog(Question):
    """Facts, and the two changes of `main.py door key`, each with a reason."""

    changed = Signal()
    """A key was made or taken away."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Door key"),
            tr("It signs what this station tells gate controllers, so that no other program can speak for it."),
            parent,
        )
        self._context = context
        self.view: DoorKeyView | None = None
        self.state = heading("", self)
        self.meaning, self.notice, self.problem = quiet("", self), quiet("", self), quiet("", self)
        self.place = QLabel("", self)
        self.reason = QLineEdit(self)
        self.make = QPushButton(self)
        self.remove = QPushButton(tr("Sign &no more"), self)
        self._build()
        self.reason.textChanged.connect(lambda _text: self._check())
        self.make.clicked.connect(lambda: self._change(make_door_key, tr("Give each controller a copy of the key.")))
        self.remove.clicked.connect(
            lambda: self._change(remove_door_key, tr("Controllers that have a key stay closed."))
        )
        self.refresh()

    def _build(self) -> None:
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        self.place.setTextInteractionFlags(selectable)
        self.place.setWordWrap(True)
        self.place.setAccessibleName(tr("Where the key lies"))
        form = form_layout()
        add_row(form, tr("&Reason"), self.reason)
        for widget in (self.state, self.meaning, self.place, self.notice, self.problem):
            self.body.addWidget(widget)
        self.body.addLayout(form)
        self.buttons.clear()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        for button in (self.make, self.remove):
            self.buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
            button.setAutoDefault(False)
        self.problem.hide()
        self.setMinimumWidth(600)
        self.reason.setFocus()
        self._show(None)

    def refresh(self) -> None:
        """Read the state again."""
        self._context.tasks.run(_read, self._show, self._context.show_error, self)

    def _show(self, view: DoorKeyView | None) -> None:
        self.view = view
        there = view is not None and (bool(view.id) or view.trouble is not None)
        if view is None:
            state, meaning = "", ""
        elif view.trouble is not None:
            state, meaning = tr("The key cannot be used"), told_error(view.trouble)
        elif view.id:
            state = tr("Lines are signed with the key {id}", id=view.id)
            meaning = tr(
                "Give each controller a copy that nobody else can read; `sha256sum` of a copy begins with {id}. "
                "The reference controller takes it so: {command}",
                id=view.id,
                command=WATCH,
            )
        else:
            state = tr("Lines are not signed")
            meaning = tr("A program that takes the place of the station's socket can tell a controller to open.")
        self.state.setText(state)
        self.meaning.setText(meaning)
        self.place.setText(tr("File: {path}", path=view.path) if view is not None else "")
        self.place.setVisible(there)
        second = view is not None and view.second
        self.notice.setText(tr("A second person has to approve a change.") if second else "")
        self.notice.setVisible(second)
        self.make.setText(tr("&Make another key") if there else tr("&Make a key"))
        self.remove.setVisible(there)
        self._check()
        self.adjustSize()

    def _check(self) -> None:
        allowed = self.view is not None and bool(self.reason.text().strip())
        for button in (self.make, self.remove):
            button.setEnabled(allowed)

    def _change(self, change: Callable[[Catalogue, str], None], then: str) -> None:
        """``then``: what is left to a person once it is made."""
        reason = self.reason.text().strip()
        self.view = None
        self._check()

        def done(_nothing: None) -> None:
            self.problem.hide()
            self.reason.clear()
            self.changed.emit()
            self._context.notify(tr("This holds from the station's next start on."), then, Level.INFO)
            self.refresh()

        self._context.tasks.run(lambda catalogue: change(catalogue, reason), done, self._failed, self)

    def _failed(self, error: BaseException) -> None:
        self.refresh()
        if not isinstance(error, KnownError):
            self._context.show_error(error)
        elif error.exit_code is ExitCode.DONE:
            self._context.notify(tr("Proposed."), tr("A second person has to approve it."), Level.INFO)
            self.accept()
        else:
            self.problem.setText(told_error(error))
            self.problem.show()


def _read(catalogue: Catalogue) -> DoorKeyView:
    catalogue.require(Permission.KEYS)
    path, second = catalogue.folder.door_key, catalogue.proposals.needed(Permission.KEYS)
    try:
        return DoorKeyView(path, read_door_key(path).id if path.exists() else "", None, second)
    except HostError as error:
        return DoorKeyView(path, "", error, second)
