"""The scripted camera: the simulated one, with the faults of a script (`devices.faults`)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from core.clock import Clock
from core.codes import SourceKind
from core.errors import HostError
from core.frames import Modality
from devices.faults import Fault, FaultScript
from devices.simulated import EPOCH_MS, FPS_HZ, Scene, Shot, SimulatedOrigin

HISTORY = 64
"""Frames kept for a lag: two seconds."""


class ScriptedOrigin(SimulatedOrigin):
    """A `devices.sdk.Origin` that fails as it is told."""

    source_kind = SourceKind.SCRIPTED

    def __init__(
        self,
        make_scene: Callable[[], Scene],
        script: FaultScript,
        *,
        start_s: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(make_scene, name="Scripted D435", start_s=start_s, clock=clock)
        self._script = script
        self._history: dict[Modality, deque[Shot]] = {}
        self._held: dict[Modality, Shot] = {}

    def acquire(self) -> Any:
        """See `Origin.acquire`. Raises `HostError` while the script says that the device is unplugged."""
        if self._script.active(Fault.UNPLUG, self.camera_s()):
            raise HostError("The scripted camera is unplugged.", "Wait for its return, or change the script.")
        return super().acquire()

    def stopping(self) -> None:
        """See `Origin.stopping`; under ``hang_stop`` it never comes back, as the SDK's own stop can."""
        if self._script.active(Fault.HANG_STOP, self.camera_s()):
            threading.Event().wait()
        super().stopping()

    @property
    def usb_type(self) -> str:
        """See `SimulatedOrigin.usb_type`."""
        return "2.1" if self._script.active(Fault.USB2, self.camera_s()) else super().usb_type

    def fps_hz(self, t_s: float) -> float:
        """See `SimulatedOrigin.fps_hz`."""
        return FPS_HZ / 2.0 if self._script.active(Fault.USB2, t_s) else FPS_HZ

    def emits(self, t_s: float) -> bool:
        """See `SimulatedOrigin.emits`; a stream that was put in its place shows the light as it was."""
        return True if self._script.active(Fault.DEAF, t_s) else super().emits(t_s)

    def shoot(self, t_s: float, shot: Shot) -> Shot | None:
        """See `SimulatedOrigin.shoot`."""
        modality, active = shot.modality, self._script.active
        history = self._history.setdefault(modality, deque(maxlen=HISTORY))
        if not active(Fault.LOOP, t_s, modality):
            history.append(shot)
        if active(Fault.UNPLUG, t_s) or active(Fault.HANG_STOP, t_s) or active(Fault.STOP, t_s, modality):
            return None
        if active(Fault.FREEZE, t_s, modality):
            return self._held.setdefault(modality, shot)
        if active(Fault.REPEAT, t_s, modality):
            held = self._held.setdefault(modality, shot)
            return replace(held, number=shot.number, time_ms=shot.time_ms)
        if loop := active(Fault.LOOP, t_s, modality):
            return _again(history, shot, EPOCH_MS + 1000.0 * loop.at_s, loop.value)
        if lag := active(Fault.LAG, t_s, modality):
            shot = _seen_before(history, shot.time_ms - lag.value)
        if jump := active(Fault.JUMP, t_s, modality):
            shot = replace(shot, time_ms=shot.time_ms + jump.value)
        if active(Fault.DARK, t_s, modality):
            shot = replace(shot, pixels=np.zeros_like(shot.pixels))
        self._held[modality] = shot
        return shot


def _again(history: deque[Shot], shot: Shot, since_ms: float, length_ms: float) -> Shot:
    """What was filmed in the ``length_ms`` before ``since_ms``, over and over, now under the number of ``shot``."""
    turn_ms = (shot.time_ms - since_ms) % max(length_ms, 1.0)
    filmed = [old for old in history if old.time_ms < since_ms] or [shot]
    seen = next((old for old in filmed if old.time_ms >= since_ms - length_ms + turn_ms - 1.0), filmed[-1])
    return replace(seen, number=shot.number, time_ms=shot.time_ms)


def _seen_before(history: deque[Shot], time_ms: float) -> Shot:
    """The newest frame that was taken at ``time_ms`` or before (the oldest, if none was)."""
    return next((shot for shot in reversed(history) if shot.time_ms <= time_ms + 1.0), history[0])
