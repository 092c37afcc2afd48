"""What no sensor does is found in the stream itself: frozen, looped and re-timed frames, times that jump."""

from __future__ import annotations

import numpy as np
import pytest

from core.authenticity import BAD_TIMES, GOOD_TIMES, Authenticity
from core.codes import Reason
from core.frames import Frame, FrameSet, Modality
from core.pairing import Pairer
from tests.noise_scene import profile

PERIOD_MS = 1000.0 / 30.0
NOISE = np.random.default_rng(3)


def image(modality: Modality) -> np.ndarray:
    if modality is Modality.DEPTH:
        return NOISE.integers(400, 900, (48, 64), dtype=np.uint16)
    return NOISE.integers(0, 255, (48, 64, 3) if modality is Modality.RGB else (48, 64), dtype=np.uint8)


def test_noise_never_comes_again_and_a_picture_that_does_is_named() -> None:
    stream = Authenticity()
    pictures = [image(Modality.IR) for _ in range(40)]
    assert {stream.pixels(picture) for picture in pictures} == {Reason.NONE}
    assert stream.pixels(pictures[-1]) is Reason.FROZEN_FRAMES
    assert stream.pixels(pictures[10]) is Reason.REPEATED_FRAMES
    assert stream.pixels(image(Modality.IR)) is Reason.NONE


def test_a_covered_lens_and_its_hot_pixel_say_nothing() -> None:
    stream = Authenticity()
    black = np.zeros((480, 640), np.uint8)
    black[32, 100] = 255
    assert [stream.pixels(black) for _ in range(3)] == [Reason.NONE] * 3


def test_one_bad_time_is_a_slip_and_several_are_not() -> None:
    stream = Authenticity()
    assert stream.times(False) is Reason.NONE
    for _ in range(GOOD_TIMES):
        assert stream.times(True) is Reason.NONE
    said = [stream.times(False) for _ in range(BAD_TIMES)]
    assert said == [Reason.NONE] * (BAD_TIMES - 1) + [Reason.BAD_TIMES]


class Stream:
    """Three streams into a pairer, as a camera delivers them."""

    def __init__(self) -> None:
        self.pairer = Pairer({m: profile(m) for m in Modality})
        self.number = 0
        self.sets: list[FrameSet] = []

    def run(self, frames: int, *, same: bool = False, shift_ms: float = 0.0, domain: str = "hardware_clock") -> Stream:
        kept = {m: image(m) for m in Modality}
        for _ in range(frames):
            self.number += 1
            now_ms = 1000.0 + PERIOD_MS * self.number
            for m in Modality:
                pixels = kept[m] if same else image(m)
                self.sets += self.pairer.add(Frame(m, pixels, self.number, now_ms + shift_ms, domain), now_ms)
        return self

    def flaws(self) -> set[Reason]:
        return {s.flaw for s in self.sets}


def test_a_camera_has_no_flaw() -> None:
    assert Stream().run(60).flaws() == {Reason.NONE}


@pytest.mark.parametrize(
    ("fault", "flaw"),
    [
        ({"same": True}, Reason.FROZEN_FRAMES),
        ({"shift_ms": -500.0}, Reason.BAD_TIMES),
        ({"shift_ms": 1e7}, Reason.BAD_TIMES),
        ({"domain": "system_time"}, Reason.BAD_TIMES),
    ],
)
def test_all_streams_at_once_still_tell_of_it(fault: dict[str, object], flaw: Reason) -> None:
    stream = Stream().run(30)
    before = len(stream.sets)
    stream.run(12, **fault)  # type: ignore[arg-type]
    later = stream.sets[before:]
    assert flaw in {s.flaw for s in later}
    flawed = [s for s in later if s.flaw is flaw]
    assert all(s.time_ms >= stream.sets[before - 1].time_ms for s in flawed)
    assert [s.number for s in stream.sets] == list(range(1, len(stream.sets) + 1))


def test_one_stream_alone_marks_the_sets_of_the_others() -> None:
    stream = Stream().run(20)
    frozen = image(Modality.DEPTH)
    for _ in range(10):
        stream.number += 1
        now_ms = 1000.0 + PERIOD_MS * stream.number
        for m in Modality:
            pixels = frozen if m is Modality.DEPTH else image(m)
            stream.sets += stream.pairer.add(Frame(m, pixels, stream.number, now_ms), now_ms)
    assert stream.sets[-1].flaw is Reason.FROZEN_FRAMES
    assert Modality.DEPTH not in stream.sets[-1].mask
