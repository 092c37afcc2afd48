"""The technician's page: five steps from the site's figures to a decision (interface.md, Recalibrate).

The pass itself runs as a process of its own, which survives the window; the page only watches the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from PySide6.QtCore import QLocale, QProcess, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from core.codes import JobState
from core.errors import HostError
from core.ports import JobRecord
from gui.command import Command
from gui.context import PageContext
from gui.documents.adaptation_report import read_report
from gui.i18n import codes, tr
from gui.views.page import Page
from gui.views.recalibrate.data_step import DataStep
from gui.views.recalibrate.decide_step import DecideStep
from gui.views.recalibrate.model_verbs import ModelVerbs
from gui.views.recalibrate.reading import (
    JobView,
    ModelView,
    read_job,
    read_jobs,
    read_material,
    read_models,
    read_site,
)
from gui.views.recalibrate.report_step import ReportStep
from gui.views.recalibrate.run_step import RUNNING, RunStep
from gui.views.recalibrate.site_step import SiteStep
from gui.widgets.forms import combo_box, quiet
from gui.widgets.save_dialog import ask_where
from gui.widgets.stepper import Stepper
from gui.widgets.toast import Level
from storage.site_shift import read_shift

WATCH_MS = 700
_TAKES_OVER_MS = 10_000
"""A process that was asked to resume a job needs this long at most until the job shows it."""
SITE, DATA, RUN, REPORT, DECIDE = range(5)
_OVER = (JobState.PAUSED, JobState.INTERRUPTED, JobState.OUT_OF_MEMORY)


class RecalibratePage(Page):
    """Watches jobs and starts them; trains nothing itself."""

    name = "recalibrate"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.job: JobRecord | None = None
        self.models: ModelView | None = None
        self._known: tuple[tuple[str, str], ...] = ()
        self._busy: Command | None = None
        actions = context.actions
        names = (tr("What changed"), tr("Data"), tr("Run"), tr("Report"), tr("Decide"))
        self.stepper = Stepper(names, self)
        self.site = SiteStep(self)
        self.data = DataStep(context, self)
        self.run_step = RunStep(actions, self)
        self.report = ReportStep(actions, context.look_at, self)
        self.decide = DecideStep(actions, context.look_at, self)
        self.jobs = combo_box(self, tr("Job"))
        self.jobs.setMinimumWidth(360)
        self.jobs.setPlaceholderText(tr("none yet"))
        self.busy = quiet("", self)
        self.steps = QStackedWidget(self)
        for step in (self.site, self.data, self.run_step, self.report, self.decide):
            self.steps.addWidget(step)
        row = QHBoxLayout()
        row.addWidget(self.busy, 1)
        row.addWidget(quiet(tr("Job"), self))
        row.addWidget(self.jobs)
        self.column.addWidget(self.stepper)
        self.column.addLayout(row)
        self.column.addWidget(self.steps, 1)
        self._resumed: tuple[str, JobState] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(WATCH_MS)
        self._timer.timeout.connect(self._watch)
        self.verbs = ModelVerbs(context, self.decide, self._run, self._freeze, self._watch, self)
        self._connect()

    def _connect(self) -> None:
        actions = self.context.actions
        self.stepper.chosen.connect(self.go_to_step)
        self.data.changed.connect(self._enable)
        self.jobs.currentIndexChanged.connect(lambda _index: self._watch())
        actions.connect("make_plan", self.make_plan)
        actions.connect("pause_job", lambda: self._ask_job("pause"))
        actions.connect("cancel_job", lambda: self._ask_job("cancel"))
        actions.connect("resume_job", self.resume)
        actions.connect("save_report", self.save_report)
        self._enable()

    def entered(self) -> None:
        """Read anew and watch."""
        self.setFocus()
        self._timer.start()
        self._read_step(self.steps.currentIndex())
        self._watch()

    def left(self) -> None:
        """Stop watching; the job goes on."""
        self._timer.stop()
        self.data.outlook.stop()

    def erased(self) -> None:
        """Sessions may be gone that are listed here, and chosen."""
        if self._timer.isActive():
            self._read_step(self.steps.currentIndex())

    # --- steps --------------------------------------------------------------------------------------------------

    @Slot(int)
    def go_to_step(self, index: int) -> None:
        """Show a step."""
        self.stepper.mark(index)
        self.steps.setCurrentIndex(index)
        self._read_step(index)

    def _read_step(self, index: int) -> None:
        tasks, fail = self.context.tasks, self.context.show_error
        if index == SITE:
            tasks.run(read_site, self.site.show_figures, fail, self)
            tasks.run(read_shift, self.site.shift.show_shift, fail, self)
        elif index == DATA:
            tasks.run(read_material, self.data.show_material, fail, self)
        tasks.run(read_models, self._show_models, fail, self)

    def _show_models(self, view: ModelView) -> None:
        self.models = view
        self.decide.show_models(view)
        self._enable()

    # --- watching -----------------------------------------------------------------------------------------------

    @Slot()
    def _watch(self) -> None:
        self.context.tasks.run(read_jobs, self._show_jobs, self._watch_failed, self)
        if self.models is not None and self.models.shadow is not None and self.steps.currentIndex() == DECIDE:
            self.context.tasks.run(read_models, self._show_models, self._watch_failed, self)

    def _watch_failed(self, error: BaseException) -> None:
        self._timer.stop()
        self.context.show_error(error)

    def _show_jobs(self, records: list[JobRecord]) -> None:
        known = tuple((record.id, f"{record.id}: {codes.job(record.state)}") for record in records)
        if known != self._known:
            self._known = known
            chosen = self.jobs.currentData()
            self.jobs.blockSignals(True)
            self.jobs.clear()
            for job, words in known:
                self.jobs.addItem(words, job)
            self.jobs.setCurrentIndex(max(0, self.jobs.findData(chosen)))
            self.jobs.blockSignals(False)
        job = self.jobs.currentData()
        if job:
            self.context.tasks.run(lambda catalogue: read_job(catalogue, job), self._show_job, self._watch_failed, self)
        self._enable()

    def _show_job(self, view: JobView) -> None:
        before, self.job = self.job, view.record
        self.run_step.show_job(view)
        if before is None or (before.id, before.report, before.state) != (self.job.id, self.job.report, self.job.state):
            self.report.show_job(self.job)
            self.decide.show_job(self.job)
            self.context.tasks.run(read_models, self._show_models, self.context.show_error, self)
        self._enable()

    def _enable(self) -> None:
        actions, job, free = self.context.actions, self.job, self._busy is None
        state = job.state if job is not None else None
        actions["make_plan"].setEnabled(free and bool(self.data.sessions))
        actions["pause_job"].setEnabled(state in (JobState.PREPARING, JobState.TRAINING))
        actions["cancel_job"].setEnabled(state in RUNNING or state in _OVER)
        starting = job is not None and self._resumed == (job.id, state)
        actions["resume_job"].setEnabled((state in _OVER or state is JobState.QUEUED) and not starting)
        actions["save_report"].setEnabled(free and job is not None and read_report(job.report) is not None)
        self.verbs.enable(job, self.models, self.data.sessions, free)

    # --- verbs --------------------------------------------------------------------------------------------------

    def make_plan(self) -> None:
        """Freeze a plan over the chosen sessions, and start its job; whoever decides so needs no outlook any more."""
        self.data.outlook.stop()
        arguments = ["adapt", "plan", "--sessions", ",".join(self.data.sessions), "--seed", str(self.data.seed.value())]
        arguments += ["--bpcer-margin", str(self.data.bpcer_margin)]
        if self.data.learns_unlabelled:
            arguments.append("--unlabelled")
        self._freeze(arguments, tr("Freezing the plan"))

    def _freeze(self, arguments: list[str], what: str) -> None:
        self._run(arguments, what, lambda output: self._start_job(output.split()[-1]))

    def _start_job(self, job: str) -> None:
        if self._launch(["adapt", "run", job]):
            self._known = ()
            self.jobs.blockSignals(True)
            self.jobs.insertItem(0, job, job)
            self.jobs.setCurrentIndex(0)
            self.jobs.blockSignals(False)
            self.go_to_step(RUN)
            self._watch()

    def resume(self) -> None:
        """Go on after a pause; after a kill or a crash a new process takes over at the last check-point."""
        if self.job is not None and self._launch(["adapt", "resume", self.job.id]):
            self._resumed = self.job.id, self.job.state
            QTimer.singleShot(_TAKES_OVER_MS, self, self._forget_resumed)
            self._enable()

    def _forget_resumed(self) -> None:
        self._resumed = None
        self._enable()

    def _launch(self, arguments: list[str]) -> bool:
        """Start a process that survives the window."""
        program, *rest = self.context.services.command(arguments)
        process = QProcess()
        process.setProgram(program)
        process.setArguments(rest)
        logs = self.context.services.logs
        logs.mkdir(parents=True, exist_ok=True)
        process.setStandardOutputFile(str(logs / "adapt.out"), QProcess.OpenModeFlag.Append)
        process.setStandardErrorFile(str(logs / "adapt.out"), QProcess.OpenModeFlag.Append)
        started = cast("bool", process.startDetached())  # without arguments it gives a bool, not the stub's pair
        if not started:
            what = tr("The job's process could not be started.")
            self.context.show_error(HostError(what, tr("Check the installation with `make setup`.")))
        return started

    def _ask_job(self, command: str) -> None:
        if self.job is None:
            return
        job, idle = self.job.id, self.job.state in (*_OVER, JobState.QUEUED)

        def asked(_nothing: None) -> None:
            if idle:  # perhaps nobody is there to obey: a process takes the request, cleans up and ends
                self._launch(["adapt", "resume", job])
            self._watch()

        self.context.tasks.run(
            lambda catalogue: catalogue.jobs.request(job, command), asked, self.context.show_error, self
        )

    def save_report(self) -> None:
        """Ask where the chosen job's report goes."""
        if self.job is None:
            return
        name, forms = f"{self.job.id}.html", "HTML (*.html);;PDF (*.pdf)"
        ask_where(self, tr("Save report"), name, forms, lambda path: self.save_report_to(Path(path)))

    def save_report_to(self, path: Path) -> None:
        """Write the chosen job's report as HTML or PDF, in the window's language."""
        if self.job is None:
            return
        arguments = ["adapt", "report", self.job.id, "--out", str(path), "--language", QLocale().name()[:2]]
        self._run(
            arguments,
            tr("Saving the report"),
            lambda output: self.context.notify(tr("Saved."), output.strip(), Level.INFO),
        )

    def _run(self, arguments: list[str], what: str, done: Callable[[str], object]) -> None:
        self.busy.setText(what)

        def ended() -> None:
            self._busy = None
            self.busy.setText("")
            self._read_step(self.steps.currentIndex())
            self._watch()

        self._busy = Command(self.context.services.command(arguments), done, self.context.show_error, self)
        self._busy.ended.connect(ended)
        self._enable()
