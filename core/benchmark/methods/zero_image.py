"""Zero image: an absent modality is a black picture, and the network has never seen one.

What much public code does (method.md section 6.2): trained on complete modalities, an empty image at test.
"""

from __future__ import annotations

import torch

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy
from core.benchmark.methods.heads import PlainHead
from core.model.heads import Fusion


class ZeroImage(Peer):
    """The fusion of `DropRenormalise`, always over three modalities."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.fusion = Fusion(base.width)
        self.head = PlainHead(base.width)
        self.blank = torch.nn.Buffer(base.blank.clone())

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`: what the last stages make of the stems of an empty image stands in for what is absent."""
        del batch
        if bool(presence.all()):
            return self._joint(maps)
        empty = self.encode(self.blank[None]).expand_as(maps)
        return self._joint(torch.where(presence[:, :, None, None, None], maps, empty))

    def _joint(self, maps: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.fusion(maps, maps.new_ones(maps.shape[:2])))
        return logits

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Complete modalities only: the rows that lack one by themselves are encoded as they are, from zeros."""
        del step
        return entropy(self._joint(self.encode(batch.stems)), batch)
