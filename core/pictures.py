"""Depth and infrared as pictures for people: false colours, and grey that is stretched (anchors.md 4.2)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import StreamProfile

NEAR_M, FAR_M = 0.3, 1.5
"""Default depth range of the colours: the working distance of a face."""


def depth_colors(
    depth: NDArray[np.uint16], profile: StreamProfile | None, near_m: float = NEAR_M, far_m: float = FAR_M
) -> NDArray[np.uint8]:
    """Depth ``uint16 (H, W)`` as BGRA ``uint8 (H, W, 4)``: near = warm, far = cold, hole = dark grey.

    Relative depth (no unit) is stretched over its own range.
    """
    unit_m = profile.depth_unit_m if profile is not None else None
    if unit_m is None:
        valid = depth[depth > 0]
        near, far = (float(valid.min()), float(valid.max())) if valid.size else (0.0, 1.0)
    else:
        near, far = near_m / unit_m, far_m / unit_m
    scale = 255.0 / max(far - near, 1e-6)
    # Unsigned subtraction saturates at 0, convertScaleAbs at 255: the range clips on both sides.
    level = cv2.subtract(depth, min(max(near, 0.0), 65535.0))  # type: ignore[call-overload]
    grey = cv2.convertScaleAbs(level, alpha=scale)
    colors = cv2.applyColorMap(cv2.bitwise_not(grey), cv2.COLORMAP_TURBO)
    colors[depth == 0] = (38, 34, 32)
    return np.asarray(cv2.cvtColor(colors, cv2.COLOR_BGR2BGRA), dtype=np.uint8)


def infrared_grey(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Infrared as ``uint8 (H, W)``, stretched to its 99.5th percentile: an indoor picture uses few of the counts."""
    floor = 64.0 if pixels.dtype == np.uint8 else 1.0  # a dark picture stays dark instead of showing its noise
    top = max(float(np.percentile(pixels[::4, ::4], 99.5)), floor)
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=255.0 / top), dtype=np.uint8)
