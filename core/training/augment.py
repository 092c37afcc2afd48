"""Augmentation of crop batches: geometry shared by the modalities, light and noise of each its own.

What differs between cameras and collections is varied alike for both classes (evaluation.md section 8, scenes.md,
"Other people's data look different"), so that no artefact of a sensor can carry the label: framing, borders,
resolution, registration, and in `core.training.depth_chain` the way from a distance to a count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from core.model.inputs import CropBatch
from core.surface import face_ellipse
from core.training.depth_chain import vary_depth

Float = NDArray[np.float32]
Generator = np.random.Generator
_Pixel = TypeVar("_Pixel", np.uint8, np.float32)
_UNKNOWN_WIDTH_SHARE = 0.15
"""Share of metric crops whose width in millimetres is not known (crops without a calibration)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Framing:
    """How a crop is cut: ``warp (2, 3)`` for all modalities, its zoom, what fills the border, error of registration."""

    warp: Float
    zoom: float
    border: int
    error_px: float
    side: int | None
    """Pixels of a small face; ``None``: as it is."""

    @classmethod
    def draw(cls, size: int, random: Generator) -> _Framing:
        """Mostly the framing of this program's own crops, at times a wide or a tight one as in collections."""
        zoom = float(np.exp(random.normal(0.0, 0.1)))
        kind = random.random()
        if kind < 0.2:
            zoom *= float(random.uniform(0.6, 1.0))
        elif kind < 0.4:
            zoom *= float(random.uniform(1.0, 1.5))
        middle = (size - 1) / 2.0
        warp = cv2.getRotationMatrix2D((middle, middle), float(random.normal(0.0, 6.0)), zoom).astype(np.float32)
        warp[:, 2] += random.normal(0.0, 0.035 * size, 2)
        if random.random() < 0.5:
            warp[:, 0] *= -1.0
            warp[:, 2] -= (size - 1) * warp[:, 0]
        border = cv2.BORDER_CONSTANT if random.random() < 0.4 else cv2.BORDER_REPLICATE
        error = float(random.choice([0.3, 0.8, 2.5], p=[0.4, 0.4, 0.2]))
        side = int(np.exp(random.uniform(np.log(36), np.log(90)))) if random.random() < 0.4 else None
        return cls(warp, zoom, border, error, side)

    def moved(self, image: NDArray[_Pixel], method: int, random: Generator) -> NDArray[_Pixel]:
        """``image`` in this framing, with its own error of registration."""
        warp = self.warp.copy()
        warp[:, 2] += random.normal(0.0, self.error_px, 2).astype(np.float32)
        size = image.shape[0]
        moved: Any = cv2.warpAffine(image, warp, (size, size), flags=method, borderMode=self.border)
        return np.asarray(moved, dtype=image.dtype)

    def coarse(self, image: NDArray[_Pixel]) -> NDArray[_Pixel]:
        """``image`` as a camera farther away would have given it."""
        if self.side is None:
            return image
        size = image.shape[0]
        small = cv2.resize(image, (self.side, self.side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), dtype=image.dtype)


def augment(batch: CropBatch, random: Generator) -> CropBatch:
    """A varied copy of ``batch``."""
    count, size = len(batch), batch.depth.shape[1]
    rgb, depth, infrared = np.empty_like(batch.rgb), np.empty_like(batch.depth), np.empty_like(batch.ir)
    metric, face_mm = batch.metric.copy(), batch.face_mm.copy()
    for i in range(count):
        framing = _Framing.draw(size, random)
        rgb[i] = _rgb(framing.coarse(framing.moved(batch.rgb[i], cv2.INTER_LINEAR, random)), random)
        infrared[i] = _infrared(framing.coarse(framing.moved(batch.ir[i], cv2.INTER_LINEAR, random)), random)
        moved = framing.moved(batch.depth[i], cv2.INTER_NEAREST, random)
        depth[i], metric[i] = vary_depth(moved, bool(metric[i]), framing.side, random)
        face_mm[i] = 0.0 if random.random() < _UNKNOWN_WIDTH_SHARE or not metric[i] else face_mm[i] / framing.zoom
        if random.random() < 0.1:
            _cut_out(rgb[i], depth[i], infrared[i], random)
        depth[i] = _patch_out(depth[i], random, 0.0)
    return CropBatch(rgb, depth, infrared, batch.presence, metric, face_mm)


