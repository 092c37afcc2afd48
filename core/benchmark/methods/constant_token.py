"""Learned constant token: an absent modality is one learned map, the same for everybody."""

from __future__ import annotations

import torch

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer
from core.benchmark.methods.heads import PlainHead
from core.model.heads import Fusion


class ConstantToken(Peer):
    """`DropRenormalise` with a token ``(3, C, 1, 1)`` in the place of what is absent."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.fusion = Fusion(base.width)
        self.head = PlainHead(base.width)
        self.token = torch.nn.Parameter(0.02 * torch.randn(3, base.width, 1, 1))

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        whole = torch.where(presence[:, :, None, None, None], maps, self.token[None].expand_as(maps))
        logits: torch.Tensor = self.head(self.fusion(whole, torch.ones_like(presence, dtype=maps.dtype)))
        return logits
