"""RealSense hardware, with the rules of live mode.

The capture process builds its own SDK context and never loads a file into it: a loaded recording is listed among the
devices with the original name, serial and port, and a software device can forge both (reliability.md section 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyrealsense2 as rs

from core.codes import SourceKind
from core.errors import HostError, sentence
from devices.base import NotLiveError
from devices.stimulus import writable

HARDWARE_FIELDS = (
    "serial_number",
    "asic_serial_number",
    "firmware_version",
    "product_id",
    "usb_type_descriptor",
    "physical_port",
)
"""What every camera on a USB bus states and a software device does not have unless it was forged."""
CONTROLS = (rs.option.emitter_enabled, rs.option.laser_power, rs.option.exposure)
"""Settings of which every depth camera lets one be changed; without them it could not be challenged either."""


class HardwareOrigin:
    """A `devices.sdk.Origin` over a camera on the USB bus.

    Args:
        serial: serial number; empty = the first camera.
    """

    source_kind = SourceKind.LIVE
    finite = False

    def __init__(self, serial: str = "") -> None:
        self._serial = serial
        self._device: Any = None

    def acquire(self) -> Any:
        """Find the camera. Raises `HostError` when there is none, `NotLiveError` when it is not hardware."""
        device = select_live(rs.context().query_devices(), self._serial)
        self._device = device
        return device

    def reset(self) -> None:
        """See `Origin.reset`: the camera leaves the bus for some seconds."""
        if self._device is not None:
            self._device.hardware_reset()

    def started(self) -> None:
        """See `Origin.started`."""

    def throttle(self, pause: bool) -> None:
        """Never called: a camera cannot be paused."""

    def exhausted(self) -> bool:
        """A camera has no end; silence is the connection's matter."""
        return False

    def stopping(self) -> None:
        """See `Origin.stopping`."""

    def release(self) -> None:
        """See `Origin.release`."""


def select_live(devices: Iterable[Any], serial: str) -> Any:
    """The camera with ``serial`` (or the first) that may be called live. Raises `HostError`, `NotLiveError`."""
    found = [d for d in devices if not serial or _info(d, "serial_number") == serial]
    if not found:
        raise HostError(
            sentence("No RealSense camera with the serial number {serial} was found.", serial=serial)
            if serial
            else "No RealSense camera was found.",
            "Plug it into a USB 3 port, then check with `main.py doctor`.",
        )
    refused: str = sentence("no camera")
    for device in found:
        refused = why_not_live(device)
        if not refused:
            return device
    raise NotLiveError(
        sentence("The device was refused in live mode: {refused}.", refused=refused),
        "Use `file:PATH` to play a recording.",
    )


def why_not_live(device: Any) -> str:
    """Why a device must not be called live; empty when it may."""
    if device.is_playback():
        return sentence("it is a recording, not a camera")
    missing = [name for name in HARDWARE_FIELDS if not _info(device, name)]
    if missing:
        return sentence("it does not say its {field}, as every real camera does", field=missing[0].replace("_", " "))
    if not device.is_debug_protocol():  # an interface of the SDK's hardware classes, which no field can claim
        return sentence("it exists in software only: no firmware answers behind it")
    if not any(writable(sensor, option) for sensor in device.query_sensors() for option in CONTROLS):
        return sentence("neither its projector nor its exposure can be set, as on every real camera")
    return ""


def _info(device: Any, name: str) -> str:
    info = getattr(rs.camera_info, name)
    return str(device.get_info(info)) if device.supports(info) else ""
