"""`run --headless`: the station without a window, for a number of seconds of camera time, and its JSON report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.clock import Clock, SystemClock
from core.codes import ConnectionState
from core.door.output import DoorPlaces
from core.errors import HostError, KnownError
from core.frames import MODALITIES
from core.messages import (
    CameraHealth,
    DoorChanged,
    Message,
    ObservationMade,
    Problem,
    Standing,
    StreamEnded,
    VerdictCommitted,
)
from core.probing import AlarmRaised
from core.results import write_json
from core.station.daily_command import DailyCommand
from core.station.ending import end_all
from core.station.ports import SessionOrder
from core.station.station import Station
from core.verdict import Verdict

SCHEMA = 1
LAST_VERDICT_MS = 5000.0
"""How long the last presentation may take to answer once the camera has ended."""
NO_DOOR = DoorPlaces()
READY_MS = 60_000.0
"""How long a camera may take to its first frame, and a model to load."""


@dataclass
class RunReport:
    """What happened in a run, gathered from the station's events."""

    session: str = ""
    canceled: bool = False
    health: CameraHealth | None = None
    masks: list[tuple[float, str]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    hints: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    recorded: int = 0
    standing: Standing = field(default_factory=Standing)
    door: list[DoorChanged] = field(default_factory=list)
    alarms: list[AlarmRaised] = field(default_factory=list)

    def add(self, event: Message) -> None:
        """Take one event."""
        if isinstance(event, CameraHealth):
            self.health = event
            if event.sets and (not self.masks or self.masks[-1][1] != str(event.mask)):
                self.masks.append((round(event.camera_s, 3), str(event.mask)))
        elif isinstance(event, ObservationMade):
            self.latency_ms.append(event.observation.latency_ms)
            for hint in event.observation.hints:
                self.hints[hint] = self.hints.get(hint, 0) + 1
        elif isinstance(event, VerdictCommitted):
            self.verdicts.append(event.verdict)
        elif isinstance(event, DoorChanged):
            self.door.append(event)
        elif isinstance(event, AlarmRaised):
            self.alarms.append(event)
        elif isinstance(event, Problem):
            self.problems.append(f"{event.what} {event.remedy}".strip())

    def to_json(self) -> dict[str, Any]:
        """The run JSON of formats.md."""
        health = self.health
        streams = health.streams if health else {}
        return {
            "schema": SCHEMA,
            "source_kind": str(health.source_kind) if health else None,
            "session": self.session,
            "canceled": self.canceled,
            "device": _device_json(health) if health else None,
            "frames": {str(m): streams[m].frames if m in streams else 0 for m in MODALITIES},
            "sets": health.sets if health else 0,
            "masks": [list(entry) for entry in self.masks],
            "skew_ms": dict(health.skew_ms) if health else {},
            "drops": {
                "capture": health.dropped_capture if health else 0,
                "recorder": health.dropped_recorder if health else 0,
            },
            "recorded": self.recorded,
            "camera": self.standing.camera,
            "commissioned": self.standing.commissioned,
            "alarms": [{"steps": alarm.steps, "delay_s": alarm.delay_s} for alarm in self.alarms],
            "qualified": [str(mask) for mask in sorted(self.standing.qualified)],
            "verdicts": [_verdict_json(v) for v in self.verdicts],
            "latency_ms": self._latency_json(),
            "hints": self.hints,
            "door": [{"open": one.open, "reason": one.reason, "controllers": one.controllers} for one in self.door],
            "problems": self.problems,
        }

    def _latency_json(self) -> dict[str, float | None]:
        answered = [v.duration_ms for v in self.verdicts if v.score is not None]
        first = round(answered[0], 1) if answered else None
        if not self.latency_ms:
            return {"p50": None, "p95": None, "first_verdict": first}
        p50, p95 = np.percentile(self.latency_ms, [50, 95])
        return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "first_verdict": first}


def _device_json(health: CameraHealth) -> dict[str, Any]:
    device = health.device
    return {
        "name": device.name,
        "serial": device.serial,
        "firmware": device.firmware,
        "usb": device.usb,
        "port": device.port,
        "product_id": device.product_id,
        "asic_serial": device.asic_serial,
        "streams": {
            str(modality): {
                "width": profile.width,
                "height": profile.height,
                "fps_hz": profile.fps_hz,
                "depth_unit_m": profile.depth_unit_m,
                "intrinsics": None
                if profile.intrinsics is None
                else {
                    "fx": profile.intrinsics.fx,
                    "fy": profile.intrinsics.fy,
                    "cx": profile.intrinsics.cx,
                    "cy": profile.intrinsics.cy,
                    "model": profile.intrinsics.model,
                    "coeffs": list(profile.intrinsics.coeffs),
                },
                "to_rgb": None
                if profile.to_rgb is None
                else {
                    "rotation": list(profile.to_rgb.rotation),
                    "translation_m": list(profile.to_rgb.translation_m),
                },
            }
            for modality, profile in health.profiles.items()
        },
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "t_s": round(verdict.t_s, 3),
        "shadow": verdict.shadow,
        "outcome": str(verdict.outcome),
        "reason": str(verdict.reason),
        "mask": str(verdict.mask),
        "score": verdict.score,
        "threshold": verdict.threshold,
        "rule": str(verdict.rule),
        "model": verdict.model,
        "presentation": verdict.presentation,
        "challenge": None if verdict.trace.challenge is None else str(verdict.trace.challenge.result),
    }


