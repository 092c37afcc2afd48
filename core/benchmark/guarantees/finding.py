"""What a check says: a measured value with its bounds, the range that it must lie in, and whether it does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.benchmark.guarantees.figures import Bounded

TITLES = {
    1: "difficulty",
    2: "one factor at a time",
    3: "relief does not give everything away",
    4: "joint information",
    5: "noise of pseudo-labels",
    6: "missing modalities",
    7: "no leaks",
}
"""The guarantees of evaluation.md, section 2."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One measured figure of one guarantee. ``required`` are inclusive ends, ``None`` = open on that side.

    ``by_bound``: the upper bound and not only the value must keep the upper end.
    """

    guarantee: int
    name: str
    measured: Bounded
    required: tuple[float | None, float | None]
    by_bound: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the figure exists and lies in its range."""
        low, high = self.required
        top = self.measured.high if self.by_bound else self.measured.value
        if not math.isfinite(self.measured.value) or not math.isfinite(top):
            return False
        return (low is None or self.measured.value >= low) and (high is None or top <= high)

    def as_json(self) -> dict[str, Any]:
        """Plain data; a figure that does not exist is ``null``."""
        measured = {k: v if math.isfinite(v) else None for k, v in self.measured.as_json().items()}
        found = {"guarantee": self.guarantee, "name": self.name, **measured, "required": list(self.required)}
        return {**found, "holds": self.holds, **({"details": dict(self.details)} if self.details else {})}
