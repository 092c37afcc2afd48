"""The keys of the site: where the site key is, what that protects and what not; unlocking, and a passphrase."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QLineEdit, QPushButton, QWidget

from core.codes import SiteKeyMethod
from core.errors import ExitCode, KnownError
from gui.context import PageContext
from gui.i18n import tr, tr_count
from gui.i18n.errors import told, told_error
from gui.i18n.protection_codes import key_method, key_protects
from gui.views.protection.keys_reading import KeysView, read_keys
from gui.widgets.ask import Question
from gui.widgets.forms import add_row, form_layout, heading, quiet
from gui.widgets.toast import Level
from storage.approved import left_to_do
from storage.catalogue import Catalogue
from storage.key_care import ROTATE, KeyStatus, protect, rotate


class KeysDialog(Question):
    """Facts, and the one thing that can be done about them now: unlock, protect, propose, or make what was approved."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Keys"), tr("Stored frames are encrypted. One key of this site opens them: this is where it is."), parent
        )
        self._context = context
        self._waiting = False
        """Whether an answer is on its way that may hold a recovery code: until it is here the dialog stays."""
        self.view: KeysView | None = None
        self.where = heading("", self)
        self.protects = quiet("", self)
        self.counts = quiet("", self)
        self.problem = quiet("", self)
        self.approval = quiet("", self)
        self.reason = QLineEdit(self)
        self.passphrase = _secret(self)
        self.again = _secret(self)
        self.verb = QPushButton(self)
        self.code = QLabel("", self)
        self._form = form_layout()
        self._build()
        self.verb.clicked.connect(self._do)
        for field in (self.passphrase, self.again, self.reason):
            field.textChanged.connect(lambda _text: self._check())
            field.returnPressed.connect(self.verb.click)
        self.refresh()

    def _build(self) -> None:
        add_row(self._form, tr("&Reason"), self.reason)
        add_row(self._form, tr("&Passphrase"), self.passphrase)
        add_row(self._form, tr("A&gain"), self.again)
        self._form.addRow("", self.verb)
        self.code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.code.setAccessibleName(tr("Recovery code"))
        for widget in (self.where, self.protects, self.counts, self.problem, self.approval, self.code):
            self.body.addWidget(widget)
        self.body.addLayout(self._form)
        self.buttons.clear()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        self.verb.setAutoDefault(False)
        self._form.setRowVisible(self.reason, False)
        self.approval.hide()
        self.setMinimumWidth(560)

    @property
    def status(self) -> KeyStatus | None:
        """How the keys stand; ``None`` before that was read."""
        return self.view.status if self.view is not None else None

    def reject(self) -> None:
        """Close, but never before a recovery code that is being made could be read."""
        if not self._waiting:
            super().reject()

    def _wait(self, waiting: bool) -> None:
        self._waiting = waiting
        self.buttons.button(QDialogButtonBox.StandardButton.Close).setEnabled(not waiting)
        self._check()

    def refresh(self) -> None:
        """Read the state again."""
        self._context.tasks.run(read_keys, self._show, self._context.show_error, self)

    def _show(self, view: KeysView) -> None:
        self.view = view
        self._tell(view.status)
        self.approval.setText("" if view.approved is None else told(left_to_do(view.approved)))
        self.approval.setVisible(view.approved is not None)
        self._form.setRowVisible(self.reason, self._proposes)
        self._form.setRowVisible(self.passphrase, self._wants_passphrase)
        self._form.setRowVisible(self.again, self._wants_passphrase and not view.status.locked)
        self.verb.setText(self._words())
        self._check()

    @property
    def _proposes(self) -> bool:
        """Whether all that can be done here is a proposal, which asks for no secret."""
        view = self.view
        return view is not None and not view.status.locked and view.second and view.approved is None

    @property
    def _wants_passphrase(self) -> bool:
        view = self.view
        if view is None or view.status.locked:
            return True
        return not self._proposes and view.method is SiteKeyMethod.PASSPHRASE

    def _words(self) -> str:
        view = self.view
        if view is None or view.status.locked:
            return tr("Unlock")
        if self._proposes:
            return tr("Propose a passphrase")
        if view.approved is not None and view.approved.action == ROTATE:
            return tr("Make a new site key")
        return tr("Protect with this passphrase") if self._wants_passphrase else tr("Protect the site key otherwise")

    def _tell(self, status: KeyStatus) -> None:
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
        self.problem.setText(told(status.problem))
        self.problem.setVisible(status.locked)

    def _check(self) -> None:
        if self._proposes:
            self.verb.setEnabled(bool(self.reason.text().strip()) and not self._waiting)
            return
        same = self.status is not None and (self.status.locked or self.passphrase.text() == self.again.text())
        said = bool(self.passphrase.text()) or not self._wants_passphrase
        self.verb.setEnabled(same and said and not self._waiting)

    def _do(self) -> None:
        view = self.view
        if view is None or not self.verb.isEnabled():
            return
        passphrase, reason = self.passphrase.text(), self.reason.text().strip()
        self.passphrase.clear()
        self.again.clear()

        def work(catalogue: Catalogue) -> str:
            if view.status.locked:
                catalogue.vault.unlock(passphrase)
                return ""
            if view.approved is not None and view.approved.action == ROTATE:
                return rotate(catalogue, passphrase, view.approved.reason)
            why = view.approved.reason if view.approved is not None else reason
            return protect(catalogue, view.method, passphrase, why)

        self._wait(True)
        self._context.tasks.run(work, self._on_done, self._on_failed, self)

    def _on_done(self, code: str) -> None:
        self._wait(False)
        if code:
            lines = [tr("Recovery code, shown once and kept nowhere: print it and lock it away."), "", code]
            self.code.setText("\n".join(lines))
        self.refresh()

    def _on_failed(self, error: BaseException) -> None:
        self._wait(False)
        if isinstance(error, KnownError) and error.exit_code is ExitCode.DONE:
            self._context.notify(tr("Proposed."), tr("A second person has to approve it."), Level.INFO)
            self.accept()
        elif isinstance(error, KnownError):
            self.problem.setText(told_error(error))
            self.problem.setVisible(True)
        else:
            self._context.show_error(error)


def _secret(parent: QWidget) -> QLineEdit:
    field = QLineEdit(parent)
    field.setEchoMode(QLineEdit.EchoMode.Password)
    return field
