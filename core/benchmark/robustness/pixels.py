"""Pixels to input planes in torch, so that a gradient reaches the pixels.

The product normalises in numpy (`core.model.inputs`); these are the same planes to rounding (a test compares them).
To the gradient the weights of a robust fit are constants, and a median moves as the mean of the pixels near it does.
The physics evidence is computed by the product's own code on the attacked pixels: it takes full part in every logit,
but gives no gradient (`core.benchmark.robustness.square` attacks without any).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from core.frames import Modality
from core.model.inputs import MAD_K, CropBatch, ModelInputs, normalise, soft_window
from core.surface import MAD_TO_SIGMA, PLANE_TERMS, QUADRIC_TERMS, face_ellipse

_RIDGE, _TUKEY, _REWEIGHTINGS, _FAR, _MIN_POINTS = 1e-4, 4.685, 3, 12.0, 40
"""Constants of `core.surface`'s robust fit."""
_NEAR = 3.0
"""Pixels further from the median than so many MADs give its gradient nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A batch before normalisation: ``rgb (B, 3, S, S)`` in counts, ``depth (B, S, S)``, 0 = hole, ``ir (B, S, S)``."""

    rgb: torch.Tensor
    depth: torch.Tensor
    ir: torch.Tensor
    like: CropBatch
    """Presence, unit and width, which no attack changes."""

    @classmethod
    def of(cls, batch: CropBatch) -> Pixels:
        """From arrays."""
        rgb = torch.from_numpy(batch.rgb.astype(np.float32)).permute(0, 3, 1, 2).contiguous()
        return cls(rgb, torch.from_numpy(batch.depth.copy()), torch.from_numpy(batch.ir.copy()), batch)

    def with_images(self, images: dict[Modality, torch.Tensor]) -> Pixels:
        """The same with other pixels."""
        now = self.images() | images
        return Pixels(now[Modality.RGB], now[Modality.DEPTH], now[Modality.IR], self.like)

    def images(self) -> dict[Modality, torch.Tensor]:
        """By modality."""
        return {Modality.RGB: self.rgb, Modality.DEPTH: self.depth, Modality.IR: self.ir}

    def batch(self) -> CropBatch:
        """As arrays again; colour is rounded to whole counts, as any picture is."""
        rgb = self.rgb.detach().permute(0, 2, 3, 1).round().clamp(0, 255).numpy().astype(np.uint8)
        depth, infrared = self.depth.detach().numpy(), self.ir.detach().numpy()
        return CropBatch(rgb, depth, infrared, self.like.presence, self.like.metric, self.like.face_mm)

    def inputs(self) -> ModelInputs:
        """What the network sees: planes with a gradient, quality and evidence by the product's own code."""
        exact = normalise(self.batch())
        return ModelInputs(self.planes(), exact.presence, exact.quality, exact.evidence)

    def planes(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The planes of `core.model.inputs.CHANNELS`."""
        window = torch.from_numpy(soft_window(self.depth.shape[-1]))
        return (self.rgb - 127.5) / 64.0 * window, self._depth_planes() * window, _ir_planes(self.ir) * window

    def _depth_planes(self) -> torch.Tensor:
        valid = self.depth > 0
        plane, quadric = (_residual(self.depth, valid, terms) for terms in (PLANE_TERMS, QUADRIC_TERMS))
        median, mad = _centre_and_mad(plane, valid)
        known = torch.from_numpy(self.like.metric & (self.like.face_mm > 0))
        width = torch.from_numpy(np.where(self.like.face_mm > 0, self.like.face_mm, 1.0).astype(np.float32))
        over_width = (quadric * (10.0 / width)[:, None, None]).clamp(-1.0, 1.0)
        return torch.stack(
            [
                _mad_scaled(plane, median, mad, valid),
                _mad_scaled(quadric, torch.zeros_like(mad), mad, valid),
                torch.where(known[:, None, None], over_width, 0.0),
                valid.float(),
                (valid & known[:, None, None]).float(),
            ],
            dim=1,
        )


def _ir_planes(infrared: torch.Tensor) -> torch.Tensor:
    lit = infrared > 0
    median, mad = _centre_and_mad(infrared, lit)
    floor = median.clamp_min(1e-4)[:, None, None]
    ratio = torch.log2(torch.maximum(infrared, floor / 64.0) / floor) / 2.0
    return torch.stack([_mad_scaled(infrared, median, mad, lit), torch.where(lit, ratio.clamp(-1.5, 1.5), 0.0)], dim=1)


def _mad_scaled(images: torch.Tensor, median: torch.Tensor, mad: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    span = (MAD_K * MAD_TO_SIGMA * mad).clamp_min(1e-6)[:, None, None]
    return torch.where(valid, ((images - median[:, None, None]) / span).clamp(-1.0, 1.0), 0.0)


def _centre_and_mad(images: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Median and MAD in the face; their gradient is that of mean and mean deviation, of all pixels and not of one."""
    index = torch.from_numpy(_fit_index(images.shape[-1]))
    values, usable = images.flatten(1)[:, index], valid.flatten(1)[:, index]
    with torch.no_grad():
        median = _masked_median(values, usable)
        mad = _masked_median((values - median[:, None]).abs(), usable)
        near = usable & ((values - median[:, None]).abs() <= _NEAR * mad[:, None])
    share = near / near.sum(dim=1, keepdim=True).clamp_min(1)
    mean = (values * share).sum(dim=1)
    median = median + mean - mean.detach()
    deviation = ((values - median[:, None]).abs() * share).sum(dim=1)
    return median, mad * deviation / deviation.detach().clamp_min(1e-9)


def _masked_median(values: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    count = valid.sum(dim=1)
    ordered = torch.where(valid, values, torch.inf).sort(dim=1).values
    last = (count - 1).clamp_min(0)
    low, high = (ordered.gather(1, at[:, None])[:, 0] for at in (last // 2, (last + 1) // 2))
    return torch.where(count > 0, (low + high) / 2, 0.0)


def _residual(depth: torch.Tensor, valid: torch.Tensor, terms: int) -> torch.Tensor:
    """`core.surface.fit_sheets`, its last weights held fixed for the gradient."""
    size = depth.shape[-1]
    index, every = torch.from_numpy(_fit_index(size)), torch.from_numpy(_terms(size)[:, :terms])
    points = every[index]
    median, mad = _centre_and_mad(depth, valid)
    scale = mad.clamp_min(1e-6)
    flat = (depth.flatten(1) - median[:, None]) / scale[:, None]
    usable = valid.flatten(1)[:, index]
    with torch.no_grad():
        weights = (usable & (flat[:, index].abs() < _FAR)).float()
        enough = weights.sum(dim=1) >= _MIN_POINTS
        fitted = torch.where(weights > 0, flat[:, index], 0.0)
        # Points far off at first never count again: the product blanks their values.
        kept = weights > 0
        for _ in range(_REWEIGHTINGS - 1):
            left = (fitted - _solve(weights, fitted, points) @ points.T).abs()
            sigma = (MAD_TO_SIGMA * _masked_median(left, weights > 0)).clamp_min(1e-3)
            inside = (1.0 - (left / (_TUKEY * sigma[:, None])) ** 2).clamp_min(0.0)
            weights = torch.where(usable, inside * inside, 0.0)
    values = torch.where(kept, flat[:, index], 0.0)
    residual = (flat - _solve(weights, values, points) @ every.T) * scale[:, None]
    keep = valid.flatten(1) & enough[:, None]
    return torch.where(keep, residual, 0.0).reshape(depth.shape)


def _solve(weights: torch.Tensor, values: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    terms = points.shape[1]
    products = (points[:, :, None] * points[:, None, :]).flatten(1)
    normal = (weights @ products).reshape(-1, terms, terms).double()
    ridge = _RIDGE * weights.sum(dim=1).clamp_min(1.0).double()
    normal = normal + ridge[:, None, None] * torch.eye(terms, dtype=torch.float64)
    right = ((weights * values) @ points).double()
    solved: torch.Tensor = torch.linalg.solve(normal, right[:, :, None])
    return solved[:, :, 0].float()


@lru_cache(maxsize=4)
def _fit_index(size: int) -> NDArray[np.int64]:
    """Every second pixel of the face ellipse."""
    grid = np.zeros((size, size), dtype=bool)
    grid[::2, ::2] = True
    return np.flatnonzero(grid & face_ellipse(size))


@lru_cache(maxsize=4)
def _terms(size: int) -> NDArray[np.float32]:
    """``(size * size, 6)``: 1, x, y, x^2, xy, y^2."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size * 2.0 - 1.0
    y, x = (axis.ravel() for axis in np.meshgrid(at, at, indexing="ij"))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
