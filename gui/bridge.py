"""The thread between the window and the station: it polls the station and turns messages into small typed signals.

Frames never travel in signals (anchors.md 4.1): the picture views take the newest one from the ring on a timer.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QThread, Signal, Slot
from shiboken6 import isValid

from core.errors import KnownError
from core.messages import (
    CameraHealth,
    DoorChanged,
    LockOutChanged,
    Message,
    ModelReady,
    ObservationMade,
    Problem,
    RecordingClosed,
    Standing,
    StreamEnded,
    VerdictCommitted,
)
from core.probing import AlarmRaised
from gui.services import LiveStation, StationPort

T = TypeVar("T")
POLL_S = 0.02


class StationSignals(QObject):
    """What a station says, as signals; the bridge emits them from its thread, the link tells the window."""

    health_changed = Signal(object)
    observed = Signal(object)
    committed = Signal(object)
    """`VerdictCommitted`: stored, hence final."""
    lock_changed = Signal(bool)
    model_ready = Signal(object)
    standing_changed = Signal(object)
    """`Standing`: what the camera in use may do."""
    alarm = Signal(object)
    """Somebody is probing (`core.probing.AlarmRaised`)."""
    recording_closed = Signal(object)
    stream_ended = Signal()
    door_changed = Signal(object)
    """`DoorChanged`."""
    problem = Signal(object)
    """`Problem`: something known went wrong."""
    broke = Signal(object)
    """An exception that is a bug; the station is shut down."""


class StationBridge(QThread):
    """Opens a station in its own thread, polls it until `stop`, and shuts it down."""

    opened = Signal(object)
    """`LiveStation`: the processes are being started; the ring can be read."""
    _answered = Signal(object, object, object)

    def __init__(self, open_station: Callable[[], LiveStation], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.says = StationSignals(self)
        self._open_station = open_station
        self._orders: SimpleQueue[Callable[[StationPort], None]] = SimpleQueue()
        self._stop = False
        self._answered.connect(self._answer)

    def order(
        self,
        work: Callable[[StationPort], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[], object] | None = None,
        owner: QObject | None = None,
    ) -> None:
        """Let the bridge's thread do ``work(station)`` at its next round; ``done(result)`` follows on the GUI thread.

        A known error becomes a problem signal, and ``failed()`` follows instead of ``done``. Where ``owner`` is gone by
        then, neither does.
        """

        def run(station: StationPort) -> None:
            try:
                result = work(station)
            except KnownError as error:
                self.says.problem.emit(Problem(error.what, error.remedy))
                if failed is not None:
                    self._answered.emit(owner, lambda _nothing: failed(), None)
                return
            if done is not None:
                self._answered.emit(owner, done, result)

        self._orders.put(run)

    def stop(self) -> None:
        """Ask the thread to shut the station down and end."""
        self._stop = True

    def run(self) -> None:
        """The thread's body."""
        try:
            live = self._open_station()
        except KnownError as error:
            self.says.problem.emit(Problem(error.what, error.remedy, fatal=True))
            return
        except Exception as error:  # noqa: BLE001 - a bug: told in the window, the program goes on
            self.says.broke.emit(error)
            return
        station = live.station
        try:
            station.start()
            self.opened.emit(live)
            while not self._stop:
                self._run_orders(station)
                for message in station.poll(POLL_S):
                    self._tell(message)
        except KnownError as error:
            self.says.problem.emit(Problem(error.what, error.remedy, fatal=True))
        except Exception as error:  # noqa: BLE001 - as above
            self.says.broke.emit(error)
        finally:
            self._shut_down(station)

    def _shut_down(self, station: StationPort) -> None:
        try:
            station.shutdown()
        except KnownError as error:
            self.says.problem.emit(Problem(error.what, error.remedy))
        except Exception as error:  # noqa: BLE001 - as above
            self.says.broke.emit(error)

    def _run_orders(self, station: StationPort) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except Empty:
                return
            order(station)

    def _tell(self, message: Message) -> None:
        match message:
            case CameraHealth():
                self.says.health_changed.emit(message)
            case ObservationMade():
                self.says.observed.emit(message.observation)
            case VerdictCommitted():
                self.says.committed.emit(message)
            case LockOutChanged():
                self.says.lock_changed.emit(message.locked)
            case ModelReady():
                self.says.model_ready.emit(message)
            case AlarmRaised():
                self.says.alarm.emit(message)
            case Standing():
                self.says.standing_changed.emit(message)
            case RecordingClosed():
                self.says.recording_closed.emit(message)
            case StreamEnded():
                self.says.stream_ended.emit()
            case DoorChanged():
                self.says.door_changed.emit(message)
            case Problem():
                self.says.problem.emit(message)
            case _:
                pass

    @Slot(object, object, object)
    def _answer(self, owner: QObject | None, done: Callable[[Any], object], result: object) -> None:
        if owner is None or isValid(owner):
            done(result)
