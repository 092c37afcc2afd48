"""One analytic face crop whose logits every copy of a model must reproduce: the self-test of a load and a deploy."""

from __future__ import annotations

import numpy as np

from core.frames import CROP_PX, FaceCrop

TOLERANCE = 2e-3
"""Largest accepted difference in a raw logit: above what CPU kernels and CUDA differ by, below what matters."""


def golden_crop() -> FaceCrop:
    """A dome with a nose before a wall, textured by waves; no random numbers, so that it is the same everywhere."""
    at = (np.arange(CROP_PX, dtype=np.float64) + 0.5) / CROP_PX * 2.0 - 1.0
    y, x = np.meshgrid(at, at, indexing="ij")
    radius = (x / 0.68) ** 2 + (y / 0.88) ** 2
    dome = 60.0 * np.sqrt(np.clip(1.0 - radius, 0.0, None))
    nose = 22.0 * np.exp(-(x**2) / 0.012 - (y - 0.05) ** 2 / 0.05)
    depth = np.where(radius < 1.0, 640.0 - dome - nose, 1400.0)
    depth[:4, :30] = 0.0
    shade = np.where(radius < 1.0, 0.55 + 0.3 * np.sqrt(np.clip(1.0 - radius, 0.0, None)), 0.25)
    waves = 0.08 * np.sin(9.0 * x) * np.cos(11.0 * y)
    eyes = 0.25 * (np.exp(-((np.abs(x) - 0.25) ** 2 + (y + 0.2) ** 2) / 0.008))
    luma = np.clip(shade + waves - eyes, 0.0, 1.0)
    rgb = np.stack([luma * 230.0, luma * 190.0, luma * 165.0], axis=2)
    infrared = np.clip(0.7 * shade - 0.5 * eyes, 0.01, 1.0)
    return FaceCrop(
        rgb=np.rint(rgb).astype(np.uint8),
        depth=np.rint(depth).astype(np.float32),
        ir=infrared.astype(np.float32),
        metric_depth=True,
        face_mm=220.0,
    )
