"""MMA-FAS-style: features split by frequency, and the modality subsets that are hard are trained more often.

MMA-FAS (ECCV 2024; method.md section 3): the low-pass part is modality-invariant, the high-pass part specific,
f = f_inv + gamma * f_spec with gamma by availability; the seven subsets are sampled by their difficulty.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held, mean_present
from core.benchmark.methods.heads import PlainHead
from core.model.masks import narrowed
from core.training.losses import cross_entropy
from core.training.sampling import MaskSampler

_TEMPERATURE, _CONTRAST_WEIGHT = 0.2, 0.1


class MmaFasStyle(Peer):
    """A shared adapter on the invariant part, an own one a modality on the specific part, one head."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.invariant = nn.Conv2d(base.width, base.width, 1)
        self.specific = nn.ModuleList(nn.Conv2d(base.width, base.width, 1) for _ in range(3))
        self.gamma = nn.Linear(3, 3)
        self.head = PlainHead(base.width)
        self.sampler = MaskSampler()

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        low, high = disentangled(maps)
        gamma = torch.sigmoid(self.gamma(presence.to(maps.dtype)))
        common = functional.gelu(self.invariant(low.flatten(0, 1))).reshape(low.shape)
        own = torch.stack([functional.gelu(layer(high[:, m])) for m, layer in enumerate(self.specific)], dim=1)
        mixed = common + gamma[:, :, None, None, None] * own
        logits: torch.Tensor = self.head(mean_present(mixed.mean(dim=(3, 4)), presence))
        return logits

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy under all modalities and under subsets drawn by difficulty; contrast of invariant parts."""
        maps = held(self.encode(batch.stems), batch.presence)
        masks, chosen = self.sampler.draw(len(batch), step.generator)
        kept = narrowed(batch.presence, masks)
        each = cross_entropy(self.decide(held(maps, kept), kept, batch), batch.target, 0.05)
        self.sampler.update(chosen, each.detach())
        contrast = self._contrast(maps, batch)
        decided = entropy(self.decide(maps, batch.presence, batch), batch) + each.mean()
        return decided + self.knobs.auxiliary * _CONTRAST_WEIGHT * contrast

    def _contrast(self, maps: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """Supervised contrast over the pooled invariant parts of the whole batch (labels in place of LBP maps)."""
        low, _ = disentangled(maps)
        codes = functional.normalize(self.invariant(low.flatten(0, 1)).mean(dim=(2, 3)), dim=1)
        usable = batch.presence.flatten()
        codes, labels = codes[usable], batch.bona_fide.repeat_interleave(3)[usable]
        alike = codes @ codes.T / _TEMPERATURE - 1e4 * torch.eye(len(codes))
        positive = (labels[:, None] == labels[None, :]) & ~torch.eye(len(codes), dtype=torch.bool)
        chance = functional.log_softmax(alike, dim=1)
        return -(chance * positive).sum() / positive.sum().clamp_min(1)


def disentangled(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Low-pass and high-pass parts of ``maps (B, 3, C, h, w)``; they add up to it."""
    flat = maps.flatten(0, 1)
    low = functional.avg_pool2d(flat, 3, stride=1, padding=1, count_include_pad=False).reshape(maps.shape)
    return low, maps - low
