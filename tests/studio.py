"""A simulated camera and its clock in step: what a test films is the same on a fast and on a busy machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.clock import FakeClock
from core.frames import FrameSet
from devices.faults import parse_script
from devices.scripted import ScriptedOrigin
from devices.sdk import SdkCamera
from devices.simulated import FPS_HZ, RENDERER, Scene, SimulatedOrigin
from tests.noise_scene import NoiseScene
from tests.patience import wait_until

STEP_MS = 1000.0 / FPS_HZ + 0.001
"""One frame period, and a little, so that rounding never makes a frame wait for the next step."""


class SteppedClock(FakeClock):
    """Moves when told to, and knows when the renderer has done all that was due.

    The renderer asks for the time before each frame set: once it has asked twice since the last move, nothing is due.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0

    def now_ms(self) -> float:
        """See `FakeClock.now_ms`."""
        if threading.current_thread().name == RENDERER:
            self._asked += 1
        return super().now_ms()

    def step(self, duration_ms: float = STEP_MS) -> None:
        """Move, then wait until the renderer has caught up."""
        self.advance(duration_ms)
        self._asked = 0
        wait_until(lambda: self._asked >= 2, "the renderer")


class Studio:
    """A camera of the SDK over a simulated or scripted device, on a stepped clock.

    Args:
        script: text of a fault script; none = the simulated camera.
        make_scene: what is filmed.
        record_to: see `SdkCamera`.
    """

    def __init__(
        self,
        script: str | None = None,
        make_scene: Callable[[], Scene] = NoiseScene,
        record_to: Path | None = None,
    ) -> None:
        self.clock = SteppedClock()
        self.origin = (
            SimulatedOrigin(make_scene, clock=self.clock)
            if script is None
            else ScriptedOrigin(make_scene, parse_script(script), clock=self.clock)
        )
        self.camera = SdkCamera(self.origin, record_to=record_to, clock=self.clock)
        self.open()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: Any) -> None:
        self.camera.close()

    def open(self) -> None:
        """Open and start the camera (again)."""
        self.camera.open()
        self.camera.start()

    def film(self, seconds: float) -> list[FrameSet]:
        """Everything that the camera hands out within so many seconds of its own time."""
        sets: list[FrameSet] = []
        for _ in range(round(seconds * FPS_HZ)):
            self.clock.step()
            sets += self.pending()
        return sets

    def pending(self) -> list[FrameSet]:
        """What the camera has to hand out now."""
        sets = []
        while (frame_set := self.camera.read_next(0.0)) is not None:
            sets.append(frame_set)
        return sets
