"""Pairing is pure, so its rules are tested on numbers alone."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.frames import MODALITIES, Frame, FrameSet, Modality
from core.pairing import Pairer
from tests.noise_scene import profile

RGB, DEPTH, IR = MODALITIES
PERIOD_MS = 1000.0 / 30.0


def frame(modality: Modality, number: int, time_ms: float) -> Frame:
    return Frame(modality, np.array([[number, 1]], dtype=np.uint16), number, time_ms)


def pairer(*modalities: Modality, fps_hz: float = 30.0, **options: float) -> Pairer:
    return Pairer({m: profile(m, fps_hz) for m in modalities or MODALITIES}, **options)  # type: ignore[arg-type]


def stream(modality: Modality, count: int, *, period_ms: float = PERIOD_MS, offset_ms: float = 0.0) -> list[Frame]:
    return [frame(modality, n, 1000.0 + offset_ms + period_ms * n) for n in range(1, count + 1)]


def pair_all(pairing: Pairer, frames: list[Frame]) -> list[FrameSet]:
    """All frames in order of time, the host's clock following the device's."""
    sets = []
    for one in sorted(frames, key=lambda f: f.device_time_ms):
        sets += pairing.add(one, one.device_time_ms)
    return sets + pairing.flush()


def masks(sets: list[FrameSet]) -> list[str]:
    return [str(s.mask) for s in sets]


def test_three_streams_in_step_make_complete_sets() -> None:
    sets = pair_all(pairer(), [f for m in MODALITIES for f in stream(m, 10)])
    assert masks(sets) == ["rgb+depth+ir"] * 10
    assert [s.number for s in sets] == list(range(1, 11))
    assert all(s.skew_ms == 0.0 for s in sets)


def test_a_complete_set_goes_out_at_once() -> None:
    pairing = pairer()
    assert pairing.add(frame(RGB, 1, 1000.0), 0.0) == []
    assert pairing.add(frame(IR, 1, 1002.0), 0.0) == []
    (whole,) = pairing.add(frame(DEPTH, 1, 1004.0), 0.0)
    assert (str(whole.mask), whole.skew_ms, whole.time_ms) == ("rgb+depth+ir", 4.0, 1000.0)


def test_the_real_recording_pairs_nothing_by_default() -> None:
    """Depth #169 and #170, colour #162, as their sensors stamped them at 6 Hz."""
    frames = [frame(DEPTH, 169, 360815.1), frame(RGB, 162, 360713.5), frame(DEPTH, 170, 360981.8)]
    alone = pair_all(pairer(RGB, DEPTH, fps_hz=6.0, patience_ms=2000.0), frames)
    assert masks(alone) == ["rgb", "depth", "depth"]
    first, second = pair_all(pairer(RGB, DEPTH, fps_hz=6.0, patience_ms=2000.0, max_skew_ms=150.0), frames)
    assert (str(first.mask), first[DEPTH].number, first[RGB].number) == ("rgb+depth", 169, 162)
    assert first.skew_ms == pytest.approx(101.6)
    assert (str(second.mask), second[DEPTH].number) == ("depth", 170)


def test_a_stream_that_stops_costs_a_period_and_then_nothing() -> None:
    pairing = pairer()
    waits = []
    for n in range(1, 31):
        now_ms = PERIOD_MS * n
        for modality in (RGB, IR) if n > 10 else MODALITIES:
            sets = pairing.add(frame(modality, n, 1000.0 + now_ms), now_ms)
            waits += [1000.0 + now_ms - s.time_ms for s in sets]
    assert max(waits) <= 2.0 * PERIOD_MS + 1.0
    assert waits[-5:] == [0.0] * 5


def test_a_set_is_released_by_the_host_clock_when_everything_else_stops() -> None:
    pairing = pairer()
    pairing.add(frame(RGB, 1, 1000.0), 50.0)
    assert pairing.poll(60.0) == []
    (alone,) = pairing.poll(50.0 + 3.0 * PERIOD_MS + 1.0)
    assert str(alone.mask) == "rgb"


