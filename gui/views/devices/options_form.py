"""Camera settings by their SDK names (`devices.options`): what a camera does not support it leaves alone."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QWidget

from core.messages import SetOptions
from gui.i18n import tr
from gui.widgets.forms import add_row, combo_box, form_layout, spin_box


class OptionsForm(QWidget):
    """Exposure, gain, laser, preset, auto-exposure; the last may follow the face."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.automatic = QCheckBox(tr("Automatic exposure"), self)
        self.automatic.setChecked(True)
        self.follow_face = QCheckBox(tr("Expose for the face"), self)
        self.exposure = spin_box(1, 165000, 8500, " µs")
        self.gain = spin_box(0, 248, 16)
        self.laser = QCheckBox(tr("Infrared projector on"), self)
        self.laser.setChecked(True)
        self.laser_power = spin_box(0, 360, 150, " mW")
        self.preset = combo_box(self)
        # The D400 family's numbering of visual presets (librealsense rs400 presets).
        for value, words in (
            (0, tr("Custom")),
            (1, tr("Default")),
            (2, tr("Hand")),
            (3, tr("High accuracy")),
            (4, tr("High density")),
            (5, tr("Medium density")),
        ):
            self.preset.addItem(words, value)
        self.preset.setCurrentIndex(1)
        form = form_layout(self)
        form.addRow(self.automatic)
        form.addRow(self.follow_face)
        add_row(form, tr("&Exposure"), self.exposure)
        add_row(form, tr("&Gain"), self.gain)
        form.addRow(self.laser)
        add_row(form, tr("&Laser power"), self.laser_power)
        add_row(form, tr("&Preset"), self.preset)
        self.automatic.toggled.connect(self._on_automatic)
        self._on_automatic(True)

    def options(self, face: tuple[int, int, int, int] | None) -> SetOptions:
        """The order for the camera; ``face`` is the region of the face in the reference picture, if one is seen."""
        automatic = self.automatic.isChecked()
        options: dict[str, float] = {
            "visual_preset": float(self.preset.currentData()),
            "enable_auto_exposure": float(automatic),
            "emitter_enabled": float(self.laser.isChecked()),
            "laser_power": float(self.laser_power.value()),
        }
        if not automatic:
            options |= {"exposure": float(self.exposure.value()), "gain": float(self.gain.value())}
        roi = face if automatic and self.follow_face.isChecked() else None
        return SetOptions(options, roi)

    def _on_automatic(self, automatic: bool) -> None:
        self.exposure.setEnabled(not automatic)
        self.gain.setEnabled(not automatic)
        self.follow_face.setEnabled(automatic)
