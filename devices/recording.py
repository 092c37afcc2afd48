"""`main.py record`: what a source delivers, written by the SDK's own recorder (rosbag2 on SQLite, ``.db3``)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import HostError, InputError, UsageError, sentence
from core.frames import Modality
from devices.sources import SourceSpec, open_camera

if TYPE_CHECKING:
    from devices.sdk import SdkCamera

SUFFIX = ".db3"
READ_MS = 200.0
SILENCE_READS = 50
"""Reads without a frame set (10 s) after which the source is given up."""


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """What was recorded: frames per stream, and camera seconds."""

    frames: dict[Modality, int]
    seconds: float


def record(
    source: str,
    out: Path,
    seconds: float,
    progress: Callable[[float], None] | None = None,
    canceled: Callable[[], bool] | None = None,
) -> RecordingReport:
    """Record ``seconds`` of camera time into ``out``.

    Args:
        source: source text (formats.md); a camera or a simulation, not what is recorded already.
        out: a new file that ends in ``.db3``.
        seconds: camera time.
        progress: called with the fraction that is done.
        canceled: asked between frame sets; what is recorded so far is kept.

    Raises:
        UsageError: ``out`` or the source does not fit.
        InputError: ``out`` exists, or the fault script cannot be read.
        HostError: the camera is missing or silent, or the folder cannot be written.
    """
    spec = SourceSpec.parse(source)
    _check(spec, out)

    from devices.sdk import SdkCamera

    camera = open_camera(spec, record_to=out)
    assert isinstance(camera, SdkCamera), "every source but a stored session goes through the SDK"
    try:
        camera.open()
        camera.start()
        _run(camera, seconds, progress or (lambda _done: None), canceled or (lambda: False))
        camera.stop()
        while camera.read_next(0.0) is not None:  # the last frames, so that the counts are those of the file
            pass
        health = camera.health()
        return RecordingReport({m: s.frames for m, s in health.streams.items()}, health.camera_s)
    finally:
        camera.close()
        if not any(stream.frames or stream.rejected for stream in camera.health().streams.values()):
            out.unlink(missing_ok=True)  # the SDK makes it at once: an empty one would stand in the way of the next try


def _check(spec: SourceSpec, out: Path) -> None:
    if spec.scheme == "session":
        raise UsageError("A stored session cannot be recorded again.", "Use `main.py export` for its frames.")
    if spec.scheme == "file":  # the SDK aborts the process when its recorder is put on a playback device
        raise UsageError(sentence("{name} is a recording already.", name=spec.argument), "Copy the file instead.")
    if out.suffix != SUFFIX:
        raise UsageError(
            sentence("{name} must end in {suffix}.", name=out.name, suffix=SUFFIX),
            sentence("Write --out {stem}{suffix}.", stem=out.stem, suffix=SUFFIX),
        )
    if out.exists():
        raise InputError(
            sentence("{path} exists already.", path=out), "Choose another name: a recording is never overwritten."
        )
    if not out.parent.is_dir():
        raise HostError(
            sentence("There is no folder {parent}.", parent=out.parent), "Make it first, or choose another."
        )
    if not os.access(out.parent, os.W_OK):
        raise HostError(
            sentence("The folder {path} cannot be written.", path=out.parent),
            "Choose another, or change its permissions.",
        )


def _run(camera: SdkCamera, seconds: float, progress: Callable[[float], None], canceled: Callable[[], bool]) -> None:
    silent = 0
    while not camera.ended and not canceled():
        silent = silent + 1 if camera.read_next(READ_MS) is None else 0
        if silent > SILENCE_READS:
            raise HostError(
                sentence("{name} delivers no frames.", name=camera.device.name),
                "Check its cable, then `main.py doctor`.",
            )
        done_s = camera.health().camera_s
        progress(min(1.0, done_s / seconds))
        if done_s >= seconds:
            return
