"""Erasing a person: who, what goes, a reason and the pseudonym typed again; then progress, then the certificate.

The erasure is a process of its own: pages stay alive meanwhile, and it goes on when the dialog is closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.codes import ErasureStep
from core.errors import KnownError
from gui.command import read_json
from gui.context import PageContext
from gui.i18n import tr, tr_count
from gui.i18n.errors import told_error
from gui.i18n.protection_codes import erasure_step
from gui.widgets.ask import Question
from gui.widgets.forms import add_row, combo_box, form_layout, quiet
from gui.widgets.save_dialog import ask_where
from storage.atomic import write_atomically
from storage.erasure.certificate import readable
from storage.erasure.inventory import Inventory, Target, TargetKind, take_inventory

ASK, RUN, DONE = range(3)
_TEXT_SIZE = QSize(720, 380)


class EraseDialog(Question):
    """One dialog through its three stages."""

    def __init__(self, context: PageContext, subjects: Sequence[str], chosen: str, parent: QWidget) -> None:
        super().__init__(
            tr("Erase a person"),
            tr("Destroys the keys and the frames of a person, and proves it. This cannot be undone."),
            parent,
        )
        self._context = context
        self._cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel).text()
        self.inventory: Inventory | None = None
        self.certificate: Mapping[str, Any] = {}
        self.subject = combo_box(self, tr("Subject"))
        for subject in subjects:
            self.subject.addItem(subject, subject)
        self.subject.setCurrentIndex(max(0, self.subject.findData(chosen)))
        self.goes = quiet("", self)
        self.reason = QLineEdit(self)
        self.again = QLineEdit(self)
        self.step = quiet("", self)
        self.bar = QProgressBar(self)
        self.bar.setAccessibleName(tr("Progress"))
        self.bar.setTextVisible(False)
        self.text = QPlainTextEdit(self)
        self.stages = QStackedWidget(self)
        self._build()
        self.subject.currentIndexChanged.connect(lambda _index: self._look())
        for field in (self.reason, self.again):
            field.textChanged.connect(lambda _text: self._check())
        self._look()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        form = form_layout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        form.setVerticalSpacing(4)
        add_row(form, tr("&Subject"), self.subject)
        form.addRow(self.goes)
        add_row(form, tr("&Reason"), self.reason)
        label = QLabel(tr("&Type the pseudonym"), self)
        label.setBuddy(self.again)
        form.addRow(label)
        form.addRow(self.again)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Certificate of erasure"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        ask, run, done = QWidget(self), QWidget(self), QWidget(self)
        ask.setLayout(form)
        column = QVBoxLayout(run)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.step)
        column.addWidget(self.bar)
        column.addStretch(1)
        column = QVBoxLayout(done)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        for stage in (ask, run, done):
            self.stages.addWidget(stage)
        self.body.addWidget(self.stages)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText(tr("Erase"))

    # --- asking -------------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> str:
        """Pseudonym of the person."""
        return str(self.subject.currentData() or "")

    def _look(self) -> None:
        self.inventory = None
        self._check()
        subject = self.chosen
        if subject:
            self._context.tasks.run(
                lambda catalogue: take_inventory(catalogue, Target(TargetKind.SUBJECT, subject)),
                lambda inventory: self._show(subject, inventory),
                self._context.show_error,
                self,
            )

    def _show(self, subject: str, inventory: Inventory) -> None:
        if subject != self.chosen:
            return
        self.inventory = inventory
        self.goes.setText("\n".join(what_goes(inventory)))
        self.goes.setMinimumHeight(self.goes.sizeHint().height())
        self.adjustSize()
        self._check()

    def _check(self) -> None:
        named = self.again.text().strip() == self.chosen != ""
        self.allow(self.inventory is not None and named and bool(self.reason.text().strip()))

    # --- doing --------------------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Erase; the dialog stays, and ends with the certificate."""
        if self.stages.currentIndex() != ASK:
            super().accept()
            return
        subject, reason = self.chosen, self.reason.text().strip()
        self.stages.setCurrentIndex(RUN)
        self._ask_buttons(False)
        self._context.erasing.run(
            ["erase", "--subject", subject, "--reason", reason, "--yes", "--json"],
            self._on_output,
            self._on_failed,
            self,
            lambda _output: (tr("{name} was erased.", name=subject), tr("The certificate lies in the data folder.")),
            self._on_step,
        )

    def reject(self) -> None:
        """A running erasure goes on without the dialog; a notice tells of its end."""
        if self.stages.currentIndex() == DONE:
            super().accept()
        else:
            super().reject()

    def _ask_buttons(self, asking: bool) -> None:
        """Erase and Cancel; while it runs there is nothing to cancel, only to leave."""
        button = QDialogButtonBox.StandardButton
        self.buttons.button(button.Ok).setVisible(asking)
        self.buttons.button(button.Cancel).setText(self._cancel if asking else tr("Go on in the &background"))

    def _on_step(self, step: str, done: int, total: int) -> None:
        self.step.setText(erasure_step(ErasureStep(step)))
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def _on_failed(self, error: BaseException) -> None:
        """What was done stays done; the same question goes on from there."""
        self._ask_buttons(True)
        self.stages.setCurrentIndex(ASK)
        if isinstance(error, KnownError):
            self.goes.setText(told_error(error))
        else:
            self._context.show_error(error)

    def _on_output(self, output: str) -> None:
        try:
            self._on_done(read_json(output))
        except KnownError as error:
            self._on_failed(error)

    def _on_done(self, certificate: Mapping[str, Any]) -> None:
        self.certificate = certificate
        self.text.setPlainText(readable(dict(certificate)))
        self.text.setMinimumSize(_TEXT_SIZE)
        self.setMinimumWidth(_TEXT_SIZE.width() + 40)
        self.resize(self.minimumSizeHint())
        self.stages.setCurrentIndex(DONE)
        self.buttons.clear()
        save = self.buttons.addButton(tr("Save the certificate"), QDialogButtonBox.ButtonRole.ActionRole)
        save.clicked.connect(self._save)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)

    def _save(self) -> None:
        name = f"{self.certificate['erasure']}.txt"
        ask_where(self, tr("Save the certificate"), name, "*.txt", self.save_to)

    def save_to(self, path: str) -> None:
        """Write the readable certificate to ``path``; the data folder keeps its own copy in any case."""
        try:
            write_atomically(Path(path), readable(dict(self.certificate)).encode())
        except KnownError as error:
            self._context.show_error(error)


def what_goes(inventory: Inventory) -> list[str]:
    """One line for each thing that an erasure would destroy or leave."""
    frame_sets = sum(session.frame_sets for session in inventory.sessions)
    lines = [
        tr_count(len(inventory.sessions), "{n} session is destroyed", "{n} sessions are destroyed"),
        tr_count(frame_sets, "{n} frame set", "{n} frame sets"),
        tr_count(len(inventory.keys), "{n} key", "{n} keys"),
    ]
    if inventory.verdicts:
        lines.append(
            tr_count(inventory.verdicts, "{n} verdict loses its measurements", "{n} verdicts lose their measurements")
        )
    if inventory.others:
        lines.append(
            tr_count(
                inventory.others,
                "{n} presentation of another person goes too",
                "{n} presentations of other people go too",
            )
        )
    if inventory.models:
        lines.append(
            tr_count(
                len(inventory.models),
                "{n} model was trained on it: it is flagged",
                "{n} models were trained on it: they are flagged",
            )
        )
    if inventory.copies:
        lines.append(
            tr_count(
                len(inventory.copies),
                "{n} copy left this station: see the certificate",
                "{n} copies left this station: see the certificate",
            )
        )
    return lines
