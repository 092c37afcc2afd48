"""What the checkpoint shows, worked out from what is known; no Qt, so that every case can be tested at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.codes import ConnectionState, Hint, Outcome, Reason
from core.frames import ModalityMask
from core.messages import CameraHealth, ModelReady, Problem, VerdictCommitted
from core.verdict import Observation, Verdict
from gui.i18n import codes, tr
from gui.i18n.errors import told
from gui.theme import Tone
from gui.widgets.stream_view import LOST_MS

UNWATCHED_MS = 3000.0
"""Nobody has looked for so long that somebody else may stand there: no answer about the one before speaks for them."""


class Shape(StrEnum):
    """The sign beside the word."""

    NONE = "none"
    WAIT = "wait"
    TICK = "tick"
    CROSS = "cross"
    QUESTION = "question"
    DASH = "dash"
    LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Display:
    """One state: a sign, a word, and a line for the operator (never for the subject)."""

    shape: Shape
    word: str
    tone: Tone
    why: str = ""
    final: bool = False
    """Whether the word is a stored verdict."""


@dataclass(slots=True)
class CheckpointState:
    """Everything that the page knows; `display` picks the one state to show."""

    failure: Problem | None = None
    health: CameraHealth | None = None
    model: ModelReady | None = None
    observation: Observation | None = None
    committed: VerdictCommitted | None = None
    operator_outcome: Outcome | None = None
    locked: bool = False
    withheld: Reason = Reason.NONE
    commissioned: bool = True
    """Whether the camera in use may decide at all; only a live one may not."""
    ended: bool = False
    frame_age_ms: float = 1e12
    looked_age_ms: float = 0.0
    """Since inference last looked at a frame set."""

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the person in front, once it is stored."""
        return self.committed.verdict if self.committed is not None else None

    @property
    def mask(self) -> ModalityMask:
        """Sensors in use: those of the verdict while it speaks, else those that deliver now."""
        if self.verdict is not None and self._sees:
            return self.verdict.mask
        return self.health.mask if self.health is not None else ModalityMask(0)

    @property
    def unwatched(self) -> bool:
        """Whether inference has not looked for too long; after the end of a recording there is nothing to look at."""
        return not self.ended and self.looked_age_ms > UNWATCHED_MS

    @property
    def _sees(self) -> bool:
        return self.ended or self.frame_age_ms <= LOST_MS

    def display(self) -> Display:
        """The one state."""
        if self.failure is not None:
            return Display(Shape.DASH, tr("NOT AVAILABLE"), Tone.CALM, told(self.failure.what))
        if self.locked:
            return Display(Shape.LOCK, tr("LOCKED"), Tone.BAD, tr("Repeated attacks. A supervisor has to unlock."))
        if self.withheld is Reason.SHIFT_CHECK:
            why = tr("One bona fide person, then the kit print. Until it passes, nobody gets a verdict.")
            return Display(Shape.DASH, tr("SHIFT CHECK DUE"), Tone.CALM, why)
        if self.withheld is Reason.POLICY_REFUSED:
            why = tr("It was edited by hand, or its key is lost. Nobody gets a verdict until it is set again.")
            return Display(Shape.DASH, tr("SITE POLICY REFUSED"), Tone.BAD, why)
        if self.withheld is Reason.AUDIT_BROKEN:
            why = tr("Nobody gets a verdict until an administrator acknowledges it on the page Audit.")
            return Display(Shape.DASH, tr("AUDIT LOG BROKEN"), Tone.BAD, why)
        if self.verdict is not None and self._sees:
            return self._decided(self.verdict)
        return self._waiting()

    def _waiting(self) -> Display:
        if self.ended:
            return Display(Shape.DASH, tr("RECORDING ENDED"), Tone.CALM, tr("The source has no more frames."))
        if self.health is None or self.model is None:
            what = tr("Loading the model") if self.health is not None else tr("Opening the camera")
            return Display(Shape.WAIT, tr("ONE MOMENT"), Tone.CALM, what)
        if not self.commissioned:
            why = tr("A technician has to accept this camera on the page Devices.")
            return Display(Shape.DASH, tr("NOT AVAILABLE"), Tone.CALM, why)
        if self.frame_age_ms > LOST_MS:
            known = told(self.health.problem) or codes.connection(self.health.state)
            starting = self.health.state in (
                ConnectionState.SEARCHING,
                ConnectionState.OPENING,
                ConnectionState.WARM_UP,
            )
            if starting:
                return Display(Shape.WAIT, tr("ONE MOMENT"), Tone.CALM, known)
            return Display(Shape.DASH, tr("NOT AVAILABLE"), Tone.CALM, known)
        if self.unwatched:
            why = tr("The program does not answer: nobody is decided about.")
            return Display(Shape.DASH, tr("NOT AVAILABLE"), Tone.CALM, why)
        hints = self.observation.hints if self.observation is not None else (Hint.NO_FACE,)
        if self.observation is not None and self.observation.reason is Reason.NO_FACE:
            hints = (Hint.NO_FACE,)
        if self.observation is not None and self.observation.reason is Reason.SEVERAL_FACES:
            hints = (Hint.SEVERAL_FACES,)
        return Display(Shape.NONE, codes.large_hint(hints), Tone.CALM)

    def _decided(self, verdict: Verdict) -> Display:
        why = "  ".join(part for part in (codes.rule(verdict.rule), codes.reason(verdict.reason)) if part)
        if self.operator_outcome is not None:
            why = tr("The operator decided; the program had said: {word}", word=codes.outcome(verdict.outcome))
        if verdict.reason is Reason.DELAYED and self.operator_outcome is None:
            return Display(Shape.WAIT, tr("PLEASE WAIT"), Tone.CALM, why, final=True)
        outcome = self.operator_outcome or verdict.outcome
        shape, tone = {
            Outcome.BONA_FIDE: (Shape.TICK, Tone.GOOD),
            Outcome.ATTACK: (Shape.CROSS, Tone.BAD),
            Outcome.REFER: (Shape.QUESTION, Tone.WARN),
            Outcome.NON_RESPONSE: (Shape.DASH, Tone.CALM),
        }[outcome]
        if verdict.shadow:
            # A green tick would be taken for an open door: a shadow verdict says its word without the colour.
            why = "  ".join(
                (tr("Shadow: a test, or a camera that is not qualified with these sensors; nothing opens."), why)
            )
            return Display(shape, tr("SHADOW: {word}", word=codes.outcome(outcome)), Tone.CALM, why, final=True)
        return Display(shape, codes.outcome(outcome), tone, why, final=True)
