"""The simulated and the scripted camera through the real SDK: sensors, queues, metadata, faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from core.codes import ConnectionState, Reason, SourceKind
from core.errors import HostError
from core.frames import ALL_MODALITIES, MODALITIES, FrameSet, Modality
from core.messages import SetOptions
from devices.base import FrameTimeoutError, StaleFrameError
from devices.challenger import Challenger
from devices.sdk import SdkCamera
from devices.simulated import SimulatedOrigin
from devices.stimulus import find_stimulus
from tests.noise_scene import LitNoise, NoiseScene
from tests.patience import PATIENCE_S, wait_until
from tests.studio import STEP_MS, Studio

OpenStudio = Callable[..., Studio]


@pytest.fixture
def studio() -> Iterator[OpenStudio]:
    with ExitStack() as opened:
        yield lambda *arguments, **named: opened.enter_context(Studio(*arguments, **named))


def test_complete_sets_at_thirty_a_second_with_calibration_and_metadata(studio: OpenStudio) -> None:
    filming = studio()
    camera, sets = filming.camera, filming.film(1.5)
    assert len(sets) >= 40
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


def test_the_three_ways_to_read(studio: OpenStudio) -> None:
    filming = studio()
    camera, clock = filming.camera, filming.clock
    for _ in range(7):
        clock.step()
    first = camera.read(0.0)
    backlog = camera.read(0.0)
    assert backlog.number == first.number + 1, "none is skipped"
    for _ in range(7):
        clock.step()
    newest = camera.read_newest(100.0)
    assert newest.number >= backlog.number + 4, "the newest, and the rest is skipped"
    filming.origin.stopping()
    filming.pending()
    clock.advance(50.0)
    with pytest.raises(StaleFrameError):
        camera.read_newest(10.0)
    assert camera.read_next(0.0) is None
    with pytest.raises(FrameTimeoutError):
        camera.read(0.0)


def test_it_can_be_opened_again_and_counts_on(studio: OpenStudio) -> None:
    filming = studio()
    camera, before = filming.camera, filming.film(0.3)
    camera.close()
    camera.close()
    filming.open()
    after = filming.film(0.3)
    assert after[0].number == before[-1].number + 1
    assert after[0].time_ms > before[-1].time_ms
    assert camera.health().sets == len(before) + len(after)


def test_what_was_not_read_before_a_loss_is_no_picture_of_now(studio: OpenStudio) -> None:
    filming = studio()
    for _ in range(6):
        filming.clock.step()
    assert filming.camera.read_next(0.0) is not None, "and five more wait"
    filming.camera.close()
    filming.clock.advance(10_000.0)
    filming.open()
    assert all(s.time_ms > 10_000.0 for s in filming.film(0.3))


class OneDevice(SimulatedOrigin):
    """The same device at every opening, as a camera on the bus is."""

    device: Any = None

    def acquire(self) -> Any:
        self.device = self.device or super().acquire()
        return self.device

    def release(self) -> None:
        """It stays on the bus."""


def test_a_camera_that_another_program_held_for_a_moment_can_be_started_afterwards() -> None:
    origin = OneDevice(NoiseScene)
    camera = SdkCamera(origin)
    last = list(origin.acquire().query_sensors())[-1]
    last.open(last.get_stream_profiles())
    camera.open()
    with pytest.raises(HostError, match="could not be started"):
        camera.start()
    camera.close()
    last.close()
    camera.open()
    camera.start()
    assert camera.read_next(1000.0 * PATIENCE_S) is not None
    camera.close()


class Leaving:
    """A part of the SDK's device that leaves the bus as soon as it is asked ``for_what``."""

    def __init__(self, part: Any, for_what: str) -> None:
        self._part, self._for_what = part, for_what

    def __getattr__(self, name: str) -> Any:
        if name == self._for_what:
            raise RuntimeError("hwmon command failed: No such device")
        found = getattr(self._part, name)
        return (lambda: [Leaving(sensor, self._for_what) for sensor in found()]) if name == "query_sensors" else found


@pytest.mark.parametrize("asked_for", ["acquire", "query_sensors", "get_option"])
def test_a_camera_that_leaves_the_bus_while_it_is_opened_is_searched_for(asked_for: str) -> None:
    class OnTheWay(OneDevice):
        def acquire(self) -> Any:
            if asked_for == "acquire":
                raise RuntimeError("failed to open the device")
            return Leaving(super().acquire(), asked_for)

    camera = SdkCamera(OnTheWay(NoiseScene))
    with pytest.raises(HostError, match="does not answer"):
        camera.open()
    camera.close()


