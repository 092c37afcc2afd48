"""Which modalities of a frame set hold an image at all: pixel checks before anything is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.frames import FrameSet, Modality, ModalityMask

MIN_SIDE_PX = 24
MAX_SATURATED = 0.98
"""Share of pixels at the end of the range from which on a picture is blind."""
MIN_DEPTH_SHARE = 0.02
"""Share of measured pixels below which a depth picture says nothing."""
_EVERY = 4


def valid_modalities(frame_set: FrameSet) -> ModalityMask:
    """The modalities of the set's mask whose pixels are usable."""
    return ModalityMask.of(m for m in frame_set.mask if m in frame_set.frames and usable(frame_set[m].pixels, m))


def usable(pixels: NDArray[Any], modality: Modality) -> bool:
    """Whether ``pixels`` have the shape and type of ``modality`` and are neither constant, saturated nor empty.

    Depth may be constant: so is a sheet before a coarse sensor.
    """
    return fault(pixels, modality) == ""


def fault(pixels: NDArray[Any], modality: Modality) -> str:
    """Why ``pixels`` are no image of ``modality``, in a few words; the empty string where they are one."""
    if pixels.ndim != (3 if modality is Modality.RGB else 2) or (modality is Modality.RGB and pixels.shape[2] != 3):
        return f"has the shape {pixels.shape}"
    if min(pixels.shape[:2]) < MIN_SIDE_PX:
        return f"is smaller than {MIN_SIDE_PX} px"
    if pixels.dtype != np.uint8 and (modality is Modality.RGB or pixels.dtype != np.uint16):
        return f"is of type {pixels.dtype}"
    sample = pixels[::_EVERY, ::_EVERY]
    if sample.min() == sample.max() and pixels.min() == pixels.max():
        if sample.max() == 0:
            return "is all zero"
        # A sheet that fills a crop has one value in coarse relative depth: evidence, and no reason to overlook it.
        return "" if modality is Modality.DEPTH else "has one value everywhere"
    if modality is Modality.DEPTH:
        return "has hardly a measured pixel" if float((sample > 0).mean()) < MIN_DEPTH_SHARE else ""
    return "is overexposed" if float((sample == np.iinfo(pixels.dtype).max).mean()) > MAX_SATURATED else ""
