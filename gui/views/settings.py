"""Preferences. Site policy is not among them: it is a security setting, changed elsewhere and audited."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.i18n import LANGUAGES, tr
from gui.settings import Settings
from gui.widgets.forms import add_row, combo_box, form_layout, heading
from gui.widgets.tab_order import follow_layout


class SettingsDialog(QDialog):
    """Language, look, depth colours, where the door is told."""

    def __init__(self, settings: Settings, parent: QWidget, door: bool = True, door_key: QAction | None = None) -> None:
        """``door``: whether this person may say what the door is told with; ``door_key``: the verb of its key."""
        super().__init__(parent)
        self._door = door
        self._settings = settings
        self.setWindowTitle(tr("Settings"))
        self.language = _combo({"system": tr("as the system"), **LANGUAGES}, settings.language)
        looks = {
            "system": tr("as the system"),
            "light": tr("light"),
            "dark": tr("dark"),
            "contrast": tr("high contrast"),
        }
        self.theme = _combo(looks, settings.theme)
        self.announce = QCheckBox(tr("Tell verdicts to screen readers"), self)
        self.announce.setChecked(settings.announce)
        self.near = _metres(settings.depth_near_m)
        self.far = _metres(settings.depth_far_m)
        form = form_layout()
        add_row(form, tr("&Language"), self.language)
        add_row(form, tr("L&ook"), self.theme)
        add_row(form, tr("Depth colours &from"), self.near)
        add_row(form, tr("Depth colours &to"), self.far)
        form.addRow("", self.announce)
        self.door_socket = QLineEdit(settings.door_socket, self)
        self.door_socket.setPlaceholderText(tr("path of a local socket; empty: none"))
        self.door_hook = QLineEdit(settings.door_hook, self)
        self.door_hook.setPlaceholderText(tr("program and arguments; empty: none"))
        for label, line in ((tr("Door: &socket"), self.door_socket), (tr("Door: &command"), self.door_hook)):
            if door:
                add_row(form, label, line)
            else:
                line.hide()
        if door_key is not None:
            key = QPushButton(tr("Lines signed, and with which key"), self)
            key.setAutoDefault(False)
            key.clicked.connect(door_key.trigger)
            add_row(form, tr("Door: &key"), key)
        button = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(button.Ok | button.Cancel, self)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(16)
        column.addWidget(heading(tr("Settings"), self))
        column.addLayout(form)
        column.addWidget(buttons)
        self.setMinimumWidth(480)
        follow_layout(self)

    def chosen(self) -> Settings:
        """The settings as they stand in the dialog."""
        near, far = sorted((self.near.value(), self.far.value()))
        values = {
            "language": self.language.currentData(),
            "theme": self.theme.currentData(),
            "announce": self.announce.isChecked(),
            "depth_near_m": near,
            "depth_far_m": max(far, near + 0.1),
        }
        if self._door:
            values |= {
                "door_socket": self.door_socket.text().strip()[:200],
                "door_hook": self.door_hook.text().strip()[:1000],
            }
        return Settings.model_validate({**self._settings.model_dump(), **values})


def _combo(entries: dict[str, str], current: str) -> QComboBox:
    box = combo_box()
    for value, words in entries.items():
        box.addItem(words, value)
    box.setCurrentIndex(max(0, box.findData(current)))
    return box


def _metres(value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.1, 19.0)
    box.setSingleStep(0.1)
    box.setSuffix(" m")
    box.setValue(value)
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    return box
