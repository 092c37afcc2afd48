"""Step 3: the job in its own process: state, progress, remaining time, live curves; pause, resume, cancel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from core.codes import JobState
from core.ports import JobRecord
from gui.actions import Actions
from gui.i18n import codes, tr
from gui.views.recalibrate.reading import JobView
from gui.views.recalibrate.report_step import message_of
from gui.widgets.forms import Plate, VerbButton, heading, quiet

RUNNING = (JobState.QUEUED, JobState.PREPARING, JobState.TRAINING, JobState.EVALUATING)


class RunStep(QWidget):
    """Watches one job."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = heading(tr("No job is chosen"), self, 1.5)
        self.message = quiet(tr("Freeze a plan in step 2, or choose a job above."), self)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.curves: QWidget | None = None
        self._job = ""
        self._plate = Plate(self)
        self._plate.column.addWidget(heading(tr("Curves"), self))
        self._waiting = quiet(tr("The curves appear with the first steps."), self)
        self._plate.column.addWidget(self._waiting)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._plate.column.setStretchFactor(self._waiting, 1)
        verbs = QHBoxLayout()
        for action_id in ("pause_job", "resume_job", "cancel_job"):
            verbs.addWidget(VerbButton(actions[action_id], self))
        verbs.addStretch(1)
        head = Plate(self)
        head.column.addWidget(self.state)
        head.column.addWidget(self.message)
        head.column.addWidget(self.bar)
        head.column.addLayout(verbs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(head)
        column.addWidget(self._plate, 1)

    def show_job(self, view: JobView) -> None:
        """Newest state and curves."""
        record = view.record
        self.state.setText(f"{record.id}: {codes.job(record.state)}")
        asked = tr("Asked for: {command}.", command=tr(record.command)) if record.command else ""
        self.message.setText("  ".join(part for part in (message_of(record), remaining(record), asked) if part))
        self.bar.setValue(round(1000 * record.progress))
        if record.id != self._job:
            self._job = record.id
            self._clear_curves()
        if view.events:
            self._show_curves(view)

    def _show_curves(self, view: JobView) -> None:
        from gui.widgets.curves import Curves

        if self.curves is None:
            self.curves = Curves(self)
            self._waiting.hide()
            self._plate.column.insertWidget(1, self.curves, 1)
        assert isinstance(self.curves, Curves)
        self.curves.show_events(view.events)

    def _clear_curves(self) -> None:
        if self.curves is not None:
            self.curves.hide()
            self.curves.deleteLater()
            self.curves = None
            self._waiting.show()


def remaining(record: JobRecord) -> str:
    """About how long it will still take, from how long it took so far; empty when that cannot be told."""
    if record.state not in RUNNING or not 0.02 < record.progress < 1:
        return ""
    passed_s = record.updated_utc_s - record.created_utc_s
    left_s = passed_s * (1 - record.progress) / record.progress
    return tr("about {n:.0f} s left", n=left_s) if left_s < 90 else tr("about {n:.0f} min left", n=left_s / 60)
