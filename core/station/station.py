"""One camera, one model, one ledger: the loop that turns observations into stored verdicts.

The station belongs to the thread that polls it (the window's bridge, or `run`). It never touches pixels. A verdict is
an event only after its row is committed (architecture.md section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.access import Actor, Permission
from core.clock import Clock, SystemClock
from core.codes import SessionState, SourceKind
from core.door.output import DoorPlaces
from core.messages import CameraHealth, Message, ModelReady, SetOptions, Standing
from core.policy import SitePolicy
from core.station.children import Children
from core.station.doorway import Doorway
from core.station.ending import end_all
from core.station.following import Following
from core.station.inference import InferenceLink
from core.station.last_word import LastWord
from core.station.ports import CaptureLink, PresentationLabel, SessionOrder, StationLedger
from core.station.restraint import Restraint
from core.station.rounds import Rounds
from core.station.running import RunningSession

LAST_VERDICT_MS = 3000.0
"""How long a presentation that was ended may take to answer before its session closes."""
NEVER_BEGAN = "The session before it could not be closed."


class Station:
    """Owns the session, the presentation and every verdict of one camera: takes orders, and tells what happened."""

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
        clock = clock or SystemClock()
        self.source_kind = source_kind
        self._capture = capture
        self._inference = inference
        self._ledger = ledger
        self._release = release
        self._children = children = Children(capture, inference, clock)
        self._running = running = RunningSession(source_kind, capture, inference, ledger)
        self._following = following = Following(source_kind, inference, ledger, clock)
        self._restraint = restraint = Restraint(source_kind, inference, ledger, running)
        self._doorway = doorway = Doorway(source_kind, children, running, following, restraint, ledger, clock)
        self._last_word = LastWord(source_kind, running, following, restraint, doorway, ledger)
        self._rounds = Rounds(children, running, following, restraint, self._last_word, doorway, clock)
        self._rounds.tell(told)

    # --- what its parts keep --------------------------------------------------------------------------------------

    @property
    def health(self) -> CameraHealth | None:
        """The camera as it was heard last; ``None`` before it is known."""
        return self._children.health

    @property
    def model(self) -> ModelReady | None:
        """The model that decides; ``None`` until one is loaded, and while its process is down."""
        return self._children.model

    @property
    def policy(self) -> SitePolicy:
        """The site policy in force."""
        return self._following.policy

    @property
    def standing(self) -> Standing:
        """What the camera in use may do."""
        return self._following.standing

    @property
    def locked(self) -> bool:
        """Whether sources of its kind are locked out."""
        return self._restraint.locked

    @property
    def session(self) -> str:
        """The session that runs; empty for none."""
        return self._running.session

    @property
    def presentation(self) -> str:
        """The presentation that runs and was begun on command; empty for none."""
        return self._running.presentation

    @property
    def recorded(self) -> int:
        """Frame sets that the recorder has stored of the newest session, once it has closed."""
        return self._running.recorded

    # --- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Spawn capture and inference side by side."""
        self.start_inference()
        self.start_capture()

    def start_inference(self) -> None:
        """Spawn the inference process; it loads the champion at once."""
        self._rounds.tell(self._following.begin(self.health))
        self._rounds.tell(self._restraint.remember_lock_out())
        self._inference.start()
        self._restraint.remember_delay()

    def start_capture(self) -> None:
        """Spawn the capture process."""
        self._capture.start()

    def shutdown(self, timeout_s: float = 5.0) -> None:
        """Close the door and the session, end both processes, let go of the data folder.

        Each of these is done whatever becomes of the others; raises the first error of them.
        """
        release, self._release = self._release, None
        end_all(
            self._doorway.close,
            self.close_session,
            lambda: self._children.shutdown(timeout_s),
            *([release] if release is not None else []),
        )

    def poll(self, timeout_s: float = 0.05) -> list[Message]:
        """Wait for the children, at most ``timeout_s``; returns what happened, verdicts already stored."""
        return self._rounds.poll(timeout_s)

    def untold(self) -> list[Message]:
        """What happened since the last `poll`, without another round: after `shutdown`, what the end brought."""
        return self._rounds.untold()

    def pids(self) -> dict[str, int | None]:
        """Process ids of the children, for measurements and fault tests."""
        return self._children.pids()

    # --- orders of a person -------------------------------------------------------------------------------------

    def act_as(self, actor: Actor | None) -> None:
        """Whoever gives the orders from now on; ``None``: nobody has logged in."""
        self._ledger.act_as(actor)

    def open_session(self, order: SessionOrder) -> str:
        """Begin a session (closing the one before); frames are recorded when ``order.mode`` says so.

        An order that is refused (no consent, a locked site) leaves the running session as it is. If that one cannot be
        closed, the new one is cut off before it began.
        """
        session, recording = self._ledger.open_session(order, self.source_kind)
        try:
            self.close_session()
        except BaseException:
            self._ledger.close_session(session, SessionState.CUT_OFF, None, 0, NEVER_BEGAN)
            raise
        self._running.begin(session, order.purpose)
        self._restraint.tell_session()
        if recording is not None:
            self._running.record(recording)
        self._running.describe(self.health)
        return session

    def close_session(self, timeout_s: float = 30.0) -> None:
        """End the presentation, let the recorder finish, close the session's row.

        A presentation that is not answered in time is answered here: no response.
        """
        if not self.session:
            return
        self.end_presentation()
        self._rounds.until(lambda: not self._running.awaited, LAST_VERDICT_MS)
        self._rounds.tell(self._last_word.abandon())
        if self._running.stop_recording():
            self._rounds.until(lambda: not self._running.recording, 1000.0 * timeout_s)
        self._running.close(self.health)
        self._restraint.tell_session()

    def fail(self, what: str) -> None:
        """Camera or model is given up, for good: this session and each later one are closed as cut off.

        The first reason of these is stored with them: nothing that was given up comes back to this station.
        """
        self._running.fail(what)

    def begin_presentation(self, label: PresentationLabel | None = None) -> str:
        """Start a presentation on command; an earlier one that still runs ends first."""
        return self._running.begin_presentation(label or PresentationLabel())

    def end_presentation(self) -> None:
        """End the running presentation; its verdict comes as an event. Its frame sets are stored with it."""
        self._running.end_presentation()

    def discard_presentation(self, presentation: str) -> None:
        """A take that is not to be used (Collect: discard, retake)."""
        self._ledger.discard_presentation(presentation)

    def set_options(self, options: SetOptions) -> None:
        """Camera settings, or the face region for auto-exposure."""
        self._ledger.require(Permission.CAMERA)
        self._capture.send(options)

    def unlock(self, reason: str) -> None:
        """A supervisor ends the lock-out, and a delay with it, with a reason; it is audited first."""
        self._restraint.unlock(reason)

    def connect_door(self, places: DoorPlaces) -> None:
        """Tell verdicts to gate controllers at ``places`` from now on, and to nobody else; to nobody if it is empty.

        Raises `core.errors.KnownError` when the place cannot be used; the door that was before is closed all the same.
        """
        self._doorway.connect(places)

    def pause_door(self, paused: bool) -> None:
        """Keep the door closed whatever the verdicts say, until a person lets it go again."""
        self._doorway.paused = paused
