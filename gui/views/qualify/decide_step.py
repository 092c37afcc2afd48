"""Step 4: the figures with their bounds, and the decision."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.codes import QualificationState
from core.qualification.rules import Bounded
from gui.i18n import codes, qualification_codes, tr
from gui.models.table_model import TextTable
from gui.views.qualify.present_step import missing_text
from gui.views.qualify.reading import Progress
from gui.widgets.forms import heading, quiet
from gui.widgets.tables import make_table


class DecideStep(QWidget):
    """Rates, bounds, what is missing, and the verbs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = heading("", self, 1.3)
        self.rates = TextTable((tr("Shown"), tr("Errors"), tr("At most (95 %)"), tr("95 % bounds"), tr("Of")))
        self.rates.setParent(self)
        table = make_table(tr("Figures"), self)
        table.setModel(self.rates)
        self.missing = quiet("", self)
        self.conclude = QPushButton(tr("Call it &qualified"), self)
        self.conclude.setProperty("primary", True)
        self.cancel = QPushButton(tr("&Give it up"), self)
        self.revoke = QPushButton(tr("&Revoke"), self)
        verbs = QHBoxLayout()
        for button in (self.conclude, self.cancel, self.revoke):
            verbs.addWidget(button)
        bound = tr(
            "No error in 30 presentations still means up to 9.5 % (one-sided 95 %; two-sided 11.6 %). "
            "The one-sided bound decides. Whoever is not let in counts as an error, whatever the answer was."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.state)
        column.addWidget(table, 1)
        column.addWidget(quiet(bound, self))
        column.addWidget(heading(tr("Still missing"), self))
        column.addWidget(self.missing)
        column.addLayout(verbs)

    def show_progress(self, progress: Progress) -> None:
        """The figures of now."""
        record, judgement = progress.record, progress.judgement
        words = qualification_codes.state(record.state)
        self.state.setText(tr("Rehearsal: {state}", state=words) if record.rehearsal else words.capitalize())
        people = tr("people: {n}", n=judgement.people)
        rows = [_row(codes.species(""), judgement.bpcer, people)]
        for species, found in judgement.apcer.items():
            rows.append(_row(codes.species(species), found, tr("artefacts: {n}", n=judgement.artefacts[species])))
        self.rates.show(rows)
        self.missing.setText(missing_text(judgement))
        self.conclude.setText(tr("&End the rehearsal") if record.rehearsal else tr("Call it &qualified"))
        presenting = record.state is QualificationState.PRESENTING
        self.conclude.setEnabled(presenting and judgement.enough)
        self.cancel.setEnabled(record.running)
        self.revoke.setEnabled(record.state is QualificationState.QUALIFIED)


def _row(words: str, found: Bounded, of: str) -> tuple[str, str, str, str, str]:
    rate = found.rate
    if rate is None:
        return words, "0 / 0", "–", "–", of
    bounds = f"{rate.low:.1%} … {rate.high:.1%}"
    return words, f"{rate.errors} / {rate.trials}", f"{found.high_one_sided:.1%}", bounds, of
