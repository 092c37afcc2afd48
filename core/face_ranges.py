"""What the physics figures of faces usually are, so that a person can read one: "0.4 mm; faces 3.0 to 5.6".

From real captures only: 324 Kinect v2 captures of six people, 5th to 95th percentile. Lengths as scenes.md gives them
for the landmark box, widened where the same captures, found and cut by `core.face`, lie further out. A figure whose
level depends on the sensor (infrared level and contrast, noise) has no range: it would mislead on another camera.
Six people are few: outside a range is a reason to look, never a rule of the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_WIDTH_MM = 220.0
"""Usual width of a crop (`core.face.crop`)."""


@dataclass(frozen=True, slots=True)
class Usual:
    """From ``low`` to ``high``; ``high`` is ``None`` where only too little is unusual."""

    low: float
    high: float | None = None

    def place(self, value: float) -> int:
        """-1 below, 0 within, 1 above."""
        if value < self.low:
            return -1
        return int(self.high is not None and value > self.high)


USUAL: Mapping[str, Usual] = {
    "quadric_residual_mm": Usual(3.0, 5.6),
    "plane_residual_mm": Usual(4.8, 11.2),
    "relief_mm": Usual(36.0),
    "quadric_residual_per_width": Usual(3.0 / _WIDTH_MM, 5.6 / _WIDTH_MM),
    "plane_residual_per_width": Usual(4.8 / _WIDTH_MM, 11.2 / _WIDTH_MM),
    "relief_per_width": Usual(36.0 / _WIDTH_MM),
    "quadric_residual_over_noise": Usual(3.8),
    "depth_hole_share": Usual(0.0, 0.07),
}
"""By the names of `core.physics.figures`. Holes: 0 to 3 % in those faces, 7 % of a D435's pixels (scenes.md)."""