def test_options_that_it_lacks_are_left_out(studio: OpenStudio) -> None:
    camera = studio().camera
    applied = camera.set_options(SetOptions({"laser_power": 30.0, "no_such_option": 1.0}, face_roi=(1, 2, 30, 40)))
    assert applied == {"stereo.depth_units": pytest.approx(0.001)}
    assert camera.health().settings == applied


def masks(sets: list[FrameSet]) -> set[str]:
    return {str(s.mask) for s in sets}


def test_a_frozen_stream_is_absent_and_comes_back(studio: OpenStudio) -> None:
    filming = studio("[[event]]\nat_s = 0.4\ndo = 'freeze'\nstream = 'depth'\nfor_s = 0.8")
    sets = filming.film(2.0)
    frozen = [s for s in sets if 0.6 < (s.time_ms - 1000.0) / 1000.0 < 1.15]
    assert len(frozen) >= 8
    assert masks(frozen) == {"rgb+ir"}
    assert filming.camera.health().streams[Modality.DEPTH].duplicates >= 8
    assert sets[-1].mask == ALL_MODALITIES


def test_a_stream_that_stops_returns(studio: OpenStudio) -> None:
    script = "[[event]]\nat_s = 0.3\ndo = 'stop'\nstream = 'ir'\n[[event]]\nat_s = 1.0\ndo = 'return'\nstream = 'ir'"
    filming = studio(script)
    filming.film(0.95)
    assert str(filming.camera.health().mask) == "rgb+depth"
    assert filming.camera.health().state is ConnectionState.DEGRADED
    filming.film(0.8)
    assert filming.camera.health().state is ConnectionState.STREAMING


def test_a_lag_beyond_the_skew_is_stored_but_not_used(studio: OpenStudio) -> None:
    sets = studio("[[event]]\nat_s = 0.3\ndo = 'lag'\nstream = 'depth'\nvalue = 90").film(1.5)
    lagging = [s for s in sets if s.time_ms > 1600.0 and Modality.DEPTH in s.frames]
    assert len(lagging) >= 10
    assert not [s for s in lagging if Modality.DEPTH in s.mask]
    assert max(s.skew_ms for s in lagging) == pytest.approx(100.0, abs=35.0)


def test_jumping_times_are_rejected(studio: OpenStudio) -> None:
    filming = studio("[[event]]\nat_s = 0.3\ndo = 'jump'\nstream = 'rgb'\nfor_s = 0.4\nvalue = 1e9")
    sets = filming.film(1.5)
    assert "depth+ir" in masks(sets)
    assert filming.camera.health().streams[Modality.RGB].rejected >= 5
    assert sets[-1].mask == ALL_MODALITIES


def test_a_stream_on_a_clock_of_its_own_does_not_stop_time(studio: OpenStudio) -> None:
    """``--seconds`` and the time of verdicts count it."""
    apart = "[[event]]\nat_s = 0.0\ndo = 'jump'\nvalue = 1e9\nstream = 'rgb'"
    filming = studio(f"{apart}\n[[event]]\nat_s = 0.02\ndo = 'stop'\nstream = 'rgb'")
    sets = filming.film(1.0)
    assert all(np.isfinite(s.time_ms) for s in sets)
    assert filming.camera.camera_s < 10.0


def test_dark_is_dark(studio: OpenStudio) -> None:
    frame_set = studio("[[event]]\nat_s = 0.0\ndo = 'dark'").film(0.1)[0]
    assert all(not frame_set[m].pixels.any() for m in MODALITIES)


def test_unplugged_it_is_silent_and_cannot_be_opened_until_its_return(studio: OpenStudio) -> None:
    filming = studio("[[event]]\nat_s = 0.2\ndo = 'unplug'\nfor_s = 0.6")
    filming.film(0.5)
    assert filming.film(0.1) == []
    filming.camera.close()
    with pytest.raises(HostError, match="unplugged"):
        filming.camera.open()
    filming.clock.advance(500.0)
    filming.open()
    assert filming.film(0.1)[0].mask == ALL_MODALITIES


def test_a_usb2_link_halves_the_rate_and_says_so(studio: OpenStudio) -> None:
    filming = studio("[[event]]\nat_s = 0.0\ndo = 'usb2'")
    sets = filming.film(1.2)
    assert np.median(np.diff([s.time_ms for s in sets])) == pytest.approx(1000.0 / 15.0, abs=0.1)
    assert filming.camera.health().device.usb == "2.1"


