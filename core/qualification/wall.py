"""What a camera shows of a flat wall: fill, plane, infrared level, exposure, skew, rate. Pure functions of frame sets.

The wall fills the middle half of the picture and stands about square to the camera. A plane in space is affine in
inverse depth, ``1 / z = a u + b v + c``, so that one least-squares fit needs no calibration; what remains is compared
with the noise of stereo, ``RMS = Z^2 * subpixel / (f * baseline)`` (scenes.md, "Sensors").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, sentence
from core.frames import FrameSet, Modality

MIN_SETS = 10
"""Fewer frame sets say too little of noise and rate."""
_OUTLIER_SIGMA = 4.0
"""Depth farther than this from the plane is a flying pixel or not the wall; it counts as a hole, not as noise."""
_MIN_POINTS = 500


@dataclass(frozen=True, slots=True)
class Placement:
    """The camera before the wall at one distance.

    ``figures`` by name, each a median over the frame sets: ``depth_fill`` (0..1), ``wall_rms_mm``, ``wall_tilt_deg``,
    ``depth_focal_px``; ``ir_level`` (share of the range), ``ir_exposure`` (exposure in us times gain, 1 where the
    camera does not say), ``ir_saturated``; ``rgb_level`` (0..255); ``skew_p95_ms``, ``slowest_period_ms``, and for each
    stream its measured rate over the promised one, ``rgb_rate`` and so on.
    """

    distance_mm: float
    figures: Mapping[str, float] = field(default_factory=dict)


def measure(frame_sets: Sequence[FrameSet], distance_mm: float | None = None) -> Placement:
    """Measure one placement.

    Args:
        frame_sets: of one camera that does not move, in order; some may have been skipped.
        distance_mm: as measured by hand; needed where there is no metric depth.

    Raises:
        InputError: too few frame sets, or no distance.
    """
    if len(frame_sets) < MIN_SETS:
        raise InputError(
            sentence(
                "The camera delivered {n} frame sets; a measurement needs {min_sets}.",
                n=len(frame_sets),
                min_sets=MIN_SETS,
            ),
            "Wait until all streams run, then measure again.",
        )
    each = [_of_one(frame_set) for frame_set in frame_sets]
    names = sorted({name for figures in each for name in figures})
    figures = {name: float(np.median([one[name] for one in each if name in one])) for name in names}
    distance = distance_mm or figures.get("distance_mm", 0.0)
    if distance <= 0:
        raise InputError("Nobody knows how far the wall is: there is no metric depth.", "Give the distance in mm.")
    skews = [frame_set.skew_ms for frame_set in frame_sets if len(frame_set.frames) > 1]
    if skews:
        figures["skew_p95_ms"] = float(np.percentile(skews, 95))
    figures |= _rates(frame_sets)
    periods = [1000.0 / profile.fps_hz for profile in frame_sets[-1].profiles.values() if profile.fps_hz > 0]
    figures["slowest_period_ms"] = max(periods, default=0.0)
    figures.pop("distance_mm", None)
    return Placement(round(distance, 1), {name: round(value, 6) for name, value in figures.items()})


def _of_one(frame_set: FrameSet) -> dict[str, float]:
    found: dict[str, float] = {}
    if Modality.DEPTH in frame_set.mask:
        found |= _depth(frame_set)
    if Modality.IR in frame_set.mask:
        pixels = _middle(frame_set[Modality.IR].pixels)
        top = float(np.iinfo(pixels.dtype).max)
        metadata = frame_set[Modality.IR].metadata
        found["ir_level"] = float(pixels.mean()) / top
        found["ir_saturated"] = float((pixels >= top).mean())
        found["ir_exposure"] = metadata.get("exposure_us", 1.0) * max(metadata.get("gain", 1.0), 1.0)
    if Modality.RGB in frame_set.mask:
        found["rgb_level"] = float(_middle(frame_set[Modality.RGB].pixels).mean())
    return found


def _depth(frame_set: FrameSet) -> dict[str, float]:
    """Fill, and the plane that the wall is."""
    profile = frame_set.profiles[Modality.DEPTH]
    whole = frame_set[Modality.DEPTH].pixels
    counts = _middle(whole)
    found = {"depth_fill": float((counts > 0).mean())}
    if profile.depth_unit_m is None or profile.intrinsics is None:
        return found
    v, u = np.nonzero(counts)
    if len(u) < _MIN_POINTS:
        return found
    z = counts[v, u].astype(np.float64) * profile.depth_unit_m * 1000.0
    lens = profile.intrinsics
    x = (u + whole.shape[1] // 4 - lens.cx) / lens.fx
    y = (v + whole.shape[0] // 4 - lens.cy) / lens.fy
    plane, residual = _plane(x, y, z)
    spread = 1.4826 * float(np.median(np.abs(residual)))
    wall = np.abs(residual) <= _OUTLIER_SIGMA * max(spread, 0.3)
    plane, residual = _plane(x[wall], y[wall], z[wall])
    found["depth_fill"] *= float(wall.mean())
    found["wall_rms_mm"] = float(np.sqrt(np.mean(residual**2)))
    # 1/z = a x + b y + c is n.X = 1: the angle between the normal and the optical axis.
    found["wall_tilt_deg"] = math.degrees(math.atan2(math.hypot(plane[0], plane[1]), abs(plane[2])))
    found["distance_mm"] = float(np.median(z[wall]))
    found["depth_focal_px"] = float(lens.fx)
    return found


def _plane(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Plane ``(a, b, c)`` of ``1/z`` and the residuals in mm of depth."""
    design = np.stack([x, y, np.ones_like(x)], axis=1)
    plane, *_ = np.linalg.lstsq(design, 1.0 / z, rcond=None)
    residual: NDArray[np.float64] = z - 1.0 / (design @ plane)
    return plane.astype(np.float64), residual


def _rates(frame_sets: Sequence[FrameSet]) -> dict[str, float]:
    """Frames a second by the camera's own numbers and clock, so that sets nobody looked at count too."""
    found = {}
    for modality, profile in frame_sets[-1].profiles.items():
        frames = [one.frames[modality] for one in frame_sets if modality in one.frames]
        if len(frames) < 2 or profile.fps_hz <= 0:
            continue
        span_ms = frames[-1].device_time_ms - frames[0].device_time_ms
        if span_ms > 0:
            fps = 1000.0 * (frames[-1].number - frames[0].number) / span_ms
            found[f"{modality}_rate"] = fps / profile.fps_hz
    return found


def _middle(pixels: NDArray[Any]) -> NDArray[Any]:
    """The middle half of a picture in both directions."""
    height, width = pixels.shape[:2]
    return pixels[height // 4 : height - height // 4, width // 4 : width - width // 4]
