"""VP-FAS-style: a frozen trunk steered by visual prompts, one set of residual prompts for each missing pattern.

VP-FAS (arXiv 2307.13958, abstract): vanilla visual prompts, residual contextual prompts, under 4 % learnable
parameters, and a regulariser that keeps the embedding the same when modalities are dropped.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held, mean_present, random_subset

_CONSISTENCY_WEIGHT = 0.5


class VpFasStyle(Peer):
    """Prompts are added to the stem maps (a channel each) and to the pooled embedding (by missing pattern)."""

    tunes_last_stage = False

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.prompt = nn.Parameter(torch.zeros(3, base.blank.shape[1], 1, 1))
        self.scale = nn.Parameter(torch.zeros(3, base.blank.shape[1], 1, 1))
        self.contextual = nn.Parameter(torch.zeros(8, 3, base.width))
        self.head = nn.Linear(base.width, 1)

    def encode(self, stems: torch.Tensor) -> torch.Tensor:
        """Prompted stems through the frozen last stages."""
        return super().encode(stems * (1.0 + self.scale) + self.prompt)

    def embedding(self, maps: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
        """Mean over present modalities of pooled features plus the prompts of this missing pattern ``(B, C)``."""
        pattern = (presence.long() * torch.tensor([1, 2, 4])).sum(dim=1)
        return mean_present(maps.mean(dim=(3, 4)) + self.contextual[pattern], presence)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        return torch.as_tensor(self.head(self.embedding(maps, presence)).squeeze(1))

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy, and the distance of the embedding with dropped modalities from the complete one."""
        maps = self.encode(batch.stems)
        kept = random_subset(batch.presence, step.generator)
        full = self.embedding(held(maps, batch.presence), batch.presence)
        part = self.embedding(held(maps, kept), kept)
        decided = entropy(self.head(full).squeeze(1), batch) + entropy(self.head(part).squeeze(1), batch)
        return decided + self.knobs.auxiliary * _CONSISTENCY_WEIGHT * missing_consistency(part, full)


def missing_consistency(part: torch.Tensor, full: torch.Tensor) -> torch.Tensor:
    """1 - cosine of embeddings ``(B, C)``; 0 where nothing was dropped."""
    return (1.0 - functional.cosine_similarity(part, full.detach(), dim=1)).mean()
