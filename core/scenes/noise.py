"""Noise that costs nothing: a bank of tiles made once, read at fresh random offsets for every image.

A tile has mean 0 and standard deviation 1. Two windows of one tile at random offsets and mirrorings are for our
purposes independent; a camera of 30 frames a second cannot draw a million Gaussians per frame on one core.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_TILE_PX = 1024


class Grain(Enum):
    """Correlation of the noise: the blur radii (px) that are mixed, with their weights."""

    WHITE = ((0.0, 1.0),)
    DEMOSAICED = ((0.7, 1.0),)
    FILTERED = ((1.15, 1.0),)
    BLOCK_MATCHED = ((2.2, 1.0), (6.0, 0.5))
    PATCHES = ((7.0, 1.0),)
    FRACTAL = ((1.0, 0.15), (4.0, 0.4), (16.0, 1.0), (48.0, 1.5))


@lru_cache(maxsize=len(Grain))
def tile(grain: Grain) -> NDArray[np.float32]:
    """The tile of that grain, ``(1024, 1024)``; wraps around at its borders."""
    rng = np.random.default_rng(list(Grain).index(grain))
    total = np.zeros((_TILE_PX, _TILE_PX), dtype=np.float32)
    for radius, weight in grain.value:
        layer: NDArray[Any] = rng.standard_normal((_TILE_PX, _TILE_PX), dtype=np.float32)
        if radius:
            pad = int(4 * radius) + 1
            wrapped = cv2.GaussianBlur(np.pad(layer, pad, mode="wrap"), (0, 0), radius)
            layer = wrapped[pad:-pad, pad:-pad]
        total += layer * np.float32(weight / float(layer.std()))
    scaled: NDArray[np.float32] = ((total - total.mean()) / total.std()).astype(np.float32)
    scaled.setflags(write=False)
    return scaled


def noise(grain: Grain, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A window of ``shape`` at a random place, mirrored at random (a view of the tile; do not write to it)."""
    return window(tile(grain), shape, rng)


def window(source: NDArray[np.float32], shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random window of a picture at least that large, mirrored at random."""
    height, width = shape
    y, x = (int(rng.integers(0, room - need + 1)) for room, need in zip(source.shape, shape, strict=False))
    view = source[y : y + height, x : x + width]
    flips = int(rng.integers(0, 4))
    return view[:: -1 if flips & 1 else 1, :: -1 if flips & 2 else 1]
