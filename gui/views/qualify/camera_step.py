"""Step 1: which camera, which sensors, and what it has been through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from core.frames import MODALITIES, ModalityMask
from core.messages import CameraHealth, ModelReady
from core.qualification.record import Qualification
from gui.i18n import codes, qualification_codes, tr
from gui.models.table_model import TextTable
from gui.widgets.facts import Facts
from gui.widgets.forms import heading, quiet
from gui.widgets.tables import make_table


class CameraStep(QWidget):
    """Identity, the sensors that are to count together, and earlier tries."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = Facts(self)
        self.modalities = {m: QCheckBox(codes.modality(m), self) for m in MODALITIES}
        self.records = TextTable((tr("No."), tr("Sensors"), tr("State"), tr("Why"), tr("When")))
        self.records.setParent(self)
        table = make_table(tr("Earlier qualifications"), self)
        table.setModel(self.records)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(heading(tr("Camera"), self))
        column.addWidget(self.facts)
        column.addWidget(heading(tr("Sensors that are to count together"), self))
        for box in self.modalities.values():
            box.setChecked(True)
            column.addWidget(box)
        note = tr("Each set of sensors is qualified for itself: one that drops out makes the verdict a shadow verdict.")
        column.addWidget(quiet(note, self))
        column.addWidget(heading(tr("Earlier qualifications"), self))
        column.addWidget(table, 1)

    @property
    def chosen(self) -> ModalityMask:
        """The chosen sensors."""
        return ModalityMask.of(m for m, box in self.modalities.items() if box.isChecked() and box.isEnabled())

    def show_camera(self, health: CameraHealth, model: ModelReady | None) -> None:
        """Which camera is connected."""
        device = health.device
        self.facts.set(tr("Camera"), device.name)
        self.facts.set(tr("Serial number"), device.serial)
        self.facts.set(tr("Firmware"), device.firmware)
        self.facts.set(tr("Model"), model.name if model is not None else "")
        for modality, box in self.modalities.items():
            box.setEnabled(modality in health.profiles)

    def show_records(self, records: Sequence[Qualification]) -> None:
        """Earlier tries of this camera, newest first."""
        self.records.show(
            [
                (
                    str(one.id),
                    codes.mask(one.mask),
                    qualification_codes.state(one.state),
                    qualification_codes.reason(one.reason),
                    datetime.fromtimestamp(one.changed_utc_s).strftime("%Y-%m-%d %H:%M"),
                )
                for one in records
            ]
        )
