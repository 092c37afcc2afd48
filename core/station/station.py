"""One camera, one model, one ledger: the loop that turns observations into stored verdicts.

The station belongs to the thread that polls it (the window's bridge, or `run`). It never touches pixels. A verdict is
an event only after its row is committed (architecture.md section 4).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from multiprocessing.connection import wait

from core.access import OPENED_BY, Actor, Permission
from core.clock import Clock, ClockWatch, SystemClock
from core.codes import Outcome, Reason, Rule, SessionPurpose, SessionState, SourceKind
from core.door.machine import StationView
from core.door.output import DoorOutput, DoorPlaces
from core.errors import KnownError, sentence
from core.frames import ModalityMask
from core.messages import (
    BeginPresentation,
    CameraHealth,
    ChallengeAnswered,
    ChallengeCamera,
    ChallengeWanted,
    Delay,
    EndPresentation,
    LoadModel,
    LoadShadow,
    LockOutChanged,
    Message,
    ModelReady,
    ObservationMade,
    Problem,
    RecordingClosed,
    SetOptions,
    SetPolicy,
    SetSession,
    ShadowSaid,
    Standing,
    StopRecording,
    StreamEnded,
    Unlock,
    VerdictCommitted,
    VerdictReached,
)
from core.policy import SitePolicy
from core.probing import AlarmRaised, is_suspicious
from core.qualification.shadow import is_shadow
from core.qualification.shift import withheld
from core.station.inference import InferenceLink
from core.station.ports import CaptureLink, PresentationLabel, SessionOrder, StationLedger
from core.verdict import Trace, Verdict

log = logging.getLogger(__name__)

CATALOGUE_CHECK_MS = 500.0
LAST_VERDICT_MS = 3000.0
"""How long a presentation that was ended may take to answer before its session closes."""


class Station:
    """Owns the session, the presentation and every verdict of one camera."""

    def __init__(
        self,
        capture: CaptureLink,
        inference: InferenceLink,
        ledger: StationLedger,
        source_kind: SourceKind,
        clock: Clock | None = None,
        release: Callable[[], None] | None = None,
        told: Iterable[Message] = (),
    ) -> None:
        """``release`` lets go of what the station stands on (lock, ring, catalogue), once, at its shutdown.

        ``told``: what was found before the start, for the first `poll`.
        """
        self.source_kind = source_kind
        self.policy = SitePolicy()
        self.health: CameraHealth | None = None
        self.model: ModelReady | None = None
        self.session = ""
        self.presentation = ""
        self.locked = False
        self.standing = Standing()
        self._capture = capture
        self._inference = inference
        self._ledger = ledger
        self._clock = clock or SystemClock()
        self._release = release
        self._clock_watch = ClockWatch(self._clock)
        self._waiting: list[Message] = list(told)
        self._recording = False
        self.recorded = 0
        self._described = False
        self._last_set = 0
        self._first_set = 0
        self._camera_s = 0.0
        self._champion = ""
        self._shadow = ""
        self._newest: VerdictCommitted | None = None
        self._changes: int | None = None
        self._next_check_ms = 0.0
        self._door: DoorOutput | None = None
        self._door_paused = False
        self._purpose: SessionPurpose | None = None
        self._policy_refused = False
        self._audit_broken = False
        self._storage_failed = False
        self._failure = ""

    # --- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Spawn capture and inference side by side."""
        self.start_inference()
        self.start_capture()

    def start_inference(self) -> None:
        """Spawn the inference process; it loads the champion at once."""
        self._inference.send(SetPolicy(self.policy))
        self._follow_catalogue()
        self._follow_standing()
        self._waiting.extend(self._remember_lock_out())
        self._inference.start()
        self._remember_probing()

    def start_capture(self) -> None:
        """Spawn the capture process."""
        self._capture.start()

    def shutdown(self, timeout_s: float = 5.0) -> None:
        """Close the door and the session, end both processes, let go of the data folder."""
        self._close_door()
        try:
            self.close_session()
        finally:
            self._capture.shutdown(timeout_s)
            self._inference.shutdown(timeout_s)
            release, self._release = self._release, None
            if release is not None:
                release()

    def poll(self, timeout_s: float = 0.05) -> list[Message]:
        """Wait for the children, at most ``timeout_s``; returns what happened, verdicts already stored."""
        waiting, self._waiting = self._waiting, []
        return waiting + self._round(0.0 if waiting else timeout_s)

    def _round(self, timeout_s: float) -> list[Message]:
        pipes = [pipe for pipe in (self._capture.pipe, self._inference.pipe) if pipe is not None]
        if pipes:
            wait(pipes, timeout_s)
        else:
            self._clock.sleep_ms(timeout_s * 1000.0)
        events: list[Message] = []
        for message in self._capture.poll():
            events.extend(self._from_capture(message))
        messages, died = self._inference.poll()
        for message in messages:
            events.extend(self._from_inference(message))
        if died:
            self.model = None
            self._remember_probing()
            events.extend(self._abandon_presentation())
        if self._clock.now_ms() >= self._next_check_ms:
            events.extend(self._watch_clock())
            changed = self._follow_catalogue()
            events.extend(self._follow_standing() if changed else self._tell_standing(self.standing))
        if self._door is not None:
            events.extend(self._door.look(self._door_view()))
        return events

    def pids(self) -> dict[str, int | None]:
        """Process ids of the children, for measurements and fault tests."""
        return {"capture": self._capture.pid, "inference": self._inference.pid}

    # --- orders of a person -------------------------------------------------------------------------------------

    def act_as(self, actor: Actor | None) -> None:
        """Whoever gives the orders from now on; ``None``: nobody has logged in."""
        self._ledger.act_as(actor)

    def open_session(self, order: SessionOrder) -> str:
        """Begin a session (closing the one before); frames are recorded when ``order.mode`` says so.

        An order that is refused (no consent, a locked site) leaves the running session as it is.
        """
        session, recording = self._ledger.open_session(order, self.source_kind)
        self.close_session()
        self.session = session
        self._described = False
        self.recorded = 0
        self._purpose, self._storage_failed = order.purpose, False
        self._inference.send(SetSession(self.session, self.source_kind, self.locked))
        if recording is not None:
            self._capture.send(recording)
            self._recording = True
        self._describe_session()
        return self.session

    def close_session(self, timeout_s: float = 30.0) -> None:
        """End the presentation, let the recorder finish, close the session's row."""
        if not self.session:
            return
        self.end_presentation()
        self._settle(lambda: not self.presentation, LAST_VERDICT_MS)
        if self._recording and self._capture.send(StopRecording()):
            self._settle(lambda: not self._recording, 1000.0 * timeout_s)
        state = SessionState.CUT_OFF if self._recording or self._failure else SessionState.CLOSED
        self._ledger.close_session(self.session, state, self.health, self.recorded, self._failure)
        self._recording = False
        self.session = ""
        self._inference.send(SetSession("", self.source_kind, self.locked))

    def fail(self, what: str) -> None:
        """Camera or model is given up: the session that runs is closed as cut off, with the first reason of these."""
        self._failure = self._failure or what

    def begin_presentation(self, label: PresentationLabel | None = None) -> str:
        """Start a presentation on command; an earlier one that still runs ends first."""
        self._ledger.require(OPENED_BY[self._purpose or SessionPurpose.CHECKPOINT])
        if self.presentation:
            self.end_presentation()
        label = label or PresentationLabel()
        self.presentation = self._ledger.open_presentation(self.session, label, self._camera_s)
        self._first_set = self._last_set + 1
        self._inference.send(BeginPresentation(self.presentation, self.session, self.source_kind, label.test))
        return self.presentation

    def end_presentation(self) -> None:
        """End the running presentation; its verdict comes as an event. Its frame sets are stored with it."""
        if not self.presentation:
            return
        self._ledger.close_presentation(self.presentation, self._first_set, self._last_set, self._camera_s)
        self._inference.send(EndPresentation())

    def discard_presentation(self, presentation: str) -> None:
        """A take that is not to be used (Collect: discard, retake)."""
        self._ledger.discard_presentation(presentation)

    def set_options(self, options: SetOptions) -> None:
        """Camera settings, or the face region for auto-exposure."""
        self._ledger.require(Permission.CAMERA)
        self._capture.send(options)

    def unlock(self, reason: str) -> None:
        """A supervisor ends the lock-out, and a delay with it, with a reason; it is audited first."""
        self._ledger.note_unlock(self.session, reason)
        self.locked = False
        self._inference.remember(SetSession(self.session, self.source_kind, False))
        self._inference.send(Unlock())
        self._inference.send(Delay(0.0))

    def connect_door(self, places: DoorPlaces) -> None:
        """Tell verdicts to gate controllers at ``places`` from now on, and to nobody else; to nobody if it is empty.

        Raises `core.errors.KnownError` when the place cannot be used; the door that was before is closed all the same.
        """
        self._close_door()
        if places:
            self._ledger.note_door(places)
            self._door = DoorOutput.connect(places, self._clock)

    def pause_door(self, paused: bool) -> None:
        """Keep the door closed whatever the verdicts say, until a person lets it go again."""
        self._door_paused = paused

    # --- what the children say ----------------------------------------------------------------------------------

    def _from_capture(self, message: Message) -> list[Message]:
        if isinstance(message, CameraHealth):
            before, self.health = self.health, message
            self._camera_s = max(self._camera_s, message.camera_s)
            self._describe_session()
            if before is None or (before.device, before.profiles) != (message.device, message.profiles):
                return [message, *self._follow_standing()]
        elif isinstance(message, RecordingClosed):
            self._recording = False
            self.recorded = message.recorded
            if message.problem:
                self._storage_failed = True
                return [message, Problem(message.problem)]
        elif isinstance(message, ChallengeAnswered):
            self._inference.send(message)
            return []
        elif isinstance(message, StreamEnded):
            self.end_presentation()
        elif isinstance(message, Problem) and message.fatal:
            self.fail(message.what)
        return [message]

    def _from_inference(self, message: Message) -> list[Message]:
        if isinstance(message, ObservationMade):
            self._last_set = max(self._last_set, message.observation.frame_set)
        elif isinstance(message, ModelReady):
            self.model = message
        elif isinstance(message, LockOutChanged):
            self.locked = message.locked
            self._inference.remember(SetSession(self.session, self.source_kind, self.locked))
        elif isinstance(message, ChallengeWanted):
            self._capture.send(ChallengeCamera(message.nonce))
            return []
        elif isinstance(message, VerdictReached):
            return self._conclude(message.verdict)
        elif isinstance(message, ShadowSaid):
            self._note_shadow(message)
            return []
        elif isinstance(message, Problem) and message.fatal:
            self.fail(message.what)
        return [message]

    def _conclude(self, verdict: Verdict) -> list[Message]:
        """Store a verdict; whoever tries again and again is made to wait, and somebody is told."""
        events = self._commit(verdict)
        if verdict.outcome is Outcome.ATTACK and not verdict.shadow:
            events.extend(self._remember_lock_out())
        if verdict.shadow or not is_suspicious(verdict.outcome, verdict.reason):
            return events
        found = self._ledger.probing(self.source_kind)
        if found.delay_s <= 0.0:
            return events
        self._inference.send(Delay(1000.0 * found.left_s))
        alarm = AlarmRaised(self.source_kind, found.steps, found.delay_s)
        self._ledger.raise_alarm(self.session, alarm)
        return [*events, alarm]

    def _note_shadow(self, said: ShadowSaid) -> None:
        """It comes right after the verdict that it speaks of; of one that was replaced meanwhile it says nothing."""
        newest = self._newest
        if newest is not None and newest.verdict.t_s == said.t_s and said.model == self._shadow:
            try:
                self._ledger.note_shadow(newest.row_id, said)
            except KnownError:
                log.exception("an answer of the shadow run could not be stored; the verdict stands")

    def _commit(self, verdict: Verdict) -> list[Message]:
        if verdict.session != self.session or not verdict.presentation:
            verdict = replace(verdict, session=self.session, source_kind=self.source_kind)
        # Inference may have answered before it knew of another camera, a revocation or a due shift check.
        shadow = is_shadow(verdict.source_kind, verdict.mask, self.standing.qualified)
        if not verdict.shadow and (shadow or self.standing.withheld is not Reason.NONE):
            verdict = replace(verdict, shadow=True)
        if verdict.source_kind is SourceKind.LIVE and not self.standing.commissioned:
            verdict = _withheld(verdict)
        try:
            row = self._ledger.commit_verdict(verdict)
        except BaseException:
            self._close_door()  # at once: whoever polls us may take its time to shut us down
            raise
        if self.presentation and verdict.presentation == self.presentation:
            self._ledger.close_presentation(self.presentation, self._first_set, self._last_set, self._camera_s)
            self.presentation = ""
        told = [] if self._door is None else self._door.take(row, verdict, self._door_view())
        self._newest = VerdictCommitted(row, verdict)
        return [self._newest, *told]

    def _abandon_presentation(self) -> list[Message]:
        """The process that should have answered is gone: the answer is no response, and it is stored."""
        if not self.presentation:
            return []
        trace = Trace((), (), {}, {}, None, None, Rule.ENDED, self._champion, self.policy.sha256())
        verdict = Verdict(
            presentation=self.presentation,
            session=self.session,
            source_kind=self.source_kind,
            shadow=is_shadow(self.source_kind, ModalityMask(0), self.standing.qualified),
            t_s=self._camera_s,
            outcome=Outcome.NON_RESPONSE,
            reason=Reason.MODEL_ERROR,
            mask=ModalityMask(0),
            score=None,
            threshold=None,
            rule=Rule.ENDED,
            model=self._champion,
            trace=trace,
        )
        return self._conclude(verdict)

    # --- housekeeping -------------------------------------------------------------------------------------------

    def _settle(self, done: Callable[[], bool], patience_ms: float) -> None:
        """Go on polling until ``done``; what happens meanwhile is told by the next `poll`."""
        deadline_ms = self._clock.now_ms() + patience_ms
        while not done() and self._clock.now_ms() < deadline_ms:
            self._waiting.extend(self._round(0.05))

    def _door_view(self) -> StationView:
        return StationView(
            source_kind=self.source_kind,
            camera=None if self.health is None else self.health.state,
            model=self.model is not None,
            qualified=bool(self.standing.qualified),
            locked=self.locked,
            checkpoint=bool(self.session) and self._purpose is SessionPurpose.CHECKPOINT,
            paused=self._door_paused,
            shift_passed=self.standing.withheld is Reason.NONE,
            policy_trusted=not self._policy_refused,
            audit_trusted=not self._audit_broken,
            stored=not self._storage_failed,
        )

    def _close_door(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            door.close()

    def _watch_clock(self) -> list[Message]:
        """Durations come from a clock that never jumps; times of records do not: whoever reads them must know."""
        seconds = self._clock_watch.jump_s()
        if not seconds:
            return []
        log.warning("the clock jumped by %.1f s", seconds)
        self._ledger.note_clock_jump(seconds)
        return [
            Problem(
                sentence("The clock jumped by {seconds:+.0f} s.", seconds=seconds), "It was set, or the machine slept."
            )
        ]

    def _remember_probing(self) -> None:
        """A delay that stood when the station was stopped goes on."""
        found = self._ledger.probing(self.source_kind)
        if found.left_s > 0.0:
            self._inference.send(Delay(1000.0 * found.left_s))

    def _remember_lock_out(self) -> list[Message]:
        """A lock-out that is stored is one for inference too, whatever was started anew since."""
        if self.locked or not self._ledger.locked(self.source_kind):
            return []
        self.locked = True
        self._inference.send(SetSession(self.session, self.source_kind, True))
        return [LockOutChanged(self.source_kind, True)]

    def _describe_session(self) -> None:
        if self.session and not self._described and self.health is not None and self.health.profiles:
            self._ledger.describe_session(self.session, self.health)
            self._described = True

    def _follow_standing(self) -> list[Message]:
        """Another camera, another model, a qualification or its revocation: what may be done now, told to everybody."""
        return self._tell_standing(self._ledger.standing(self.source_kind, self.health, self._champion))

    def _tell_standing(self, standing: Standing) -> list[Message]:
        """Apply the policy of shift checks, which time alone may make due; tell what has changed."""
        now_s, kind = self._clock.utc_s(), self.source_kind
        reason = withheld(self.policy, kind, standing.qualified, standing.checked_utc_s, now_s)
        if self._audit_broken:
            reason = Reason.AUDIT_BROKEN
        if self._policy_refused:
            reason = Reason.POLICY_REFUSED
        standing = replace(standing, withheld=reason, own_policy=self.policy != SitePolicy())
        if standing == self.standing:
            return []
        log.info("qualified: %s", ", ".join(map(str, sorted(standing.qualified))) or "nothing")
        self.standing = standing
        self._inference.send(standing)
        return [standing]

    def _follow_catalogue(self) -> bool:
        """What anybody changes, also from the command line, takes effect here: champion, policy, a broken audit log.

        Says whether anybody wrote to the catalogue.
        """
        self._next_check_ms = self._clock.now_ms() + CATALOGUE_CHECK_MS
        changes = self._ledger.changes()
        if changes == self._changes:
            return False
        self._changes = changes
        sha256, path = self._ledger.champion()
        if sha256 != self._champion:
            log.info("champion is now %s", sha256[:12])
            self._champion = sha256
            self._inference.send(LoadModel(path))
        shadow, beside = self._ledger.shadow()
        if shadow != self._shadow:
            log.info("beside the champion runs %s", shadow[:12] or "nothing")
            self._shadow = shadow
            self._inference.send(LoadShadow(beside))
        self._follow_policy()
        self._audit_broken = self._ledger.audit_broken()
        return True

    def _follow_policy(self) -> None:
        """Decide by the stored policy from the next presentation on; by none while it cannot be trusted."""
        found = self._ledger.policy()
        self._policy_refused = found.refused
        if found.policy != self.policy:
            log.info("the site policy is now %s", found.policy.sha256()[:12])
            self.policy = found.policy
            self._inference.send(SetPolicy(self.policy))


def _withheld(verdict: Verdict) -> Verdict:
    """A camera that nobody accepted decides nothing, whatever inference knew when it answered."""
    if verdict.outcome is Outcome.NON_RESPONSE:
        return verdict
    return replace(
        verdict,
        outcome=Outcome.NON_RESPONSE,
        reason=Reason.NOT_COMMISSIONED,
        score=None,
        rule=Rule.NOT_COMMISSIONED,
    )
