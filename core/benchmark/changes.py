"""What P5 does to a target: corruptions of whole presentations, on the crops as they were cut.

The strengths are fixed here, before any result; each is what a site meets (a lamp that dies, sun, a soft lens, dust on
the projector, a bumped camera, a stale infrared stream).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.model.inputs import CropBatch
from core.training.prepared import Change

Float = NDArray[np.float32]


def dark(batch: CropBatch, random: np.random.Generator) -> CropBatch:
    """A third to a sixth of the visible light, with the noise that gain brings."""
    gain = random.uniform(1 / 6, 1 / 3, (len(batch), 1, 1, 1))
    noise = random.normal(0.0, 6.0, batch.rgb.shape)
    return replace(batch, rgb=np.clip(batch.rgb * gain + noise, 0, 255).astype(np.uint8))


def sun(batch: CropBatch, random: np.random.Generator) -> CropBatch:
    """Ambient infrared floods the image and washes the pattern out: bright, flat, half of the depth is gone."""
    flood = random.uniform(0.4, 0.8, (len(batch), 1, 1)).astype(np.float32)
    lit = np.where(batch.ir > 0, np.clip(0.4 * batch.ir + flood, 0.0, 1.0), np.float32(0.0)).astype(np.float32)
    return replace(batch, ir=lit, depth=_with_patches(batch.depth, random, 0.5))


def blur(batch: CropBatch, random: np.random.Generator) -> CropBatch:
    """A soft lens: colour and infrared blurred by 2 to 3 pixels of the crop."""
    rgb, infrared = batch.rgb.copy(), batch.ir.copy()
    for i in range(len(batch)):
        sigma = float(random.uniform(2.0, 3.0))
        rgb[i] = cv2.GaussianBlur(rgb[i], (0, 0), sigma)
        infrared[i] = cv2.GaussianBlur(infrared[i], (0, 0), sigma)
    return replace(batch, rgb=rgb, ir=infrared)


def holes(batch: CropBatch, random: np.random.Generator) -> CropBatch:
    """Three tenths of the depth are lost in patches."""
    return replace(batch, depth=_with_patches(batch.depth, random, 0.3))


def misregistration(batch: CropBatch, random: np.random.Generator) -> CropBatch:
    """Depth and infrared each lie 5 to 8 pixels off the colour image."""
    depth, infrared = batch.depth.copy(), batch.ir.copy()
    for i in range(len(batch)):
        depth[i], infrared[i] = _moved(depth[i], random), _moved(infrared[i], random)
    return replace(batch, depth=depth, ir=infrared)


def stale_infrared(batch: CropBatch, random: np.random.Generator) -> CropBatch:
    """Infrared stands still: the crop before takes its place, mostly of the same presentation."""
    del random
    return replace(batch, ir=np.roll(batch.ir, 1, axis=0), presence=_both(batch.presence))


def _both(presence: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Infrared is there where it was there for both crops."""
    found = presence.copy()
    found[:, 2] &= np.roll(presence[:, 2], 1)
    return found


def _moved(image: Float, random: np.random.Generator) -> Float:
    angle, reach = random.uniform(0.0, 2.0 * np.pi), random.uniform(5.0, 8.0)
    warp = np.array([[1.0, 0.0, reach * np.cos(angle)], [0.0, 1.0, reach * np.sin(angle)]], dtype=np.float32)
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, warp, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _with_patches(depth: Float, random: np.random.Generator, share: float) -> Float:
    """``depth`` without ``share`` of its area, in patches of an eighth of the side."""
    cells = random.random((len(depth), 8, 8)) < share
    size = depth.shape[1]
    at = np.minimum(np.arange(size) * 8 // size, 7)
    lost = cells[:, at][:, :, at]
    return np.where(lost, np.float32(0.0), depth)


VIEWS: dict[str, Change | None] = {
    "clean": None,
    "dark": dark,
    "sun": sun,
    "blur": blur,
    "holes": holes,
    "misregistration": misregistration,
    "stale_infrared": stale_infrared,
}
"""The views of a target by name; ``clean`` is the target as it is."""
