"""Shoulders and clothes: a wide superellipse below the neck."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.scenes.mesh import F32, Solid, grid_mesh
from core.scenes.noise import Grain, noise
from core.scenes.paint import Paint
from core.scenes.render import Body, Finish, Pose

# height below the head's origin, front, half width, back (mm)
_PROFILE = np.array(
    [(-128, 34, 54, 60), (-150, 44, 72, 68), (-168, 60, 112, 78), (-185, 74, 160, 88), (-205, 84, 188, 95),
     (-240, 94, 205, 104), (-300, 104, 212, 110), (-420, 108, 205, 112), (-620, 100, 190, 110)]
)  # fmt: skip


@lru_cache(maxsize=1)
def _solid() -> Solid:
    azimuth = np.linspace(-np.pi, np.pi, 41)[None, :]
    heights = np.linspace(-128, -620, 34)[:, None]
    front, half, back = (np.interp(heights, _PROFILE[::-1, 0], _PROFILE[::-1, i]) for i in (1, 2, 3))
    sine, cosine = np.sin(azimuth), np.cos(azimuth)
    x = half * np.sign(sine) * np.abs(sine) ** 0.85
    z = np.where(cosine > 0, front, back) * np.sign(cosine) * np.abs(cosine) ** 0.85 - 18
    y = np.broadcast_to(heights, x.shape)
    chart = np.stack([np.broadcast_to(azimuth * 150, x.shape), y], -1)
    return Solid(grid_mesh(np.stack([x, y, z], -1).astype(F32), chart.astype(F32)))


def torso_body(head_mm: NDArray[np.float64], rng: np.random.Generator, step: int = 4) -> Body:
    """The clothed upper body below a head whose origin is at ``head_mm``; the clothes are drawn from ``rng``."""
    return Body(_solid(), cloth(rng), Pose.facing(tuple(head_mm)), Finish(0.0, 0.0, 8, 0.0, 0.02), step)


def cloth(rng: np.random.Generator, mm_per_px: float = 3.0) -> Paint:
    """Cloth with folds and perhaps stripes; black cloth is often bright in infrared."""
    width, height = round(960 / mm_per_px), round(520 / mm_per_px)
    colour = np.clip(rng.uniform(0.02, 0.6) * rng.uniform(0.5, 1.3, 3), 0.01, 0.8).astype(F32)
    folds = 1 + F32(0.10) * noise(Grain.FRACTAL, (height, width), rng)
    y = -128 - mm_per_px * np.arange(height, dtype=F32)[:, None]
    if rng.random() < 0.25:
        folds = folds * (1 + F32(0.35) * np.sign(np.sin(y * F32(2 * np.pi / rng.uniform(14, 40)))))
    collar = np.clip((y + 150) / 10, 0, 1)
    rgb = colour * folds[..., None] * (1 - F32(0.3) * collar[..., None])
    infrared = F32(rng.uniform(0.15, 0.75)) * (F32(0.6) + F32(0.4) * folds)
    return Paint(rgb.astype(F32), infrared.astype(F32), -480.0, -128.0, mm_per_px)
