"""From face crops to tensors: per-modality normalisation and a presence mask.

Absolute distance, background, borders and sensor identity are not features (evaluation.md section 3): depth and
infrared are normalised by median and MAD inside the face (method.md section 7.7, k = 3), geometry enters as residuals
to sheets over the face's width, and everything outside a soft window around the face is grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from core.frames import CROP_PX, FaceCrop, Modality
from core.model.evidence import evidence_of
from core.surface import MAD_TO_SIGMA, Sheets, centre_and_mad, face_ellipse, fit_sheets

CHANNELS: dict[Modality, int] = {Modality.RGB: 3, Modality.DEPTH: 5, Modality.IR: 2}
"""Input planes. depth: plane residual over its own spread, quadric residual over the same spread (both free of
scale), quadric residual over face width, measured?, metric?; ir: MAD-normalised, log2 ratio to the face's median."""
MAD_K = 3.0
_RESIDUAL_GAIN = 10.0
"""A quadric residual of a tenth of the region's width (about 22 mm) fills the range."""
_LOG_RATIO_SPAN = 2.0
_DARK, _BRIGHT = 8, 247

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CropBatch:
    """Face crops as arrays; what is absent is zero *and* not present.

    ``rgb uint8 (B, S, S, 3)``, ``depth float32 (B, S, S)``, ``ir float32 (B, S, S)``, ``presence bool (B, 3)`` in the
    order of `MODALITIES`, ``metric bool (B,)``, ``face_mm float32 (B,)`` (0 = unknown).
    """

    rgb: NDArray[np.uint8]
    depth: Float
    ir: Float
    presence: Bool
    metric: Bool
    face_mm: Float

    def __len__(self) -> int:
        return len(self.presence)

    def at(self, rows: slice) -> CropBatch:
        """Some of the crops; the arrays are shared."""
        return CropBatch(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class ModelInputs:
    """What the network sees: ``images[i] float32 (B, C_i, S, S)`` in the order of `MODALITIES`.

    ``presence bool (B, 3)``; ``quality float32 (B, 3)``: the share of the face that each modality measured usefully;
    ``evidence float32 (B, E)``: see `core.model.evidence`.
    """

    images: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    presence: torch.Tensor
    quality: torch.Tensor
    evidence: torch.Tensor

    def to(self, device: torch.device) -> ModelInputs:
        """The same inputs on ``device``, images channels last."""
        rgb, depth, infrared = (x.to(device, memory_format=torch.channels_last) for x in self.images)
        return ModelInputs(
            (rgb, depth, infrared), self.presence.to(device), self.quality.to(device), self.evidence.to(device)
        )

    def with_presence(self, presence: torch.Tensor) -> ModelInputs:
        """The same images under another presence mask ``bool (B, 3)``; `PadNetwork.encode` restricts the rest to it."""
        return ModelInputs(self.images, presence, self.quality, self.evidence)


def to_tensors(crops: Sequence[FaceCrop]) -> ModelInputs:
    """Inputs of the network for ``crops`` (each ``CROP_PX`` square; their masks may differ)."""
    return normalise(stack(crops))


def stack(crops: Sequence[FaceCrop]) -> CropBatch:
    """Crops as one batch of arrays."""
    count, size = len(crops), CROP_PX
    batch = CropBatch(
        rgb=np.zeros((count, size, size, 3), dtype=np.uint8),
        depth=np.zeros((count, size, size), dtype=np.float32),
        ir=np.zeros((count, size, size), dtype=np.float32),
        presence=np.zeros((count, 3), dtype=bool),
        metric=np.zeros(count, dtype=bool),
        face_mm=np.zeros(count, dtype=np.float32),
    )
    for row, crop in enumerate(crops):
        if crop.rgb is not None:
            batch.rgb[row] = crop.rgb
        if crop.depth is not None:
            batch.depth[row] = crop.depth
        if crop.ir is not None:
            batch.ir[row] = crop.ir
        batch.presence[row] = crop.mask.row
        batch.metric[row] = crop.metric_depth and crop.depth is not None
        batch.face_mm[row] = crop.face_mm or 0.0
    return batch


def concatenated(batches: Sequence[CropBatch]) -> CropBatch:
    """The crops of several batches, one after the other."""
    if len(batches) == 1:
        return batches[0]
    return CropBatch(*(np.concatenate([getattr(one, field.name) for one in batches]) for field in fields(CropBatch)))


def normalise(batch: CropBatch, sheets: Sheets | None = None) -> ModelInputs:
    """Normalise every modality by itself; see the module's docstring. ``sheets``: of the depth, where fitted."""
    window = soft_window(batch.rgb.shape[1])
    fitted = sheets or fit_sheets(batch.depth)
    rgb, rgb_quality = _rgb_planes(batch.rgb, window)
    depth, depth_quality = _depth_planes(batch, fitted, window)
    infrared, ir_quality = _ir_planes(batch.ir, window)
    quality = np.stack([rgb_quality, depth_quality, ir_quality], axis=1).astype(np.float32)
    evidence = evidence_of(batch.rgb, batch.depth, batch.ir, batch.presence, batch.metric, batch.face_mm, fitted)
    images = (torch.from_numpy(rgb), torch.from_numpy(depth), torch.from_numpy(infrared))
    presence = torch.from_numpy(batch.presence.copy())
    return ModelInputs(images, presence, torch.from_numpy(quality), torch.from_numpy(evidence))


def shrunk(planes: torch.Tensor, pixels: int) -> torch.Tensor:
    """``(B, C, S, S)`` to ``(B, C, pixels, pixels)`` by area; planes that are no larger stay as they are."""
    if planes.shape[-1] <= pixels:
        return planes
    return torch.nn.functional.interpolate(planes, size=(pixels, pixels), mode="area")


@lru_cache(maxsize=4)
def soft_window(size: int) -> Float:
    """``float32 (size, size)``: 1 on the face and its rim, falling to 0 towards corners and borders."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size * 2.0 - 1.0
    radius = (np.abs(at[None, :]) ** 4 + np.abs(at[:, None]) ** 4) ** 0.25
    window: Float = np.clip((0.985 - radius) / 0.12, 0.0, 1.0).astype(np.float32)
    return window


def _rgb_planes(rgb: NDArray[np.uint8], window: Float) -> tuple[Float, Float]:
    values = np.stack([rgb[..., i] for i in range(3)], axis=1).astype(np.float32)
    luma = values.sum(axis=1)[:, face_ellipse(rgb.shape[1])] * np.float32(1.0 / 3.0)
    usable = ((luma > _DARK) & (luma < _BRIGHT)).mean(axis=1)
    values -= np.float32(127.5)
    values *= window / np.float32(64.0)
    return values, usable


def _depth_planes(batch: CropBatch, sheets: Sheets, window: Float) -> tuple[Float, Float]:
    depth, valid = batch.depth, sheets.valid
    planes = np.zeros((len(batch), CHANNELS[Modality.DEPTH], *depth.shape[1:]), dtype=np.float32)
    median, mad = centre_and_mad(sheets.plane, valid)
    planes[:, 0] = _mad_scaled(sheets.plane, median, mad, valid)
    planes[:, 1] = _mad_scaled(sheets.quadric, np.zeros_like(mad), mad, valid)
    known = batch.metric & (batch.face_mm > 0)
    if known.any():
        over_width = sheets.quadric[known] * (_RESIDUAL_GAIN / batch.face_mm[known])[:, None, None]
        planes[known, 2] = np.clip(over_width, -1.0, 1.0)
    planes[:, 3] = valid
    planes[:, 4] = valid & known[:, None, None]
    return planes * window, valid[:, face_ellipse(depth.shape[1])].mean(axis=1)


def _ir_planes(infrared: Float, window: Float) -> tuple[Float, Float]:
    lit = infrared > 0
    median, mad = centre_and_mad(infrared, lit)
    planes = np.zeros((len(infrared), CHANNELS[Modality.IR], *infrared.shape[1:]), dtype=np.float32)
    planes[:, 0] = _mad_scaled(infrared, median, mad, lit)
    floor = np.maximum(median, np.float32(1e-4))[:, None, None]
    ratio = np.log2(np.maximum(infrared, floor / 64.0) / floor) / _LOG_RATIO_SPAN
    planes[:, 1] = np.where(lit, np.clip(ratio, -1.5, 1.5), np.float32(0.0))
    values = infrared[:, face_ellipse(infrared.shape[1])]
    return planes * window, ((values > 0) & (values < 0.99)).mean(axis=1)


def _mad_scaled(images: Float, median: Float, mad: Float, valid: Bool) -> Float:
    """``(x - median) / (k * sigma)`` clipped to -1..1, 0 at holes (method.md section 7.7)."""
    span = np.maximum(MAD_K * MAD_TO_SIGMA * mad, np.float32(1e-6))[:, None, None]
    scaled = np.clip((images - median[:, None, None]) / span, -1.0, 1.0)
    return np.where(valid, scaled, np.float32(0.0))
