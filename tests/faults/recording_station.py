"""A station that records frames and acknowledges on stdout what it has committed; killed by the tests beside it.

``python -m tests.faults.recording_station DATA [window]``: JSON lines ``{"pids": ...}``, ``{"session": ID}``,
``{"verdict": ROW}``, ``{"recorded": N}``, ``{"recovered": NAME}``. It ends when its stdin closes.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import main
from core.codes import RecordMode, SessionPurpose
from core.commandline import build_parser
from core.messages import CameraHealth, Message, ModelReady, VerdictCommitted
from core.station import SessionOrder, Station

ORDER = SessionOrder(SessionPurpose.COLLECTION, RecordMode.FRAMES)
SOURCE = "simulated"


def acknowledge(**values: Any) -> None:
    """One line, flushed: what is said here was committed before."""
    print(json.dumps(values), flush=True)


class Acknowledger:
    """Turns the station's events into lines."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._pids: dict[str, int | None] = {}
        self._recorded = 0

    def take(self, event: Message) -> None:
        """One event."""
        if isinstance(event, VerdictCommitted):
            acknowledge(verdict=event.row_id)
        elif isinstance(event, CameraHealth) and event.recorded != self._recorded:
            self._recorded = event.recorded
            acknowledge(recorded=event.recorded)
        elif isinstance(event, ModelReady):
            acknowledge(model=event.sha256)
        pids = self._station.pids()
        if pids != self._pids:
            self._pids = pids
            acknowledge(pids=pids)


def stdin_closed() -> threading.Event:
    """Set when the test lets go."""
    closed = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        closed.set()

    threading.Thread(target=watch, daemon=True).start()
    return closed


def run_station(data: str) -> None:
    """Headless: one presentation after the other."""
    options = build_parser().parse_args(["--data", data])
    station, _ = main.build_station(options, SOURCE, lambda catalogue: None, automatic=False)
    done, lines = stdin_closed(), Acknowledger(station)
    station.start()
    acknowledge(session=station.open_session(ORDER))
    try:
        while not done.is_set():
            for event in station.poll(0.05):
                lines.take(event)
            if not station.presentation and station.model is not None:
                station.begin_presentation()
    finally:
        station.shutdown()


def run_window(data: str) -> None:
    """The real window, recording through its own station link."""
    from PySide6.QtCore import QTimer

    from gui.app import Desk, SallyportApp

    options = build_parser().parse_args(["--data", data])
    app = SallyportApp([])
    desk = Desk(app, main.window_services(options))
    done = stdin_closed()
    link = desk.link
    link.committed.connect(lambda event: acknowledge(verdict=event.row_id))
    link.health_changed.connect(lambda health: acknowledge(recorded=health.recorded))
    started: list[str] = []

    def opened(session: str) -> None:
        acknowledge(session=session)

    def tick() -> None:
        if done.is_set():
            app.quit()
        elif link.connected and link.model is not None:
            if not started:
                started.append("recording")
                link.open_session(ORDER, opened)
            link.order(lambda station: station.presentation or station.begin_presentation())

    timer = QTimer(app)
    timer.timeout.connect(tick)
    timer.start(100)
    desk.open()
    app.exec()
    desk.close()


if __name__ == "__main__":
    (run_window if "window" in sys.argv[2:] else run_station)(sys.argv[1])
