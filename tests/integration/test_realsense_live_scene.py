"""The embedded default: the real scene through the SDK, at camera speed."""

from __future__ import annotations

import time

import numpy as np

from core.frames import ALL_MODALITIES, FrameSet, Modality
from devices.sources import SourceSpec, open_camera


def test_the_simulated_camera_films_a_moving_scene() -> None:
    camera = open_camera(SourceSpec.parse("simulated:booth,seed=3"))
    camera.open()
    camera.start()
    try:
        sets: list[FrameSet] = []
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            frame_set = camera.read_next(20.0)
            if frame_set is not None:
                sets.append(frame_set)
    finally:
        camera.close()
    assert len(sets) >= 10
    complete = [s for s in sets if s.mask == ALL_MODALITIES]
    assert len(complete) >= 0.9 * len(sets)
    first, last = complete[0], complete[-1]
    for modality in Modality:
        assert not np.array_equal(first[modality].pixels, last[modality].pixels)
    depth = first[Modality.DEPTH].pixels
    assert 300 < np.median(depth[depth > 0]) < 5000, "millimetres of a room"
    assert camera.health().dropped_capture == 0
