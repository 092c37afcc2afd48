"""What one frame set costs from the SDK's queue to the ring, against a bare frame-queue loop in the same run.

Processor time of the reading thread is compared, so that the renderer, which feeds both alike, does not count.
"""

from __future__ import annotations

import time

import numpy as np
import pyrealsense2 as rs

from devices.ring import FrameRing, RingWriter
from devices.sdk import SdkCamera
from devices.simulated import SimulatedOrigin
from tests.benchmarks.table import Row, percentiles, ratio
from tests.noise_scene import NoiseScene

FRAME_SETS = 200


def ours_ms() -> list[float]:
    """Poll, copy, pair, write into the ring: processor milliseconds of each frame set."""
    ring = FrameRing.create()
    camera = SdkCamera(SimulatedOrigin(NoiseScene))
    writer = RingWriter(ring.name)
    costs: list[float] = []
    camera.open()
    camera.start()
    try:
        started = time.thread_time()
        while len(costs) < FRAME_SETS:
            frame_set = camera.read_next(100.0)
            if frame_set is not None:
                writer.offer(frame_set)
                now = time.thread_time()
                costs.append(1000.0 * (now - started))
                started = now
    finally:
        camera.close()
        writer.close()
        ring.close()
    return costs


def bare_ms() -> list[float]:
    """The least that anybody must do: take three frames from the SDK's queue and copy their pixels."""
    origin = SimulatedOrigin(NoiseScene)
    device = origin.acquire()
    queue = rs.frame_queue(64, keep_frames=True)
    sensors = list(device.query_sensors())
    for sensor in sensors:
        sensor.open(list(sensor.get_stream_profiles()))
        sensor.start(queue)
    origin.started()
    costs: list[float] = []
    frames = 0
    try:
        started = time.thread_time()
        while len(costs) < FRAME_SETS:
            found, frame = queue.try_wait_for_frame(100)
            if not found:
                continue
            np.array(frame.get_data(), copy=True)
            del frame
            frames += 1
            if frames % 3 == 0:
                now = time.thread_time()
                costs.append(1000.0 * (now - started))
                started = now
    finally:
        origin.stopping()
        for sensor in sensors:
            sensor.stop()
            sensor.close()
        origin.release()
    return costs


def rows() -> list[Row]:
    """Rows of this section."""
    bare, ours = bare_ms(), ours_ms()
    return [
        Row(
            "capture to ring, processor time of a frame set (640x480, three streams)",
            percentiles(ours),
            f"bare frame-queue loop: {percentiles(bare)}",
            ratio(float(np.median(ours)), float(np.median(bare))),
            "ours copies twice, pairs, and looks for frozen pictures: a 33 ms period has room for 30 of these",
        )
    ]
