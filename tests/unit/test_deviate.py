from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from core.metrics.deviate import TICKS, along, deviate, percent

RATES = st.floats(0.0, 1.0)


@given(RATES, RATES)
def test_larger_rates_lie_farther_along_and_none_leaves_the_axis(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= along(low) <= along(high) <= 1.0


@given(st.floats(TICKS[0], TICKS[-1]))
def test_a_rate_lies_at_its_normal_deviate(rate: float) -> None:
    assert deviate(rate) == pytest.approx(norm.ppf(rate), abs=1e-9)


def test_small_rates_get_the_room_and_are_named_in_percent() -> None:
    assert along(0.05) - along(0.005) > along(0.5) - along(0.35)
    assert [percent(rate) for rate in TICKS[:4]] == ["0.5", "1", "2", "5"]
