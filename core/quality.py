"""Capture quality: named figures of one face and the hints that follow from them. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Hint
from core.frames import FaceCrop

FAR_FACE_PX = 64.0
"""Narrower face boxes are hinted as too far."""
LOST_FACE_PX = 36.0
"""Narrower face boxes carry no evidence: non-response for poor quality."""
NEAR_FACE_SHARE = 0.7
"""A face box wider than this share of the shorter image side is too near: the crop would be cut."""
NEAR_MM = 250.0
"""Nearer than this, stereo depth cameras are blind (D435 at 640x480: 175 to 280 mm)."""
TURNED_DEG = 25.0
BLURRED_SHARPNESS = 0.005
"""Variance of the Laplacian over the variance of the picture, at crop size: a ratio, so free of contrast. Simulated
D435 faces have 0.02 to 0.12; a Gaussian blur of 3 px on a face of 150 px brings them to 0.005."""
MAGNIFIED_FACE_PX = 96.0 / 1.3
"""Smaller faces are magnified into the crop: what looks like blur is then distance."""
DARK_LUMA = 40.0
"""Mean of 0..255."""
FLOODED_SHARE = 0.15
"""Share of infrared pixels at the end of the range."""
HOLE_SHARE = 0.25
"""Share of depth pixels without a measurement, in the middle of the face."""
_FACE_REGION_MM = 220.0
"""Width of a face crop where no camera geometry is known: 1.3 cascade boxes of 170 mm."""


def figures(
    crop: FaceCrop, face_px: float | None, image_px: tuple[int, int], yaw_deg: float | None
) -> dict[str, float]:
    """Measure one crop.

    Args:
        crop: the face.
        face_px: width of the face box in the reference image; ``None`` where the image is a face crop already.
        image_px: height and width of the reference image.
        yaw_deg: what the detector's landmarks say of the head's turn, if anything.

    Returns:
        ``face_px`` and ``face_share`` of a face that was found, and where the modality is there ``distance_mm``,
        ``yaw_deg``, ``sharpness``, ``luma``, ``ir_flooded``, ``depth_holes``; shares are 0..1.
    """
    result: dict[str, float] = {}
    if face_px is not None:
        result = {"face_px": face_px, "face_share": face_px / min(image_px)}
    if yaw_deg is not None:
        result["yaw_deg"] = abs(yaw_deg)
    if crop.rgb is not None:
        luma = cv2.cvtColor(_middle(crop.rgb), cv2.COLOR_RGB2GRAY)
        result["luma"] = float(luma.mean())
        result["sharpness"] = _sharpness(luma)
    elif crop.ir is not None:
        result["sharpness"] = _sharpness(_middle(crop.ir))
    if crop.ir is not None:
        result["ir_flooded"] = float((_middle(crop.ir) >= 0.99).mean())
    if crop.depth is not None:
        middle = _middle(crop.depth)
        result["depth_holes"] = float((middle <= 0).mean())
        if crop.metric_depth and result["depth_holes"] < 0.8:
            result["distance_mm"] = float(np.median(middle[middle > 0]))
            result["yaw_deg"] = abs(_turn_deg(middle, (crop.face_mm or _FACE_REGION_MM) / crop.depth.shape[1]))
    return result


def hints(quality: Mapping[str, float]) -> tuple[Hint, ...]:
    """What to tell the person, the most useful first; empty when nothing is wrong."""
    found = []
    if quality.get("face_px", math.inf) < FAR_FACE_PX:
        found.append(Hint.TOO_FAR)
    if quality.get("face_share", 0.0) > NEAR_FACE_SHARE or quality.get("distance_mm", math.inf) < NEAR_MM:
        found.append(Hint.TOO_NEAR)
    if quality.get("yaw_deg", 0.0) > TURNED_DEG:
        found.append(Hint.TURNED)
    if quality.get("luma", 255.0) < DARK_LUMA:
        found.append(Hint.DARK)
    blurred = quality.get("sharpness", 1.0) < BLURRED_SHARPNESS
    if blurred and quality.get("face_px", 0.0) >= MAGNIFIED_FACE_PX:
        found.append(Hint.BLURRED)
    if quality.get("ir_flooded", 0.0) > FLOODED_SHARE:
        found.append(Hint.IR_FLOODED)
    if quality.get("depth_holes", 0.0) > HOLE_SHARE:
        found.append(Hint.DEPTH_HOLES)
    return tuple(found)


def too_poor(quality: Mapping[str, float]) -> bool:
    """Whether the picture cannot carry evidence."""
    return quality.get("face_px", math.inf) < LOST_FACE_PX


def _middle(image: NDArray[Any]) -> NDArray[Any]:
    """The inner 60 % of a crop: face, hardly any background."""
    size = image.shape[0]
    edge = size // 5
    return image[edge : size - edge, edge : size - edge]


def _sharpness(grey: NDArray[Any]) -> float:
    picture = grey.astype(np.float32)
    variance = float(picture.var())
    if variance <= 0.0:
        return 0.0
    return float(cv2.Laplacian(picture, cv2.CV_32F).var()) / variance / 16.0


def _turn_deg(depth: NDArray[Any], pixel_mm: float) -> float:
    """Angle of the plane through the face about the vertical axis."""
    v, u = np.nonzero(depth > 0)
    z = depth[v, u].astype(np.float64)
    near = np.abs(z - np.median(z)) < 120.0
    u, v, z = u[near], v[near], z[near]
    if z.size < 50:
        return 0.0
    design = np.column_stack([u * pixel_mm, v * pixel_mm, np.ones_like(z)])
    slope = np.linalg.lstsq(design, z, rcond=None)[0][0]
    return math.degrees(math.atan(float(slope)))
