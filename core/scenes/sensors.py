"""Sensors: geometry of the rigs and the way from light to counts (scenes.md, "Sensors").

Every image draws fresh noise from the generator that is handed in; the same generator state gives the same image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import Extrinsics, Intrinsics, Modality, StreamProfile
from core.scenes.mesh import F32
from core.scenes.noise import Grain, noise
from core.scenes.render import Camera

HEIGHT, WIDTH = 480, 640


class DepthKind(StrEnum):
    """Working principle, which decides on the noise."""

    STEREO = "stereo"
    STRUCTURED = "structured"
    TIME_OF_FLIGHT = "time_of_flight"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class RelativeCoding:
    """How a collection turned depth into eight bits.

    ``span_mm``: what 235 counts stand for, from the nearest surface on; ``None``: the picture's own range.
    ``by_maximum``: counts are the share of the farthest depth instead. ``jpeg_quality``: 0 = stored without loss.
    """

    span_mm: float | None = 400.0
    by_maximum: bool = False
    jpeg_quality: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> RelativeCoding:
        """One collection's habit at random."""
        span = float(rng.uniform(250, 700)) if rng.random() < 0.6 else None
        return cls(span, bool(rng.random() < 0.2), int(rng.integers(55, 96)) if rng.random() < 0.3 else 0)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One rig: a depth camera whose image is also the infrared one, and a colour camera beside it.

    ``baseline_mm`` between the depth camera and its second eye or projector; ``beside_mm``: how far the colour camera
    stands to the picture's left; ``subpixel``: matching error (px); ``noise_mm``: error at any distance;
    ``hole_share``: holes on good surfaces; ``near_mm``: nothing is measured nearer; ``ir_read`` and ``ir_shot``: noise
    of the infrared image in the dark and its growth with the root of the level (both of full range).
    """

    name: str
    kind: DepthKind
    depth: Intrinsics
    colour: Intrinsics
    baseline_mm: float
    beside_mm: float
    subpixel: float = 0.0
    noise_mm: float = 0.0
    hole_share: float = 0.02
    near_mm: float = 200.0
    ir_bits: int = 8
    ir_gain: float = 1.0
    ir_read: float = 0.003
    ir_shot: float = 0.014
    relative: RelativeCoding | None = None
    depth_unit_m: float | None = 0.001

    @property
    def depth_camera(self) -> Camera:
        """The depth and infrared camera: the origin of the rig."""
        return Camera(self.depth)

    @property
    def colour_camera(self) -> Camera:
        """The colour camera."""
        return Camera(self.colour, (-self.beside_mm, 0.0, 0.0))

    @property
    def profiles(self) -> dict[Modality, StreamProfile]:
        """How the SDK would describe the three streams."""
        beside = Extrinsics(translation_m=(self.beside_mm / 1000, 0.0, 0.0))
        rgb, depth = self.colour, self.depth
        return {
            Modality.RGB: StreamProfile(Modality.RGB, rgb.width, rgb.height, 30.0, rgb, Extrinsics()),
            Modality.DEPTH: StreamProfile(
                Modality.DEPTH, depth.width, depth.height, 30.0, depth, beside, self.depth_unit_m
            ),
            Modality.IR: StreamProfile(Modality.IR, depth.width, depth.height, 30.0, depth, beside),
        }

    def cropped(self, depth: Intrinsics, colour: Intrinsics) -> Sensor:
        """The same rig of which only windows are read out."""
        return replace(self, depth=depth, colour=colour)


_D435 = Sensor(
    "d435", DepthKind.STEREO, Intrinsics(WIDTH, HEIGHT, 390.4, 390.4, 331.4, 242.2),
    Intrinsics(WIDTH, HEIGHT, 613.2, 613.2, 319.9, 239.2), 50.0, 14.3, subpixel=0.037, hole_share=0.012, ir_gain=0.95,
)  # fmt: skip
SENSORS: dict[str, Sensor] = {
    "d435": _D435,
    "d415": replace(
        _D435, name="d415", depth=Intrinsics(WIDTH, HEIGHT, 612.0, 612.0, 321.0, 239.0), baseline_mm=55.0, near_mm=310.0
    ),
    "d455": replace(_D435, name="d455", baseline_mm=95.0, beside_mm=59.0, near_mm=350.0),
    "sr300": Sensor(
        "sr300", DepthKind.STRUCTURED, Intrinsics(WIDTH, HEIGHT, 474.0, 474.0, 312.0, 245.0),
        Intrinsics(WIDTH, HEIGHT, 615.0, 615.0, 318.0, 240.0), 47.0, 25.7,
        subpixel=0.012, noise_mm=0.35, hole_share=0.006, ir_gain=0.9,
    ),
    "kinect2": Sensor(
        "kinect2", DepthKind.TIME_OF_FLIGHT, Intrinsics(512, 424, 365.5, 365.5, 256.0, 208.0),
        Intrinsics(WIDTH, HEIGHT, 540.0, 540.0, 320.0, 240.0), 75.0, 52.0, noise_mm=1.3, hole_share=0.002,
        near_mm=450.0, ir_bits=16, ir_gain=0.46, ir_read=0.0004, ir_shot=0.0055,
    ),
    "relative": Sensor(
        "relative", DepthKind.RELATIVE, Intrinsics(WIDTH, HEIGHT, 500.0, 500.0, 320.0, 240.0),
        Intrinsics(WIDTH, HEIGHT, 500.0, 500.0, 320.0, 240.0), 50.0, 0.0, subpixel=0.03, hole_share=0.02,
        relative=RelativeCoding(), depth_unit_m=None,
    ),
}  # fmt: skip


def measure_depth(
    z_mm: NDArray[np.float32], holes: NDArray[np.float32], sensor: Sensor, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Counts of the depth sensor, 0 = hole.

    Args:
        z_mm: true depth ``(H, W)``.
        holes: share of each surface that gives no measurement, beyond the sensor's own.
        sensor: the rig.
        rng: fresh noise.
    """
    shape = z_mm.shape[:2]
    z = z_mm
    shadow = None
    if sensor.kind in (DepthKind.STEREO, DepthKind.STRUCTURED, DepthKind.RELATIVE):
        shadow = baseline_shadow(z, sensor.depth.fx, sensor.baseline_mm)
    if sensor.kind in (DepthKind.STEREO, DepthKind.RELATIVE):
        # Block matching lets the foreground grow over the edge, here more and there less.
        fat = cv2.erode(z, np.ones((5, 5), np.uint8))
        z = np.where((z - fat > 25) & (noise(Grain.PATCHES, shape, rng) > -0.3), fat, z)
    elif sensor.kind is DepthKind.TIME_OF_FLIGHT:
        # Flying pixels where two depths meet, and the slow bias of light that came by way of other surfaces.
        soft = cv2.blur(z, (3, 3))
        z = np.where((np.abs(z - soft) > 12) & (noise(Grain.FILTERED, shape, rng) > 0.2), soft, z)
        z = z + F32(0.45) * noise(Grain.PATCHES, shape, rng)
    sigma = np.full_like(z, sensor.noise_mm)
    if sensor.subpixel:
        sigma = sigma + z * z * F32(sensor.subpixel / (sensor.depth.fx * sensor.baseline_mm))
    grain = Grain.DEMOSAICED if sensor.kind is DepthKind.TIME_OF_FLIGHT else Grain.BLOCK_MATCHED
    measured = z + sigma * noise(grain, shape, rng)
    if sensor.kind is DepthKind.TIME_OF_FLIGHT:
        # Every pixel measures for itself: holes are specks, and few where light comes back.
        lost = _quantile_of(
            noise(Grain.FILTERED, shape, rng), F32(sensor.hole_share) + np.maximum(holes - F32(0.03), 0)
        )
    else:
        lost = _quantile_of(noise(Grain.BLOCK_MATCHED, shape, rng), holes + F32(sensor.hole_share))
    lost |= (z < sensor.near_mm) | (z > 8000)
    if shadow is not None:
        lost |= shadow
    measured[lost] = 0
    if sensor.relative is not None:
        return _relative(measured, sensor.relative)
    return np.asarray(np.rint(np.clip(measured, 0, 65535)), dtype=np.uint16)


