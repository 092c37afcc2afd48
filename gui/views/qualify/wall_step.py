"""Step 2: a flat wall, from near and from far; each figure with its limit and what it was at commissioning."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.qualification.checks import Check, expected_rms_mm
from core.qualification.record import Qualification
from gui.i18n import qualification_codes, tr
from gui.models.table_model import TextTable
from gui.views.qualify.sampler import WANTED
from gui.widgets.forms import add_row, form_layout, heading, quiet, spin_box
from gui.widgets.tables import make_table


class WallStep(QWidget):
    """What to do, the button, and what was measured so far."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.todo = quiet("", self)
        self.distance = spin_box(0, 5000, 0, " mm", self)
        self.distance.setSpecialValueText(tr("from the depth sensor"))
        self.measure = QPushButton(tr("&Measure this wall"), self)
        self.measure.setProperty("primary", True)
        self.near = QPushButton(tr("Simulated wall, &near"), self)
        self.far = QPushButton(tr("Simulated wall, &far"), self)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, WANTED)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Measuring"))
        self.checks = TextTable((tr("Figure"), tr("Value"), tr("Allowed"), tr("Commissioned"), ""))
        self.checks.setParent(self)
        self.placements = quiet("", self)
        table = make_table(tr("Measured figures"), self)
        table.setModel(self.checks)
        scenes = QHBoxLayout()
        scenes.addWidget(self.near)
        scenes.addWidget(self.far)
        form = form_layout()
        add_row(form, tr("&Distance"), self.distance)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(heading(tr("A flat wall fills the middle of the picture"), self))
        column.addWidget(self.todo)
        column.addLayout(scenes)
        column.addLayout(form)
        column.addWidget(self.measure)
        column.addWidget(self.progress)
        column.addWidget(self.placements)
        column.addWidget(table, 1)

    def show_record(self, record: Qualification, simulated: bool) -> None:
        """What was measured, and what is to be done next."""
        for button in (self.near, self.far):
            button.setVisible(simulated)
        if not record.placements:
            self.todo.setText(tr("Stand the camera square to a plain wall, about 0.7 m away. Then measure."))
        else:
            self.todo.setText(tr("Now from at least a third farther away, about 1.2 m. Repeat where a figure failed."))
        self.placements.setText("\n".join(_placement(record, number) for number in range(len(record.placements))))
        self.checks.show([_row(check) for check in record.checks])


def _placement(record: Qualification, number: int) -> str:
    placement = record.placements[number]
    rms, focal = placement.figures.get("wall_rms_mm"), placement.figures.get("depth_focal_px")
    if rms is None or focal is None:
        return tr("{mm:.0f} mm", mm=placement.distance_mm)
    expected = expected_rms_mm(placement.distance_mm, focal, record.identity.name)
    if expected is None:
        return tr("{mm:.0f} mm: the wall is flat within {rms:.2f} mm", mm=placement.distance_mm, rms=rms)
    return tr(
        "{mm:.0f} mm: the wall is flat within {rms:.2f} mm; the noise formula expects {expected:.2f} mm",
        mm=placement.distance_mm,
        rms=rms,
        expected=expected,
    )


def _row(check: Check) -> tuple[str, str, str, str, str]:
    verdict = tr("good") if check.passed else tr("not measured") if check.value is None else tr("out of range")
    if not check.passed and not check.binding:
        verdict = tr("out of range, shown only")
    return (
        qualification_codes.figure(check.figure),
        "–" if check.value is None else f"{check.value:.3g}",
        f"{check.low:.3g} … {check.high:.3g}",
        "–" if check.commissioned is None else f"{check.commissioned:.3g}",
        verdict,
    )
