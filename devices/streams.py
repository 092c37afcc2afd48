"""Which of a device's streams to open: 640x480 at 30 Hz where it is offered, else what comes nearest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.frames import MODALITIES, Modality
from devices.sdk_frames import FORMATS, modality_of

WIDTH, HEIGHT, FPS_HZ = 640, 480, 30


def choose_streams(sensors: Sequence[Any]) -> dict[Modality, Any]:
    """One SDK stream profile per modality, in the order of `MODALITIES`; a modality may be absent."""
    offered: dict[Modality, list[Any]] = {}
    for sensor in sensors:
        for profile in sensor.get_stream_profiles():
            modality = modality_of(profile)
            if modality is not None:
                offered.setdefault(modality, []).append(profile)
    return {m: min(offered[m], key=lambda profile: _distance(m, profile)) for m in MODALITIES if m in offered}


def _distance(modality: Modality, profile: Any) -> tuple[int, int, int, int]:
    """Smaller is better: size first, then rate, then the left imager, then the preferred format."""
    video = profile.as_video_stream_profile()
    return (
        abs(video.width() - WIDTH) + abs(video.height() - HEIGHT),
        abs(profile.fps() - FPS_HZ),
        -int(profile.stream_index() == 1),
        FORMATS[modality].index(profile.format()),
    )
