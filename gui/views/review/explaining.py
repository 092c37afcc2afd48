"""Having a verdict explained by a process of its own: whether that can be done, how far it is, and what it found."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from core.errors import KnownError
from core.verdict_explanation import VerdictExplanation, verdict_explanation_from_plain
from gui.command import Command, read_json
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.views.review.reading import Opened
from storage.repositories.verdicts import StoredVerdict


class Stage(StrEnum):
    """Where the explanation of the verdict in question stands."""

    NO_VERDICT = "no_verdict"
    IMPOSSIBLE = "impossible"
    POSSIBLE = "possible"
    RUNNING = "running"
    DONE = "done"


class Explaining(QObject):
    """Explains one verdict at a time; what was explained is kept for as long as the window lives."""

    changed = Signal()

    def __init__(self, context: PageContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._found: dict[int, VerdictExplanation] = {}
        self._running: Command | None = None
        self._opened: Opened | None = None
        self.stored: StoredVerdict | None = None
        self.explained = 0
        """The verdict that is being explained, 0 for none; it may be another than the one in question."""
        self.steps = (0, 0)
        self.failure = ""

    def forget(self) -> None:
        """What was explained may have been erased."""
        self._found.clear()

    @property
    def stage(self) -> Stage:
        """Of the verdict in question."""
        if self.stored is None:
            return Stage.NO_VERDICT
        if self.stored.id in self._found:
            return Stage.DONE
        if self.explained:
            return Stage.RUNNING if self.explained == self.stored.id else Stage.IMPOSSIBLE
        return Stage.IMPOSSIBLE if self.obstacle else Stage.POSSIBLE

    @property
    def found(self) -> VerdictExplanation | None:
        """The explanation of the verdict in question."""
        return self._found.get(self.stored.id) if self.stored is not None else None

    @property
    def obstacle(self) -> str:
        """Why the verdict in question cannot be explained from its frames; empty when it can."""
        if self.stored is None or self._opened is None:
            return tr("Choose a presentation with a verdict to see what it rests on.")
        trace = self.stored.verdict.trace
        if not trace.evidence:
            return tr("This answer rests on no evidence: there is nothing to weigh.")
        if self.explained and self.explained != self.stored.id:
            return tr("Another verdict is being explained.")
        if not self._opened.timeline:
            return self._opened.problem or tr(
                "This session kept decisions only. Contributions need the frames; below is what was stored."
            )
        if trace.model not in self._opened.models:
            return tr(
                "The model of this verdict is not stored here any more. Below is what was stored with the verdict."
            )
        return ""

    @property
    def remark(self) -> str:
        """What a person should know of the model that decided; empty when it still does."""
        if self.stored is None or self._opened is None:
            return ""
        model = self.stored.verdict.trace.model
        if model == self._opened.champion or model not in self._opened.models:
            return ""
        return tr(
            "Decided by {name} ({digest}), which is not the champion any more. It is this model that is asked.",
            name=self._opened.models[model],
            digest=model[:8],
        )

    def show(self, opened: Opened | None, stored: StoredVerdict | None) -> None:
        """Put another verdict in question."""
        self._opened, self.stored, self.failure = opened, stored, ""
        self.changed.emit()

    def start(self) -> None:
        """Have the verdict in question explained."""
        if self.stage is not Stage.POSSIBLE or self.stored is None:
            return
        session, verdict = self.stored.verdict.session, self.stored.id
        self.explained, self.steps, self.failure = verdict, (0, 0), ""
        arguments = ["replay", "--session", session, "--verdict", str(verdict), "--explain", "--json"]
        command = self._context.services.command(arguments)
        self._running = Command(command, lambda output: self._done(verdict, output), self._failed, self, self._on_step)
        self._running.ended.connect(self._ended)
        self.changed.emit()

    def stop(self) -> None:
        """Ask it to end."""
        if self._running is not None:
            self._running.stop()

    def _on_step(self, _what: str, done: int, total: int) -> None:
        self.steps = (done, total)
        self.changed.emit()

    def _done(self, verdict: int, output: str) -> None:
        try:
            content = read_json(output)
            self._found[verdict] = verdict_explanation_from_plain(content["explanations"][0])
        except KnownError as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self.failure = told_error(error)
        self._context.show_error(error)

    def _ended(self) -> None:
        self._running, self.explained = None, 0
        self.changed.emit()
