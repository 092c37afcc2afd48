"""Analytic face crops for tests of the model: a head, a sheet, and random pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.frames import CROP_PX, FaceCrop
from core.model.golden import golden_crop

_AT = (np.arange(CROP_PX, dtype=np.float64) + 0.5) / CROP_PX * 2.0 - 1.0
Y, X = np.meshgrid(_AT, _AT, indexing="ij")


def head(seed: int = 0, noise_mm: float = 0.8) -> FaceCrop:
    """The golden head with fresh sensor noise in every modality."""
    random = np.random.default_rng(seed)
    crop = golden_crop()
    assert crop.rgb is not None
    assert crop.depth is not None
    assert crop.ir is not None
    rgb = np.clip(crop.rgb + random.normal(0, 4, crop.rgb.shape), 0, 255).astype(np.uint8)
    depth = np.where(crop.depth > 0, crop.depth + random.normal(0, noise_mm, crop.depth.shape), 0.0)
    infrared = np.clip(crop.ir * (1.0 + random.normal(0, 0.03, crop.ir.shape)), 0.005, 1.0)
    return replace(crop, rgb=rgb, depth=depth.astype(np.float32), ir=infrared.astype(np.float32))


def sheet(seed: int = 0, bend_mm: float = 12.0, noise_mm: float = 0.8) -> FaceCrop:
    """The same picture printed on bent paper: quadratic depth, infrared without relief."""
    random = np.random.default_rng(seed)
    crop = head(seed)
    depth = 600.0 + 9.0 * Y + bend_mm * X**2 + random.normal(0, noise_mm, X.shape)
    infrared = np.clip(0.8 + 0.05 * Y + random.normal(0, 0.02, X.shape), 0.01, 1.0)
    return replace(crop, depth=depth.astype(np.float32), ir=infrared.astype(np.float32))


def garbage() -> FaceCrop:
    """Noise in every modality: nothing that any model was made for."""
    random = np.random.default_rng(3)
    shape = (CROP_PX, CROP_PX)
    return FaceCrop(
        rgb=random.integers(0, 256, (*shape, 3)).astype(np.uint8),
        depth=(random.uniform(200, 9000, shape) * (random.random(shape) > 0.3)).astype(np.float32),
        ir=(random.random(shape) > 0.5).astype(np.float32),
        metric_depth=True,
    )
