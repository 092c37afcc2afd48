"""A few frame sets of a camera that stands still: what a measurement needs, without a station."""

from __future__ import annotations

from collections.abc import Callable

from core.camera_identity import CameraIdentity
from core.codes import SourceKind
from core.errors import CanceledError, HostError, UsageError, sentence
from core.frames import FrameSet
from devices.sources import SourceSpec, open_camera

READ_MS = 200.0
SILENCE_READS = 50
SETTLE_SETS = 15
"""Half a second: exposure settles."""


def sample(
    source: str, wanted: int, canceled: Callable[[], bool] = lambda: False
) -> tuple[CameraIdentity, SourceKind, list[FrameSet]]:
    """Open ``source`` and take ``wanted`` frame sets, after its exposure has settled.

    Raises:
        UsageError: a stored session is no camera.
        HostError: no camera, or it falls silent.
        CanceledError: ``canceled`` said so.
    """
    spec = SourceSpec.parse(source)
    if spec.scheme == "session":
        raise UsageError("A stored session is no camera.", "Measure a camera, a recording or a simulation.")
    camera = open_camera(spec)
    found: list[FrameSet] = []
    silent = seen = 0
    try:
        camera.open()
        camera.start()
        while len(found) < wanted and not camera.ended:
            if canceled():
                raise CanceledError("The measurement was canceled.", "Nothing was stored.")
            frame_set = camera.read_next(READ_MS)
            silent = silent + 1 if frame_set is None else 0
            if silent > SILENCE_READS:
                raise HostError(
                    sentence("{name} delivers no frames.", name=camera.device.name),
                    "Check its cable, then `main.py doctor`.",
                )
            if frame_set is not None:
                seen += 1
                if seen > SETTLE_SETS:
                    found.append(frame_set)
        return CameraIdentity.of(camera.device, camera.profiles), spec.source_kind, found
    finally:
        camera.close()
