"""Image files as sensor frames: decode without loss, and refuse what cannot be a capture."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Framing
from core.errors import InputError, sentence
from core.frames import Modality
from core.registration import MAX_ASPECT_DIFFERENCE

_PLAUSIBLE_DISTANCE_M = {Framing.CROP: (0.12, 5.0), Framing.FRAME: (0.12, 15.0)}
"""Range of the median distance of a face crop, of a whole picture: a wrong unit is off by a factor of ten or more."""

JPEG_HOLE = 4
"""Counts of 8-bit depth up to which JPEG may have smeared a hole: zeros do not come back as zeros from it."""
_JPEG = b"\xff\xd8"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PART = struct.Struct(">I4s")
"""Length and kind; the content and its checksum follow."""
_PNG_CHECKSUM = 4
_GREY_TOLERANCE = 2.0
"""Counts by which the channels of a grey image may differ after JPEG."""

# Every image that does not decode is reported by us, in one sentence; OpenCV's own lines would stand beside it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def read_image(path: Path, modality: Modality) -> NDArray[Any]:
    """Decode one image into the layout that `core.frames.Frame` prescribes for its modality.

    Returns:
        rgb ``uint8 (H, W, 3)`` in R, G, B order; depth ``uint16 (H, W)``; ir ``uint8`` or ``uint16 (H, W)``.

    Raises:
        InputError: the file does not decode, or its channels or bits are not those of the modality.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InputError(
            sentence("{name} cannot be read: {strerror}.", name=path.name, strerror=error.strerror or error),
            "Check the file.",
        ) from error
    pixels = _decode(data)
    if pixels is None or pixels.size == 0:
        raise InputError(
            sentence("{name} does not decode as an image.", name=path.name), "Replace the file; it may be cut short."
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise InputError(
            sentence("{name} holds NaN or infinite pixels.", name=path.name),
            "Store holes as 0, with 8 or 16 bits per pixel.",
        )
    if modality is Modality.RGB:
        return _as_rgb(path, pixels)
    grey = _as_grey(path, pixels, colour_allowed=modality is Modality.IR)
    if grey.dtype not in (np.uint8, np.uint16):
        raise InputError(
            sentence("{name}: {modality} of type {dtype}.", name=path.name, modality=modality, dtype=grey.dtype),
            "Store 8 or 16 bits per pixel.",
        )
    if modality is not Modality.DEPTH:
        return grey
    if data[:2].tobytes() == _JPEG and grey.dtype == np.uint8:
        grey = np.where(grey > JPEG_HOLE, grey, 0)
    return grey.astype(np.uint16)


def check_aspect_ratios(shapes: Mapping[Modality, tuple[int, ...]]) -> None:
    """Raise `InputError` where the aspect ratios of registered modalities differ by more than 5 %."""
    ratios = {modality: shape[1] / shape[0] for modality, shape in shapes.items()}
    if not ratios or max(ratios.values()) <= min(ratios.values()) * (1.0 + MAX_ASPECT_DIFFERENCE):
        return
    sizes = ", ".join(f"{modality} {shape[1]}x{shape[0]}" for modality, shape in shapes.items())
    raise InputError(
        sentence(
            "The aspect ratios differ by more than {limit:.0%}: {sizes}.", limit=MAX_ASPECT_DIFFERENCE, sizes=sizes
        ),
        "Crop all modalities to the same region.",
    )


def check_depth_scale(depth: NDArray[np.uint16], unit_m: float, framing: Framing) -> None:
    """Raise `InputError` where the median distance is not one at which faces are captured (wrong unit)."""
    measured = depth[depth > 0]
    if measured.size == 0:
        return
    distance_m = float(np.median(measured)) * unit_m
    low_m, high_m = _PLAUSIBLE_DISTANCE_M[framing]
    if not low_m <= distance_m <= high_m:
        raise InputError(
            sentence(
                "Wrong depth scale: with {unit_m:g} m per unit the picture is {distance_m:.3g} m away.",
                unit_m=unit_m,
                distance_m=distance_m,
            ),
            "Correct depth_scale_m (0.001 for millimetres), or leave it empty for relative depth.",
        )


def _decode(data: NDArray[np.uint8]) -> NDArray[Any] | None:
    if data.size == 0 or not _is_within_itself(data.tobytes()):
        return None
    try:
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _is_within_itself(data: bytes) -> bool:
    """Whether a PNG's parts lie within the file: OpenCV takes memory for whatever length a part claims to have.

    Found by fuzzing: 242 bytes that claim a part of 4 GB kept a core busy for 24 s.
    """
    position = len(_PNG)
    while data.startswith(_PNG) and position < len(data):
        if position + _PNG_PART.size > len(data):
            return False
        length, kind = _PNG_PART.unpack_from(data, position)
        position += _PNG_PART.size + length + _PNG_CHECKSUM
        if position > len(data):
            return False
        if kind == b"IEND":
            break
    return True


def _as_rgb(path: Path, pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise InputError(
            sentence("{name} is not an 8-bit colour image.", name=path.name),
            "Store RGB with 8 bits and three channels.",
        )
    return np.ascontiguousarray(pixels[:, :, 2::-1])


def _as_grey(path: Path, pixels: NDArray[Any], *, colour_allowed: bool) -> NDArray[Any]:
    """One channel: the first of equal ones, or (infrared from a colour sensor) the mean of the three."""
    if pixels.ndim == 2:
        return pixels
    channels = pixels[:, :, :3].astype(np.float32)
    if float(np.ptp(channels, axis=2).max()) <= _GREY_TOLERANCE:
        return np.ascontiguousarray(pixels[:, :, 0])
    if not colour_allowed:
        raise InputError(
            sentence("{name} is a colour image where depth is wanted.", name=path.name), "Store one channel."
        )
    mean: NDArray[Any] = np.rint(channels.mean(axis=2)).astype(pixels.dtype)
    return mean
