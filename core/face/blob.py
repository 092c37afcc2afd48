"""A head in a depth picture alone: the top of the nearest body. Used where neither colour nor infrared is present."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.face.detect import Box
from core.frames import StreamProfile

HEAD_M = (0.11, 0.30)
"""Widths that a head may have."""
_BODY_DEPTH_M = 0.35
"""What lies this far behind the nearest surface still belongs to the same body."""
_FACE_M = 0.17
"""Width of a face box, as the cascade draws it (median over 324 Kinect v2 captures: 171 mm)."""
_RANGE_M = (0.2, 2.5)
_MIN_SHARE = 0.004
_STEP = 2


def find_head(depth: NDArray[Any], profile: StreamProfile) -> Box | None:
    """Face box of the nearest head-sized surface; ``None`` where there is none or the depth has no unit."""
    if profile.intrinsics is None or profile.depth_unit_m is None:
        return None
    metres = depth[::_STEP, ::_STEP].astype(np.float32) * np.float32(profile.depth_unit_m)
    inside = (metres > _RANGE_M[0]) & (metres < _RANGE_M[1])
    if inside.mean() < _MIN_SHARE:
        return None
    nearest = float(np.percentile(metres[inside], 2))
    near = (inside & (metres < nearest + _BODY_DEPTH_M)).astype(np.uint8)
    body = cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=4)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[largest, cv2.CC_STAT_AREA] < _MIN_SHARE * body.size:
        return None
    distance = float(np.median(metres[labels == largest]))
    face_px = _FACE_M * profile.intrinsics.fx / distance / _STEP
    top = int(stats[largest, cv2.CC_STAT_TOP])
    rows = labels[top : top + max(2, round(face_px))] == largest
    widths = rows.sum(axis=1) * distance * _STEP / profile.intrinsics.fx
    if not HEAD_M[0] <= float(np.percentile(widths, 75)) <= HEAD_M[1]:
        return None
    centre = float(np.median(np.nonzero(rows)[1]))
    # Hair above the face: the cascade's box starts about a quarter of its side below the crown.
    x, y = centre - face_px / 2, top + 0.25 * face_px
    return round(x * _STEP), round(y * _STEP), round(face_px * _STEP), round(face_px * _STEP)
