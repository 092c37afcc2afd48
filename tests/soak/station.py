"""The station under soak: ``python -m tests.soak.station DATA SOURCE ROLL_S``; ends when its stdin closes.

It records frames in sessions of ROLL_S seconds, one presentation after the other, removes the frames of the session
before the last, as retention would, and tells one JSON line in ten seconds: pids, latencies, drops, verdicts, log size.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import main
from core.codes import RecordMode, SessionPurpose, SessionState
from core.commandline import build_parser
from core.messages import CameraHealth, Message, ObservationMade, Problem, VerdictCommitted
from core.station import SessionOrder, Station
from core.station.ports import PresentationLabel
from storage.paths import DataFolder
from tests import stored

ORDER = SessionOrder(SessionPurpose.COLLECTION, RecordMode.FRAMES)
PERIOD_S = 10.0
FILL_VERDICTS = 2000


class Interval:
    """What happened since the last line."""

    def __init__(self) -> None:
        self.latency_ms: list[float] = []
        self.verdict_ms: list[float] = []
        self.verdicts = 0
        self.problems = 0
        self.dropped = 0
        self.sets = 0

    def take(self, event: Message) -> None:
        """One event of the station."""
        if isinstance(event, ObservationMade):
            self.latency_ms.append(event.observation.latency_ms)
        elif isinstance(event, VerdictCommitted):
            self.verdicts += 1
            self.verdict_ms.append(event.verdict.duration_ms)
        elif isinstance(event, Problem):
            self.problems += 1
        elif isinstance(event, CameraHealth):
            self.dropped, self.sets = event.dropped_capture + event.dropped_recorder, event.sets

    def line(self, station: Station, folder: DataFolder, sessions: int) -> str:
        """The figures so far, as JSON; the intervals begin anew."""
        logs = [path.stat().st_size for path in folder.root.rglob("*.db-wal")]
        said = {
            "pids": station.pids(),
            "latency_ms": _percentiles(self.latency_ms),
            "verdict_ms": _percentiles(self.verdict_ms),
            "verdicts": self.verdicts,
            "problems": self.problems,
            "dropped": self.dropped,
            "sets": self.sets,
            "sessions": sessions,
            "wal_bytes": max(logs, default=0),
        }
        self.latency_ms, self.verdict_ms, self.verdicts = [], [], 0
        return json.dumps(said)


def _percentiles(values: list[float]) -> list[float] | None:
    return [round(float(value), 2) for value in np.percentile(values, [50, 99])] if values else None


def fill(station: Station) -> None:
    """Verdicts before the run, in the station's own connection.

    SQLite's page cache fills with the first verdicts and then stays (measured: 3.6 MiB over the first 1,750, none
    after): a station of some days has that behind it, and a soak of an hour must not take it for a leak.
    """
    ledger = station._ledger
    session, _ = ledger.open_session(SessionOrder(), station.source_kind)
    for _ in range(FILL_VERDICTS):
        presentation = ledger.open_presentation(session, PresentationLabel(), 0.0)
        verdict = stored.verdict(session, presentation)
        ledger.commit_verdict(replace(verdict, source_kind=station.source_kind))
        ledger.close_presentation(presentation, 1, 2, 1.0)
    ledger.close_session(session, SessionState.CLOSED, None, 0)


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def run(data: Path, source: str, roll_s: float) -> None:
    """Until stdin closes."""
    options = build_parser().parse_args(["--data", str(data)])
    station, _ = main.build_station(options, source, lambda catalogue: None, automatic=False)
    folder, interval, ended = DataFolder(data), Interval(), threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(ended,), daemon=True).start()
    fill(station)
    station.start()
    sessions = [station.open_session(ORDER)]
    opened_s = told_s = time.monotonic()
    try:
        while not ended.is_set():
            for event in station.poll(0.05):
                interval.take(event)
            if not station.presentation and station.model is not None:
                station.begin_presentation()
            now_s = time.monotonic()
            if now_s - opened_s >= roll_s:
                sessions.append(station.open_session(ORDER))
                opened_s = time.monotonic()
                for stale in folder.sessions.glob(f"{sessions[-2]}.db*"):
                    stale.unlink()
            if now_s - told_s >= PERIOD_S:
                told_s = now_s
                print(interval.line(station, folder, len(sessions)), flush=True)
    finally:
        station.shutdown()


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
