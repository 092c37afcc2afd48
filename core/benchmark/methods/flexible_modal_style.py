"""Flexible-Modal-style: channel cross-attention between modalities; depth and IR are dropped in training, RGB never.

Yu et al., CVPRW 2023 (method.md section 3): depth and IR each dropped with p = 0.5, independently; a dropped modality
is zeros. RGB is always there in their protocols, so its absence is untrained here as it is there.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held
from core.benchmark.methods.heads import PlainHead

DROP_CHANCE = 0.5
_RGB, _NARROWING = 0, 4


class FlexibleModalStyle(Peer):
    """Each modality asks all of them, channel by channel; then a 3x3 convolution, pooling and a head."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        narrow = base.width // _NARROWING
        self.query = nn.ModuleList(nn.Conv2d(base.width, narrow, 1) for _ in range(3))
        self.key = nn.ModuleList(nn.Conv2d(base.width, narrow, 1) for _ in range(3))
        self.value = nn.ModuleList(nn.Conv2d(base.width, narrow, 1) for _ in range(3))
        self.back = nn.Conv2d(narrow, base.width, 1)
        self.mix = nn.Conv2d(3 * base.width, base.width, 3, padding=1)
        self.head = PlainHead(base.width)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`: what is absent is zeros, and nothing says so."""
        del presence, batch
        queries, keys, values = (self._each(layers, maps) for layers in (self.query, self.key, self.value))
        scale = values.shape[3] ** -0.5
        attention = torch.softmax(torch.einsum("bmcx,bndx->bmncd", queries, keys) * scale, dim=4)
        asked = torch.einsum("bmncd,bndx->bmcx", attention, values) / 3.0
        change = self.back(asked.reshape(-1, asked.shape[2], *maps.shape[3:])).reshape(maps.shape)
        joined = (maps + change).flatten(1, 2)
        logits: torch.Tensor = self.head(functional.relu(self.mix(joined)).mean(dim=(2, 3)))
        return logits

    @staticmethod
    def _each(layers: nn.ModuleList, maps: torch.Tensor) -> torch.Tensor:
        """One layer a modality on its maps: ``(B, 3, narrow, h * w)``."""
        return torch.stack([layer(maps[:, m]).flatten(2) for m, layer in enumerate(layers)], dim=1)

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy under the paper's random drops."""
        maps = self.encode(batch.stems)
        kept = batch.presence & flexible_drop(len(batch), step.generator)
        return entropy(self.decide(held(maps, kept), kept, batch), batch)


def flexible_drop(count: int, generator: torch.Generator) -> torch.Tensor:
    """``bool (count, 3)``: RGB always kept, depth and IR each dropped with `DROP_CHANCE`."""
    kept = torch.rand((count, 3), generator=generator) >= DROP_CHANCE
    kept[:, _RGB] = True
    return kept
