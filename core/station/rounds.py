"""The rounds of a station: what its processes say goes to the part that it concerns, and comes out as events."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.clock import Clock
from core.messages import (
    CameraHealth,
    ChallengeAnswered,
    ChallengeCamera,
    ChallengeWanted,
    LockOutChanged,
    Message,
    ModelReady,
    ObservationMade,
    Problem,
    RecordingClosed,
    ShadowSaid,
    StreamEnded,
    VerdictReached,
)
from core.station.children import Children
from core.station.doorway import Doorway
from core.station.following import Following
from core.station.last_word import LastWord
from core.station.restraint import Restraint
from core.station.running import RunningSession


class Rounds:
    """Each round hears both processes, then looks at the catalogue, then shows the station to its door."""

    def __init__(
        self,
        children: Children,
        running: RunningSession,
        following: Following,
        restraint: Restraint,
        last_word: LastWord,
        doorway: Doorway,
        clock: Clock,
    ) -> None:
        self._children = children
        self._running = running
        self._following = following
        self._restraint = restraint
        self._last_word = last_word
        self._doorway = doorway
        self._clock = clock
        self._waiting: list[Message] = []

    def tell(self, events: Iterable[Message]) -> None:
        """What happened outside of a round is told by the next `poll`."""
        self._waiting.extend(events)

    def poll(self, timeout_s: float) -> list[Message]:
        """One round of at most ``timeout_s``, which waits for nothing if something is to be told already."""
        waiting = self.untold()
        return waiting + self._turn(0.0 if waiting else timeout_s)

    def untold(self) -> list[Message]:
        """What waits for the next `poll`, once."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def until(self, done: Callable[[], bool], patience_ms: float) -> None:
        """Go on until ``done``; what happens meanwhile is told by the next `poll`."""
        deadline_ms = self._clock.now_ms() + patience_ms
        while not done() and self._clock.now_ms() < deadline_ms:
            self.tell(self._turn(0.05))

    def _turn(self, timeout_s: float) -> list[Message]:
        self._children.wait(timeout_s)
        events: list[Message] = []
        for message in self._children.capture.poll():
            events.extend(self._from_capture(message))
        messages, died = self._children.inference.poll()
        for message in messages:
            events.extend(self._from_inference(message))
        if died:
            self._children.model = None
            self._restraint.remember_delay()
            events.extend(self._last_word.abandon())
        events.extend(self._following.look(self._children.health))
        events.extend(self._doorway.look())
        return events

    def _from_capture(self, message: Message) -> list[Message]:
        match message:
            case CameraHealth():
                return [message, *self._camera_says(message)]
            case RecordingClosed(problem=problem):
                self._running.recording_closed(message)
                return [message, Problem(problem)] if problem else [message]
            case ChallengeAnswered():
                self._children.inference.send(message)
                return []
            case StreamEnded():
                self._running.end_presentation()
            case Problem(fatal=True, what=what):
                self._running.fail(what)
        return [message]

    def _camera_says(self, health: CameraHealth) -> list[Message]:
        before, self._children.health = self._children.health, health
        self._running.camera_says(health)
        if before is not None and (before.device, before.profiles) == (health.device, health.profiles):
            return []
        return self._following.stand(health)

    def _from_inference(self, message: Message) -> list[Message]:
        match message:
            case ObservationMade(observation=observation):
                self._running.looked_at(observation.frame_set)
            case ModelReady():
                self._children.model = message
            case LockOutChanged(locked=locked):
                self._restraint.lock_out_changed(locked)
            case ChallengeWanted(nonce=nonce):
                self._children.capture.send(ChallengeCamera(nonce))
                return []
            case VerdictReached(verdict=verdict):
                return self._last_word.conclude(verdict)
            case ShadowSaid():
                self._last_word.note_shadow(message)
                return []
            case Problem(fatal=True, what=what):
                self._running.fail(what)
        return [message]
