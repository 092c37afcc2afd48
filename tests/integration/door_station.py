"""A station with a door and a live, qualified camera that delivers no frames: verdicts come when the test asks.

``python -m tests.integration.door_station DATA SOCKET [HOOK]``: station, ledger, catalogue and door are the real ones;
camera and model are played. Each line on stdin is the outcome of a verdict to reach, ``lock``, ``lose`` (the camera) or
``full`` (the disk). It tells JSON lines: ``{"door": [open, reason, controllers]}``, ``{"problem": TEXT}`` and
``{"verdict": ROW}``; it ends when its stdin closes.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.codes import ConnectionState, Outcome, SourceKind
from core.door.output import DoorPlaces
from core.errors import HostError, KnownError
from core.frames import ALL_MODALITIES, EVERY_MASK
from core.messages import (
    CameraHealth,
    DeviceInfo,
    DoorChanged,
    LockOutChanged,
    Message,
    ModelReady,
    Problem,
    Shutdown,
    Standing,
    VerdictCommitted,
    VerdictReached,
)
from core.processes import Child
from core.station import SessionOrder, Station
from core.station.inference import InferenceLink
from core.verdict import Verdict
from storage.catalogue import open_catalogue
from storage.opening import models_of
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger
from tests import stored


class PlayedCamera:
    """A `CaptureLink` that says it streams."""

    pipe: Connection | None = None
    pid: int | None = None

    def __init__(self) -> None:
        self._says: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.say(ConnectionState.STREAMING)

    def say(self, state: ConnectionState) -> None:
        self._says.put(CameraHealth(state, ALL_MODALITIES, SourceKind.LIVE, DeviceInfo("Played D435", serial="1")))

    def start(self) -> None: ...

    def send(self, message: Message) -> bool:
        return True

    def poll(self) -> list[Message]:
        return [self._says.get() for _ in range(self._says.qsize())]

    def shutdown(self, timeout_s: float) -> None: ...


CHECKED_UTC_S = time.time()
"""Its start-of-shift check has passed."""


class QualifiedLedger(CatalogueLedger):
    """The real ledger, for a camera that somebody has qualified; its disk fills up when told to."""

    full = False

    def standing(self, source_kind: SourceKind, health: CameraHealth | None, model: str) -> Standing:
        return Standing(frozenset(EVERY_MASK), CHECKED_UTC_S, commissioned=True)

    def commit_verdict(self, verdict: Verdict) -> int:
        if self.full:
            raise HostError("The disk is full.", "Free some space.")
        return super().commit_verdict(verdict)


def played_inference(pipe: Connection, says: queue.SimpleQueue[Message]) -> None:
    """The body of the inference process, as a thread: says what it is given until it is told to end."""
    pipe.send(ModelReady("a" * 64, "played", "cpu"))
    try:
        while True:
            while pipe.poll(0.01):
                if isinstance(pipe.recv(), Shutdown):
                    return
            while not says.empty():
                pipe.send(says.get())
    except (EOFError, OSError):
        return


def tell(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def serve(station: Station, camera: PlayedCamera, ledger: QualifiedLedger, says: queue.SimpleQueue[Message]) -> None:
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            asked.put(line.strip())
        asked.put("end")

    threading.Thread(target=listen, daemon=True).start()
    while True:
        for event in station.poll(0.02):
            if isinstance(event, DoorChanged):
                tell(door=[event.open, event.reason, event.controllers])
            elif isinstance(event, Problem):
                tell(problem=event.what)
            elif isinstance(event, VerdictCommitted):
                tell(verdict=event.row_id)
        while not asked.empty():
            what = asked.get()
            if what == "end":
                return
            if what == "lock":
                says.put(LockOutChanged(SourceKind.LIVE, True))
            elif what == "lose":
                camera.say(ConnectionState.LOST)
            elif what == "full":
                ledger.full = True
            else:
                presentation = station.begin_presentation()
                verdict = stored.verdict(station.session, presentation, model=ledger.champion()[0])
                says.put(VerdictReached(replace(verdict, source_kind=SourceKind.LIVE, outcome=Outcome(what))))


def run(data: Path, places: DoorPlaces) -> None:
    clock, camera = SystemClock(), PlayedCamera()
    says: queue.SimpleQueue[Message] = queue.SimpleQueue()
    with open_catalogue(data) as catalogue:
        models_of(catalogue)
        ledger = QualifiedLedger(catalogue, ModelRegistry(catalogue))
        inference = InferenceLink(Child("inference", played_inference, says, threaded=True), clock)
        station = Station(camera, inference, ledger, SourceKind.LIVE)
        station.start()
        station.open_session(SessionOrder())
        station.connect_door(places)
        try:
            serve(station, camera, ledger, says)
        finally:
            station.shutdown()


if __name__ == "__main__":
    try:
        run(Path(sys.argv[1]), DoorPlaces(*sys.argv[2:4]))
    except KnownError as error:
        tell(error=error.what)
        sys.exit(error.exit_code)
