"""Drop and renormalise with modality dropout: absent modalities are left out, the weights of the others grow.

The baseline that every imputation must beat (method.md section 8.1).
"""

from __future__ import annotations

import torch

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer
from core.benchmark.methods.heads import PlainHead
from core.model.heads import Fusion


class DropRenormalise(Peer):
    """Maps side by side, weighted by presence, through a 1x1 convolution and one head."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.fusion = Fusion(base.width)
        self.head = PlainHead(base.width)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        logits: torch.Tensor = self.head(self.fusion(maps, presence.to(maps.dtype)))
        return logits
