"""The trunk that every method shares: three encoders, trained once per fold and seed, belonging to no method.

It is trained with one linear head per modality and one on the mean of the modalities that a random mask leaves, so
that every modality is worth something alone and beside others. Then it is cut before its last stage: the maps up to
there are cached, and every method starts from the trunk's last stage and its own modules (evaluation.md section 7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from core.benchmark.hardware import has_bfloat16
from core.benchmark.inputs import mirrored
from core.benchmark.people import People, balanced_rows
from core.benchmark.sizes import Size
from core.benchmark.work import Canceled, stop_if
from core.frames import MODALITIES
from core.model.encoders import ConvEncoder, learn_statistics
from core.model.inputs import CHANNELS, ModelInputs
from core.model.masks import narrowed
from core.training.losses import cross_entropy
from core.training.prepared import Joined

_RATE, _DECAY, _SMOOTHING, _NORM = 3e-3, 0.02, 0.05, 2.0


class Trunk(nn.Module):
    """Encoders in the order rgb, depth, ir, with heads that are thrown away after training."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(ConvEncoder(CHANNELS[m], widths) for m in MODALITIES)
        self.heads = nn.ModuleList(nn.Linear(widths[-1], 1) for _ in MODALITIES)
        self.joint = nn.Linear(widths[-1], 1)

    def stems(self, inputs: ModelInputs) -> torch.Tensor:
        """Maps before the last stage ``(B, 3, C, h, w)``, float32; zero where a modality is absent."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16()):
            maps = [encoder.stem(images) for encoder, images in zip(self._encoders(), inputs.images, strict=True)]
        return torch.stack([m.float() for m in maps], dim=1) * inputs.presence[:, :, None, None, None]

    def last_stages(self) -> nn.ModuleList:
        """The last stage of each modality."""
        return nn.ModuleList(encoder.stages[-1] for encoder in self._encoders())

    def logits(self, inputs: ModelInputs, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the modalities ``(B, 3)`` and of the mean over ``kept bool (B, 3)`` ``(B,)``."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16()):
            maps = [encoder(images) for encoder, images in zip(self._encoders(), inputs.images, strict=True)]
        pooled = torch.stack([m.float().mean(dim=(2, 3)) for m in maps], dim=1)
        alone = torch.cat([head(pooled[:, m]) for m, head in enumerate(self.heads)], dim=1)
        share = kept.float() / kept.sum(dim=1, keepdim=True).clamp_min(1)
        return alone, self.joint((pooled * share[:, :, None]).sum(dim=1)).squeeze(1)

    def channels_last(self) -> Trunk:
        """Lay the convolutions' weights out as the kernels like them; returns itself."""
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return self

    def _encoders(self) -> list[ConvEncoder]:
        return [encoder for encoder in self.encoders if isinstance(encoder, ConvEncoder)]


def train_trunk(
    prepared: Joined, people: People, rows: NDArray[np.int64], size: Size, seed: int, canceled: Canceled
) -> Trunk:
    """Train a trunk on ``rows`` (crops of the fold's source-train).

    Raises:
        CanceledError: the person asked to stop.
    """
    torch.manual_seed(seed)
    trunk = Trunk(size.widths).channels_last()
    learn_statistics(trunk, True)
    trunk.train()
    optimizer = torch.optim.AdamW(trunk.parameters(), lr=_RATE, weight_decay=_DECAY, betas=(0.9, 0.98))
    steps_done, steps = 0, size.trunk_epochs * max(1, len(balanced_rows(people, rows, 0, 0)) // size.batch)
    for epoch in range(size.trunk_epochs):
        random = np.random.default_rng([seed, epoch, 7])
        order = balanced_rows(people, rows, seed, epoch)
        for i in range(len(order) // size.batch):
            stop_if(canceled)
            batch = np.sort(order[i * size.batch : (i + 1) * size.batch])
            inputs = mirrored(prepared.inputs(batch, random.integers(0, prepared.versions, len(batch))), random)
            target = torch.from_numpy(people.bona_fide[people.owner[batch]]).float()
            loss = _loss(trunk, inputs, target, random)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(trunk.parameters(), _NORM)
            for group in optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, (steps_done + 1) / 30) * (0.01 + 0.99 * _cosine(steps_done / steps))
            optimizer.step()
            steps_done += 1
    learn_statistics(trunk, False)
    trunk.eval()
    return trunk


def save_trunk(trunk: Trunk, path: Path) -> None:
    """Write the weights."""
    save_file({name: value.contiguous() for name, value in trunk.state_dict().items()}, path)


def load_trunk(path: Path, size: Size) -> Trunk:
    """Read the weights of a trunk of this size."""
    trunk = Trunk(size.widths).channels_last()
    trunk.load_state_dict(load_file(path))
    trunk.eval()
    return trunk


def _loss(trunk: Trunk, inputs: ModelInputs, target: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    drawn = torch.from_numpy(random.integers(1, 8, len(target)))
    kept = narrowed(inputs.presence, (drawn[:, None] >> torch.arange(3)) % 2 == 1)
    alone, joint = trunk.logits(inputs, kept)
    each = cross_entropy(alone, target[:, None].expand_as(alone), _SMOOTHING) * inputs.presence
    return each.sum(dim=1).mean() + cross_entropy(joint, target, _SMOOTHING).mean()


def _cosine(share: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
