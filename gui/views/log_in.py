"""Who is at the window? Shown when the station has accounts and nobody has logged in."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget

from core.access import Actor
from core.errors import KnownError
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.views.page import Page
from gui.widgets.forms import Plate, add_row, form_layout, heading, quiet
from storage.catalogue import Catalogue

Admitted = tuple[Actor, str]
"""Whoever logged in, and the token for the commands that the window starts."""


def log_in(catalogue: Catalogue, name: str, passphrase: str) -> Admitted:
    """Log in through the window's catalogue (in the background: the pass-phrase takes its time to check)."""
    return catalogue.log_ins.log_in(name, passphrase), catalogue.log_ins.make_token()


class LogInPage(Page):
    """A name, a pass-phrase, and what was wrong."""

    name = "log_in"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        plate = Plate(self, margin=28)
        plate.setFixedWidth(460)
        self.account = QLineEdit(plate)
        self.passphrase = QLineEdit(plate)
        self.passphrase.setEchoMode(QLineEdit.EchoMode.Password)
        self.button = QPushButton(tr("Log in"), plate)
        self.button.setProperty("primary", True)
        self.message = QLabel(plate)
        self.message.setWordWrap(True)
        self.message.setMinimumHeight(44)
        self.message.setAccessibleName(tr("What was wrong"))
        form = form_layout()
        add_row(form, tr("&Name"), self.account)
        add_row(form, tr("&Pass-phrase"), self.passphrase)
        plate.column.addWidget(heading(tr("Log in"), plate, 1.5))
        plate.column.addWidget(quiet(tr("The camera goes on; nobody is decided about until somebody is here."), plate))
        plate.column.addLayout(form)
        plate.column.addWidget(self.button)
        plate.column.addWidget(self.message)
        self.column.addStretch(1)
        self.column.addWidget(plate, 0, Qt.AlignmentFlag.AlignHCenter)
        self.column.addStretch(2)
        self.account.returnPressed.connect(self.passphrase.setFocus)
        self.passphrase.returnPressed.connect(self.submit)
        self.button.clicked.connect(self.submit)

    def entered(self) -> None:
        """The first key goes into the name."""
        self.account.setFocus()

    def submit(self) -> None:
        """Check in the background; the fields wait meanwhile."""
        name, passphrase = self.account.text().strip(), self.passphrase.text()
        if not name or not passphrase:
            self.message.setText(tr("Give a name and its pass-phrase."))
            return
        self.passphrase.clear()
        self._wait(True)
        self.context.tasks.run(
            lambda catalogue: log_in(catalogue, name, passphrase), self._admitted, self._refused, self
        )

    def _admitted(self, admitted: Admitted) -> None:
        self.context.admit(*admitted)

    def _refused(self, error: BaseException) -> None:
        self._wait(False)
        if not isinstance(error, KnownError):
            self.context.show_error(error)
            return
        self.message.setText(told_error(error))
        self.passphrase.setFocus()

    def _wait(self, waiting: bool) -> None:
        for widget in (self.account, self.passphrase, self.button):
            widget.setEnabled(not waiting)
        self.message.setText(tr("One moment") if waiting else "")
