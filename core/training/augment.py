"""Augmentation of crop batches: geometry shared by the modalities, light and noise of each its own.

What differs between cameras and collections is varied alike for both classes (evaluation.md section 8, scenes.md,
"Other people's data look different"), so that no artefact of a sensor can carry the label.
"""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from core.model.inputs import CropBatch

Float = NDArray[np.float32]
Generator = np.random.Generator
_Pixel = TypeVar("_Pixel", np.uint8, np.float32)
_WIDE_SHARE = 0.2
"""Share of crops with a wider margin, as in collections of heads."""
_UNKNOWN_WIDTH_SHARE = 0.15
"""Share of metric crops whose width in millimetres is not known (crops without a calibration)."""


def augment(batch: CropBatch, random: Generator) -> CropBatch:
    """A varied copy of ``batch``."""
    count = len(batch)
    rgb, depth, infrared = np.empty_like(batch.rgb), np.empty_like(batch.depth), np.empty_like(batch.ir)
    metric, face_mm = batch.metric.copy(), batch.face_mm.copy()
    for i in range(count):
        warp, zoom = _shared_warp(batch.depth.shape[1], random)
        side = _resolution(random)
        rgb[i] = _rgb(_warped(batch.rgb[i], _jittered(warp, random), cv2.INTER_LINEAR, side), random)
        depth[i] = _depth(_warped(batch.depth[i], _jittered(warp, random), cv2.INTER_NEAREST, None), random)
        infrared[i] = _infrared(_warped(batch.ir[i], _jittered(warp, random), cv2.INTER_LINEAR, side), random)
        face_mm[i] = 0.0 if random.random() < _UNKNOWN_WIDTH_SHARE else face_mm[i] / zoom
        if metric[i] and random.random() < 0.25:
            depth[i], metric[i] = _made_relative(depth[i], random), False
    return CropBatch(rgb, depth, infrared, batch.presence, metric, face_mm)


def _shared_warp(size: int, random: Generator) -> tuple[Float, float]:
    """One affine map for all modalities (flip, turn, zoom, shift) and its zoom."""
    angle = float(random.normal(0.0, 6.0))
    zoom = float(np.exp(random.normal(0.0, 0.09)))
    if random.random() < _WIDE_SHARE:
        zoom *= float(random.uniform(0.7, 1.0))
    middle = (size - 1) / 2.0
    warp = cv2.getRotationMatrix2D((middle, middle), angle, zoom).astype(np.float32)
    warp[:, 2] += random.normal(0.0, 0.03 * size, 2)
    if random.random() < 0.5:
        warp[:, 0] *= -1.0
        warp[:, 2] -= (size - 1) * warp[:, 0]
    return warp, zoom


def _jittered(warp: Float, random: Generator) -> Float:
    """The shared map with this modality's error of registration."""
    moved = warp.copy()
    moved[:, 2] += random.normal(0.0, 0.8, 2).astype(np.float32)
    return moved


def _resolution(random: Generator) -> int | None:
    """Now and then the crop comes from a small face: its side in pixels."""
    return int(random.integers(36, 80)) if random.random() < 0.3 else None


def _warped(image: NDArray[_Pixel], warp: Float, method: int, side: int | None) -> NDArray[_Pixel]:
    size = image.shape[0]
    moved: Any = cv2.warpAffine(image, warp, (size, size), flags=method, borderMode=cv2.BORDER_REPLICATE)
    if side is not None:
        small = cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA)
        moved = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(moved, dtype=image.dtype)


def _rgb(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """Exposure, gamma, white balance, saturation, blur, noise, JPEG."""
    values: NDArray[Any] = image.astype(np.float32) / 255.0
    values = values ** float(np.exp(random.normal(0.0, 0.25)))
    values = values * float(np.exp(random.normal(0.0, 0.22))) * np.exp(random.normal(0.0, 0.07, 3))
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * float(np.exp(random.normal(0.0, 0.25)))
    if random.random() < 0.2:
        values = cv2.GaussianBlur(values, (0, 0), float(random.uniform(0.4, 1.4)))
    values = values + random.normal(0.0, float(random.uniform(0.0, 0.03)), values.shape)
    result = (np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)
    if random.random() < 0.3:
        result = _jpeg(result, random)
    return _patch_out(result, random, int(random.integers(0, 255)))


def _infrared(image: Float, random: Generator) -> Float:
    """Gain, gamma, ambient light, flood, blur, noise, 8-bit steps."""
    values: NDArray[Any] = image
    lit = values > 0
    values = values ** float(np.exp(random.normal(0.0, 0.12))) * float(np.exp(random.normal(0.0, 0.3)))
    if random.random() < 0.3:
        values = values + float(random.uniform(0.0, 0.15))
    if random.random() < 0.2:
        values = cv2.GaussianBlur(values, (0, 0), float(random.uniform(0.4, 1.4)))
    values = values * (1.0 + random.normal(0.0, float(random.uniform(0.0, 0.06)), values.shape))
    values = np.clip(values, 1.0 / 255.0, 1.0)
    if random.random() < 0.5:
        values = np.maximum(np.rint(values * 255.0), 1.0) / 255.0
    return _patch_out(np.where(lit, values, 0.0).astype(np.float32), random, 0.0)


def _depth(image: Float, random: Generator) -> Float:
    """Correlated and white noise, smoothing, holes in patches and at random."""
    values: NDArray[Any] = image
    measured = values > 0
    size = values.shape[0]
    white = random.normal(0.0, float(random.uniform(0.0, 1.5)), values.shape)
    side = int(random.integers(8, 32))
    coarse = random.normal(0.0, float(random.uniform(0.0, 1.2)), (side, side)).astype(np.float32)
    values = values * (1.0 + 1.0e-3 * (white + cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)))
    if random.random() < 0.3:
        values = np.asarray(cv2.medianBlur(values.astype(np.float32), int(random.choice([3, 5]))))
    if random.random() < 0.3:
        measured &= random.random(values.shape) > float(random.uniform(0.0, 0.12))
    return _patch_out(np.where(measured, values, 0.0).astype(np.float32), random, 0.0)


def _made_relative(depth: Float, random: Generator) -> Float:
    """8-bit depth without scale: clipped around the face, stretched to its own range, at times through JPEG."""
    measured = depth > 0
    if not measured.any():
        return depth
    near = float(np.percentile(depth[measured], 1.0))
    far = min(float(depth.max()), near + float(random.uniform(120.0, 700.0)))
    stretched = np.clip((depth - near) / max(far - near, 1.0), 0.0, 1.0) * float(random.uniform(120.0, 250.0)) + 4.0
    steps = np.rint(stretched).astype(np.uint8)
    if random.random() < 0.3:
        steps = np.maximum(_jpeg(steps, random), 1)
    return np.where(measured, steps, 0).astype(np.float32)


def _jpeg(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
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
