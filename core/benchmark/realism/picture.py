"""The sheet of pictures: rendered crops beside real ones, depth as relief and infrared as it came."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import CROP_PX, FaceCrop
from core.surface import PLANE_TERMS, sheet_residual

_SIDE = 144
_RELIEF_MM = 60.0
_GAP = 6


def sheet(real: Sequence[FaceCrop], rendered: Sequence[FaceCrop], columns: int = 8) -> NDArray[np.uint8]:
    """``uint8 (H, W, 3)``, B, G, R: two rows (depth, infrared) of real crops, then two of rendered ones."""
    rows = []
    for title, crops in (("real", real), ("rendered", rendered)):
        chosen = [crops[i] for i in np.linspace(0, len(crops) - 1, min(columns, len(crops))).astype(int)]
        rows.append(_titled(f"{title}: depth without its plane, infrared", columns))
        rows.append(_row([_depth(crop) for crop in chosen], columns))
        rows.append(_row([_infrared(crop) for crop in chosen], columns))
    return np.concatenate(rows)


def _depth(crop: FaceCrop) -> NDArray[np.uint8]:
    if crop.depth is None:
        return np.zeros((CROP_PX, CROP_PX, 3), np.uint8)
    measured = crop.depth > 0
    left = sheet_residual(crop.depth[None], measured[None], PLANE_TERMS)[0]
    grey = np.clip(127.5 - left * (255.0 / _RELIEF_MM), 0, 255).astype(np.uint8)
    coloured = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)
    coloured[~measured] = 0
    return np.asarray(coloured, dtype=np.uint8)


def _infrared(crop: FaceCrop) -> NDArray[np.uint8]:
    if crop.ir is None:
        return np.zeros((CROP_PX, CROP_PX, 3), np.uint8)
    top = max(float(np.percentile(crop.ir, 99)), 1e-4)
    grey = (np.clip(crop.ir / top, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _row(images: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    row = np.full((_SIDE + _GAP, columns * (_SIDE + _GAP), 3), 40, np.uint8)
    for i, image in enumerate(images):
        left = i * (_SIDE + _GAP)
        row[:_SIDE, left : left + _SIDE] = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    return row


def _titled(text: str, columns: int) -> NDArray[np.uint8]:
    strip = np.full((28, columns * (_SIDE + _GAP), 3), 40, np.uint8)
    cv2.putText(strip, text, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (230, 230, 230), 1, cv2.LINE_AA)
    return strip
