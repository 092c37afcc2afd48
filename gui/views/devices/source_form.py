"""Which source the station should use: a simulated scene, a file, a camera or a fault script."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QWidget,
)

from core.codes import Species
from gui.i18n import codes, tr
from gui.widgets.forms import add_row, combo_box, form_layout, quiet, spin_box

# The renderer's names (core.scenes.spec, which loads the ray caster; a test keeps the two alike).
SCENES = ("booth", "corridor", "empty", "wall_near", "wall_far")
SENSORS = ("d435", "d415", "d455", "sr300", "kinect2")
RENDERED_SPECIES = (
    Species.BONA_FIDE,
    Species.PRINT_FLAT,
    Species.PRINT_BENT,
    Species.PRINT_CUTOUT,
    Species.PRINT_WORN,
    Species.REPLAY_PHONE,
    Species.REPLAY_TABLET,
    Species.REPLAY_MONITOR,
    Species.MASK_PAPER,
    Species.MASK_RIGID,
    Species.MASK_FLEXIBLE,
    Species.MASK_HALF,
    Species.MANNEQUIN,
    Species.PARTIAL,
    Species.MAKEUP,
    Species.INFRARED_OVERLAY,
)


class SourceForm(QWidget):
    """Builds a source text of formats.md."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = combo_box(self)
        self.kind.setAccessibleName(tr("Kind of source"))
        for value, words in (
            ("simulated", tr("Simulated camera")),
            ("realsense", tr("RealSense camera")),
            ("file", tr("Recording (.db3, .bag)")),
            ("scripted", tr("Fault script (.toml)")),
        ):
            self.kind.addItem(words, value)
        self.species = combo_box(self)
        for species in RENDERED_SPECIES:
            self.species.addItem(codes.species(species.value), species.value)
        self.scene = combo_box(self)
        for scene, words in zip(
            SCENES,
            (
                tr("booth, even light"),
                tr("corridor, daylight"),
                tr("empty booth"),
                tr("plain wall, near"),
                tr("plain wall, far"),
            ),
            strict=True,
        ):
            self.scene.addItem(words, scene)
        self.sensor = combo_box(self)
        for sensor in SENSORS:
            self.sensor.addItem(sensor.upper(), sensor)
        self.seed = spin_box(0, 99999, 0, parent=self)
        self.serial = QLineEdit(self)
        self.serial.setPlaceholderText(tr("any camera"))
        self.file = _FileField(tr("Recordings (*.db3 *.bag)"), self)
        self.script = _FileField(tr("Fault scripts (*.toml)"), self)
        self._rooms = QStackedWidget(self)
        self._rooms.addWidget(
            _form(
                (tr("&Shows"), self.species),
                (tr("S&cene"), self.scene),
                (tr("Se&nsor"), self.sensor),
                (tr("See&d"), self.seed),
            )
        )
        self._rooms.addWidget(_form((tr("Se&rial number"), self.serial)))
        self._rooms.addWidget(_form((tr("&File"), self.file)))
        self._rooms.addWidget(_form((tr("&File"), self.script)))
        form = form_layout(self)
        form.addRow(self.kind)
        form.addRow(self._rooms)
        self.note = quiet("", self)
        form.addRow(self.note)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self._on_kind(0)

    def source(self) -> str:
        """The source text; a missing file leaves it empty."""
        kind = str(self.kind.currentData())
        if kind == "simulated":
            return (
                f"simulated:{self.scene.currentData()},seed={self.seed.value()},sensor={self.sensor.currentData()},"
                f"species={self.species.currentData() or 'bona_fide'}"
            )
        if kind == "realsense":
            serial = self.serial.text().strip()
            return f"realsense:{serial}" if serial else "realsense"
        path = (self.file if kind == "file" else self.script).field.text().strip()
        return f"{kind}:{path}" if path else ""

    def show_source(self, source: str) -> None:
        """Set the fields to a source that is in use."""
        kind, _, argument = source.partition(":")
        self.kind.setCurrentIndex(max(0, self.kind.findData(kind)))
        if kind == "file":
            self.file.field.setText(argument)
        elif kind == "scripted":
            self.script.field.setText(argument)
        elif kind == "realsense":
            self.serial.setText(argument)
        elif kind == "simulated":
            fields = dict(part.split("=", 1) for part in argument.split(",") if "=" in part)
            species = fields.get("species", "").replace("bona_fide", "")
            for box, value in (
                (self.species, species),
                (self.scene, argument.split(",")[0]),
                (self.sensor, fields.get("sensor")),
            ):
                box.setCurrentIndex(max(0, box.findData(value)))
            seed = fields.get("seed", "0")
            self.seed.setValue(int(seed) if seed.isdecimal() else 0)

    def _on_kind(self, index: int) -> None:
        self._rooms.setCurrentIndex(index)
        for room in self._rooms.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            front = room is self._rooms.currentWidget()  # only the room in front asks for height
            policy = QSizePolicy.Policy.Preferred if front else QSizePolicy.Policy.Ignored
            room.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self._rooms.adjustSize()
        self.note.setText(
            (
                tr("A rendered head before a background. Nobody is recorded."),
                tr("Verdicts of a live camera are shadow verdicts until it is qualified."),
                tr("Played as it was recorded; verdicts carry the word PLAYBACK."),
                tr("The simulated camera with faults at fixed times; verdicts carry the word SCRIPTED."),
            )[index]
        )
        self.changed.emit()


class _FileField(QWidget):
    def __init__(self, pattern: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._pattern = pattern
        self.field = QLineEdit(self)
        self.button = QPushButton(tr("Browse"), self)
        self.button.clicked.connect(lambda: self.browse())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.field)

    def browse(self) -> QFileDialog:
        """Choose a file; the window goes on while the dialog is open."""
        dialog = QFileDialog(self, tr("Choose a file"), "", self._pattern)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.field.setText)
        dialog.open()
        return dialog


def _form(*rows: tuple[str, QWidget]) -> QWidget:
    holder = QWidget()
    form = form_layout(holder)
    for words, widget in rows:
        add_row(form, words, widget)
    return holder