def test_a_camera_that_slows_down_as_a_whole_stays_paired() -> None:
    """A busy machine renders eight sets a second where thirty were announced; one stream stops for a while."""
    frames = [f for m in (RGB, IR) for f in stream(m, 60, period_ms=125.0)]
    frames += [f for f in stream(DEPTH, 60, period_ms=125.0) if not 20 <= f.number < 40]
    got = masks(pair_all(pairer(), frames))
    assert got[:18] == ["rgb+depth+ir"] * 18
    assert got[20:38] == ["rgb+ir"] * 18
    assert got[-15:] == ["rgb+depth+ir"] * 15


def test_a_stream_that_returns_is_paired_again() -> None:
    depth = [f for f in stream(DEPTH, 60) if not 20 <= f.number <= 40]
    sets = pair_all(pairer(), stream(RGB, 60) + stream(IR, 60) + depth)
    assert masks(sets)[-15:] == ["rgb+depth+ir"] * 15
    assert masks(sets)[25] == "rgb+ir"
    assert masks(sets).count("none") == 1, "its first frame came when the set had gone: stored, not usable"


def test_a_frame_that_comes_too_late_is_stored_but_not_used() -> None:
    """Depth that lags by 60 ms arrives when its partners have gone: it rides with the next set, outside the mask."""
    pairing = pairer()
    sets: list[FrameSet] = []
    for n in range(1, 20):
        now_ms = 1000.0 + PERIOD_MS * n
        for modality in (RGB, IR):
            sets += pairing.add(frame(modality, n, now_ms), now_ms)
        sets += pairing.add(frame(DEPTH, n, now_ms - 60.0), now_ms)
    sets += pairing.flush()
    carried = [s for s in sets if DEPTH in s.frames and DEPTH not in s.mask]
    assert len(carried) >= 15
    assert all(s.skew_ms > 20.0 for s in carried)
    assert pairing.counts[DEPTH].late >= 15


def test_late_frames_before_the_first_set_have_the_time_of_what_is_to_come() -> None:
    """Colour on a clock of its own that is ahead: depth is late before anything has gone out."""
    pairing = pairer()
    sets = pairing.add(frame(RGB, 1, 5e6), 0.0)
    for n in range(1, 4):
        sets += pairing.add(frame(DEPTH, n, 1000.0 + PERIOD_MS * n), PERIOD_MS * n)
    sets += pairing.flush()
    assert masks(sets) == ["none", "none", "none", "rgb"]
    assert {s.time_ms for s in sets} == {5e6}


def test_repeated_numbers_and_repeated_pixels_are_a_frozen_stream() -> None:
    pairing = pairer(RGB, DEPTH)
    sets: list[FrameSet] = []
    noise = np.random.default_rng(1).integers(0, 900, (40, 40), dtype=np.uint16)
    for n in range(1, 12):
        time_ms = 1000.0 + PERIOD_MS * n
        sets += pairing.add(frame(RGB, n, time_ms), time_ms)
        sets += pairing.add(Frame(DEPTH, noise, n, time_ms), time_ms)
    sets += pairing.flush()
    assert masks(sets)[0] == "rgb+depth"
    assert set(masks(sets)[1:]) == {"rgb"}
    assert pairing.counts[DEPTH].duplicates == 10
    assert pairing.add(frame(RGB, 11, 5000.0), 5000.0) == []
    assert pairing.counts[RGB].duplicates == 1


def test_a_constant_image_is_not_frozen() -> None:
    pairing = pairer(RGB)
    for n in (1, 2):
        pairing.add(Frame(RGB, np.zeros((40, 40, 3), np.uint8), n, 1000.0 * n), 1000.0 * n)
    assert pairing.counts[RGB].duplicates == 0


