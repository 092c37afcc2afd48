"""From the arrays of a collection to frames of ours: checked, depth larger = farther, borders cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.frames import Modality

_BORDER = 8
"""8-bit level up to which a picture is black."""
_MIN_BORDER_SHARE = 0.02


def checked(array: NDArray[Any], modality: Modality) -> NDArray[Any]:
    """``array`` in the layout and type that a manifest's images have.

    Floats lie in 0..1 and become 8 bits (rgb) or 16 bits (depth, ir). Wider integers are kept where they fit 16 bits.

    Raises:
        InputError: not finite, all zero, out of range, or not shaped as a picture of this modality.
    """
    wanted = 3 if modality is Modality.RGB else 2
    if array.ndim != wanted or 0 in array.shape or (modality is Modality.RGB and array.shape[2] != 3):
        raise InputError(f"{modality} has the shape {array.shape}", "")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            share = 1.0 - float(np.isfinite(array).mean())
            raise InputError(f"{modality} has NaN or infinite pixels ({share:.2%})", "")
        if array.min() < 0.0 or array.max() > 1.0:
            raise InputError(f"{modality} has values from {array.min():.3g} to {array.max():.3g}, not 0 to 1", "")
        top, kind = (255, np.uint8) if modality is Modality.RGB else (65535, np.uint16)
        array = np.rint(array.astype(np.float64) * top).astype(kind)
    elif array.dtype.kind not in "ui":
        raise InputError(f"{modality} is of type {array.dtype}", "")
    elif array.dtype not in (np.uint8, np.uint16):
        if array.min() < 0 or array.max() > 65535:
            raise InputError(f"{modality} has values from {array.min()} to {array.max()}, beyond 16 bits", "")
        array = array.astype(np.uint16)
    if modality is Modality.RGB and array.dtype != np.uint8:
        raise InputError(f"{modality} is of type {array.dtype}, not 8 bits", "")
    if not array.any():
        raise InputError(f"{modality} is all zero", "")
    return np.ascontiguousarray(array)


def turned(depth: NDArray[Any]) -> NDArray[Any]:
    """Depth whose counts fall with distance as depth whose counts rise; holes stay 0."""
    top = int(np.iinfo(depth.dtype).max)
    measured = depth > 0
    farther = (top + 1 - depth.astype(np.int64)).clip(1, top)
    return np.where(measured, farther, 0).astype(depth.dtype)


def without_borders(pictures: Mapping[Modality, NDArray[Any]]) -> dict[Modality, NDArray[Any]]:
    """The pictures without the black border that all of them share; untouched where it is thin or they differ in size.

    One region for all: what is registered stays registered.
    """
    shapes = {picture.shape[:2] for picture in pictures.values()}
    if len(shapes) != 1:
        return dict(pictures)
    height, width = shapes.pop()
    lit = np.zeros((height, width), dtype=bool)
    for picture in pictures.values():
        level = picture.max(axis=2) if picture.ndim == 3 else picture
        lit |= level > _BORDER * (int(np.iinfo(level.dtype).max) // 255)
    rows, columns = np.flatnonzero(lit.mean(axis=1) > 0.02), np.flatnonzero(lit.mean(axis=0) > 0.02)
    if rows.size == 0 or columns.size == 0:
        return dict(pictures)
    inside = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    kept = (inside[0].stop - inside[0].start) * (inside[1].stop - inside[1].start) / (height * width)
    if kept > 1.0 - _MIN_BORDER_SHARE:
        return dict(pictures)
    return {modality: np.ascontiguousarray(picture[inside]) for modality, picture in pictures.items()}
