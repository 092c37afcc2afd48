"""From a frame set to one face crop with its quality, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import quality
from core.codes import Framing, Hint, Reason
from core.face.blob import find_head
from core.face.crop import cut
from core.face.detect import Box, Face, FaceDetector, default_detector, grey_picture
from core.face.finder import FaceFinder, Finding
from core.face.pixels import valid_modalities
from core.frames import FaceCrop, FrameSet, Modality, ModalityMask
from core.registration import reference_modality, register

DARK_PICTURE_LUMA = 25.0
"""Mean luma below which a face that colour does not show is looked for in infrared."""

_REASON_HINT = {Reason.NO_FACE: Hint.NO_FACE, Reason.SEVERAL_FACES: Hint.SEVERAL_FACES}


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One face, or why there is none. ``box`` is the face in the reference image (rgb, else depth, else ir)."""

    crop: FaceCrop | None
    reason: Reason = Reason.NONE
    hints: tuple[Hint, ...] = ()
    box: Box | None = None
    quality: Mapping[str, float] = field(default_factory=dict)


class FaceSampler:
    """Detects, registers and cuts. ``tracking`` for frame sets that follow each other, as from a camera."""

    def __init__(self, detector: FaceDetector | None = None, tracking: bool = False) -> None:
        self._finder = FaceFinder(detector or default_detector(), tracking)

    def reset(self) -> None:
        """Forget the tracked face: the next frame set belongs to another presentation or camera."""
        self._finder.reset()

    def sample(self, frame_set: FrameSet) -> FaceSample:
        """The face of ``frame_set`` in every usable modality, registered, ``CROP_PX`` square.

        Raises:
            InputError: the modalities cannot be registered (aspect ratio, unknown calibration).
        """
        if not frame_set.mask:
            return FaceSample(None, Reason.NO_MODALITY, (Hint.MODALITY_MISSING,))
        mask = valid_modalities(frame_set)
        if not mask:
            return FaceSample(None, Reason.INVALID_PIXELS, (Hint.MODALITY_MISSING,))
        if frame_set.framing is Framing.CROP:
            return self._cut(frame_set, mask, None)
        finding = self._find(frame_set, mask)
        if finding.face is None or finding.reason is not Reason.NONE:
            box = finding.face.box if finding.face is not None else None
            hints = (_REASON_HINT[finding.reason], *_missing(frame_set, mask))
            return FaceSample(None, finding.reason, hints, box)
        return self._cut(frame_set, mask, finding.face)

    def crop_at(self, frame_set: FrameSet, box: Box | None) -> FaceCrop | None:
        """The crop of a face that was found before (replay of a decision); ``None`` where no modality is usable."""
        mask = valid_modalities(frame_set)
        return cut(frame_set, mask, box) if mask else None

    def _cut(self, frame_set: FrameSet, mask: ModalityMask, face: Face | None) -> FaceSample:
        box = face.box if face is not None else None
        crop = cut(frame_set, mask, box)
        height, width = frame_set[reference_modality(mask)].pixels.shape[:2]
        face_px = float(box[2]) if box is not None else None
        figures = quality.figures(crop, face_px, (height, width), face.yaw_deg if face is not None else None)
        no_depth = (Hint.DEPTH_HOLES,) if Modality.DEPTH in mask and crop.depth is None else ()
        hints = (*quality.hints(figures), *no_depth, *_missing(frame_set, mask))
        if not crop.mask:
            return FaceSample(None, Reason.INVALID_PIXELS, hints, box, figures)
        if quality.too_poor(figures):
            return FaceSample(None, Reason.POOR_QUALITY, hints, box, figures)
        return FaceSample(crop, Reason.NONE, hints, box, figures)

    def _find(self, frame_set: FrameSet, mask: ModalityMask) -> Finding:
        """Look in colour, else in infrared, else for a head in depth."""
        reference = reference_modality(mask)
        if reference is Modality.RGB:
            picture = frame_set[Modality.RGB].pixels
            dark = Modality.IR in mask and float(picture[::8, ::8].mean()) < DARK_PICTURE_LUMA
            return self._finder.find(picture, lambda: _infrared_picture(frame_set, mask) if dark else None)
        if Modality.IR in mask:
            return self._finder.find(_infrared_picture(frame_set, mask))
        box = find_head(frame_set[Modality.DEPTH].pixels, frame_set.profiles[Modality.DEPTH])
        return Finding(None, Reason.NO_FACE) if box is None else Finding(Face(box, 1.0))


def _infrared_picture(frame_set: FrameSet, mask: ModalityMask) -> NDArray[np.uint8]:
    """The infrared image in the pixels of the reference, as detectors take it."""
    picture: NDArray[Any] = register(frame_set, mask)[Modality.IR]
    return np.ascontiguousarray(grey_picture(picture))


def _missing(frame_set: FrameSet, mask: ModalityMask) -> tuple[Hint, ...]:
    """The hint that a stream of this camera is not usable."""
    return (Hint.MODALITY_MISSING,) if len(mask) < len(frame_set.profiles) else ()
