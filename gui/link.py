"""The station as the pages see it: stable signals and the newest known state, whatever source is connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

from core.access import Actor, Permission
from core.codes import RecordMode, SessionPurpose, SourceKind
from core.door.output import DoorPlaces
from core.frames import ModalityMask
from core.messages import CameraHealth, DoorChanged, ModelReady, Problem, Standing
from core.qualification.shadow import is_shadow
from core.station.ports import SessionOrder
from core.verdict import Observation
from gui.bridge import StationBridge, StationSignals
from gui.feed import FrameFeed
from gui.services import LiveStation, StationPort

T = TypeVar("T")

CHECKPOINT_ORDER = SessionOrder(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS)


class StationLink(StationSignals):
    """Connects one source at a time; keeps a bridge, the feed of pictures and the last health, model and session."""

    session_changed = Signal(str)
    source_changed = Signal(str)

    def __init__(
        self,
        open_station: Callable[[str, Actor | None], LiveStation],
        feed: FrameFeed,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._open_station = open_station
        self.feed = feed
        self.actor: Actor | None = None
        """Whoever has logged in; `core.access.LOCAL` where nobody has to."""
        self.source = ""
        self.source_kind: SourceKind | None = None
        self.health: CameraHealth | None = None
        self.observation: Observation | None = None
        self.model: ModelReady | None = None
        self.session = ""
        self.order_in_use = CHECKPOINT_ORDER
        self.asked = CHECKPOINT_ORDER
        """The newest order, whether or not its session has been opened yet."""
        self.locked = False
        self.standing = Standing()
        self.failure: Problem | None = None
        self.ended = False
        self.door: DoorChanged | None = None
        self.door_places = DoorPlaces()
        self.door_paused = False
        self._bridge: StationBridge | None = None
        self._next_source: str | None = None

    @property
    def connected(self) -> bool:
        """Whether a station runs."""
        return self._bridge is not None and self._bridge.isRunning() and self.failure is None

    @property
    def busy(self) -> bool:
        """Whether a station runs, is shutting down or is about to be opened."""
        return self._bridge is not None

    @property
    def shadow(self) -> bool:
        """Whether a verdict would be a shadow verdict, with the sensors that deliver now."""
        mask = self.health.mask if self.health is not None else ModalityMask(0)
        return self.source_kind is not None and is_shadow(self.source_kind, mask, self.standing.qualified)

    def connect_source(self, source: str) -> None:
        """Open a station for ``source``; the present one is shut down first, without making the window wait.

        A bridge whose thread has ended is the present one until `_on_finished` has heard of it.
        """
        if self._bridge is not None:
            self._next_source = source
            self._bridge.stop()
            return
        self._open(source)

    def disconnect_source(self) -> None:
        """Let the camera go; the window stays."""
        self._next_source = None
        if self._bridge is not None:
            self._bridge.stop()

    def close(self) -> None:
        """Shut the station down and wait for it: the session is closed and the last verdict stored."""
        self._next_source = None
        self.feed.stop()
        if self._bridge is not None:
            self._bridge.stop()
            self._bridge.wait()
            self._bridge = None

    def order(
        self,
        work: Callable[[StationPort], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[], object] | None = None,
        owner: QObject | None = None,
    ) -> bool:
        """See `StationBridge.order`; ``False`` when no station runs."""
        if self._bridge is None or not self.connected:
            self.problem.emit(Problem("No camera is connected.", "Choose a source on the page Devices."))
            if failed is not None:
                failed()
            return False
        self._bridge.order(work, done, failed, owner)
        return True

    def act_as(self, actor: Actor | None) -> None:
        """Somebody else is at the window: the session ends, and whoever may operate begins a new one."""
        self.actor = actor
        if self._bridge is None or not self.connected:
            return

        def change(station: StationPort) -> None:
            _close_session(station)
            station.act_as(actor)

        self.asked = CHECKPOINT_ORDER
        self.order(change, lambda _nothing: self._no_session())
        if actor is not None and actor.may(Permission.OPERATE):
            self.open_session(CHECKPOINT_ORDER)
            if self.door_places:
                self._connect_door()

    def end_collection(self) -> None:
        """Nothing is recorded any more: the session ends, and whoever may operate begins one that decides."""
        self.asked = CHECKPOINT_ORDER
        self.order(_close_session, lambda _nothing: self._no_session())
        if self.actor is not None and self.actor.may(Permission.OPERATE):
            self.open_session(CHECKPOINT_ORDER)

    def _no_session(self) -> None:
        self.order_in_use = CHECKPOINT_ORDER
        self._set_session("")

    def open_session(
        self,
        order: SessionOrder,
        done: Callable[[str], object] | None = None,
        failed: Callable[[], object] | None = None,
        owner: QObject | None = None,
    ) -> bool:
        """Begin a session of this kind; `session_changed` tells its id. ``owner``: of ``done`` and ``failed``."""

        def opened(session: str) -> None:
            self.order_in_use = order
            self._set_session(session)
            if done is not None and (owner is None or isValid(owner)):
                done(session)

        def refused() -> None:
            if failed is not None and (owner is None or isValid(owner)):
                failed()

        self.asked = order
        return self.order(lambda station: station.open_session(order), opened, refused)

    def use_door(self, places: DoorPlaces, at_once: bool = True) -> None:
        """Tell verdicts to gate controllers there: from now on where it is ``at_once``, and for every later station."""
        if places == self.door_places:
            return
        self.door_places = places
        if not at_once:
            return
        self._set_door(None)
        if self.connected:
            self._connect_door()

    def _connect_door(self) -> None:
        places = self.door_places
        self.order(lambda station: station.connect_door(places))

    def pause_door(self, paused: bool) -> None:
        """Keep the door closed whatever the verdicts say, over a change of the source too."""
        self.door_paused = paused
        if self.connected:
            self.order(lambda station: station.pause_door(paused))

    def _set_door(self, door: DoorChanged | None) -> None:
        self.door = door
        self.door_changed.emit(door)

    def _open(self, source: str) -> None:
        self.source, self.source_kind, self.health, self.model = source, None, None, None
        self.observation, self.failure, self.locked, self.ended = None, None, False, False
        self.standing = Standing()
        self._set_session("")
        actor = self.actor
        bridge = StationBridge(lambda: self._open_station(source, actor), self)
        bridge.opened.connect(self._on_opened)
        bridge.says.health_changed.connect(self._on_health)
        bridge.says.observed.connect(self._on_observed)
        bridge.says.committed.connect(self.committed)
        bridge.says.lock_changed.connect(self._on_lock)
        bridge.says.model_ready.connect(self._on_model)
        bridge.says.standing_changed.connect(self._on_standing)
        bridge.says.alarm.connect(self.alarm)
        bridge.says.recording_closed.connect(self.recording_closed)
        bridge.says.stream_ended.connect(self._on_ended)
        bridge.says.door_changed.connect(self._set_door)
        bridge.says.problem.connect(self._on_problem)
        bridge.says.broke.connect(self.broke)
        bridge.finished.connect(self._on_finished)
        self._bridge = bridge
        self.source_changed.emit(source)
        bridge.start()

    def _set_session(self, session: str) -> None:
        if session != self.session:
            self.session = session
            self.session_changed.emit(session)

    @Slot(object)
    def _on_opened(self, live: LiveStation) -> None:
        self.source_kind = live.station.source_kind
        self.feed.attach(live.frames)
        if self.door_paused:
            self.pause_door(True)
        self.act_as(self.actor)
        self.source_changed.emit(self.source)

    @Slot(object)
    def _on_health(self, health: CameraHealth) -> None:
        self.health = health
        self.health_changed.emit(health)

    @Slot(object)
    def _on_observed(self, observation: Observation) -> None:
        self.observation = observation
        self.observed.emit(observation)

    @Slot(bool)
    def _on_lock(self, locked: bool) -> None:
        self.locked = locked
        self.lock_changed.emit(locked)

    @Slot(object)
    def _on_model(self, model: ModelReady) -> None:
        self.model = model
        self.model_ready.emit(model)

    @Slot(object)
    def _on_standing(self, standing: Standing) -> None:
        self.standing = standing
        self.standing_changed.emit(standing)

    @Slot()
    def _on_ended(self) -> None:
        self.ended = True
        self.stream_ended.emit()

    @Slot(object)
    def _on_problem(self, problem: Problem) -> None:
        if problem.fatal:
            self.failure = problem
        self.problem.emit(problem)

    @Slot()
    def _on_finished(self) -> None:
        self.feed.detach()
        if self.sender() is not None:
            self.sender().deleteLater()
        self._bridge = None
        self._set_door(None)
        if self._next_source is not None:
            source, self._next_source = self._next_source, None
            self._open(source)


def _close_session(station: StationPort) -> None:
    if station.session:
        station.close_session()
