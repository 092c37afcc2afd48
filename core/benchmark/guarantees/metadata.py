"""What a crop tells of its making rather than of its content: the figures that the second leak check looks at.

Border: how much of the outermost two pixels is constant, black or unmeasured (padding), not what is seen there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import FaceCrop
from core.physics import high_pass_noise

METADATA = (
    "rgb_noise",
    "ir_noise",
    "jpeg_blockiness",
    "rgb_border_black",
    "ir_border_black",
    "rgb_border_constant",
    "ir_border_constant",
    "depth_border_unmeasured",
    "has_depth",
    "metric",
)
"""Figures of one crop; the native size of the crop is among the circumstances (``face_px``)."""
_BORDER_PX = 2
_SMOOTH = 3.0


def metadata_of(crop: FaceCrop) -> list[float]:
    """The figures in the order of `METADATA`; 0 where a modality is absent.

    Noise is taken where the picture is smooth, as the median of small neighbourhoods' second differences: an image
    with more texture is not a noisier one.
    """
    luma = None if crop.rgb is None else cv2.cvtColor(crop.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    infrared = None if crop.ir is None else (crop.ir * np.float32(255.0)).astype(np.float32)
    return [
        _noise(luma),
        _noise(infrared),
        0.0 if luma is None else _blockiness(luma),
        _share(luma, 0.5),
        _share(infrared, 0.5),
        _constant(luma),
        _constant(infrared),
        1.0 if crop.depth is None else _share(crop.depth, 0.0),
        float(crop.depth is not None),
        float(crop.metric_depth),
    ]


def _noise(image: NDArray[np.float32] | None) -> float:
    """High-pass sigma over the tenth of the neighbourhoods that vary least."""
    if image is None:
        return 0.0
    blurred = cv2.blur(image, (7, 7))
    spread = cv2.blur(np.abs(image - blurred), (7, 7))
    calm = spread <= np.quantile(spread, 0.1)
    return high_pass_noise(image, calm)


def _blockiness(luma: NDArray[np.float32]) -> float:
    """Steps between columns at the best phase of a grid of 8 over the mean step (1 = no grid)."""
    steps = np.abs(np.diff(luma, axis=1)).mean(axis=0)
    phases = [float(steps[phase::8].mean()) for phase in range(8)]
    return max(phases) / max(float(steps.mean()), 1e-3)


def _ring(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The four outermost strips."""
    b = _BORDER_PX
    return [image[:b].ravel(), image[-b:].ravel(), image[:, :b].ravel(), image[:, -b:].ravel()]


def _share(image: NDArray[np.float32] | None, level: float) -> float:
    """Share of border pixels at or below ``level``."""
    return 0.0 if image is None else float((np.concatenate(_ring(image)) <= level).mean())


def _constant(image: NDArray[np.float32] | None) -> float:
    """Share of the four strips that hold one single value, as padding does."""
    return 0.0 if image is None else float(np.mean([float(np.ptp(strip)) == 0.0 for strip in _ring(image)]))
