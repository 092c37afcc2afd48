"""A scripted station and camera for tests of the window: no processes, no SDK, no model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.access import Actor
from core.codes import ConnectionState, Hint, Outcome, Reason, Rule, SourceKind
from core.door.output import DoorPlaces
from core.frames import (
    ALL_MODALITIES,
    Frame,
    FrameSet,
    Intrinsics,
    Modality,
    ModalityMask,
    StreamProfile,
)
from core.messages import (
    CameraHealth,
    DeviceInfo,
    Message,
    ModelReady,
    ObservationMade,
    SetOptions,
    StreamHealth,
    VerdictCommitted,
)
from core.policy import SitePolicy
from core.station.ports import PresentationLabel, SessionOrder
from core.verdict import Evidence, Observation, Trace, Verdict

MODEL = "5a" * 32


def profiles() -> dict[Modality, StreamProfile]:
    pinhole = Intrinsics(640, 480, 600.0, 600.0, 320.0, 240.0)
    return {
        m: StreamProfile(m, 640, 480, 30.0, pinhole, depth_unit_m=0.001 if m is Modality.DEPTH else None)
        for m in Modality
    }


def frame_set(number: int, mask: ModalityMask = ALL_MODALITIES) -> FrameSet:
    """A drawn head: an ellipse with eyes in colour, its depth, its infrared."""
    rgb = np.full((480, 640, 3), (96, 104, 116), np.uint8)
    cv2.ellipse(rgb, (320, 240), (95, 125), 0, 0, 360, (196, 152, 130), -1, cv2.LINE_AA)
    for x in (285, 355):
        cv2.circle(rgb, (x, 215), 10, (40, 36, 34), -1, cv2.LINE_AA)
    depth = np.full((480, 640), 1300, np.uint16)
    cv2.ellipse(depth, (320, 240), (95, 125), 0, 0, 360, 620, -1)
    ir = np.full((480, 640), 40, np.uint8)
    cv2.ellipse(ir, (320, 240), (95, 125), 0, 0, 360, 170, -1, cv2.LINE_AA)
    pixels: dict[Modality, NDArray[Any]] = {Modality.RGB: rgb, Modality.DEPTH: depth, Modality.IR: ir}
    frames = {m: Frame(m, pixels[m], number, number * 33.3) for m in mask}
    return FrameSet(number, number * 33.3, frames, mask, profiles(), skew_ms=1.2)


def health(
    state: ConnectionState = ConnectionState.STREAMING,
    kind: SourceKind = SourceKind.SIMULATED,
    mask: ModalityMask = ALL_MODALITIES,
    problem: str = "",
) -> CameraHealth:
    streams = {m: StreamHealth(frames=300, fps_hz=30.0 if m in mask else 0.0) for m in Modality}
    return CameraHealth(
        state,
        mask,
        kind,
        DeviceInfo("Simulated D435", serial="sim-1"),
        streams,
        profiles(),
        camera_s=10.0,
        sets=300,
        skew_ms={"p50": 1.1, "p95": 2.4, "max": 4.0},
        temperature_c=31.5,
        problem=problem,
    )


def observation(number: int = 1, hints: tuple[Hint, ...] = (Hint.OK,), face: bool = True) -> Observation:
    return Observation(
        number,
        number * 33.3,
        ALL_MODALITIES,
        evidence(ALL_MODALITIES) if face else None,
        reason=Reason.NONE if face else Reason.NO_FACE,
        hints=hints,
        box=(225, 115, 190, 250) if face else None,
        latency_ms=40.0,
    )


def evidence(mask: ModalityMask, logit: float = 3.0) -> Evidence:
    return Evidence(
        mask,
        logit,
        1.0 / (1.0 + float(np.exp(-logit))),
        modality_scores={str(m): 0.9 for m in mask},
        residuals={str(m): 0.1 for m in mask},
        physics={"quadric_residual_mm": 2.3, "ir_level_m2": 0.8},
        uncertainty=0.1,
    )


def verdict(outcome: Outcome = Outcome.BONA_FIDE, **changes: object) -> Verdict:
    made = Verdict(
        presentation="p1",
        session="s1",
        source_kind=SourceKind.SIMULATED,
        shadow=False,
        t_s=3.2,
        outcome=outcome,
        reason=Reason.NONE,
        mask=ALL_MODALITIES,
        score=0.95 if outcome is Outcome.BONA_FIDE else 0.02,
        threshold=0.5,
        rule=Rule.THRESHOLD,
        model=MODEL,
        trace=Trace((1, 2), (), {}, {}, 0.5, None, Rule.THRESHOLD, MODEL, "00"),
        duration_ms=800.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class FakeFrames:
    """A ring that holds what `push` put there."""

    def __init__(self) -> None:
        self._set: FrameSet | None = None
        self.closed = False

    def push(self, one: FrameSet) -> None:
        self._set = one

    def newest(self, after: int, timeout_ms: float) -> tuple[FrameSet, float] | None:
        assert timeout_ms == 0, "the window must never wait for a frame"
        if self._set is None or self._set.number <= after:
            return None
        return self._set, 0.0

    def close(self) -> None:
        self.closed = True


class FakeStation:
    """Does what it is told and says what the test puts into `say`."""

    def __init__(self, kind: SourceKind = SourceKind.SIMULATED) -> None:
        self.source_kind = kind
        self.policy = SitePolicy()
        self.health: CameraHealth | None = None
        self.model: ModelReady | None = None
        self.session = ""
        self.presentation = ""
        self.calls: list[tuple[str, object]] = []
        self.thread: int | None = None
        self.started = self.ended = False
        self._lock = threading.Lock()
        self._events: list[Message] = []
        self._error: BaseException | None = None
        self._sessions = 0

    def say(self, *events: Message) -> None:
        with self._lock:
            self._events.extend(events)

    def fail(self, error: BaseException) -> None:
        self._error = error

    def named(self, name: str) -> list[object]:
        return [what for called, what in self.calls if called == name]

    @property
    def orders(self) -> list[SessionOrder]:
        """The sessions that were opened."""
        return [what for what in self.named("open_session") if isinstance(what, SessionOrder)]

    def start(self) -> None:
        self.started, self.thread = True, threading.get_ident()

    def shutdown(self, timeout_s: float = 5.0) -> None:
        self.ended = True

    def poll(self, timeout_s: float = 0.05) -> list[Message]:
        time.sleep(0.002)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        with self._lock:
            events, self._events = self._events, []
        return events

    def open_session(self, order: SessionOrder) -> str:
        self._sessions += 1
        self.session = f"s{self._sessions}"
        self.calls.append(("open_session", order))
        return self.session

    def close_session(self) -> None:
        self.calls.append(("close_session", self.session))
        self.session = ""

    def begin_presentation(self, label: PresentationLabel | None = None) -> str:
        self.presentation = f"p{len(self.named('begin_presentation')) + 1}"
        self.calls.append(("begin_presentation", label))
        return self.presentation

    def end_presentation(self) -> None:
        self.calls.append(("end_presentation", self.presentation))
        self.presentation = ""

    def discard_presentation(self, presentation: str) -> None:
        self.calls.append(("discard_presentation", presentation))

    def set_options(self, options: SetOptions) -> None:
        self.calls.append(("set_options", options))

    def unlock(self, reason: str) -> None:
        self.calls.append(("unlock", reason))

    def act_as(self, actor: Actor | None) -> None:
        self.calls.append(("act_as", actor))

    def connect_door(self, places: DoorPlaces) -> None:
        self.calls.append(("connect_door", places))

    def pause_door(self, paused: bool) -> None:
        self.calls.append(("pause_door", paused))


def ready(station: FakeStation, kind: SourceKind = SourceKind.SIMULATED) -> None:
    """Camera streams, model is loaded, a face is in view."""
    station.say(health(kind=kind), ModelReady(MODEL, "factory", "cpu"), ObservationMade(observation()))


def committed(outcome: Outcome, row: int = 1, **changes: object) -> VerdictCommitted:
    return VerdictCommitted(row, verdict(outcome, **changes))


OpenStation = Callable[[str], object]
