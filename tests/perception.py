"""Drawn faces and a small scorer for the tests of perception: no picture of anybody, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from core.codes import Framing
from core.frames import (
    ALL_MODALITIES,
    EVERY_MASK,
    Extrinsics,
    FaceCrop,
    Frame,
    FrameSet,
    Intrinsics,
    Modality,
    ModalityMask,
    StreamProfile,
)
from core.inference.selftest import drawn_face
from core.verdict import Evidence, sigmoid

D435_TO_RGB = Extrinsics(translation_m=(0.0143, 0.0001, 0.0002))
"""Depth and infrared camera of a D435 relative to its colour camera (scenes.md)."""
D435_PROFILES: Mapping[Modality, StreamProfile] = {
    Modality.RGB: StreamProfile(Modality.RGB, 640, 480, 30.0, Intrinsics(640, 480, 613.2, 613.2, 319.9, 239.2)),
    Modality.DEPTH: StreamProfile(
        Modality.DEPTH, 640, 480, 30.0, Intrinsics(640, 480, 390.4, 390.4, 331.4, 242.2), D435_TO_RGB, 0.001
    ),
    Modality.IR: StreamProfile(
        Modality.IR, 640, 480, 30.0, Intrinsics(640, 480, 390.4, 390.4, 331.4, 242.2), D435_TO_RGB
    ),
}


@dataclass
class ReliefScorer:
    """Deterministic evidence from the pixels: relief of depth, else contrast of infrared, else of colour."""

    thresholds: Mapping[ModalityMask, float | None] = field(default_factory=lambda: dict.fromkeys(EVERY_MASK, 0.5))
    sha256: str = "relief"
    name: str = "relief"
    device: str = "cpu"
    threshold_source: str = "test"
    offset: float = 0.0

    def may_accept(self, mask: ModalityMask) -> bool:
        return self.threshold(mask) is not None

    def threshold(self, mask: ModalityMask) -> float | None:
        return self.thresholds.get(mask)

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        return [self._one(crop) for crop in crops]

    def _one(self, crop: FaceCrop) -> Evidence:
        if crop.depth is not None:
            logit = float(np.ptp(crop.depth[24:72, 24:72])) / 20.0 - 2.0
        elif crop.ir is not None:
            logit = 40.0 * float(crop.ir.std())
        else:
            assert crop.rgb is not None
            logit = float(crop.rgb.std()) / 20.0
        logit += self.offset
        return Evidence(crop.mask, logit, sigmoid(logit))


def drawn_pixels(size: int = 120, flat: bool = False) -> dict[Modality, Any]:
    """The drawn face as sensor frames: rgb uint8, depth uint16 in mm, ir uint8. ``flat`` puts it on a sheet."""
    face = drawn_face()
    assert face.rgb is not None
    assert face.depth is not None
    assert face.ir is not None
    depth = np.full_like(face.depth, 640.0) + (np.arange(96) % 2) if flat else face.depth
    return {
        Modality.RGB: cv2.resize(face.rgb, (size, size)),
        Modality.DEPTH: cv2.resize(depth, (size, size), interpolation=cv2.INTER_NEAREST).astype(np.uint16),
        Modality.IR: (cv2.resize(face.ir, (size, size)) * 255).astype(np.uint8),
    }


def frame_set(
    pixels: Mapping[Modality, Any],
    number: int = 1,
    time_ms: float = 0.0,
    framing: Framing = Framing.CROP,
    mask: ModalityMask = ALL_MODALITIES,
    profiles: Mapping[Modality, StreamProfile] | None = None,
) -> FrameSet:
    """A frame set of ``pixels``; without ``profiles`` the modalities are registered and depth is in millimetres."""
    frames = {modality: Frame(modality, image, number, time_ms) for modality, image in pixels.items()}
    if profiles is None:
        profiles = {
            modality: StreamProfile(
                modality,
                image.shape[1],
                image.shape[0],
                30.0,
                depth_unit_m=0.001 if modality is Modality.DEPTH else None,
            )
            for modality, image in pixels.items()
        }
    return FrameSet(number, time_ms, frames, mask & ModalityMask.of(frames), profiles, framing=framing)
