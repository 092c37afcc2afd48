"""The embedded default: the real scene through the SDK, at camera speed."""

from __future__ import annotations

import numpy as np

from core.frames import ALL_MODALITIES, FrameSet, Modality
from devices.sources import SourceSpec, open_camera
from tests.patience import wait_until


def test_the_simulated_camera_films_a_moving_scene() -> None:
    camera = open_camera(SourceSpec.parse("simulated:booth,seed=3"))
    camera.open()
    camera.start()
    try:
        complete: list[FrameSet] = []

        def filmed() -> bool:
            frame_set = camera.read_next(20.0)
            if frame_set is not None and frame_set.mask == ALL_MODALITIES:
                complete.append(frame_set)
            return len(complete) == 10

        wait_until(filmed, "ten complete frame sets")
    finally:
        camera.close()
    first, last = complete[0], complete[-1]
    for modality in Modality:
        assert not np.array_equal(first[modality].pixels, last[modality].pixels)
    depth = first[Modality.DEPTH].pixels
    assert 300 < np.median(depth[depth > 0]) < 5000, "millimetres of a room"
