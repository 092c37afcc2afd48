"""Step 3: presentations, one card after the other."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.codes import SourceKind
from core.qualification.rules import Judgement, requirements
from gui.i18n import codes, qualification_codes, tr
from gui.views.collect.dialogs import species_box
from gui.views.qualify.cards import Card
from gui.views.qualify.reading import Progress
from gui.widgets.forms import add_row, combo_box, form_layout, heading, quiet


class PresentStep(QWidget):
    """The next card, the button, the last answer, and what is still missing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card = heading("", self, 1.3)
        self.species = species_box("", self, bona_fide=True)
        self.person = _names(tr("Person"), self)
        self.artefact = _names(tr("Artefact"), self)
        self.take = QPushButton(tr("&Take this presentation"), self)
        self.take.setProperty("primary", True)
        self.answer = quiet("", self)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Presentations taken"))
        self.missing = quiet("", self)
        self._progress: Progress | None = None
        form = form_layout()
        add_row(form, tr("&Shows"), self.species)
        add_row(form, tr("&Person"), self.person)
        add_row(form, tr("&Artefact"), self.artefact)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.card)
        column.addLayout(form)
        column.addWidget(self.take)
        column.addWidget(self.answer)
        column.addWidget(heading(tr("Still missing"), self))
        column.addWidget(self.progress)
        column.addWidget(self.missing)
        column.addStretch(1)
        self.species.currentIndexChanged.connect(lambda _index: self._on_species())

    @property
    def shown(self) -> tuple[str, str, str]:
        """Species, person and artefact of the card, as they may have been changed."""
        species = str(self.species.currentData())
        return species, self.person.currentText().strip(), self.artefact.currentText().strip()

    def show_progress(self, progress: Progress, card: Card) -> None:
        """Where it stands, and what comes next."""
        self._progress = progress
        self.species.setCurrentIndex(max(0, self.species.findData(card.species)))
        self._on_species()
        if card.person:
            self.person.setCurrentText(f"P{card.person}")
        if card.artefact:
            self.artefact.setCurrentText(f"{codes.species(card.species)} {card.artefact}")
        words = tr("a person") if not card.species else codes.species(card.species)
        self.card.setText(tr("Next: {what}", what=words))
        kind, judgement = progress.record.source_kind, progress.judgement
        self.progress.setRange(0, wanted(kind))
        self.progress.setValue(min(wanted(kind), taken(judgement)))
        self.missing.setText(missing_text(judgement))

    def _on_species(self) -> None:
        species = str(self.species.currentData())
        self.person.setEnabled(not species)
        self.artefact.setEnabled(bool(species))
        if self._progress is None:
            return
        for box, names in (
            (self.person, self._progress.subjects),
            (self.artefact, [name for _, of, name in self._progress.artefacts if of == species]),
        ):
            text = box.currentText()
            box.clear()
            box.addItems(list(names))
            box.setCurrentText(text)


def missing_text(judgement: Judgement) -> str:
    """What is missing, one line each."""
    lines = [qualification_codes.lack(one, codes.species(one.species)) for one in judgement.missing]
    if judgement.other_masks:
        lines.append(tr("{n} taken with other sensors count for nothing here.", n=judgement.other_masks))
    return "\n".join(lines) or tr("Nothing: the presentations are enough.")


def wanted(kind: SourceKind) -> int:
    """Presentations that are needed at least."""
    required = requirements(kind)
    return required.bona_fide + required.species * required.presentations


def taken(judgement: Judgement) -> int:
    """Presentations that count so far."""
    return judgement.bpcer.trials + sum(found.trials for found in judgement.apcer.values())


def _names(name: str, parent: QWidget) -> QComboBox:
    box = combo_box(parent, name)
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    return box