@pytest.mark.parametrize("time_ms", [0.0, -5.0, math.nan, math.inf, 900.0, 1000.0 + 1e9])
def test_times_that_cannot_be_are_rejected_and_counted(time_ms: float) -> None:
    pairing = pairer(RGB)
    pairing.add(frame(RGB, 1, 1000.0), 1000.0)
    assert pairing.add(frame(RGB, 2, time_ms), 1033.0) == []
    assert pairing.counts[RGB].rejected == 1
    assert pairing.add(frame(RGB, 3, 1066.0), 1066.0), "the stream goes on after a bad time"


def test_a_real_gap_is_not_a_jump() -> None:
    pairing = pairer(RGB)
    pairing.add(frame(RGB, 1, 1000.0), 0.0)
    assert pairing.add(frame(RGB, 2, 9000.0), 8000.0)


def test_lost_frames_are_seen_in_the_numbers() -> None:
    pairing = pairer(RGB)
    for number in (1, 2, 6):
        pairing.add(frame(RGB, number, 1000.0 + 30.0 * number), 30.0 * number)
    assert pairing.counts[RGB].lost == 3


@st.composite
def captures(draw: st.DrawFn) -> list[tuple[Frame, float]]:
    """Three streams with their own rate, phase, gaps and delay, in order of arrival."""
    arrivals = []
    for modality in MODALITIES:
        period_ms = draw(st.sampled_from([16.7, PERIOD_MS, 66.7]))
        offset_ms = draw(st.floats(0.0, 60.0))
        delay_ms = draw(st.floats(0.0, 90.0))
        kept = draw(st.lists(st.booleans(), min_size=0, max_size=30))
        for n, keep in enumerate(kept, start=1):
            if keep:
                time_ms = 1000.0 + offset_ms + period_ms * n
                arrivals.append((frame(modality, n, time_ms), time_ms + delay_ms))
    return sorted(arrivals, key=lambda entry: entry[1])


@given(captures(), st.sampled_from([None, 5.0, 50.0]), st.booleans())
def test_whatever_comes_every_frame_is_used_once_and_in_order(
    arrivals: list[tuple[Frame, float]], max_skew_ms: float | None, polled: bool
) -> None:
    pairing = Pairer({m: profile(m) for m in MODALITIES}, max_skew_ms=max_skew_ms)
    sets: list[FrameSet] = []
    for one, arrival_ms in arrivals:
        if polled:
            sets += pairing.poll(arrival_ms)
        sets += pairing.add(one, arrival_ms)
    sets += pairing.flush()

    used = Counter((f.modality, f.number) for s in sets for f in s.frames.values())
    assert used == Counter((f.modality, f.number) for f, _ in arrivals)
    assert [s.number for s in sets] == list(range(1, len(sets) + 1))
    assert [s.time_ms for s in sets] == sorted(s.time_ms for s in sets)
    for s in sets:
        usable = [s[m].device_time_ms for m in s.mask]
        times = [f.device_time_ms for f in s.frames.values()]
        assert s.skew_ms == max(times) - min(times)
        assert not usable or max(usable) - min(usable) <= pairing.max_skew_ms
        assert all(m in s.frames for m in s.mask)


@given(st.lists(st.tuples(st.sampled_from(MODALITIES), st.integers(0, 9), st.floats(allow_nan=True)), max_size=60))
def test_no_timestamp_breaks_it(entries: list[tuple[Modality, int, float]]) -> None:
    pairing = pairer()
    sets: list[FrameSet] = []
    for arrival_ms, (modality, number, time_ms) in enumerate(entries):
        sets += pairing.add(frame(modality, number, time_ms), float(arrival_ms))
    sets += pairing.flush()
    counts = pairing.counts.values()
    assert sum(c.frames + c.rejected + c.duplicates for c in counts) == len(entries)
    assert sum(len(s.frames) for s in sets) == sum(c.frames for c in counts)
    assert all(math.isfinite(s.time_ms) for s in sets)
