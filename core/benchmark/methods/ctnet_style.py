"""CTNet-style: depth and infrared features are learned from RGB, and the transition between modalities must be usual.

CTNet (arXiv 2507.05575, abstract): bona fide faces have consistent transitions f_IR - f_RGB and f_D - f_RGB, attacks do
not; complementary depth and infrared features come from RGB. No code is public: the margins are method.md 8.1's L_tr.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held, random_subset
from core.benchmark.methods.heads import PlainHead
from core.model.complement import Generator
from core.model.heads import Fusion

_MARGIN, _MEMORY = 0.5, 0.95
_TRANSITION_WEIGHT, _COMPLEMENT_WEIGHT = 0.1, 0.5
_RGB = 0


class CtnetStyle(Peer):
    """Generators from RGB only; without RGB nothing is generated and the fusion renormalises."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.generators = nn.ModuleList(Generator(base.width, 64) for _ in range(2))
        self.fusion = Fusion(base.width)
        self.head = PlainHead(base.width)
        self.usual = nn.Buffer(torch.zeros(2, base.width))

    def generated(self, maps: torch.Tensor) -> torch.Tensor:
        """Depth and infrared as RGB promises them ``(B, 2, C, h, w)``."""
        return torch.stack([generator(maps[:, _RGB]) for generator in self.generators], dim=1)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        promised = torch.cat([maps[:, :1], self.generated(maps)], dim=1)
        taken = presence | presence[:, :1]
        whole = torch.where(presence[:, :, None, None, None], maps, promised)
        logits: torch.Tensor = self.head(self.fusion(held(whole, taken), taken.to(maps.dtype)))
        return logits

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy, complementary and transition losses."""
        maps = held(self.encode(batch.stems), batch.presence)
        kept = random_subset(batch.presence, step.generator)
        decided = entropy(self.decide(maps, batch.presence, batch), batch)
        decided = decided + entropy(self.decide(held(maps, kept), kept, batch), batch)
        both = (batch.presence[:, :1] & batch.presence[:, 1:]).float()
        complement = self._complement_loss(maps, both * batch.target[:, None])
        transition = self.transition_loss(transitions(maps), batch.bona_fide, both)
        extra = _COMPLEMENT_WEIGHT * complement + _TRANSITION_WEIGHT * transition
        return decided + self.knobs.auxiliary * extra

    def transition_loss(self, found: torch.Tensor, bona_fide: torch.Tensor, usable: torch.Tensor) -> torch.Tensor:
        """Squared distance of bona fide transitions to the usual one; a hinge that keeps attacks a margin away.

        Args:
            found: ``(B, 2, C)``, see `transitions`.
            bona_fide: ``bool (B,)``.
            usable: ``float (B, 2)``, whether both ends are there.
        """
        live = usable * bona_fide.float()[:, None]
        if self.training and bool(live.any()):
            with torch.no_grad():
                mean = (found * live[:, :, None]).sum(dim=0) / live.sum(dim=0).clamp_min(1.0)[:, None]
                self.usual.lerp_(mean, 1.0 - _MEMORY)
        distance = torch.linalg.vector_norm(found - self.usual, dim=2)
        away = functional.relu(_MARGIN - distance).square()
        losses = torch.where(bona_fide[:, None], distance.square(), away) * usable
        return losses.sum() / usable.sum().clamp_min(1.0)

    def _complement_loss(self, maps: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        given, wanted = self.generated(maps).flatten(2), maps[:, 1:].detach().flatten(2)
        distance = 1.0 - functional.cosine_similarity(given, wanted, dim=2)
        return (distance * counts).sum() / counts.sum().clamp_min(1.0)


def transitions(maps: torch.Tensor) -> torch.Tensor:
    """Unit vectors from RGB's pooled features to depth's and infrared's: ``(B, 2, C)``."""
    pooled = maps.mean(dim=(3, 4))
    return functional.normalize(pooled[:, 1:] - pooled[:, :1], dim=2)