def baseline_shadow(z_mm: NDArray[np.float32], focal_px: float, baseline_mm: float) -> NDArray[np.bool_]:
    """Pixels that the second eye, ``baseline_mm`` to the right, does not see because something nearer is in the way.

    In its image a pixel lands at ``u - f b / z``; whatever lies further right here but lands further left there covers
    it. Those are the shadows at the left edges of near things.
    """
    landing = np.arange(z_mm.shape[1], dtype=F32)[None, :] - F32(focal_px * baseline_mm) / z_mm
    nearest = np.minimum.accumulate(landing[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(nearest < landing - F32(1.0))


def _quantile_of(field: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Patches that cover ``share`` of the area: where a normal field exceeds its upper quantile (logistic fit)."""
    odds = np.clip(share, F32(1e-4), F32(0.98))
    return np.asarray(field > np.log((1 - odds) / odds) / F32(1.702))


def _relative(measured: NDArray[np.float32], coding: RelativeCoding) -> NDArray[np.uint16]:
    """Eight bits of unknown scale."""
    valid = measured[measured > 0]
    if valid.size == 0:
        return np.zeros(measured.shape, dtype=np.uint16)
    low, high = (float(v) for v in np.percentile(valid, (1, 99)))
    if coding.by_maximum:
        scaled = measured * F32(255 / max(high, 1.0))
    else:
        scaled = 20 + (measured - low) * F32(235 / (coding.span_mm or max(high - low, 120.0)))
    counts = np.where(measured > 0, np.clip(scaled, 1, 255), 0).astype(np.uint8)
    if coding.jpeg_quality:
        _, packed = cv2.imencode(".jpg", counts, [cv2.IMWRITE_JPEG_QUALITY, coding.jpeg_quality])
        stored = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        # Holes ring in a JPEG; readers set what is nearly zero back to none.
        counts = np.where(stored < 8, np.uint8(0), stored)
    return counts.astype(np.uint16)


def infrared_counts(
    radiance: NDArray[np.float32], sensor: Sensor, rng: np.random.Generator, gain: float = 1.0, dots: float = 0.0
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Counts of the infrared camera: 8 bits, or 16 bits linear; ``dots`` = contrast of the projected pattern."""
    shape = radiance.shape[:2]
    level = radiance * F32(gain)
    if dots:
        level = level * (1 + F32(dots) * np.clip(noise(Grain.DEMOSAICED, shape, rng) - F32(1.0), 0, 2.5))
    return infrared_read(*infrared_level(level, sensor), sensor, rng)


def metered_gain(radiance: NDArray[np.float32], sensor: Sensor, target: float) -> float:
    """The gain that auto-exposure settles on: the middle of the picture at ``target`` of the range, within limits."""
    height, width = radiance.shape[:2]
    middle = radiance[height // 4 : -(height // 4), width // 4 : -(width // 4)]
    level = float(middle.mean()) * sensor.ir_gain
    return float(np.clip(target / max(level, 1e-3), 0.3, 3.0))


def infrared_level(radiance: NDArray[np.float32], sensor: Sensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of the infrared counts, as floats."""
    full = F32((1 << sensor.ir_bits) - 1)
    level = np.clip(radiance * F32(sensor.ir_gain), 0, None)
    return level * full, (F32(sensor.ir_read) + F32(sensor.ir_shot) * np.sqrt(np.minimum(level, 1))) * full


def infrared_read(
    level: NDArray[np.float32], spread: NDArray[np.float32], sensor: Sensor, rng: np.random.Generator
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Counts with fresh noise, saturated at the ends of the range."""
    random = spread * noise(Grain.WHITE, level.shape[:2], rng)
    counts: NDArray[Any] = cv2.add(level, random, dtype=cv2.CV_8U if sensor.ir_bits == 8 else cv2.CV_16U)
    return counts


_TONE_STEPS = 8192
_TONE_TOP = 2.0
"""Light from which on everything is white."""


def _tones() -> NDArray[np.uint8]:
    """Counts of light from 0 to `_TONE_TOP`: a soft shoulder above 0.7, then the gamma of sRGB."""
    light = np.linspace(0, _TONE_TOP, _TONE_STEPS)
    light = np.where(light > 0.7, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3), light)
    encoded = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * encoded), dtype=np.uint8)


_TONES = _tones()


def colour_counts(
    radiance: NDArray[np.float32],
    rng: np.random.Generator,
    exposure: float = 1.0,
    grain: float = 0.01,
    blur_px: float = 0.0,
) -> NDArray[np.uint8]:
    """An 8-bit sRGB picture: optics, shot and read noise, soft shoulder, gamma."""
    shape = radiance.shape[:2]
    light = cv2.GaussianBlur(radiance, (0, 0), blur_px) if blur_px > 0.2 else radiance
    light = light * F32(exposure)
    spread = F32(grain) * np.sqrt(np.clip(light[..., 1], 0.002, 1)) + F32(0.15 * grain)
    luma = noise(Grain.DEMOSAICED, shape, rng)
    channels = [
        light[..., i] + spread * (F32(0.7) * luma + F32(0.7) * noise(Grain.DEMOSAICED, shape, rng)) for i in range(3)
    ]
    steps = np.stack(channels, -1) * F32((_TONE_STEPS - 1) / _TONE_TOP)
    return np.asarray(_TONES[np.clip(steps, 0, _TONE_STEPS - 1).astype(np.int32)])
