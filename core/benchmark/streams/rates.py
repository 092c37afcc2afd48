"""By what each method's learning rate is multiplied at a target, chosen on the site of `core.benchmark.streams.sites`.

`main.py benchmark --scenes --protocol streams-dev` weighs `FACTORS` for every method that updates, all alike.
"""

from __future__ import annotations

from collections.abc import Mapping

FACTORS = (1.0, 3.0, 10.0)
CHOSEN: Mapping[str, Mapping[str, float]] = {}
"""By target and method; a method that is not named has its own rate."""


def rate_of(target: str, method: str) -> float:
    """The factor of a method at a target."""
    return CHOSEN.get(target, {}).get(method, 1.0)
