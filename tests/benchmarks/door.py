"""How quickly a gate controller's door follows its station: real processes, the real socket, the real commit."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from core.door.line import OPEN_MS, TIMEOUT_MS
from tests.benchmarks.table import Row, percentiles
from tests.integration.test_door_processes import Told, closes, opens, ready

ROUNDS = 12


class Gate:
    """One station and one controller."""

    def __init__(self, folder: Path) -> None:
        place = folder / "door"
        self.station = Told("-m", "tests.integration.door_station", str(folder / "data"), str(place))
        self.controller = Told("main.py", "door", "watch", str(place))
        ready(self.station, self.controller)

    def open(self) -> None:
        """Until the door is open."""
        self.station.ask("bona_fide")
        self.controller.wait_for(opens, "an open door")

    def closed_after_ms(self, cause: Callable[[], None], reason: str) -> float:
        """From ``cause`` to the controller's closed door."""
        started_s = time.monotonic()
        cause()
        self.controller.wait_for(closes(reason), "a closed door")
        return 1000.0 * (time.monotonic() - started_s)

    def close(self) -> None:
        """End both."""
        self.station.close()
        self.controller.close()


def measure(work: Callable[[Gate], float]) -> list[float]:
    """``work`` with a fresh station each time, in milliseconds."""
    found = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            gate = Gate(Path(name))
            try:
                found.append(work(gate))
            finally:
                gate.close()
    return found


def _opened(gate: Gate) -> float:
    started_s = time.monotonic()
    gate.open()
    return 1000.0 * (time.monotonic() - started_s)


def _after(number: signal.Signals, reason: str) -> Callable[[Gate], float]:
    def work(gate: Gate) -> float:
        gate.open()
        return gate.closed_after_ms(lambda: gate.station.signal(number), reason)

    return work


def _refused(gate: Gate) -> float:
    gate.open()
    return gate.closed_after_ms(lambda: gate.station.ask("attack"), "not_bona_fide")


def rows() -> list[Row]:
    """Rows of this section."""
    limit = f"{TIMEOUT_MS:.0f} ms of silence"
    killed, frozen = measure(_after(signal.SIGKILL, "no_station")), measure(_after(signal.SIGSTOP, "silence"))
    return [
        Row("verdict asked for, stored, told: the controller's door is open", percentiles(measure(_opened))),
        Row("attack asked for, stored, told: it is closed", percentiles(measure(_refused))),
        Row("station killed (SIGKILL): it is closed", percentiles(killed), limit),
        Row("station frozen (SIGSTOP): it is closed", percentiles(frozen), limit),
        Row("longest that one verdict opens", f"{OPEN_MS:.0f} ms"),
    ]
