"""Fitting sheets to the depth of a face crop: robust centre, plane and quadric, and what they leave over.

A sheet of paper, however bent about one axis, leaves almost nothing after a quadric; a head leaves several millimetres
(scenes.md, "Geometry and speed"). Everything is batched numpy, shared by the physics figures and the network's inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

FACE_SEMI_X = 0.31
FACE_SEMI_Y = 0.40
"""Semi-axes of the face inside a crop, over its side: the crop is 1.3 times the face box (`core.face.crop`)."""
PLANE_TERMS = 3
QUADRIC_TERMS = 6
MAD_TO_SIGMA = 1.4826
_REWEIGHTINGS = 3
_TUKEY = 4.685
_RIDGE = 1e-4
_MIN_POINTS = 40


@lru_cache(maxsize=8)
def face_ellipse(size: int, grow: float = 1.0) -> Bool:
    """``bool (size, size)``: the ellipse that holds the face, its semi-axes multiplied by ``grow``."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    inside = (at[None, :] / (FACE_SEMI_X * grow)) ** 2 + (at[:, None] / (FACE_SEMI_Y * grow)) ** 2 <= 1.0
    inside.flags.writeable = False
    return inside


@lru_cache(maxsize=8)
def _terms(size: int) -> Float:
    """``float32 (size * size, 6)``: 1, x, y, x^2, xy, y^2 with x and y from -1 to 1 across the crop."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size * 2.0 - 1.0
    y, x = (axis.ravel() for axis in np.meshgrid(at, at, indexing="ij"))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


@lru_cache(maxsize=8)
def _fit_points(size: int) -> tuple[NDArray[np.intp], Float, Float]:
    """Every second pixel of the face ellipse: flat indices, terms ``(n, 6)``, products of terms ``(n, 36)``."""
    grid = np.zeros((size, size), dtype=bool)
    grid[::2, ::2] = True
    index = np.flatnonzero(grid & face_ellipse(size))
    terms = _terms(size)[index]
    return index, terms, (terms[:, :, None] * terms[:, None, :]).reshape(len(index), -1)


def masked_median(values: Float, valid: Bool) -> Float:
    """Median over the last axis of the ``valid`` values; 0 where there are none. ``values, valid: (B, N)``."""
    count = valid.sum(axis=-1)
    ordered = np.sort(np.where(valid, values, np.float32(np.inf)), axis=-1)
    rows = np.arange(len(values))
    last = np.maximum(count - 1, 0)
    middle = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) * np.float32(0.5)
    return np.where(count > 0, middle, np.float32(0.0))


def centre_and_mad(images: Float, valid: Bool) -> tuple[Float, Float]:
    """Median and median absolute deviation inside the face ellipse, holes excluded.

    Args:
        images: ``float32 (B, S, S)``.
        valid: ``bool (B, S, S)``, which pixels are measured.

    Returns:
        Two arrays ``float32 (B,)``; both 0 where nothing is measured.
    """
    size = images.shape[-1]
    index = _fit_points(size)[0]
    values = images.reshape(len(images), -1)[:, index]
    usable = valid.reshape(len(images), -1)[:, index]
    median = masked_median(values, usable)
    return median, masked_median(np.abs(values - median[:, None]), usable)


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """Everything that is fitted to a batch of depth crops, once: inputs, evidence and figures for people share it.

    ``valid bool (B, S, S)``; ``median, mad float32 (B,)`` inside the face; ``plane`` and ``quadric float32 (B, S, S)``:
    what `sheet_residual` leaves, in the unit of the depth.
    """

    valid: Bool
    median: Float
    mad: Float
    plane: Float
    quadric: Float

    def row(self, number: int) -> Sheets:
        """One crop as a batch of its own."""
        at = slice(number, number + 1)
        return Sheets(self.valid[at], self.median[at], self.mad[at], self.plane[at], self.quadric[at])


def fit_sheets(depth: Float) -> Sheets:
    """Fit plane and quadric to ``depth float32 (B, S, S)``, 0 = hole."""
    valid = depth > 0
    median, mad = centre_and_mad(depth, valid)
    plane, quadric = (_residual(depth, valid, median, mad, terms) for terms in (PLANE_TERMS, QUADRIC_TERMS))
    return Sheets(valid, median, mad, plane, quadric)


def sheet_residual(depth: Float, valid: Bool, terms: int = QUADRIC_TERMS) -> Float:
    """What a robust plane (``terms=3``) or quadric (``terms=6``) leaves of each depth crop.

    Fitted inside the face ellipse by iteratively re-weighted least squares (Tukey's biweight), evaluated everywhere.

    Args:
        depth: ``float32 (B, S, S)``, any unit.
        valid: ``bool (B, S, S)``.
        terms: `PLANE_TERMS` or `QUADRIC_TERMS`.

    Returns:
        ``float32 (B, S, S)`` in the unit of ``depth``, 0 at holes and where too little is measured for a fit.
    """
    return _residual(depth, valid, *centre_and_mad(depth, valid), terms)


def _residual(depth: Float, valid: Bool, median: Float, mad: Float, terms: int) -> Float:
    batch, size = depth.shape[0], depth.shape[-1]
    index, points, products = _fit_points(size)
    points = points[:, :terms]
    products = products.reshape(-1, QUADRIC_TERMS, QUADRIC_TERMS)[:, :terms, :terms].reshape(len(index), -1)
    scale: Float = np.maximum(mad, np.float32(1e-6))
    flat: Float = (depth.reshape(batch, -1) - median[:, None]) / scale[:, None]
    values = flat[:, index]
    usable = valid.reshape(batch, -1)[:, index]
    weights: Float = (usable & (np.abs(values) < 12.0)).astype(np.float32)
    values = np.asarray(np.where(weights > 0, values, 0.0), dtype=np.float32)
    enough = weights.sum(axis=1) >= _MIN_POINTS
    coefficients = np.zeros((batch, terms), dtype=np.float32)
    for _ in range(_REWEIGHTINGS):
        coefficients = _solve(weights, values, points, products)
        left = np.abs(values - coefficients @ points.T)
        sigma = np.maximum(MAD_TO_SIGMA * masked_median(left, weights > 0), np.float32(1e-3))
        inside = np.clip(1.0 - (left / (_TUKEY * sigma[:, None])) ** 2, 0.0, None)
        weights = np.asarray(np.where(usable, inside * inside, 0.0), dtype=np.float32)
    residual = (flat - coefficients @ _terms(size)[:, :terms].T) * scale[:, None]
    keep = valid.reshape(batch, -1) & enough[:, None]
    return np.where(keep, residual, np.float32(0.0)).astype(np.float32).reshape(depth.shape)


def _solve(weights: Float, values: Float, points: Float, products: Float) -> Float:
    """Weighted least squares of every row at once, with a ridge that keeps poorly covered terms near zero."""
    terms = points.shape[1]
    normal = (weights @ products).reshape(-1, terms, terms).astype(np.float64)
    ridge = _RIDGE * np.maximum(weights.sum(axis=1), 1.0)
    normal += ridge[:, None, None] * np.eye(terms)
    right = ((weights * values) @ points).astype(np.float64)
    return np.linalg.solve(normal, right[:, :, None])[:, :, 0].astype(np.float32)
