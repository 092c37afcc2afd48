"""Coarse maps of a face crop and what can be told from two of them: the arithmetic behind `core.model.evidence`.

A crop is reduced to `GRID` x `GRID` blocks by the mean of its measured pixels. That tames the noise of every sensor
alike, makes a crop of 40 px and one of 400 px comparable, and costs microseconds. Correlations are taken inside the
face ellipse over blocks that both maps have; they know neither unit nor gain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from core.surface import Bool, Float, face_ellipse

Plane = NDArray[np.float64]
GRID = 24
MIN_BLOCKS = 40
"""Fewer common blocks of the face tell nothing."""
_MIN_SHARE = 0.5
_EPS = 1e-9


@dataclass(frozen=True, eq=False)
class BlockMap:
    """``values float32 (B, n)`` over the blocks of the face ellipse, ``known bool (B, n)``; 0 where not known.

    What several figures ask of the same map is worked out once.
    """

    values: Float
    known: Bool

    @cached_property
    def _count(self) -> NDArray[np.intp]:
        return np.asarray(self.known.sum(axis=1))

    @cached_property
    def _ordered(self) -> Float:
        return np.sort(np.where(self.known, self.values, np.float32(np.inf)), axis=1)

    @property
    def usable(self) -> Bool:
        """``bool (B,)``: enough blocks to say anything."""
        return np.asarray(self._count >= MIN_BLOCKS)

    def quantile(self, share: float) -> Float:
        """Quantile of the known blocks, ``(B,)``; 0 where there are none."""
        at = np.rint(share * np.maximum(self._count - 1, 0)).astype(np.intp)
        return np.where(self._count > 0, self._ordered[np.arange(len(at)), at], np.float32(0.0))

    def mean(self) -> Float:
        """Mean of the known blocks, ``(B,)``."""
        return np.asarray((self.values * self.known).sum(axis=1) / np.maximum(self._count, 1))

    def spread(self) -> Float:
        """Standard deviation of the known blocks, ``(B,)``."""
        off = (self.values - self.mean()[:, None]) * self.known
        return np.asarray(np.sqrt((off * off).sum(axis=1) / np.maximum(self._count, 1)))

    @cached_property
    def smooth(self) -> BlockMap:
        """Mean over each block and its known neighbours (3 x 3)."""
        kernel = _neighbours()
        weight = self.known.astype(np.float32)
        total = (self.values * weight) @ kernel
        return BlockMap(np.asarray(total / np.maximum(weight @ kernel, np.float32(1e-6)) * weight), self.known)

    @cached_property
    def detail(self) -> BlockMap:
        """What `smooth` takes away."""
        return BlockMap((self.values - self.smooth.values) * self.known, self.known)


def block_map(images: Float, valid: Bool) -> BlockMap:
    """Block means of ``images float32 (B, S, S)`` over the pixels of ``valid``; a block needs half of its pixels."""
    weight = valid.astype(np.float32)
    share, total = _face_means(weight), _face_means(images * weight)
    known = share >= _MIN_SHARE
    means = total / np.maximum(share, np.float32(1e-6))
    return BlockMap(np.where(known, means, np.float32(0.0)), known)


def _face_means(images: Float) -> Float:
    """Means of the blocks of the face ellipse, ``(B, n)``: two products with a pooling matrix, which BLAS likes."""
    pool = _pooling(images.shape[1])
    return np.asarray((pool.T @ (images @ pool))[:, face_ellipse(GRID)])


@lru_cache(maxsize=4)
def _pooling(size: int) -> Float:
    """``(size, GRID)``: each column is the mean over one block."""
    side = size // GRID
    return np.repeat(np.eye(GRID, dtype=np.float32), side, axis=0) / np.float32(side)


def correlation(a: BlockMap, b: BlockMap) -> Float:
    """Pearson correlation over the blocks that both know, ``(B,)``; 0 where they are too few."""
    both = (a.known & b.known).astype(np.float32)
    count = both.sum(axis=1)
    x, y = _centred(a.values, both), _centred(b.values, both)
    found = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1) + _EPS)
    return np.where(count >= MIN_BLOCKS, found, np.float32(0.0))


def explained(target: BlockMap, terms: tuple[BlockMap, ...]) -> Float:
    """Share of the variance of ``target`` that a linear combination of ``terms`` explains, ``(B,)`` from 0 to 1."""
    both = target.known.copy()
    for term in terms:
        both &= term.known
    weight = both.astype(np.float32)
    y = _centred(target.values, weight)
    columns = np.stack([_centred(term.values, weight) for term in terms], axis=2)
    columns /= np.sqrt((columns**2).sum(axis=1, keepdims=True) + _EPS)
    normal = np.einsum("bnk,bnl->bkl", columns, columns) + 1e-3 * np.eye(len(terms), dtype=np.float32)
    right = np.einsum("bnk,bn->bk", columns, y)
    left = (right * np.linalg.solve(normal, right[:, :, None])[:, :, 0]).sum(axis=1)
    share = np.clip(left / ((y * y).sum(axis=1) + _EPS), 0.0, 1.0)
    return np.where(weight.sum(axis=1) >= MIN_BLOCKS, share, 0.0).astype(np.float32)


def matched(maps: BlockMap, templates: Float) -> Float:
    """Highest correlation of each map with any of ``templates (n, T)``, ``(B,)``; 0 where too little is known."""
    weight = maps.known.astype(np.float32)
    x = _centred(maps.values, weight)
    count = np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    energy = weight @ templates**2 - (weight @ templates) ** 2 / count
    found = (x @ templates) / np.sqrt((x * x).sum(axis=1, keepdims=True) * np.maximum(energy, _EPS) + _EPS)
    return np.where(maps.usable, found.max(axis=1), np.float32(0.0))


def gradients(maps: BlockMap) -> tuple[BlockMap, BlockMap]:
    """Central differences across columns and down rows, per block; known where both neighbours are."""
    face = face_ellipse(GRID)
    values = np.zeros((len(maps.values), GRID, GRID), dtype=np.float32)
    known = np.zeros(values.shape, dtype=bool)
    values[:, face], known[:, face] = maps.values, maps.known
    found = []
    for axis in (2, 1):
        after, before = np.roll(values, -1, axis), np.roll(values, 1, axis)
        both = np.roll(known, -1, axis) & np.roll(known, 1, axis) & known
        found.append(BlockMap(np.where(both, (after - before) / 2.0, np.float32(0.0))[:, face], both[:, face]))
    return found[0], found[1]


def mirrored(maps: BlockMap) -> Float:
    """Highest correlation of each map with its own mirror image about a nearly vertical middle axis, ``(B,)``."""
    places, inside = _mirrors()
    both = (maps.known[:, None] & maps.known[:, places] & inside).astype(np.float32)
    count = both.sum(axis=2)
    scale = np.maximum(count, 1.0)[:, :, None]
    x, y = maps.values[:, None] * both, maps.values[:, places] * both
    x, y = (x - x.sum(axis=2, keepdims=True) / scale) * both, (y - y.sum(axis=2, keepdims=True) / scale) * both
    found = (x * y).sum(axis=2) / np.sqrt((x * x).sum(axis=2) * (y * y).sum(axis=2) + _EPS)
    best = np.where(count >= MIN_BLOCKS, found, np.float32(0.0)).max(axis=1)
    return np.where(maps.usable, best, np.float32(0.0)).astype(np.float32)


@lru_cache(maxsize=1)
def _mirrors() -> tuple[NDArray[np.intp], Bool]:
    """``(7, n)`` each: which block lies opposite of a block about seven axes, and whether there is one."""
    face = face_ellipse(GRID)
    number = np.full((GRID, GRID), -1)
    number[face] = np.arange(face.sum())
    opposite = np.stack([np.roll(number[:, ::-1], shift, 1)[face] for shift in range(-3, 4)])
    return np.maximum(opposite, 0), opposite >= 0


@lru_cache(maxsize=1)
def radius() -> Float:
    """Squared elliptical distance of each block from the middle of the face, 0 to 1: ``(1, n)``."""
    at = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID - 0.5
    squared = (at[None, :] / 0.31) ** 2 + (at[:, None] / 0.40) ** 2
    return np.asarray(squared[face_ellipse(GRID)][None], dtype=np.float32)


@lru_cache(maxsize=1)
def nose_templates() -> Float:
    """A ridge in the middle, narrow and upright, at several places and sizes: ``(n, T)``."""
    return _templates(lambda x, y, s: np.exp(-((x / (0.055 * s)) ** 2 + (y / (0.11 * s)) ** 2) / 2))


@lru_cache(maxsize=1)
def eye_templates() -> Float:
    """Two dark places beside each other, above the middle, at several places and sizes: ``(n, T)``."""
    return _templates(
        lambda x, y, s: -np.exp(-(((np.abs(x) - 0.15 * s) / (0.06 * s)) ** 2 + ((y + 0.09 * s) / (0.035 * s)) ** 2) / 2)
    )


def _templates(shape: Callable[[Plane, Plane, float], Plane]) -> Float:
    at = (np.arange(GRID, dtype=np.float64) + 0.5) / GRID - 0.5
    y, x = np.meshgrid(at, at, indexing="ij")
    made = [
        shape(x - dx, y - dy, size)[face_ellipse(GRID)]
        for size in (0.75, 1.0, 1.35)
        for dx in (-0.08, -0.04, 0.0, 0.04, 0.08)
        for dy in (-0.1, -0.05, 0.0, 0.05, 0.1)
    ]
    return np.stack(made, axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _neighbours() -> Float:
    """``(n, n)``: 1 for a block and its eight neighbours."""
    rows, columns = np.nonzero(face_ellipse(GRID))
    near = (np.abs(rows[:, None] - rows[None]) <= 1) & (np.abs(columns[:, None] - columns[None]) <= 1)
    return np.asarray(near, dtype=np.float32)


def _centred(values: Float, weight: Float) -> Float:
    mean = (values * weight).sum(axis=1, keepdims=True) / np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    return np.asarray((values - mean) * weight, dtype=np.float32)
