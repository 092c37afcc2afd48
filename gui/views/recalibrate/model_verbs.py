"""What a person does with models: promote, roll back, reject, run in shadow, judge, send away and take in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from core.codes import JobState, ModelRole
from core.ports import JobRecord
from gui.context import PageContext
from gui.i18n import tr
from gui.views.recalibrate.decide_step import DecideStep
from gui.views.recalibrate.reading import ModelView
from gui.widgets.ask import ask_reason
from gui.widgets.save_dialog import ask_where
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry

_FILES = "ZIP (*.zip)"


class Run(Protocol):
    """Runs a sub-command as a process, one at a time."""

    def __call__(self, arguments: list[str], what: str, done: Callable[[str], object]) -> None:
        """``what`` is shown meanwhile; ``done(output)`` follows."""
        ...


class ModelVerbs(QObject):
    """The verbs of the step Decide. They change the catalogue; a running station follows by itself."""

    def __init__(
        self,
        context: PageContext,
        decide: DecideStep,
        run: Run,
        plan: Callable[[list[str], str], None],
        changed: Callable[[], None],
        parent: QWidget,
    ) -> None:
        """``plan(arguments, what)`` freezes a plan and starts its job; ``changed`` follows what no process changed."""
        super().__init__(parent)
        self._context, self._decide, self._parent = context, decide, parent
        self._run, self._plan, self._changed = run, plan, changed
        self._job: JobRecord | None = None
        self._sessions: Sequence[str] = ()
        actions = context.actions
        actions.connect("promote", self.promote)
        actions.connect("reject", self.reject)
        actions.connect("rollback", self.rollback)
        actions.connect("shadow_run", self.run_in_shadow)
        actions.connect("end_shadow", self.end_shadow)
        actions.connect("judge_model", self.judge)
        actions.connect("send_model", self.send)
        actions.connect("receive_model", self.receive)

    def enable(self, job: JobRecord | None, models: ModelView | None, sessions: Sequence[str], free: bool) -> None:
        """What can be done with the chosen job's candidate and the models that are here; ``free``: nothing runs."""
        self._job, self._sessions = job, sessions
        waiting = job is not None and job.state is JobState.CANDIDATE
        candidate = job.candidate if job is not None and waiting else ""
        shadow = models.shadow if models is not None else None
        previous = models is not None and any(ModelRole.PREVIOUS in model.roles for model in models.models)
        able = {
            "promote": waiting,
            "reject": waiting,
            "rollback": previous,
            "shadow_run": candidate != "" and (shadow is None or shadow.model != candidate),
            "end_shadow": shadow is not None,
            "judge_model": models is not None and bool(sessions),
            "send_model": models is not None,
            "receive_model": models is not None,
        }
        for action, can in able.items():
            self._context.actions[action].setEnabled(free and can)

    # --- champion -----------------------------------------------------------------------------------------------

    def promote(self) -> None:
        """Make the candidate the champion, with a reason; its self-test runs in a process of its own."""
        if self._job is None or not self._job.candidate:
            return
        candidate = self._job.candidate
        ask_reason(
            self._parent,
            tr("Promote the candidate"),
            tr("From the next frame set on the station decides with it. A roll back returns to the present champion."),
            lambda _value, reason: self._run(
                ["promote", candidate, "--reason", reason], tr("Promoting"), self._promoted
            ),
        )

    def _promoted(self, output: str) -> None:
        if output.startswith("proposed"):  # not done: it waits for a second person
            self._tell(tr("Proposed."), tr("A second person has to approve it, on the page People."))
            return
        self._tell(tr("The candidate is the champion now."), tr("The running station switches by itself."))

    def rollback(self) -> None:
        """Return to the champion before this one, with a reason."""
        ask_reason(
            self._parent,
            tr("Roll back"),
            tr("The station decides with the champion before this one again."),
            lambda _value, reason: self._run(
                ["rollback", "--reason", reason],
                tr("Rolling back"),
                lambda _output: self._tell(tr("The previous champion is back.")),
            ),
        )

    def reject(self) -> None:
        """Refuse the candidate, with a reason; it is kept, but never deployed."""
        if self._job is None:
            return
        job = self._job.id

        def answered(_value: str, reason: str) -> None:
            def refuse(catalogue: Catalogue) -> None:
                ModelRegistry(catalogue).reject(job, reason)

            self._context.tasks.run(refuse, lambda _n: self._changed(), self._context.show_error, self)

        ask_reason(
            self._parent,
            tr("Reject the candidate"),
            tr("The champion stays. The candidate and its report are kept."),
            answered,
        )

    # --- beside the champion ------------------------------------------------------------------------------------

    def run_in_shadow(self) -> None:
        """Let the candidate run beside the champion: what it would have answered is stored, and opens nothing."""
        if self._job is not None and self._job.candidate:
            arguments = ["shadow", "start", self._job.candidate]
            self._run(arguments, tr("Beginning the shadow run"), self._shadow_changed)

    def end_shadow(self) -> None:
        """End the shadow run; its answers are kept."""
        self._run(["shadow", "stop"], tr("Ending the shadow run"), self._shadow_changed)

    def _shadow_changed(self, _output: str) -> None:
        self._tell(tr("The running station follows by itself."))

    # --- other lanes --------------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Let this site's gate judge the chosen model on the sessions of the step Data; nothing is trained."""
        arguments = ["adapt", "judge", self._decide.chosen, "--sessions", ",".join(self._sessions)]
        self._plan(arguments, tr("Freezing the plan"))

    def send(self) -> None:
        """Ask where the chosen model goes, as one signed file."""
        model = self._decide.chosen
        name = f"model-{model[:12]}.zip"
        ask_where(self._parent, tr("Send to another lane"), name, _FILES, lambda path: self.send_to(model, path))

    def send_to(self, model: str, path: str) -> None:
        """Write a model and this lane's signature to a file."""
        self._run(["lanes", "send", model, "--out", path], tr("Sending the model"), self._done)

    def receive(self) -> None:
        """Ask for the file of another lane."""
        dialog = QFileDialog(self._parent, tr("Take from another lane"), "", _FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.receive_from)
        dialog.open()

    def receive_from(self, path: str) -> None:
        """Take a model out of a file whose lane is trusted; it is stored, not deployed."""
        self._run(["lanes", "receive", path], tr("Taking the model"), self._done)

    def _done(self, output: str) -> None:
        self._tell(tr("Done."), output.strip())

    def _tell(self, what: str, more: str = "") -> None:
        self._context.notify(what, more, Level.INFO)
