"""Frames become images that Qt can draw fast: colour, false-colour depth, grey infrared (anchors.md 4.2)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from core.frames import Frame, Modality, StreamProfile
from core.pictures import FAR_M, NEAR_M, depth_colors, infrared_grey


def to_image(frame: Frame, profile: StreamProfile | None, near_m: float = NEAR_M, far_m: float = FAR_M) -> QImage:
    """An image that owns its pixels; ready for `QPainter.drawImage`."""
    if frame.modality is Modality.RGB:
        return _from_bgra(cv2.cvtColor(np.ascontiguousarray(frame.pixels), cv2.COLOR_RGB2BGRA))
    if frame.modality is Modality.DEPTH:
        return _from_bgra(depth_colors(frame.pixels, profile, near_m, far_m))
    return _from_grey(infrared_grey(frame.pixels))


def greyed(image: QImage) -> QImage:
    """The same picture without colour, for one that is out of date."""
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


def _from_bgra(pixels: NDArray[np.uint8] | cv2.typing.MatLike) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def _from_grey(pixels: NDArray[np.uint8]) -> QImage:
    height, width = pixels.shape
    return QImage(pixels.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
