"""The frames that stand for a presentation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.sampling import evenly, spread


def test_frames_are_spread_over_a_video() -> None:
    assert spread(3, 5) == [0, 1, 2]
    assert spread(50, 5) == [5, 15, 25, 35, 45]
    assert spread(0, 5) == []


@given(st.integers(0, 300), st.integers(1, 12))
def test_a_known_number_of_frames_gives_as_many_as_are_wanted(length: int, count: int) -> None:
    kept = spread(length, count)
    assert len(kept) == min(length, count)
    assert kept == sorted(set(kept))
    assert all(0 <= number < length for number in kept)


@given(st.integers(0, 300), st.integers(1, 12))
def test_frames_are_spread_over_the_presentation(length: int, count: int) -> None:
    kept = evenly(iter(range(length)), count)
    assert len(kept) <= count
    assert len(kept) >= min(length, (count + 1) // 2)
    assert kept == sorted(set(kept))
    if length >= 4 * count > 4:
        assert kept[-1] >= length // 4