def _rgb(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """Exposure, gamma, white balance, light from one side, blur, noise, JPEG."""
    curve = (np.arange(256, dtype=np.float32) / 255.0) ** np.float32(np.exp(random.normal(0.0, 0.3)))
    gains = np.exp(random.normal(0.0, 0.25) + random.normal(0.0, 0.09, 3)).astype(np.float32)
    values: NDArray[Any] = curve[image] * gains
    if random.random() < 0.3:
        values = values * _uneven(image.shape[0], 0.25, random)[:, :, None]
    grey = (values[..., :1] + values[..., 1:2] + values[..., 2:]) * np.float32(1.0 / 3.0)
    values = grey + (values - grey) * np.float32(np.exp(random.normal(0.0, 0.3)))
    if random.random() < 0.2:
        values = cv2.GaussianBlur(values, (0, 0), float(random.uniform(0.4, 1.4)))
    noise = random.standard_normal(values.shape, dtype=np.float32)
    values = values + np.float32(random.uniform(0.0, 0.03)) * noise
    result = (np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)
    if random.random() < 0.3:
        result = jpeg(result, random)
    return _patch_out(result, random, int(random.integers(0, 255)))


def _infrared(image: Float, random: Generator) -> Float:
    """Gain, tone curve, ambient light, uneven flood, blur, noise, 8-bit steps, JPEG: what no two cameras share."""
    lit = image > 0
    values: NDArray[Any] = image ** np.float32(np.exp(random.normal(0.0, 0.2)))
    level = max(float(np.median(values[lit])) if lit.any() else 0.0, 1e-3)
    if random.random() < 0.3:
        values = values + level * float(random.uniform(0.0, 0.3))
    if random.random() < 0.4:
        values = values * _uneven(image.shape[0], 0.25, random)
    if random.random() < 0.25:
        # Smaller contrasts inside the face, or larger ones, without touching its broad shading.
        broad = cv2.GaussianBlur(values, (0, 0), float(random.uniform(3.0, 10.0)))
        values = broad + (values - broad) * float(random.uniform(0.75, 1.33))
    if random.random() < 0.2:
        values = cv2.GaussianBlur(values, (0, 0), float(random.uniform(0.4, 1.2)))
    values = values / level * float(np.exp(random.uniform(np.log(0.08), np.log(0.7))))
    shot, read = random.standard_normal((2, *values.shape), dtype=np.float32)
    values = values * (1.0 + np.float32(random.uniform(0.0, 0.08)) * shot) + np.float32(random.uniform(0, 0.01)) * read
    values = np.clip(values, 1.0 / 255.0, 1.0)
    if random.random() < 0.6:
        steps = np.maximum(np.rint(values * 255.0), 1.0).astype(np.uint8)
        values = (jpeg(steps, random) if random.random() < 0.3 else steps).astype(np.float32) / 255.0
    return _patch_out(np.where(lit, values, 0.0).astype(np.float32), random, 0.0)


def _uneven(size: int, spread: float, random: Generator) -> Float:
    """A smooth field around 1: light that falls from one side."""
    coarse = np.exp(random.normal(0.0, spread, (3, 3))).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _cut_out(rgb: NDArray[np.uint8], depth: Float, infrared: Float, random: Generator) -> None:
    """Everything around the face black, as collections that were segmented have it."""
    outside = ~face_ellipse(depth.shape[0], round(float(random.uniform(1.0, 1.3)), 1))
    for image in (rgb, depth, infrared):
        image[outside] = 0


def jpeg(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """``image`` through JPEG of a random quality."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 95))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def _patch_out(image: NDArray[_Pixel], random: Generator, value: float) -> NDArray[_Pixel]:
    """With one chance in six, one rectangle of the crop is lost."""
    if random.random() < 1.0 / 6.0:
        size = image.shape[0]
        height, width = (int(n) for n in random.integers(size // 10, size // 3, 2))
        top, left = int(random.integers(0, size - height)), int(random.integers(0, size - width))
        image[top : top + height, left : left + width] = value
    return image
