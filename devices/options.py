"""Camera settings: applied where the device supports them, reported, never fatal."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pyrealsense2 as rs

from core.messages import SetOptions

log = logging.getLogger(__name__)

REPORTED = (
    "exposure",
    "gain",
    "enable_auto_exposure",
    "laser_power",
    "emitter_enabled",
    "visual_preset",
    "white_balance",
    "enable_auto_white_balance",
    "depth_units",
    "stereo_baseline",
)
"""Settings that are stored with a session, named as the SDK does; a name may be led by ``rgb.`` or ``stereo.``."""


def apply_options(sensors: Sequence[Any], wanted: SetOptions) -> dict[str, float]:
    """Set what is supported, then the face region for auto-exposure; returns `current_options`.

    A key is an SDK option name, for every sensor (``exposure``) or one (``rgb.exposure``, ``stereo.exposure``).
    """
    for key, value in wanted.options.items():
        room, _, name = key.rpartition(".")
        option = rs.option.__members__.get(name)
        for sensor in sensors:
            if option is not None and room in ("", _room(sensor)):
                _set(sensor, option, value)
    if wanted.face_roi is not None:
        # The region is one of the colour image; only a camera without colour sees it with its stereo module.
        for sensor in [s for s in sensors if _room(s) == "rgb"] or sensors:
            _set_face_region(sensor, wanted.face_roi)
    return current_options(sensors)


def current_options(sensors: Sequence[Any]) -> dict[str, float]:
    """The settings in force, as ``room.option``; one that does not answer is left out."""
    options = {}
    for sensor in sensors:
        for name in REPORTED:
            option = rs.option.__members__.get(name)
            if option is not None and (value := _value(sensor, option)) is not None:
                options[f"{_room(sensor)}.{name}"] = value
    return options


def temperature_c(sensors: Sequence[Any]) -> float | None:
    """The hottest temperature that a sensor reports."""
    known = (rs.option.asic_temperature, rs.option.projector_temperature)
    readings = [_value(sensor, option) for sensor in sensors for option in known]
    return max((reading for reading in readings if reading is not None), default=None)


def _value(sensor: Any, option: Any) -> float | None:
    try:
        return float(sensor.get_option(option)) if sensor.supports(option) else None
    except RuntimeError as error:  # the device is busy or has just gone; the stream tells that better
        log.debug("no %s: %s", option, error)
        return None


def _room(sensor: Any) -> str:
    name = sensor.get_info(rs.camera_info.name) if sensor.supports(rs.camera_info.name) else ""
    return "rgb" if "rgb" in name.lower() or "color" in name.lower() else "stereo"


def _set(sensor: Any, option: Any, value: float) -> None:
    try:
        if not sensor.supports(option) or sensor.is_option_read_only(option):
            return
        allowed = sensor.get_option_range(option)
        sensor.set_option(option, min(max(value, allowed.min), allowed.max))
    except RuntimeError as error:
        log.warning("%s refused %s = %s: %s", _room(sensor), option, value, error)


def _set_face_region(sensor: Any, roi: tuple[int, int, int, int]) -> None:
    """Expose for the face (x, y, width, height), where the sensor has a region of interest."""
    if not sensor.is_roi_sensor():
        return
    x, y, width, height = roi
    region = rs.region_of_interest()
    region.min_x, region.min_y, region.max_x, region.max_y = x, y, x + width - 1, y + height - 1
    try:
        sensor.as_roi_sensor().set_region_of_interest(region)
    except RuntimeError as error:
        log.warning("%s refused the face region: %s", _room(sensor), error)
