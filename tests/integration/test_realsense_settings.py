"""Streams and settings of a device, on software sensors of the real SDK that offer what a D435 does."""

from __future__ import annotations

from typing import Any

import pyrealsense2 as rs
import pytest

from core.frames import Modality
from core.messages import SetOptions
from devices.options import apply_options, current_options, temperature_c
from devices.stimulus import find_stimulus
from devices.streams import choose_streams


def video(stream: Any, index: int, fmt: Any, size: tuple[int, int], fps: int, uid: int) -> Any:
    video = rs.video_stream()
    video.type, video.index, video.fmt, video.fps, video.uid = stream, index, fmt, fps, uid
    video.width, video.height = size
    video.bpp = 2
    return video


def device() -> tuple[Any, list[Any]]:
    software = rs.software_device()
    stereo, colour = software.add_sensor("Stereo Module"), software.add_sensor("RGB Camera")
    offers = [
        (stereo, rs.stream.depth, 0, rs.format.z16),
        (stereo, rs.stream.infrared, 2, rs.format.y8),
        (stereo, rs.stream.infrared, 1, rs.format.y16),
        (stereo, rs.stream.infrared, 1, rs.format.y8),
        (colour, rs.stream.color, 0, rs.format.bgr8),
        (colour, rs.stream.color, 0, rs.format.rgb8),
    ]
    uid = 0
    for sensor, stream, index, fmt in offers:
        for size in ((1280, 720), (640, 480), (424, 240)):
            for fps in (6, 30, 60):
                uid += 1
                sensor.add_video_stream(video(stream, index, fmt, size, fps, uid))
    laser = rs.option_range()
    laser.min, laser.max, laser.step, laser.default = 0.0, 360.0, 30.0, 150.0
    stereo.add_option(rs.option.laser_power, laser, True)
    for sensor in (stereo, colour):
        exposure = rs.option_range()
        exposure.min, exposure.max, exposure.step, exposure.default = 1.0, 10_000.0, 1.0, 100.0
        sensor.add_option(rs.option.exposure, exposure, True)
    stereo.add_read_only_option(rs.option.asic_temperature, 41.0)
    stereo.add_read_only_option(rs.option.projector_temperature, 35.0)
    return software, list(software.query_sensors())


def test_vga_at_thirty_in_our_formats_and_the_left_imager() -> None:
    software, sensors = device()
    chosen = choose_streams(sensors)
    assert list(chosen) == list(Modality)
    for profile in chosen.values():
        view = profile.as_video_stream_profile()
        assert (view.width(), view.height(), profile.fps()) == (640, 480, 30)
    assert chosen[Modality.RGB].format() == rs.format.rgb8
    assert chosen[Modality.DEPTH].format() == rs.format.z16
    assert (chosen[Modality.IR].stream_index(), chosen[Modality.IR].format()) == (1, rs.format.y8)
    assert software


def test_settings_are_applied_where_they_exist_and_kept_in_range() -> None:
    software, sensors = device()
    applied = apply_options(
        sensors, SetOptions({"laser_power": 5000.0, "rgb.exposure": 80.0, "visual_preset": 1.0, "nonsense": 2.0})
    )
    assert applied["stereo.laser_power"] == 360.0
    assert applied["rgb.exposure"] == 80.0
    assert applied["stereo.exposure"] == 100.0, "the other sensor keeps its own"
    assert applied == current_options(sensors)
    assert temperature_c(sensors) == 41.0
    assert software


def test_a_challenge_goes_back_to_what_a_person_has_set() -> None:
    software, (stereo, colour) = device()
    opened = find_stimulus([stereo, colour])
    assert opened is not None
    apply_options([stereo, colour], SetOptions({"laser_power": 60.0}))
    stimulus = opened.renewed()
    stimulus.switch(False)
    assert stereo.get_option(rs.option.laser_power) == 0.0
    stimulus.switch(True)
    assert stereo.get_option(rs.option.laser_power) == 60.0
    assert software


@pytest.mark.parametrize("automatic", [True, False])
def test_a_camera_without_a_projector_exposes_by_itself_again_after_its_challenge(automatic: bool) -> None:
    software = rs.software_device()
    stereo = software.add_sensor("Stereo Module")
    stereo.add_video_stream(video(rs.stream.infrared, 1, rs.format.y8, (640, 480), 30, 1))
    stereo.add_option(rs.option.exposure, rs.option_range(1.0, 10_000.0, 100.0, 1.0), True)
    stereo.add_option(rs.option.enable_auto_exposure, rs.option_range(0.0, 1.0, float(automatic), 1.0), True)
    stimulus = find_stimulus([stereo])
    assert stimulus is not None
    stimulus.switch(False)
    stereo.set_option(rs.option.enable_auto_exposure, 0.0)  # as the firmware does where the exposure is set
    stimulus.switch(True)
    assert stereo.get_option(rs.option.enable_auto_exposure) == float(automatic)
    assert software
