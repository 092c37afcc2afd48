"""What a crop tells of its making rather than of its content: the figures that the second leak check looks at.

Noise and the grid of JPEG, padding at the border, which modalities are there; the native size of the crop is among the
circumstances (``face_px``). What is *seen* at the border (a wall behind a person, the margin of a sheet of paper) is
content, as is the distance at which a small screen is held: it is measured beside. Networks see little of the border
through their soft window (`core.model.inputs`), and no distance.
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
    "rgb_padding",
    "ir_padding",
    "rgb_border_black",
    "has_depth",
    "metric",
)
"""Figures of one crop that must not tell the label."""
CONTENT = ("rgb_border_level", "ir_border_level", "ir_border_black", "depth_border_unmeasured", "measured_distance_mm")
"""What is seen in the outermost two pixels, and how far away the surface is: reported, not judged."""
_BORDER_PX = 2
_READ_OVER_SHOT = 1.8
"""Read noise over shot noise at one of 255 counts (`core.scenes.sensors.infrared_level`)."""


def metadata_of(crop: FaceCrop) -> list[float]:
    """The figures in the order of `METADATA`; 0 where a modality is absent.

    Noise is taken where the picture is smooth, as the median of small neighbourhoods' second differences: an image
    with more texture is not a noisier one.
    """
    luma, infrared = _luma(crop), _infrared(crop)
    return [
        _noise(luma),
        _noise_of_level(infrared),
        0.0 if luma is None else _blockiness(luma),
        _padding(luma),
        _padding(infrared),
        _share(luma, 0.5),
        float(crop.depth is not None),
        float(crop.metric_depth),
    ]


def content_of(crop: FaceCrop) -> list[float]:
    """The figures in the order of `CONTENT`."""
    luma, infrared = _luma(crop), _infrared(crop)
    return [
        0.0 if luma is None else float(np.concatenate(_ring(luma)).mean()),
        0.0 if infrared is None else float(np.concatenate(_ring(infrared)).mean()),
        _share(infrared, 0.5),
        1.0 if crop.depth is None else _share(crop.depth, 0.0),
        float(np.median(crop.depth[crop.depth > 0])) if crop.depth is not None and crop.metric_depth else 0.0,
    ]


def _luma(crop: FaceCrop) -> NDArray[np.float32] | None:
    return None if crop.rgb is None else cv2.cvtColor(crop.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _infrared(crop: FaceCrop) -> NDArray[np.float32] | None:
    return None if crop.ir is None else (crop.ir * np.float32(255.0)).astype(np.float32)


def _noise(image: NDArray[np.float32] | None) -> float:
    """High-pass sigma over the tenth of the neighbourhoods that vary least."""
    return 0.0 if image is None else high_pass_noise(image, _calm(image))


def _noise_of_level(image: NDArray[np.float32] | None) -> float:
    """The same over what a camera's noise is at the level there: a brighter surface is no noisier sensor."""
    if image is None:
        return 0.0
    calm = _calm(image)
    return high_pass_noise(image, calm) / (_READ_OVER_SHOT + float(np.sqrt(max(float(image[calm].mean()), 0.0))))


def _calm(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    spread = cv2.blur(np.abs(image - cv2.blur(image, (7, 7))), (7, 7))
    return np.asarray(spread <= np.quantile(spread, 0.1))


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


def _padding(image: NDArray[np.float32] | None) -> float:
    """Share of the four sides whose outermost line repeats the next one, as padding does, without being dark."""
    if image is None:
        return 0.0
    pairs = [(image[0], image[1]), (image[-1], image[-2]), (image[:, 0], image[:, 1]), (image[:, -1], image[:, -2])]
    return float(np.mean([np.array_equal(outer, inner) and bool(outer.any()) for outer, inner in pairs]))
