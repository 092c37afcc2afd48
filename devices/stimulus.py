"""What of a camera can be switched to see whether its frames follow (`core.challenge`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyrealsense2 as rs

from core.errors import HostError, sentence

log = logging.getLogger(__name__)

_STEP = 0.25
"""Share of the usual exposure that a step leaves."""


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One writable setting of the infrared sensor with its two values.

    ``moves_depth``: without the projector's pattern depth collapses; a shorter exposure only darkens infrared.
    ``automatic``: the camera chose the value itself, and stops that when it is set.
    """

    name: str
    moves_depth: bool
    usual: float
    altered: float
    sensor: Any
    option: Any
    automatic: bool = False

    def switch(self, on: bool) -> None:
        """``on``: as usual. Raises `HostError` where the device refuses."""
        try:
            self.sensor.set_option(self.option, self.usual if on else self.altered)
            if on and self.automatic:
                self.sensor.set_option(rs.option.enable_auto_exposure, 1.0)
        except RuntimeError as error:
            raise HostError(
                sentence("The camera refused to switch its {name}: {error}.", name=self.name, error=error),
                "Check its cable.",
            ) from error

    def renewed(self) -> Stimulus:
        """The same after settings were changed: what was chosen is what it goes back to."""
        return _stimulus_of(self.sensor, self.name, self.moves_depth) or self


def find_stimulus(sensors: Sequence[Any]) -> Stimulus | None:
    """The best setting to switch: the projector, its power, the exposure of its sensor; ``None`` where there is none.

    A device that was left altered, because its process was killed meanwhile, is set back to its usual value.
    """
    for name, moves_depth in (("emitter_enabled", True), ("laser_power", True), ("exposure", False)):
        option = rs.option.__members__[name]
        for sensor in sensors:
            if not writable(sensor, option) or not _sees_infrared(sensor):
                continue
            found = _stimulus_of(sensor, name, moves_depth)
            if found is None:
                continue
            if name == "emitter_enabled" and float(sensor.get_option(option)) == found.altered:
                sensor.set_option(option, found.usual)
            return found
    return None


def _stimulus_of(sensor: Any, name: str, moves_depth: bool) -> Stimulus | None:
    """What a setting is switched between: the projector's power and the exposure go back to what they are now."""
    option = rs.option.__members__[name]
    allowed = sensor.get_option_range(option)
    usual = float(allowed.default)
    altered = float(allowed.min) if moves_depth else max(float(allowed.min), _STEP * usual)
    if usual <= altered:
        return None
    if name != "emitter_enabled":
        usual = max(float(sensor.get_option(option)), altered + allowed.step)
    return Stimulus(name, moves_depth, usual, altered, sensor, option, name == "exposure" and _exposes_itself(sensor))


def writable(sensor: Any, option: Any) -> bool:
    """Whether a sensor has a setting and lets it be changed."""
    return bool(sensor.supports(option)) and not sensor.is_option_read_only(option)


def _exposes_itself(sensor: Any) -> bool:
    option = rs.option.enable_auto_exposure
    return writable(sensor, option) and bool(sensor.get_option(option))


def _sees_infrared(sensor: Any) -> bool:
    return any(profile.stream_type() == rs.stream.infrared for profile in sensor.get_stream_profiles())
