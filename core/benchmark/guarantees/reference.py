"""The reference of the guarantees: late fusion of three small encoders, the mean of their logits, modality dropout.

It is deliberately plain: what it can and cannot do says how hard the scenes are. The joint network beside it sees all
planes at once and tells whether the modalities know more together than each alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.benchmark.guarantees.plan import Plan
from core.benchmark.guarantees.tables import Rows
from core.benchmark.hardware import has_bfloat16
from core.benchmark.work import Canceled, stop_if
from core.frames import MODALITIES
from core.model.encoders import ConvEncoder, learn_statistics
from core.model.inputs import CHANNELS
from core.model.masks import narrowed

_DECAY, _SMOOTHING, _NORM, _WARM_UP = 0.02, 0.05, 2.0, 30
_SHIFT_PX = 2
_COMPLETE_SHARE = 0.5
"""Share of training rows that keep every modality; the others lose one or two at random."""
_SCORED_AT_ONCE = 256
_PLANES = tuple(CHANNELS[modality] for modality in MODALITIES)


class LateFusion(nn.Module):
    """One encoder and one linear head a modality."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(ConvEncoder(planes, widths) for planes in _PLANES)
        self.heads = nn.ModuleList(nn.Linear(widths[-1], 1) for _ in _PLANES)

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """``(B, C, P, P)`` to the logits of the modalities ``(B, 3)``."""
        images = torch.split(planes, list(_PLANES), dim=1)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16()):
            maps = [
                encoder(x.contiguous(memory_format=torch.channels_last))
                for encoder, x in zip(self.encoders, images, strict=True)
            ]
        pooled = [m.float().mean(dim=(2, 3)) for m in maps]
        return torch.cat([head(x) for head, x in zip(self.heads, pooled, strict=True)], dim=1)


class Joint(nn.Module):
    """One encoder of three times the width that sees every plane from its first layer on."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        wide = tuple(2 * width for width in widths)
        self.encoder = ConvEncoder(sum(_PLANES), wide)
        self.head = nn.Linear(wide[-1], 1)

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """``(B, C, P, P)`` to one logit ``(B, 1)``."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16()):
            maps = self.encoder(planes.contiguous(memory_format=torch.channels_last))
        found: torch.Tensor = self.head(maps.float().mean(dim=(2, 3)))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Crops of several domains to train on; ``species`` per crop."""

    planes: NDArray[np.float16]
    presence: NDArray[np.bool_]
    species: NDArray[np.str_]

    @classmethod
    def of(cls, rows: Sequence[Rows]) -> Pool:
        """All crops of the given splits."""
        return cls(
            np.concatenate([one.planes for one in rows]),
            np.concatenate([one.presence for one in rows]),
            np.concatenate([one.species[one.owner] for one in rows]),
        )

    def epoch(self, random: np.random.Generator) -> NDArray[np.int64]:
        """One epoch in random order: half bona fide, the species alike."""
        kinds = [kind for kind in np.unique(self.species) if kind]
        half = max(int((self.species == "").sum()), int((self.species != "").sum()))
        parts = [_drawn(np.flatnonzero(self.species == ""), half, random)]
        parts += [_drawn(np.flatnonzero(self.species == kind), half // len(kinds), random) for kind in kinds]
        order = np.concatenate(parts)
        random.shuffle(order)
        return order


def train(
    network: nn.Module,
    pool: Pool,
    plan: Plan,
    epochs: int,
    seed: int,
    done: Callable[[float], None],
    canceled: Canceled,
) -> nn.Module:
    """Train a `LateFusion` or a `Joint`; deterministic by seed on one machine.

    Raises:
        CanceledError: the person asked to stop.
    """
    learn_statistics(network, True)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=_DECAY, betas=(0.9, 0.98))
    steps = epochs * max(1, len(pool.epoch(np.random.default_rng(0))) // plan.batch)
    step = 0
    for epoch in range(epochs):
        random = np.random.default_rng([seed, epoch])
        order = pool.epoch(random)
        for start in range(0, len(order) - plan.batch + 1, plan.batch):
            stop_if(canceled)
            chosen = order[start : start + plan.batch]
            loss = _loss(network, pool, chosen, random)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), _NORM)
            for group in optimizer.param_groups:
                group["lr"] = plan.learning_rate * min(1.0, (step + 1) / _WARM_UP) * _cosine(step / steps)
            optimizer.step()
            step += 1
        done((epoch + 1) / epochs)
    learn_statistics(network, False)
    return network.eval()


def new_reference(plan: Plan, seed: int) -> LateFusion:
    """An untrained reference."""
    torch.manual_seed(seed)
    return LateFusion(plan.widths)


def new_joint(plan: Plan, seed: int) -> Joint:
    """An untrained joint network."""
    torch.manual_seed(seed)
    return Joint(plan.widths)


def score(network: nn.Module, rows: Rows) -> NDArray[np.float64]:
    """Logits of every crop, ``(N, 3)`` or ``(N, 1)``."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows.planes), _SCORED_AT_ONCE):
            planes = torch.from_numpy(rows.planes[start : start + _SCORED_AT_ONCE].astype(np.float32))
            parts.append(network(planes).numpy())
    return np.concatenate(parts).astype(np.float64)


def fused(logits: NDArray[np.float64], presence: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean of the present modalities' logits ``(N,)``; NaN where none is present."""
    count = presence.sum(axis=1)
    total = np.where(presence, logits, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _loss(network: nn.Module, pool: Pool, chosen: NDArray[np.int64], random: np.random.Generator) -> torch.Tensor:
    planes = torch.from_numpy(_moved(pool.planes[chosen].astype(np.float32), random))
    target = torch.from_numpy((pool.species[chosen] == "").astype(np.float32))
    logits: torch.Tensor = network(planes)
    if logits.shape[1] == 1:
        return _entropy(logits[:, 0], target)
    presence = torch.from_numpy(pool.presence[chosen])
    kept = torch.from_numpy(random.integers(1, 8, len(chosen))[:, None] >> np.arange(3) & 1 == 1)
    kept |= torch.from_numpy(random.random(len(chosen)) < _COMPLETE_SHARE)[:, None]
    kept = narrowed(presence, kept)
    mean = (logits * kept).sum(dim=1) / kept.sum(dim=1).clamp_min(1)
    return _entropy(mean, target)


def _entropy(logit: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    soft = target * (1.0 - _SMOOTHING) + 0.5 * _SMOOTHING
    return nn.functional.binary_cross_entropy_with_logits(logit, soft)


def _moved(planes: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Each crop mirrored with an even chance and shifted by up to two pixels."""
    moved = np.empty_like(planes)
    flips = random.random(len(planes)) < 0.5
    shifts = random.integers(-_SHIFT_PX, _SHIFT_PX + 1, (len(planes), 2))
    for i, image in enumerate(planes):
        turned = image[:, :, ::-1] if flips[i] else image
        moved[i] = np.roll(turned, tuple(shifts[i]), axis=(1, 2))
    return moved


def _drawn(pool: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    repeats = -(-count // max(1, len(pool)))
    return np.concatenate([random.permutation(pool) for _ in range(repeats)])[:count]


def _cosine(share: float) -> float:
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
