"""A report for whoever helps from outside: looked at before it is written, and only then saved."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

from core.checks import Check, Finding
from core.errors import ExitCode
from gui.command import Command, read_json
from gui.context import PageContext
from gui.i18n import tr, tr_count
from gui.i18n.errors import told_error
from gui.widgets.ask import Question
from gui.widgets.forms import quiet
from gui.widgets.save_dialog import ask_where
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.support import Piece, safe_report, write_report


class SupportDialog(Question):
    """The files of the report on the left, the chosen one on the right: exactly what will be written."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Support report"),
            tr("It may be shared: no face, no subject, no name, no serial number, no path. Look at what goes in."),
            parent,
        )
        self._context = context
        self.pieces: list[Piece] = []
        self.names = QListWidget(self)
        self.names.setAccessibleName(tr("Files of the report"))
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Content of the file"))
        self.state = quiet(tr("Checking this machine"), self)
        self.save = QPushButton(tr("Save"), self)
        self.save.setEnabled(False)
        row = QHBoxLayout()
        row.addWidget(self.names, 1)
        row.addWidget(self.text, 3)
        self.body.addLayout(row, 1)
        self.body.addWidget(self.state)
        self.buttons.clear()
        self.buttons.addButton(self.save, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        self.names.currentRowChanged.connect(self._show)
        self.save.clicked.connect(self.ask_where)
        self.resize(QSize(900, 560))
        Command(
            context.services.command(["doctor", "--json"]),
            self._on_checks,
            self._on_failed,
            self,
            also_fine=frozenset({ExitCode.ENVIRONMENT}),
        )

    def _on_checks(self, output: str) -> None:
        try:
            checks = [
                Check(c["name"], Finding(c["finding"]), c["detail"], c.get("remedy", "")) for c in read_json(output)
            ]
        except (KeyError, TypeError, ValueError) as error:
            self._on_failed(error)
            return
        self._make(checks)

    def _on_failed(self, error: BaseException) -> None:
        """Without the checks there is still a report, and it says so."""
        self._make([Check("doctor", Finding.BAD, type(error).__name__)])

    def _make(self, checks: list[Check]) -> None:
        logs = self._context.services.logs

        def work(catalogue: Catalogue) -> list[Piece]:
            return safe_report(catalogue, logs, checks)

        self._context.tasks.run(work, self._on_pieces, self._refused, self)

    def _refused(self, error: BaseException) -> None:
        self.state.setText(told_error(error))
        self._context.show_error(error)

    def _on_pieces(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        for piece in pieces:
            self.names.addItem(piece.name)
        size = sum(len(piece.text) for piece in pieces) / 1000
        self.state.setText(tr("{n} files, {size:.0f} kB of text. Nothing was sent anywhere.", n=len(pieces), size=size))
        self.names.setCurrentRow(0)
        self.save.setEnabled(True)

    def _show(self, row: int) -> None:
        if 0 <= row < len(self.pieces):
            self.text.setPlainText(self.pieces[row].text)

    def ask_where(self) -> None:
        """Ask for the file, and write it."""
        ask_where(self, tr("Support report"), "sallyport-report.zip", "*.zip", self.save_to)

    def save_to(self, path: str) -> None:
        """Write the pieces as they were shown."""
        pieces = self.pieces
        self._context.tasks.run(
            lambda catalogue: write_report(catalogue, pieces, Path(path)),
            lambda count: self._context.notify(
                tr_count(count, "Report with {n} file saved.", "Report with {n} files saved."), path, Level.INFO
            ),
            self._context.show_error,
            self,
        )
