"""The simulated and the scripted camera through the real SDK: sensors, queues, metadata, faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from core.codes import ConnectionState, SourceKind
from core.errors import HostError
from core.frames import ALL_MODALITIES, MODALITIES, FrameSet, Modality
from core.messages import SetOptions
from devices.base import FrameTimeoutError, StaleFrameError
from devices.faults import FaultScript, parse_script
from devices.scripted import ScriptedOrigin
from devices.sdk import SdkCamera
from devices.simulated import SimulatedOrigin
from tests.noise_scene import NoiseScene

MakeCamera = Callable[..., SdkCamera]


@pytest.fixture
def make_camera() -> Iterator[MakeCamera]:
    cameras = []

    def make(script: str | None = None, **options: float) -> SdkCamera:
        parsed = FaultScript() if script is None else parse_script(script)
        origin = SimulatedOrigin(NoiseScene) if script is None else ScriptedOrigin(NoiseScene, parsed)
        camera = SdkCamera(origin, **options)  # type: ignore[arg-type]
        cameras.append(camera)
        camera.open()
        camera.start()
        return camera

    yield make
    for camera in cameras:
        camera.close()


def film(camera: SdkCamera, seconds: float) -> list[FrameSet]:
    sets = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        frame_set = camera.read_next(20.0)
        if frame_set is not None:
            sets.append(frame_set)
    return sets


def test_complete_sets_at_thirty_a_second_with_calibration_and_metadata(make_camera: MakeCamera) -> None:
    camera = make_camera()
    sets = film(camera, 1.5)
    assert len(sets) >= 30
    assert all(s.mask == ALL_MODALITIES and s.skew_ms == 0.0 for s in sets)
    assert [s.number for s in sets] == list(range(1, len(sets) + 1))
    steps = np.diff([s.time_ms for s in sets])
    assert np.median(steps) == pytest.approx(1000.0 / 30.0, abs=0.1)
    first = sets[0]
    assert first[Modality.RGB].pixels.shape == (480, 640, 3)
    assert first[Modality.DEPTH].pixels.dtype == np.uint16
    assert first[Modality.IR].pixels.dtype == np.uint8
    for modality in MODALITIES:
        assert first[modality].metadata["exposure_us"] > 0
        assert first[modality].metadata["frame_counter"] == first[modality].number
    expected = NoiseScene().profiles
    for modality in MODALITIES:
        profile, wanted = camera.profiles[modality], expected[modality]
        assert profile.intrinsics is not None
        assert wanted.intrinsics is not None
        assert profile.intrinsics.fx == pytest.approx(wanted.intrinsics.fx)
        assert profile.to_rgb is not None
        assert wanted.to_rgb is not None
        assert profile.to_rgb.rotation == pytest.approx(wanted.to_rgb.rotation)
        assert profile.to_rgb.translation_m == pytest.approx(wanted.to_rgb.translation_m)
    assert camera.profiles[Modality.DEPTH].depth_unit_m == pytest.approx(0.001)
    health = camera.health()
    assert (health.state, health.source_kind) == (ConnectionState.STREAMING, SourceKind.SIMULATED)
    assert (health.device.name, health.device.firmware) == ("Simulated D435", "")
    assert health.dropped_capture == 0


def test_the_three_ways_to_read(make_camera: MakeCamera) -> None:
    camera = make_camera()
    first = camera.read(2000.0)
    time.sleep(0.2)
    backlog = camera.read(2000.0)
    assert backlog.number == first.number + 1, "none is skipped"
    time.sleep(0.2)
    newest = camera.read_newest(100.0)
    assert newest.number >= backlog.number + 4, "the newest, and the rest is skipped"
    camera._origin.stopping()
    time.sleep(0.1)
    camera._pump(0.0)
    time.sleep(0.05)
    with pytest.raises(StaleFrameError):
        camera.read_newest(10.0)
    assert camera.read_next(20.0) is None
    with pytest.raises(FrameTimeoutError):
        camera.read(20.0)


def test_it_can_be_opened_again_and_counts_on(make_camera: MakeCamera) -> None:
    camera = make_camera()
    before = film(camera, 0.3)
    camera.close()
    camera.close()
    camera.open()
    camera.start()
    after = film(camera, 0.3)
    assert after[0].number == before[-1].number + 1
    assert after[0].time_ms > before[-1].time_ms
    assert camera.health().sets == len(before) + len(after)


def test_options_that_it_lacks_are_left_out(make_camera: MakeCamera) -> None:
    camera = make_camera()
    applied = camera.set_options(SetOptions({"laser_power": 30.0, "no_such_option": 1.0}, face_roi=(1, 2, 30, 40)))
    assert applied == {"stereo.depth_units": pytest.approx(0.001)}
    assert camera.health().settings == applied


def masks(sets: list[FrameSet]) -> set[str]:
    return {str(s.mask) for s in sets}


def test_a_frozen_stream_is_absent_and_comes_back(make_camera: MakeCamera) -> None:
    camera = make_camera("[[event]]\nat_s = 0.4\ndo = 'freeze'\nstream = 'depth'\nfor_s = 0.8")
    sets = film(camera, 2.0)
    frozen = [s for s in sets if 0.6 < (s.time_ms - 1000.0) / 1000.0 < 1.15]
    assert len(frozen) >= 8
    assert masks(frozen) == {"rgb+ir"}
    assert camera.health().streams[Modality.DEPTH].duplicates >= 8
    assert sets[-1].mask == ALL_MODALITIES


def test_a_stream_that_stops_returns(make_camera: MakeCamera) -> None:
    script = "[[event]]\nat_s = 0.3\ndo = 'stop'\nstream = 'ir'\n[[event]]\nat_s = 1.0\ndo = 'return'\nstream = 'ir'"
    camera = make_camera(script)
    film(camera, 0.95)
    assert str(camera.health().mask) == "rgb+depth"
    assert camera.health().state is ConnectionState.DEGRADED
    film(camera, 0.8)
    assert camera.health().state is ConnectionState.STREAMING


def test_a_lag_beyond_the_skew_is_stored_but_not_used(make_camera: MakeCamera) -> None:
    camera = make_camera("[[event]]\nat_s = 0.3\ndo = 'lag'\nstream = 'depth'\nvalue = 90")
    sets = film(camera, 1.5)
    lagging = [s for s in sets if s.time_ms > 1600.0 and Modality.DEPTH in s.frames]
    assert len(lagging) >= 10
    assert not [s for s in lagging if Modality.DEPTH in s.mask]
    assert max(s.skew_ms for s in lagging) == pytest.approx(100.0, abs=35.0)


def test_jumping_times_are_rejected(make_camera: MakeCamera) -> None:
    camera = make_camera("[[event]]\nat_s = 0.3\ndo = 'jump'\nstream = 'rgb'\nfor_s = 0.4\nvalue = 1e9")
    sets = film(camera, 1.5)
    assert "depth+ir" in masks(sets)
    assert camera.health().streams[Modality.RGB].rejected >= 5
    assert sets[-1].mask == ALL_MODALITIES


def test_dark_is_dark(make_camera: MakeCamera) -> None:
    camera = make_camera("[[event]]\nat_s = 0.0\ndo = 'dark'")
    frame_set = camera.read(2000.0)
    assert all(not frame_set[m].pixels.any() for m in MODALITIES)


def test_unplugged_it_is_silent_and_cannot_be_opened_until_its_return(make_camera: MakeCamera) -> None:
    camera = make_camera("[[event]]\nat_s = 0.2\ndo = 'unplug'\nfor_s = 0.6")
    film(camera, 0.5)
    assert camera.read_next(50.0) is None
    camera.close()
    with pytest.raises(HostError, match="unplugged"):
        camera.open()
    time.sleep(0.5)
    camera.open()
    camera.start()
    assert camera.read(2000.0).mask == ALL_MODALITIES


def test_a_usb2_link_halves_the_rate_and_says_so(make_camera: MakeCamera) -> None:
    camera = make_camera("[[event]]\nat_s = 0.0\ndo = 'usb2'")
    sets = film(camera, 1.2)
    assert np.median(np.diff([s.time_ms for s in sets])) == pytest.approx(1000.0 / 15.0, abs=0.1)
    assert camera.health().device.usb == "2.1"


def test_a_renderer_that_is_too_slow_lowers_the_rate_without_bursts() -> None:
    class Slow(NoiseScene):
        def render(self, t_s: float):  # type: ignore[no-untyped-def]
            time.sleep(0.05)
            return super().render(t_s)

    camera = SdkCamera(SimulatedOrigin(Slow))
    camera.open()
    camera.start()
    try:
        steps = np.diff([s.time_ms for s in film(camera, 1.2)])
        assert steps.min() >= 33.0
        assert steps.mean() >= 50.0
        health = camera.health()
        assert health.dropped_capture == 0
    finally:
        camera.close()


def test_a_renderer_that_fails_is_a_bug_that_surfaces() -> None:
    class Broken(NoiseScene):
        def render(self, t_s: float):  # type: ignore[no-untyped-def]
            if t_s > 0.2:
                raise ZeroDivisionError("scene")
            return super().render(t_s)

    camera = SdkCamera(SimulatedOrigin(Broken))
    camera.open()
    camera.start()
    try:
        with pytest.raises(ZeroDivisionError):
            film(camera, 1.0)
    finally:
        camera.close()


def test_sixteen_bit_infrared_keeps_its_bits() -> None:
    class TimeOfFlight(NoiseScene):
        def render(self, t_s: float):  # type: ignore[no-untyped-def]
            images = dict(super().render(t_s))
            images[Modality.IR] = images[Modality.IR].astype(np.uint16) * 257
            return images

    camera = SdkCamera(SimulatedOrigin(TimeOfFlight))
    camera.open()
    camera.start()
    try:
        pixels = camera.read(2000.0)[Modality.IR].pixels
        assert pixels.dtype == np.uint16
        assert pixels.max() > 60_000
    finally:
        camera.close()
