"""From a distance to a count, in as many ways as collections and cameras have: noise, filters, holes, scales, steps.

scenes.md, "Sensors" (correlated noise, holes, bleeding edges) and "Other people's data look different" (8-bit relative
depth, scaled per frame or per crop, JPEG in places, 0 = hole, crops down to 40 px).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.face.crop import scale_depth

Float = NDArray[np.float32]
Generator = np.random.Generator
_RELATIVE_SHARE = 0.4
"""Share of metric crops that lose their scale."""


def vary_depth(depth: Float, metric: bool, side: int | None, random: Generator) -> tuple[Float, bool]:
    """A varied copy of ``depth float32 (S, S)``, 0 = hole, and whether it is still in millimetres.

    Args:
        depth: millimetres, or counts of unknown scale.
        metric: which of both.
        side: pixels that the camera had for it; ``None`` = as many as there are.
        random: draws.
    """
    size = depth.shape[0]
    values = depth if side is None else scale_depth(depth, side)
    values = _holes(_filtered(_noisy(values, random), random), random)
    relative = metric and random.random() < _RELATIVE_SHARE
    if relative:
        values = _made_relative(values, random)
    elif metric and random.random() < 0.2:
        step = float(random.uniform(1.0, 5.0))
        values = np.where(values > 0, np.maximum(np.rint(values / step), 1.0) * step, 0.0).astype(np.float32)
    return (values if side is None else scale_depth(values, size)), metric and not relative


def _noisy(values: Float, random: Generator) -> Float:
    """White and correlated noise, a thousandth of the distance each."""
    size = values.shape[0]
    white = np.float32(random.uniform(0.0, 1.5)) * random.standard_normal(values.shape, dtype=np.float32)
    coarse_side = int(random.integers(8, 32))
    coarse = random.normal(0.0, float(random.uniform(0.0, 1.5)), (coarse_side, coarse_side)).astype(np.float32)
    total = white + cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(values * (1.0 + 1.0e-3 * total), dtype=np.float32)


def _filtered(values: Float, random: Generator) -> Float:
    """As cameras and collectors smooth: median, or a mean over what is measured (several frames, a spatial filter)."""
    kind = random.random()
    if kind < 0.2:
        return np.asarray(cv2.medianBlur(values, int(random.choice([3, 5]))), dtype=np.float32)
    if kind < 0.45:
        measured = (values > 0).astype(np.float32)
        sigma = float(random.uniform(0.6, 2.0))
        share = cv2.GaussianBlur(measured, (0, 0), sigma)
        total = cv2.GaussianBlur(values, (0, 0), sigma)
        return np.where(measured > 0, total / np.maximum(share, 1e-6), 0.0).astype(np.float32)
    return values


def _holes(values: Float, random: Generator) -> Float:
    """Pixels lost at random or at steps of the surface; or filled from their left neighbour, as drivers do."""
    measured = values > 0
    kind = random.random()
    if kind < 0.2 and measured.any():
        at = np.where(measured, np.arange(values.shape[1])[None, :], -1)
        last = np.maximum.accumulate(at, axis=1)
        filled = np.take_along_axis(values, np.maximum(last, 0), axis=1)
        return np.where(last >= 0, filled, 0.0).astype(np.float32)
    if kind < 0.45:
        measured &= random.random(values.shape) > float(random.uniform(0.0, 0.12))
    elif kind < 0.6:
        steep = cv2.morphologyEx(values, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        measured &= steep < float(random.uniform(0.02, 0.1)) * max(float(values.max()), 1.0)
    return np.where(measured, values, 0.0).astype(np.float32)


def _made_relative(depth: Float, random: Generator) -> Float:
    """Depth without a scale, by one of the ways of collections; mostly 8 bits, at times through JPEG."""
    measured = depth > 0
    if not measured.any():
        return depth
    near = float(np.percentile(depth[measured], 1.0))
    behind = near + float(random.uniform(120.0, 700.0))
    if random.random() < 0.5:
        measured = measured & (depth < behind)
    far = float(min(behind, depth[measured].max()))
    kind = random.random()
    if kind < 0.35:
        # Its own range.
        values = 4.0 + (depth - near) / max(far - near, 1.0) * float(random.uniform(120.0, 250.0))
    elif kind < 0.65:
        # The largest value of the crop, or of a frame with its walls, zero kept: few steps are left for the relief.
        largest = far if random.random() < 0.5 else near + float(np.exp(random.uniform(np.log(200.0), np.log(4000.0))))
        values = depth / largest * 255.0
    elif kind < 0.85:
        # A fixed range of distances.
        low = near * float(random.uniform(0.0, 0.9))
        values = (depth - low) / float(random.uniform(400.0, 1600.0)) * 255.0
    else:
        # An inverse depth that a reader turned round.
        values = (1.0 - near / np.maximum(depth, 1.0)) * float(random.uniform(300.0, 700.0)) + 4.0
    if random.random() < 0.15:
        return np.where(measured, np.maximum(values, 1e-3), 0.0).astype(np.float32)
    steps: NDArray[Any] = np.rint(np.clip(values, 1.0, 255.0)).astype(np.uint8)
    if random.random() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 98))]
        _, data = cv2.imencode(".jpg", np.where(measured, steps, 0), quality)
        steps = np.maximum(np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8), 1)
    return np.where(measured, steps, 0).astype(np.float32)
