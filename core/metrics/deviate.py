"""The scale of DET plots: error rates by their normal deviate (ISO/IEC 19795-1; Martin et al., Eurospeech 1997).

Small rates, where two good models differ, get most of the room. A rate of 0 or 1 has no place on it: it lies on the
rim.
"""

from __future__ import annotations

from statistics import NormalDist

TICKS: tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
"""Rates that an axis names; it reaches from the first to the last."""
_NORMAL = NormalDist()


def deviate(rate: float) -> float:
    """Where ``rate`` (0 to 1) lies on an axis, in standard deviations; beyond the ends of `TICKS` it lies on them."""
    return _NORMAL.inv_cdf(min(max(rate, TICKS[0]), TICKS[-1]))


def along(rate: float) -> float:
    """The same as a share of the axis, 0 to 1."""
    low, high = deviate(TICKS[0]), deviate(TICKS[-1])
    return (deviate(rate) - low) / (high - low)


def percent(rate: float) -> str:
    """A tick's name: the rate in percent, without the sign."""
    return f"{100.0 * rate:g}"
