"""The keys of the site: where the site key is, what that protects and what not; unlocking, and a passphrase."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QLineEdit, QPushButton, QWidget

from core.codes import SiteKeyMethod
from core.errors import KnownError
from gui.context import PageContext
from gui.i18n import tr, tr_count
from gui.i18n.errors import told_error
from gui.i18n.protection_codes import key_method, key_protects
from gui.widgets.ask import Question
from gui.widgets.forms import add_row, form_layout, heading, quiet
from storage.catalogue import Catalogue
from storage.key_care import KeyStatus, key_status, protect


class KeysDialog(Question):
    """Facts, and the one thing that can be done about them now: unlock, or protect."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Keys"), tr("Stored frames are encrypted. One key of this site opens them: this is where it is."), parent
        )
        self._context = context
        self.status: KeyStatus | None = None
        self.where = heading("", self)
        self.protects = quiet("", self)
        self.counts = quiet("", self)
        self.problem = quiet("", self)
        self.passphrase = _secret(self)
        self.again = _secret(self)
        self.verb = QPushButton(self)
        self.code = QLabel("", self)
        self._form = form_layout()
        self._build()
        self.verb.clicked.connect(self._do)
        for field in (self.passphrase, self.again):
            field.textChanged.connect(lambda _text: self._check())
            field.returnPressed.connect(self.verb.click)
        self.refresh()

    def _build(self) -> None:
        add_row(self._form, tr("&Passphrase"), self.passphrase)
        add_row(self._form, tr("A&gain"), self.again)
        self._form.addRow("", self.verb)
        self.code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.code.setAccessibleName(tr("Recovery code"))
        for widget in (self.where, self.protects, self.counts, self.problem, self.code):
            self.body.addWidget(widget)
        self.body.addLayout(self._form)
        self.buttons.clear()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        self.verb.setAutoDefault(False)
        self.setMinimumWidth(560)

    def refresh(self) -> None:
        """Read the state again."""
        self._context.tasks.run(key_status, self._show, self._context.show_error, self)

    def _show(self, status: KeyStatus) -> None:
        self.status = status
        if status.method is None:
            self.where.setText(tr("No frames were stored yet"))
            self.protects.setText(key_protects(SiteKeyMethod.FILE))
        else:
            self.where.setText(tr("Site key: {where}", where=key_method(status.method)))
            self.protects.setText(key_protects(status.method))
        counts = [tr_count(status.encrypted, "{n} session encrypted", "{n} sessions encrypted")]
        if status.plain:
            counts.append(tr_count(status.plain, "{n} not yet", "{n} not yet"))
        if status.missing:
            counts.append(tr_count(status.missing, "{n} without its key", "{n} without their keys"))
        if not status.recovery:
            counts.append(tr("no recovery code was given out"))
        self.counts.setText(", ".join(counts))
        self.problem.setText(status.problem)
        self.problem.setVisible(status.locked)
        self._form.setRowVisible(self.again, not status.locked)
        self.verb.setText(tr("Unlock") if status.locked else tr("Protect with this passphrase"))
        self._check()

    def _check(self) -> None:
        same = self.status is not None and (self.status.locked or self.passphrase.text() == self.again.text())
        self.verb.setEnabled(same and bool(self.passphrase.text()))

    def _do(self) -> None:
        if self.status is None or not self.verb.isEnabled():
            return
        passphrase, locked = self.passphrase.text(), self.status.locked
        self.passphrase.clear()
        self.again.clear()

        def work(catalogue: Catalogue) -> str:
            if locked:
                catalogue.vault.unlock(passphrase)
                return ""
            return protect(catalogue, SiteKeyMethod.PASSPHRASE, passphrase)

        self._context.tasks.run(work, self._on_done, self._on_failed, self)

    def _on_done(self, code: str) -> None:
        if code:
            lines = [tr("Recovery code, shown once and kept nowhere: print it and lock it away."), "", code]
            self.code.setText("\n".join(lines))
        self.refresh()

    def _on_failed(self, error: BaseException) -> None:
        if isinstance(error, KnownError):
            self.problem.setText(told_error(error))
            self.problem.setVisible(True)
        else:
            self._context.show_error(error)


def _secret(parent: QWidget) -> QLineEdit:
    field = QLineEdit(parent)
    field.setEchoMode(QLineEdit.EchoMode.Password)
    return field