def run_headless(
    station: Station,
    order: SessionOrder,
    report_path: Path,
    canceled: Callable[[], bool],
    door: DoorPlaces = NO_DOOR,
    clock: Clock | None = None,
    on_event: Callable[[Message], None] | None = None,
    daily: DailyCommand | None = None,
) -> RunReport:
    """Run until the stream ends (the capture process counts the camera seconds) or ``canceled``; always write JSON.

    One presentation follows the other. ``daily``: what is done once a day beside it. Whoever cancels before the model
    is ready gets no session. Raises `HostError` when the camera never delivers or is given up; the report is written
    all the same.
    """
    clock = clock or SystemClock()
    report = RunReport()
    listen = on_event or (lambda _event: None)
    try:
        station.connect_door(door)
        # The model first: a file of a few frames would be over before a network is loaded.
        station.start_inference()
        _wait_for_model(station, report, canceled, clock, listen)
        if not canceled():
            station.start_capture()
            report.session = station.open_session(order)
            _loop(station, report, canceled, clock, listen, daily)
    except KnownError as error:
        station.fail(error.what)
        raise
    finally:
        end_all(
            station.shutdown,
            lambda: _end(station, report, canceled, listen, daily),
            lambda: write_json(report.to_json(), report_path),
        )
    return report


def _end(
    station: Station,
    report: RunReport,
    canceled: Callable[[], bool],
    listen: Callable[[Message], None],
    daily: DailyCommand | None,
) -> None:
    """What the end of the station brought: the answer to a presentation that was still running, for one."""
    for event in (*station.untold(), *(daily.finish() if daily is not None else ())):
        report.add(event)
        listen(event)
    report.health, report.recorded, report.standing = station.health, station.recorded, station.standing
    report.canceled = canceled()


def _take(station: Station, report: RunReport, listen: Callable[[Message], None], *, strict: bool = False) -> bool:
    """One round; says whether the stream ended in it. A fatal problem ends the run; if ``strict``, any problem."""
    ended = False
    for event in station.poll(0.05):
        report.add(event)
        listen(event)
        if isinstance(event, Problem) and (event.fatal or strict):
            raise event.error()
        ended = ended or isinstance(event, StreamEnded)
    return ended


def _wait_for_model(
    station: Station,
    report: RunReport,
    canceled: Callable[[], bool],
    clock: Clock,
    listen: Callable[[Message], None],
) -> None:
    started_ms = clock.now_ms()
    while station.model is None and not canceled():
        try:
            _take(station, report, listen, strict=True)
        except KnownError:
            if not canceled():  # Ctrl-C reaches a child that has not begun to leave it to its parent
                raise
        if clock.now_ms() - started_ms > READY_MS:
            raise HostError("The model was not ready within a minute.", "Check it with `main.py models`.")


def _loop(
    station: Station,
    report: RunReport,
    canceled: Callable[[], bool],
    clock: Clock,
    listen: Callable[[Message], None],
    daily: DailyCommand | None,
) -> None:
    started_ms = clock.now_ms()
    ended_ms: float | None = None
    while not canceled():
        for problem in daily.look() if daily is not None else ():
            report.add(problem)
            listen(problem)
        if _take(station, report, listen):
            ended_ms = clock.now_ms()
        now = clock.now_ms()
        streaming = station.health is not None and station.health.sets > 0
        if ended_ms is not None and not report.verdicts and not station.presentation:
            # A recording so short that it was over before its first presentation could begin.
            station.begin_presentation()
            station.end_presentation()
        elif ended_ms is not None and (not station.presentation or now - ended_ms > LAST_VERDICT_MS):
            return
        elif ended_ms is None and streaming and not station.presentation and station.model is not None:
            station.begin_presentation()
        if not streaming and ended_ms is None and now - started_ms > READY_MS:
            raise HostError("The camera delivered no frame within a minute.", "Check its cable, then `main.py doctor`.")
        if station.health is not None and station.health.state is ConnectionState.FAILED:
            raise HostError(station.health.problem or "The camera was given up.", "Check it with `main.py doctor`.")
