"""What a live camera says of itself, for commissioning: it is opened, asked and closed, and never started."""

from __future__ import annotations

from core.camera_identity import CameraIdentity
from devices.sources import SourceSpec, open_camera


def identify(serial: str = "") -> CameraIdentity:
    """The identity of the live camera with ``serial``, or of the first.

    Raises:
        HostError: there is none, or it does not answer; `devices.base.NotLiveError` when it is no live camera.
    """
    camera = open_camera(SourceSpec("realsense", serial))
    try:
        camera.open()
        return CameraIdentity.of(camera.device, camera.profiles)
    finally:
        camera.close()
