"""Scoring tables of crops under every mask, pooled per presentation as the live decision pools them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from core.frames import EVERY_MASK, FaceCrop, ModalityMask
from core.model.inputs import CropBatch, normalise
from core.model.masks import mask_rows
from core.model.network import PadNetwork
from core.ports import Scorer
from core.training.table import CropTable

_BATCH = 64
Pooled = Mapping[ModalityMask, NDArray[np.float64]]
"""Per mask, the logit of each presentation ``(P,)`` (or crop); NaN where no frame has the mask's modalities."""


def pooled_logits(network: PadNetwork, table: CropTable, done: Callable[[float], None]) -> Pooled:
    """Raw safe logits of presentations under every mask. ``done`` is told the share that is finished."""
    return {mask: pool(logits, table) for mask, logits in crop_logits(network, table, done).items()}


def crop_logits(
    network: PadNetwork,
    table: CropTable,
    done: Callable[[float], None],
    vary: Callable[[CropBatch], CropBatch] | None = None,
) -> Pooled:
    """Raw safe logits ``(N,)`` of single crops under every mask; features are encoded once.

    ``vary`` changes the crops first (`core.training.augment`).
    """
    columns = mask_rows(EVERY_MASK)
    logits = np.full((len(EVERY_MASK), len(table)), np.nan)
    network.eval()
    for start in range(0, len(table), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(table)))
        batch = table.batch(rows) if vary is None else vary(table.batch(rows))
        with torch.inference_mode():
            features = network.encode(normalise(batch).to(torch.device("cpu")))
            for number, wanted in enumerate(columns):
                has_all = (features.presence | ~wanted).all(dim=1)
                presence = torch.where(has_all[:, None], wanted[None, :], features.presence)
                found = network.from_features(features.restricted(presence)).safe
                logits[number, rows] = np.where(has_all.numpy(), found.numpy(), np.nan)
        done((rows[-1] + 1) / len(table))
    return {mask: logits[number] for number, mask in enumerate(EVERY_MASK)}


def varied_evidence(
    table: CropTable, vary: Callable[[CropBatch], CropBatch]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Physics evidence ``(N, E)`` and presence ``(N, 3)`` of every crop after ``vary``."""
    evidence, presence = [], []
    for start in range(0, len(table), _BATCH):
        inputs = normalise(vary(table.batch(np.arange(start, min(start + _BATCH, len(table))))))
        evidence.append(inputs.evidence.numpy())
        presence.append(inputs.presence.numpy())
    return np.concatenate(evidence), np.concatenate(presence)


def baseline_logits(scorer: Scorer, table: CropTable, mask: ModalityMask) -> NDArray[np.float64]:
    """Pooled logits of any scorer under one mask, crop by crop."""
    logits = np.full(len(table), np.nan)
    for row in range(len(table)):
        crop = crop_of(table.batch([row])).restricted(mask)
        if crop.mask == mask:
            logits[row] = scorer.score([crop])[0].logit
    return pool(logits, table)


def crop_of(batch: CropBatch) -> FaceCrop:
    """The first crop of a batch as the scorers take it."""
    rgb, depth, infrared = (bool(present) for present in batch.presence[0])
    return FaceCrop(
        rgb=batch.rgb[0] if rgb else None,
        depth=batch.depth[0] if depth else None,
        ir=batch.ir[0] if infrared else None,
        metric_depth=bool(batch.metric[0]),
        face_mm=float(batch.face_mm[0]) or None,
    )


def pool(logits: NDArray[np.float64], table: CropTable) -> NDArray[np.float64]:
    """Mean over the frames of a presentation that have a logit (`core.verdict.pooled_logit`)."""
    count = len(table.presentations)
    usable = np.isfinite(logits)
    frames = np.bincount(table.owner[usable], minlength=count)
    total = np.bincount(table.owner[usable], weights=logits[usable], minlength=count)
    return np.where(frames > 0, total / np.maximum(frames, 1), np.nan)
