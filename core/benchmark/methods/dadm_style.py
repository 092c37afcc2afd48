"""DADM-style: pairs of modalities mask each other, the masked features keep mutual information, heads per source.

DADM (ICCV 2025; method.md 2.2): per pair a mask network whose sigmoid masks multiply both feature maps; a loss
-(E_joint[T] - log E_shuffled[exp T]) on the masked means; one linear head a source domain, averaged at test. Dual
alignment and PG-IRM's slow steps are left out; one layer instead of twelve.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held, mean_present, random_subset

PAIRS = ((0, 1), (0, 2), (1, 2))
_BOTTLENECK, _CODE = 64, 32
_INFORMATION_WEIGHT = 0.1


class PairMask(nn.Module):
    """Masks for two modalities from both, and the codes whose mutual information is raised."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.masks = nn.Sequential(
            nn.Conv2d(2 * width, _BOTTLENECK, 1),
            nn.GELU(),
            nn.Conv2d(_BOTTLENECK, _BOTTLENECK, 3, padding=1, groups=_BOTTLENECK),
            nn.GELU(),
            nn.Conv2d(_BOTTLENECK, 2 * width, 1),
        )
        self.left, self.right = nn.Linear(width, _CODE), nn.Linear(width, _CODE)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both feature maps times their masks (twice, so that an even mask changes nothing)."""
        one, two = torch.sigmoid(self.masks(torch.cat([first, second], dim=1))).chunk(2, dim=1)
        return 2.0 * one * first, 2.0 * two * second

    def information_loss(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Minus the Donsker-Varadhan bound, from the masked maps ``(B, C, h, w)`` of the same rows."""
        left = functional.normalize(self.left(first.mean(dim=(2, 3))), dim=1)
        right = functional.normalize(self.right(second.mean(dim=(2, 3))), dim=1)
        return information_loss(left, right)


class DadmStyle(Peer):
    """Masks between present pairs, a mean over the present modalities, a linear head a source."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.pairs = nn.ModuleList(PairMask(base.width) for _ in PAIRS)
        self.mix = nn.ModuleList(nn.Linear(base.width, base.width) for _ in range(3))
        self.heads = nn.Linear(base.width, base.sources)

    def masked(self, maps: torch.Tensor, presence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each modality times the mean of its masks with present partners, and the information loss."""
        total, count = torch.zeros_like(maps), torch.zeros_like(presence, dtype=maps.dtype)
        losses = []
        for pair, (a, b) in zip(self.pairs, PAIRS, strict=True):
            assert isinstance(pair, PairMask)
            one, two = pair(maps[:, a], maps[:, b])
            both = presence[:, a] & presence[:, b]
            for m, changed in ((a, one), (b, two)):
                total[:, m] = total[:, m] + both[:, None, None, None] * changed
                count[:, m] = count[:, m] + both
            if int(both.sum()) > 1:
                losses.append(pair.information_loss(one[both], two[both]))
        share = count.clamp_min(1.0)[:, :, None, None, None]
        whole = torch.where((count > 0)[:, :, None, None, None], total / share, maps)
        return whole, torch.stack(losses).mean() if losses else maps.new_zeros(())

    def per_source(self, maps: torch.Tensor, presence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of every source's head ``(B, sources)`` and the information loss."""
        whole, information = self.masked(maps, presence)
        pooled = whole.mean(dim=(3, 4))
        mixed = torch.stack([functional.gelu(layer(pooled[:, m])) for m, layer in enumerate(self.mix)], dim=1)
        return self.heads(mean_present(mixed, presence)), information

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`: the mean of the heads."""
        del batch
        return self.per_source(maps, presence)[0].mean(dim=1)

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy of each row's own source's head, and the information loss."""
        maps = self.encode(batch.stems)
        kept = random_subset(batch.presence, step.generator)
        full, information = self.per_source(held(maps, batch.presence), batch.presence)
        part, _ = self.per_source(held(maps, kept), kept)
        own = batch.domain[:, None]
        decided = entropy(full.gather(1, own).squeeze(1), batch) + entropy(part.gather(1, own).squeeze(1), batch)
        return decided + self.knobs.auxiliary * _INFORMATION_WEIGHT * information


def information_loss(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """-(E_paired[T] - log E_unpaired[exp T]) for unit codes ``(B, D)``; T: the scaled cosine."""
    scores = left @ right.T * 4.0
    paired = scores.diagonal().mean()
    apart = scores[~torch.eye(len(scores), dtype=torch.bool)]
    return torch.logsumexp(apart, dim=0) - math.log(len(apart)) - paired