def test_a_renderer_that_is_too_slow_lowers_the_rate_without_bursts(studio: OpenStudio) -> None:
    class Slow(NoiseScene):
        def render(self, t_s: float):  # type: ignore[no-untyped-def]
            if late:
                filming.clock.advance(late.pop())
            return super().render(t_s)

    late: list[float] = []
    filming = studio(make_scene=Slow)
    filming.film(0.1)
    late.extend([50.0] * 18)
    filming.clock.advance(STEP_MS)
    wait_until(lambda: not late, "eighteen slow frame sets")
    sets = filming.film(0.1)[:18]
    steps = np.diff([s.time_ms for s in sets])
    assert steps.min() >= 33.0
    assert steps.mean() >= 49.0
    assert filming.camera.health().dropped_capture == 0


def test_a_renderer_that_fails_is_a_bug_that_surfaces(studio: OpenStudio) -> None:
    class Broken(NoiseScene):
        def render(self, t_s: float):  # type: ignore[no-untyped-def]
            if t_s > 0.2:
                raise ZeroDivisionError("scene")
            return super().render(t_s)

    filming = studio(make_scene=Broken)
    filming.film(0.15)
    filming.clock.advance(100.0)
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: bool(filming.pending() and False), "the failure")


def test_sixteen_bit_infrared_keeps_its_bits(studio: OpenStudio) -> None:
    class TimeOfFlight(NoiseScene):
        def render(self, t_s: float):  # type: ignore[no-untyped-def]
            images = dict(super().render(t_s))
            images[Modality.IR] = images[Modality.IR].astype(np.uint16) * 257
            return images

    pixels = studio(make_scene=TimeOfFlight).film(0.1)[0][Modality.IR].pixels
    assert pixels.dtype == np.uint16
    assert pixels.max() > 60_000


@pytest.mark.parametrize(("script", "result"), [(None, "passed"), ("[[event]]\nat_s = 0.0\ndo = 'deaf'", "failed")])
def test_a_camera_answers_its_challenge_and_a_stream_in_its_place_does_not(
    studio: OpenStudio, script: str | None, result: str
) -> None:
    filming = studio(script, make_scene=LitNoise)
    filming.film(0.3)
    said: list[str] = []
    challenger = Challenger(lambda _nonce, answer: said.append(str(answer.result)))
    challenger.ask("n", filming.camera.stimulus)
    emitters: set[float] = set()
    for _ in range(40):
        for frame_set in filming.film(1.0 / 30.0):
            challenger.watch(frame_set)
            emitters.add(frame_set[Modality.IR].metadata["emitter"])
    assert said == [result]
    assert emitters == ({0.0, 1.0} if script is None else {1.0})


def test_a_scene_without_a_light_has_nothing_to_switch(studio: OpenStudio) -> None:
    assert studio().camera.stimulus is None


def test_a_device_that_was_left_dark_is_lit_when_it_is_opened(studio: OpenStudio) -> None:
    filming = studio(make_scene=LitNoise)
    stimulus = filming.camera.stimulus
    assert stimulus is not None
    stimulus.switch(False)
    find_stimulus([stimulus.sensor])
    assert stimulus.sensor.get_option(stimulus.option) == stimulus.usual


@pytest.mark.parametrize(
    ("event", "flaw"),
    [
        ("do = 'repeat'", Reason.FROZEN_FRAMES),
        ("do = 'repeat'\nstream = 'depth'", Reason.FROZEN_FRAMES),
        ("do = 'loop'\nvalue = 500", Reason.REPEATED_FRAMES),
        ("do = 'loop'\nvalue = 300\nstream = 'ir'", Reason.REPEATED_FRAMES),
        ("do = 'jump'\nvalue = -700", Reason.BAD_TIMES),
        ("do = 'jump'\nvalue = 1e7\nstream = 'ir'", Reason.BAD_TIMES),
    ],
)
def test_frames_that_no_sensor_takes_are_named(studio: OpenStudio, event: str, flaw: Reason) -> None:
    filming = studio(f"[[event]]\nat_s = 1.0\nfor_s = 0.5\n{event}")
    sets = filming.film(2.0)
    flaws = {s.flaw for s in sets if 2000.0 < s.time_ms < 2600.0} - {Reason.NONE}
    assert flaw in flaws
    assert {s.flaw for s in sets if s.time_ms < 1990.0} == {Reason.NONE}
