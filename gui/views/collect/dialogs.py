"""A new subject with the consent, and a new artefact."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from core.codes import Species
from gui.i18n import codes, tr
from gui.widgets.attempt import Attempt
from gui.widgets.forms import combo_box, form_layout
from storage.repositories.subjects import SHARE


class _FormDialog(Attempt):
    def __init__(self, title: str, explanation: str, parent: QWidget) -> None:
        super().__init__(title, explanation, parent)
        self.form = form_layout()
        self.body.addLayout(self.form)


class SubjectDialog(_FormDialog):
    """Pseudonym and consent. The consent is a record of a document that was signed outside this program."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(
            tr("New subject"),
            tr("Use a pseudonym, never a name. Frames of a person are kept only with a consent record."),
            parent,
        )
        self.pseudonym = QLineEdit(self)
        self.basis = combo_box(self)
        for value, words in (
            ("explicit_consent", tr("consent, signed")),
            ("law", tr("required by law")),
            ("contract", tr("contract")),
            ("published", tr("published material")),
        ):
            self.basis.addItem(words, value)
        self.reference = QLineEdit(self)
        self.reference.setPlaceholderText(tr("number or place of the document"))
        self.train = QCheckBox(tr("may be used to adapt models at this site"), self)
        self.train.setChecked(True)
        self.share = QCheckBox(tr("may be given to others (export)"), self)
        self.confirmed = QCheckBox(tr("I have the document before me"), self)
        self.form.addRow(tr("&Pseudonym"), self.pseudonym)
        self.form.addRow(tr("&Basis"), self.basis)
        self.form.addRow(tr("&Document"), self.reference)
        self.form.addRow("", self.train)
        self.form.addRow("", self.share)
        self.form.addRow("", self.confirmed)
        for changed in (self.pseudonym.textChanged, self.reference.textChanged, self.confirmed.toggled):
            changed.connect(lambda _value: self._check())
        self._check()

    @property
    def purposes(self) -> tuple[str, ...]:
        """What the consent covers."""
        chosen = (("train", self.train), (SHARE, self.share))
        return ("evaluate", *(purpose for purpose, box in chosen if box.isChecked()))

    def _check(self) -> None:
        self.allow(
            bool(self.pseudonym.text().strip()) and bool(self.reference.text().strip()) and self.confirmed.isChecked()
        )


class ArtefactDialog(_FormDialog):
    """One physical attack instrument for the register."""

    def __init__(self, species: str, parent: QWidget) -> None:
        super().__init__(
            tr("New artefact"),
            tr("One row for each physical object, so that takes with it can be found again."),
            parent,
        )
        self.species = species_box(species, self)
        self.name = QLineEdit(self)
        self.maker = QLineEdit(self)
        self.notes = QLineEdit(self)
        self.form.addRow(tr("&Species"), self.species)
        self.form.addRow(tr("&Name"), self.name)
        self.form.addRow(tr("&Maker"), self.maker)
        self.form.addRow(tr("No&tes"), self.notes)
        self.name.textChanged.connect(lambda text: self.allow(bool(text.strip())))
        self.allow(False)


def species_box(current: str, parent: QWidget, bona_fide: bool = False) -> QComboBox:
    """The controlled list; hybrids are made by adaptation and never presented."""
    box = combo_box(parent, tr("Species"))
    for species in Species:
        if species in (Species.HYBRID_SHEET, Species.HYBRID_MASK) or (species is Species.BONA_FIDE and not bona_fide):
            continue
        box.addItem(codes.species(species.value), species.value)
    box.setCurrentIndex(max(0, box.findData(current)))
    return box
