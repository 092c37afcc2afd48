"""Statistics of one bona fide crop in which simulation and capture can be told apart (scenes.md; evaluation.md sec. 2).

Depth in mm and infrared only where they are there; nothing that knows who the person is or what stands behind.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.frames import FaceCrop
from core.surface import Float, face_ellipse, fit_sheets

BANDS = 4
"""Octaves of the noise spectrum, from half a cycle a pixel downwards."""
QUANTILES = (10, 50, 90)
STATISTICS: tuple[str, ...] = (
    "hole_share",
    *(f"plane_residual_p{q}" for q in QUANTILES),
    *(f"quadric_residual_p{q}" for q in QUANTILES),
    *(f"depth_spectrum_{band}" for band in range(BANDS)),
    "ir_p5_over_median",
    "ir_p95_over_median",
    "ir_fall_off",
    *(f"ir_spectrum_{band}" for band in range(BANDS)),
)
"""``plane_residual_pQ`` and ``quadric_residual_pQ``: percentiles of the absolute residual (mm). ``*_spectrum_B``: log10
of the power in an octave (B = 0 the finest) of what the quadric leaves (mm), of infrared over its median.
``ir_fall_off``: slope of log infrared over log distance inside the face (-2 for a lamp beside the lens on a flat wall).
"""
_MIN_PIXELS = 200


def statistics_of(crop: FaceCrop) -> NDArray[np.float64]:
    """The statistics in the order of `STATISTICS`; NaN where a modality or enough of it is missing."""
    depth = _depth_statistics(crop.depth) if crop.depth is not None else [np.nan] * (1 + 2 * len(QUANTILES) + BANDS)
    infrared = _ir_statistics(crop.ir, crop.depth) if crop.ir is not None else [np.nan] * (3 + BANDS)
    return np.array([*depth, *infrared], dtype=np.float64)


def _depth_statistics(depth: Float) -> list[float]:
    face = face_ellipse(depth.shape[0])
    measured = face & (depth > 0)
    holes = 1.0 - float(measured.sum() / face.sum())
    if measured.sum() < _MIN_PIXELS:
        return [holes, *[np.nan] * (2 * len(QUANTILES) + BANDS)]
    sheets = fit_sheets(depth[None])
    plane, quadric = (np.abs(left[0][measured]) for left in (sheets.plane, sheets.quadric))
    percentiles = [float(np.percentile(left, q)) for left in (plane, quadric) for q in QUANTILES]
    return [holes, *percentiles, *_spectrum(sheets.quadric[0], measured)]


def _ir_statistics(infrared: Float, depth: Float | None) -> list[float]:
    face = face_ellipse(infrared.shape[0])
    lit = face & (infrared > 0)
    if lit.sum() < _MIN_PIXELS:
        return [np.nan] * (3 + BANDS)
    low, median, high = (float(q) for q in np.percentile(infrared[lit], (5, 50, 95)))
    fall_off = np.nan
    if depth is not None and (both := lit & (depth > 0)).sum() >= _MIN_PIXELS:
        far = np.log(depth[both].astype(np.float64))
        spread = float(np.var(far))
        level = np.log(np.maximum(infrared[both].astype(np.float64), 1e-4))
        fall_off = float(np.cov(far, level)[0, 1] / spread) if spread > 0 else np.nan
    return [low / median, high / median, fall_off, *_spectrum(infrared / np.float32(median), lit)]


def _spectrum(image: Float, usable: NDArray[np.bool_]) -> list[float]:
    """Log power in octaves of the window's middle; what is unusable counts as the median of the rest."""
    side = image.shape[0]
    inner = slice(side // 4, side - side // 4)
    patch = np.where(usable, image, np.median(image[usable]))[inner, inner].astype(np.float64)
    patch = np.clip(patch, *np.percentile(patch, (1, 99)))
    window = np.hanning(len(patch))
    power = np.abs(np.fft.fft2((patch - patch.mean()) * np.outer(window, window))) ** 2 / len(patch) ** 2
    cycles = np.abs(np.fft.fftfreq(len(patch)))
    radius = np.maximum(cycles[:, None], cycles[None, :])
    edges = 0.5 / 2.0 ** np.arange(BANDS + 1)
    return [float(np.log10(power[(radius <= high) & (radius > low)].mean() + 1e-9)) for high, low in pairwise(edges)]
