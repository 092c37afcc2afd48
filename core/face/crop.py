"""Cutting one square region out of every modality, and bringing it to the size that models see."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.face.detect import Box
from core.frames import CROP_PX, FaceCrop, FrameSet, Modality, ModalityMask
from core.registration import Region, reference_modality, register

FRAMING_FACTOR = 1.3
"""Side of the crop over the width of the face box: about 220 mm, the head with a rim of background."""
FACE_BOX_M = 0.17
"""Width of the cascade's box on a face (median over 324 Kinect v2 captures: 171 mm)."""
MIN_DEPTH_SHARE = 0.1
"""A crop with fewer measured depth pixels has no depth: there is nothing to normalise by."""


def face_region(box: Box, shape: tuple[int, ...]) -> Region:
    """The square around a face box, moved (and if need be shrunk) into the image: no pixel is invented."""
    height, width = shape[:2]
    side = min(round(FRAMING_FACTOR * max(box[2], box[3])), height, width)
    x = round(box[0] + box[2] / 2 - side / 2)
    y = round(box[1] + box[3] / 2 - side / 2)
    return Region(min(max(x, 0), width - side), min(max(y, 0), height - side), side, side)


def whole_region(shape: tuple[int, ...]) -> Region:
    """The largest square in the middle of an image that is a face crop already."""
    height, width = shape[:2]
    side = min(height, width)
    return Region((width - side) // 2, (height - side) // 2, side, side)


def cut(frame_set: FrameSet, mask: ModalityMask, box: Box | None) -> FaceCrop:
    """Cut the face crop of ``box`` (``None``: the whole image). A pure function of the stored frames: replays use it.

    Raises:
        InputError: the modalities cannot be registered.
    """
    reference = reference_modality(mask)
    shape = frame_set[reference].pixels.shape
    region = whole_region(shape) if box is None else face_region(box, shape)
    camera = frame_set.profiles[reference].intrinsics
    assumed_m = camera.fx * FACE_BOX_M / box[2] if camera is not None and box is not None else None
    images = register(frame_set, mask, region, assumed_m)
    depth, metric = _depth(images.get(Modality.DEPTH), frame_set)
    face_mm = None
    if depth is not None and metric and camera is not None:
        face_mm = region.width * float(np.median(depth[depth > 0])) / camera.fx
    rgb, infrared = images.get(Modality.RGB), images.get(Modality.IR)
    return FaceCrop(
        rgb=None if rgb is None else _scaled(rgb),
        depth=depth,
        ir=None if infrared is None else _scaled(infrared.astype(np.float32) / np.iinfo(infrared.dtype).max),
        metric_depth=metric and depth is not None,
        face_mm=face_mm,
    )


def scale_depth(depth: NDArray[np.float32], size: int = CROP_PX) -> NDArray[np.float32]:
    """Resample depth without mixing holes into it: mean of what is measured, by area or (when growing) by nearness."""
    if depth.shape[0] == size:
        return depth.astype(np.float32)
    method = cv2.INTER_AREA if depth.shape[0] > size else cv2.INTER_LINEAR
    measured = (depth > 0).astype(np.float32)
    share = cv2.resize(measured, (size, size), interpolation=method)
    total = cv2.resize(depth, (size, size), interpolation=method)
    return np.where(share >= 0.5, total / np.maximum(share, np.float32(1e-6)), np.float32(0.0))


def _depth(counts: NDArray[Any] | None, frame_set: FrameSet) -> tuple[NDArray[np.float32] | None, bool]:
    """Depth of the crop, in millimetres where its unit is known; ``None`` where hardly anything is measured."""
    if counts is None:
        return None, False
    unit_m = frame_set.profiles[Modality.DEPTH].depth_unit_m
    scale = np.float32(1.0 if unit_m is None else unit_m * 1000.0)
    depth = scale_depth(counts.astype(np.float32) * scale)
    if float((depth > 0).mean()) < MIN_DEPTH_SHARE:
        return None, False
    return depth, unit_m is not None


def _scaled(image: NDArray[Any], size: int = CROP_PX) -> NDArray[Any]:
    method = cv2.INTER_AREA if image.shape[0] > size else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(image, (size, size), interpolation=method))
