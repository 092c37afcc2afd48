"""For technicians: how far first and second labels agree, by person, and which presentations are contested."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QDialogButtonBox, QHBoxLayout, QPushButton, QWidget

from core.labelling.draw import SHARE
from gui.context import PageContext
from gui.documents.report_words import agreement_words, rate_words
from gui.i18n import codes, tr, tr_count
from gui.i18n.errors import told_error
from gui.models.table_model import TextTable
from gui.widgets.ask import Question
from gui.widgets.forms import GAP, heading, quiet, spin_box
from gui.widgets.tables import make_table
from storage.repositories.second_labels import Contested, LabelStatus

_WIDTH_PX, _ROWS_PX = 860, 132


class AgreementDialog(Question):
    """Figures, the people, what is contested; and the draw of what is to be labelled twice."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Agreement of labels"),
            tr(
                "A label of somebody who saw the pictures alone stands beside the first one. Where the two differ, no "
                "pass uses the presentation until a third person has labelled it, or the first one agrees."
            ),
            parent,
        )
        self._context = context
        self.status: LabelStatus | None = None
        self.summary = quiet("", self)
        names = (tr("Labelled by"), tr("Labels"), tr("Labelled twice"), tr("Contradicted"), tr("Overruled"))
        self.people = TextTable(names)
        self.contested = TextTable((tr("Presentation"), tr("Subject"), tr("Labels")))
        self.people_table = make_table(tr("By person"), self)
        self.contested_table = make_table(tr("Contested presentations"), self)
        self.share = spin_box(1, 100, round(100 * SHARE), " %", self)
        self.share.setAccessibleName(tr("Share that is labelled twice"))
        self.draw = QPushButton(tr("&Draw"), self)
        self._build()
        self.refresh()

    def _build(self) -> None:
        for model, table in ((self.people, self.people_table), (self.contested, self.contested_table)):
            model.setParent(self)
            table.setModel(model)
            table.setFixedHeight(_ROWS_PX)
        self.contested_table.activated.connect(self._look)
        self.draw.clicked.connect(self._draw)
        self.draw.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(quiet(tr("Of each person's labels of each class, label twice:"), self), 1)
        row.addWidget(self.share)
        row.addWidget(self.draw)
        self.body.addWidget(self.summary)
        self.body.addWidget(heading(tr("By person"), self))
        self.body.addWidget(self.people_table)
        self.body.addWidget(heading(tr("Contested presentations"), self))
        self.body.addWidget(quiet(tr("Return or a double click opens one; change its label there."), self))
        self.body.addWidget(self.contested_table)
        self.body.addLayout(row)
        self.setMinimumWidth(_WIDTH_PX)
        self.buttons.clear()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)

    def refresh(self) -> None:
        """Read everything again."""
        self._context.tasks.run(lambda catalogue: catalogue.second_labels.status(), self._show, self._failed, self)

    def _show(self, status: LabelStatus) -> None:
        self.status = status
        self.summary.setText("\n".join(summary_lines(status)))
        self.people.show(
            [
                (
                    one.labeller or tr("nobody known"),
                    str(one.labelled),
                    str(one.twice),
                    "" if one.flipped is None else rate_words(one.flipped.as_json()),
                    str(one.overruled),
                )
                for one in status.labellers
            ]
        )
        self.contested.show([(one.presentation, one.subject, _voices(one)) for one in status.contested])
        self.share.setEnabled(status.accounts)
        self.draw.setEnabled(status.accounts)

    def _draw(self) -> None:
        share = self.share.value() / 100.0
        self._context.tasks.run(
            lambda catalogue: catalogue.second_labels.draw(share), lambda _new: self.refresh(), self._failed, self
        )

    def _look(self, index: QModelIndex) -> None:
        if self.status is not None:
            chosen = self.status.contested[index.row()]
            self.accept()
            self._context.look_at(chosen.session, chosen.presentation)

    def _failed(self, error: BaseException) -> None:
        self.summary.setText(told_error(error))


def summary_lines(status: LabelStatus) -> list[str]:
    """The figures in words."""
    lines = [agreement_words(status.figures)]
    if not status.accounts:
        lines.append(tr("Second labels come from another account, and this station has none: page People."))
        return lines
    drawn, waiting = status.drawn, status.waiting
    lines.append(tr("{drawn} are drawn to be labelled twice, {waiting} of them wait.", drawn=drawn, waiting=waiting))
    if status.unattributed:
        lines.append(
            tr_count(
                status.unattributed,
                "{n} first label is of no account: whoever labels it again may be the same person.",
                "{n} first labels are of no account: whoever labels them again may be the same person.",
            )
        )
    return lines


def _voices(one: Contested) -> str:
    return ", ".join(f"{who or tr('nobody known')}: {codes.species(said)}" for who, said in one.voices.items())
