"""What stands behind people: a wall and flat furniture at several depths, the same from every camera of a rig."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.scenes.mesh import F32
from core.scenes.noise import Grain, tile


@dataclass(frozen=True, slots=True)
class Panel:
    """A flat piece parallel to the image: from ``x0`` to ``x1`` and ``y0`` to ``y1`` (mm, y down) at ``z``."""

    x0: float
    x1: float
    y0: float
    y1: float
    z: float
    rgb: tuple[float, float, float]
    ir: float
    grain: float = 0.06


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Panels before a wall at ``wall_mm`` that is turned by ``slope`` (change of z per x)."""

    wall_mm: float
    wall_rgb: tuple[float, float, float]
    wall_ir: float
    slope: float = 0.0
    grain: float = 0.05
    panels: tuple[Panel, ...] = ()

    def look(
        self, x: NDArray[np.float32], y: NDArray[np.float32], origin_mm: tuple[float, float, float]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """``z`` (mm), albedo, infrared albedo and cosine of incidence along the rays ``(x (1, W), y (H, 1), 1)``."""
        x, y = np.broadcast_arrays(x, y)
        z = F32(self.wall_mm + self.slope * origin_mm[0]) / (1 - F32(self.slope) * x)
        z = np.clip(z, 300, 9000)
        pattern = _pattern(x * z + F32(origin_mm[0]), y * z + F32(origin_mm[1]), 2.6)
        albedo = np.asarray(self.wall_rgb, F32) * (1 + F32(self.grain) * pattern)[..., None]
        infrared = F32(self.wall_ir) * (1 + F32(0.6 * self.grain) * pattern)
        for panel in sorted(self.panels, key=lambda p: -p.z):
            px, py = x * F32(panel.z) + F32(origin_mm[0]), y * F32(panel.z) + F32(origin_mm[1])
            inside = (px > panel.x0) & (px < panel.x1) & (py > panel.y0) & (py < panel.y1) & (panel.z < z)
            if not inside.any():
                continue
            pattern = F32(panel.grain) * _pattern(px, py, 1.4)[inside]
            z = np.where(inside, F32(panel.z), z)
            albedo[inside] = np.asarray(panel.rgb, F32) * (1 + pattern)[:, None]
            infrared[inside] = F32(panel.ir) * (1 + pattern)
        cosine = (1 / np.sqrt(1 + x * x + y * y)).astype(F32)
        return z.astype(F32), np.clip(albedo, 0, 1), np.clip(infrared, 0, 1), cosine

    @classmethod
    def draw(cls, rng: np.random.Generator, wall_mm: tuple[float, float] = (900, 2800)) -> Backdrop:
        """A room at random."""
        wall = float(rng.uniform(*wall_mm))
        panels = []
        for _ in range(int(rng.integers(0, 6))):
            x0, y0, z = (
                float(rng.uniform(-900, 700)),
                float(rng.uniform(-700, 300)),
                float(rng.uniform(0.75, 0.98) * wall),
            )
            size = rng.uniform([120, 200], [700, 1400])
            panels.append(
                Panel(x0, x0 + float(size[0]), y0, y0 + float(size[1]), z, _tint(rng), float(rng.uniform(0.1, 0.8)),
                      float(rng.uniform(0.02, 0.2)))
            )  # fmt: skip
        return cls(
            wall, _tint(rng), float(rng.uniform(0.25, 0.8)), float(rng.uniform(-0.25, 0.25)),
            float(rng.uniform(0.02, 0.15)), tuple(panels),
        )  # fmt: skip


def _tint(rng: np.random.Generator) -> tuple[float, float, float]:
    grey = float(rng.uniform(0.05, 0.75))
    r, g, b = (float(np.clip(grey * f, 0.02, 0.9)) for f in rng.uniform(0.75, 1.2, 3))
    return r, g, b


def _pattern(x_mm: NDArray[np.float32], y_mm: NDArray[np.float32], mm_per_px: float) -> NDArray[np.float32]:
    """Grain of a wall at these places."""
    u, v = (x_mm / F32(mm_per_px)).astype(F32), (y_mm / F32(mm_per_px)).astype(F32)
    return np.asarray(cv2.remap(tile(Grain.FRACTAL), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))
