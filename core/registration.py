"""Registration: every modality in the pixels of one reference camera, inside a region of interest.

The reference is the colour camera, else the depth camera, else the infrared one. Depth goes there by a forward warp
with a z-buffer; each depth pixel covers the whole quadrilateral that it spans in the reference image, so that no cracks
open where the reference has more pixels (the geometry of the SDK's ``rs.align``; a test compares). Infrared
follows through the depth map: deproject, transform, remap. Profiles without intrinsics mean that the modalities are
registered already; then they are only resampled (architecture.md section 4, formats.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.frames import FrameSet, Modality, ModalityMask, StreamProfile
from core.geometry import F32, between, move_rays, pixels, rays

MAX_ASPECT_DIFFERENCE = 0.05
"""Registered modalities may differ in size, in aspect ratio by at most this fraction (formats.md)."""

_NEAR_M, _FAR_M = 0.12, 10.0
"""Range in which depth can matter; it bounds the part of the depth image that a region can come from."""
_MAX_SPLAT_PX = 6
_HOLE = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels in the reference image."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the region in an image."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


def reference_modality(mask: ModalityMask) -> Modality:
    """The modality whose pixels everything is brought to: rgb, else depth, else ir. The mask must not be empty."""
    return next(iter(mask))


def register(
    frame_set: FrameSet, mask: ModalityMask, region: Region | None = None, assumed_distance_m: float | None = None
) -> dict[Modality, NDArray[Any]]:
    """The modalities of ``mask`` in the pixels of the reference camera, cut to ``region`` (``None``: the whole image).

    ``assumed_distance_m`` is the distance at which infrared is brought to colour where there is no depth to follow.
    Types stay those of `core.frames.Frame`; depth keeps the sensor's counts, 0 = hole.

    Raises:
        InputError: aspect ratios of registered modalities differ by more than 5 %, or the calibration is unusable.
    """
    reference = reference_modality(mask)
    profile = frame_set.profiles[reference]
    image = frame_set[reference].pixels
    if region is None:
        region = Region(0, 0, image.shape[1], image.shape[0])
    result: dict[Modality, NDArray[Any]] = {reference: image[region.slices]}
    if Modality.DEPTH in mask and reference is not Modality.DEPTH:
        depth, depth_profile = frame_set[Modality.DEPTH].pixels, frame_set.profiles[Modality.DEPTH]
        if same_pixels(depth_profile, profile):
            result[Modality.DEPTH] = resample(depth, image.shape, region, Modality.DEPTH)
        else:
            result[Modality.DEPTH] = warp_depth(depth, depth_profile, profile, region)
    if Modality.IR in mask and reference is not Modality.IR:
        infrared, ir_profile = frame_set[Modality.IR].pixels, frame_set.profiles[Modality.IR]
        if same_pixels(ir_profile, profile):
            result[Modality.IR] = resample(infrared, image.shape, region, Modality.IR)
        else:
            distance_m = _distances(result, frame_set.profiles, region, assumed_distance_m)
            result[Modality.IR] = warp_through(infrared, ir_profile, profile, distance_m, region)
    return result


def same_pixels(source: StreamProfile, target: StreamProfile) -> bool:
    """Whether two streams share their pixels up to scale: no calibration (registered already), or the same camera."""
    if source.intrinsics is None or target.intrinsics is None:
        return True
    return source.intrinsics == target.intrinsics and bool(
        np.allclose(between(source.to_rgb, target.to_rgb), np.eye(4), atol=1e-7)
    )


def resample(image: NDArray[Any], shape: tuple[int, ...], region: Region, modality: Modality) -> NDArray[Any]:
    """Bring a registered image to the size ``shape`` and cut ``region``; depth by nearest neighbour."""
    height, width = shape[:2]
    own_height, own_width = image.shape[:2]
    if (own_height, own_width) == (height, width):
        return image[region.slices]
    ratio = (own_width / own_height) / (width / height)
    if max(ratio, 1.0 / ratio) > 1.0 + MAX_ASPECT_DIFFERENCE:
        raise InputError(
            f"{modality} is {own_width}x{own_height} where the reference is {width}x{height}: another aspect ratio.",
            "Crop all modalities to the same region.",
        )
    shrinks = own_width > width
    method = cv2.INTER_NEAREST if modality is Modality.DEPTH else cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)[region.slices]


def warp_depth(
    depth: NDArray[np.uint16], source: StreamProfile, target: StreamProfile, region: Region
) -> NDArray[np.uint16]:
    """Forward warp with a z-buffer of ``depth`` into ``region`` of the target camera; 0 where nothing lands."""
    camera, other = source.intrinsics, target.intrinsics
    if camera is None or other is None or source.depth_unit_m is None:
        raise InputError("Relative depth cannot be registered to another camera.", "Use depth with a known unit.")
    transform = between(source.to_rgb, target.to_rgb)
    window = _source_window(source, target, region)
    counts = depth[window.slices]
    rows, columns = np.nonzero((counts > 0) & (counts < _HOLE))
    counts = counts[rows, columns]
    z = counts.astype(F32) * F32(source.depth_unit_m)
    left, top = _corner_rays(source, -0.5)
    right, bottom = _corner_rays(source, 0.5)
    rows, columns = rows + window.y, columns + window.x
    u0, v0 = pixels(other, *move_rays(transform, left[rows, columns], top[rows, columns], z)[:2])
    u1, v1 = pixels(other, *move_rays(transform, right[rows, columns], bottom[rows, columns], z)[:2])
    return _splat(counts, u0 - region.x, v0 - region.y, u1 - region.x, v1 - region.y, (region.height, region.width))


def warp_through(
    image: NDArray[Any],
    source: StreamProfile,
    target: StreamProfile,
    distance_m: NDArray[F32] | float,
    region: Region,
) -> NDArray[Any]:
    """Look up, for each pixel of ``region`` in the target camera, what the source camera saw of that point."""
    camera, other = source.intrinsics, target.intrinsics
    if camera is None or other is None:
        raise InputError("Infrared without calibration cannot be registered.", "Use a calibrated stream.")
    x, y = _pixel_rays(target)
    x, y = x[region.slices], y[region.slices]
    # The distance comes from the depth camera; its z differs from the target's by less than 2 mm at a face.
    z = np.broadcast_to(np.asarray(distance_m, dtype=F32), x.shape)
    u, v = pixels(camera, *move_rays(between(target.to_rgb, source.to_rgb), x, y, z)[:2])
    return cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def fill_holes(depth: NDArray[F32]) -> NDArray[F32]:
    """Each hole takes the value of the nearest measured pixel (for looking through the map, never as depth itself)."""
    holes = depth <= 0
    if not holes.any() or holes.all():
        return depth
    _, labels = cv2.distanceTransformWithLabels(holes.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    value_of = np.zeros(int(labels.max()) + 1, dtype=F32)
    value_of[labels[~holes]] = depth[~holes]
    return np.asarray(value_of[labels])


def _distances(
    registered: Mapping[Modality, NDArray[Any]],
    profiles: Mapping[Modality, StreamProfile],
    region: Region,
    assumed_m: float | None,
) -> NDArray[F32] | float:
    unit_m = profiles[Modality.DEPTH].depth_unit_m if Modality.DEPTH in registered else None
    if unit_m is not None:
        distance_m = fill_holes(registered[Modality.DEPTH].astype(F32) * F32(unit_m))
        if distance_m.any():
            return distance_m
    return assumed_m if assumed_m is not None else 1.0


def _source_window(source: StreamProfile, target: StreamProfile, region: Region) -> Region:
    """The part of the source image that can land in ``region``, for any distance from near to far."""
    camera, other = source.intrinsics, target.intrinsics
    assert camera is not None
    assert other is not None
    corners = np.array(
        [(region.x + i * region.width, region.y + j * region.height) for i in (0, 0.5, 1) for j in (0, 0.5, 1)],
        dtype=F32,
    )
    x, y = rays(other, corners[:, 0], corners[:, 1])
    found = [
        pixels(camera, *move_rays(between(target.to_rgb, source.to_rgb), x, y, np.full_like(x, z))[:2])
        for z in (_NEAR_M, _FAR_M)
    ]
    u, v = (np.concatenate([pair[axis] for pair in found]) for axis in (0, 1))
    x0, x1 = np.clip([u.min() - 2, u.max() + 3], 0, source.width).astype(int)
    y0, y1 = np.clip([v.min() - 2, v.max() + 3], 0, source.height).astype(int)
    return Region(int(x0), int(y0), int(x1 - x0), int(y1 - y0))


def _splat(
    counts: NDArray[np.uint16],
    u0: NDArray[F32],
    v0: NDArray[F32],
    u1: NDArray[F32],
    v1: NDArray[F32],
    shape: tuple[int, int],
) -> NDArray[np.uint16]:
    """Write every count into all pixels from its first to its last corner; the nearest wins."""
    height, width = shape
    x0, y0, x1, y1 = (np.floor(c + F32(0.5)).astype(np.int32) for c in (u0, v0, u1, v1))
    inside = (x1 >= 0) & (y1 >= 0) & (x0 < width) & (y0 < height)
    x0, y0, x1, y1, counts = x0[inside], y0[inside], x1[inside], y1[inside], counts[inside]
    buffer = np.full(height * width, _HOLE, dtype=np.uint16)
    if counts.size:
        for dy in range(min(int((y1 - y0).max()) + 1, _MAX_SPLAT_PX)):
            for dx in range(min(int((x1 - x0).max()) + 1, _MAX_SPLAT_PX)):
                x, y = x0 + dx, y0 + dy
                hit = (x <= x1) & (y <= y1) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
                np.minimum.at(buffer, y[hit] * width + x[hit], counts[hit])
    buffer[buffer == _HOLE] = 0
    return buffer.reshape(shape)


@lru_cache(maxsize=8)
def _corner_rays(profile: StreamProfile, offset_px: float) -> tuple[NDArray[F32], NDArray[F32]]:
    """Rays of all pixels of a stream, moved by ``offset_px`` in both directions."""
    assert profile.intrinsics is not None
    v, u = np.mgrid[0 : profile.height, 0 : profile.width].astype(F32)
    return rays(profile.intrinsics, u + F32(offset_px), v + F32(offset_px))


def _pixel_rays(profile: StreamProfile) -> tuple[NDArray[F32], NDArray[F32]]:
    return _corner_rays(profile, 0.0)
