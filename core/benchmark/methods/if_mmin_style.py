"""IF-MMIN-style: missing embeddings are imagined towards a frozen full-modality teacher, from an invariant code.

IF-MMIN (Zuo et al. 2022, emotion recognition; method.md section 3): modality embeddings of 128 numbers, missing ones
zeroed, a cascade of residual autoencoders, L = CE + MSE(imagined, teacher) + MSE(invariant of missing, of full). The
first part of the fit trains the teacher on complete modalities; then it is frozen.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held, random_subset
from core.benchmark.methods.heads import PlainHead
from core.model.encoders import learn_statistics

_WIDTH, _INVARIANT, _BLOCKS = 128, 64, 3
_TEACHER_SHARE = 0.4
"""Share of the fit that trains the teacher."""


class ImaginationBlock(nn.Module):
    """One residual autoencoder of the cascade: 256, 128, 64 and back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (width, 256, 128, 64, 128, 256, width)
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.GELU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, width)`` to the same."""
        return x + torch.as_tensor(self.layers(x))


class IfMminStyle(Peer):
    """Embeddings, invariant code, imagination, one head over the three embeddings."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.embed = nn.ModuleList(nn.Linear(base.width, _WIDTH) for _ in range(3))
        self.invariant = nn.ModuleList(nn.Linear(base.width, _INVARIANT) for _ in range(3))
        self.teacher_head = PlainHead(3 * _WIDTH)
        self.imagine = nn.ModuleList(ImaginationBlock(3 * _WIDTH + _INVARIANT) for _ in range(_BLOCKS))
        self.head = PlainHead(3 * _WIDTH)

    def teacher(self) -> list[nn.Module]:
        """The modules that the teacher consists of, frozen for the second part of the fit."""
        return [self.last, self.embed, self.teacher_head]

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        known, _ = self._known(maps, presence)
        imagined, _ = self._imagined(maps, known, presence)
        whole = torch.where(presence[:, :, None], known, imagined)
        logits: torch.Tensor = self.head(whole.flatten(1))
        return logits

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """The teacher's cross-entropy at first, then classification, imagination and invariance."""
        if step.share < _TEACHER_SHARE:
            maps = held(self.encode(batch.stems), batch.presence)
            known, _ = self._known(maps, batch.presence)
            return entropy(self.teacher_head(known.flatten(1)), batch)
        self._freeze_teacher()
        with torch.no_grad():
            maps = held(self.encode(batch.stems), batch.presence)
            wanted, _ = self._known(maps, batch.presence)
        kept = random_subset(batch.presence, step.generator)
        part = held(maps, kept)
        known, _ = self._known(part, kept)
        imagined, code = self._imagined(part, known, kept)
        _, full_code = self._imagined(maps, wanted, batch.presence)
        missing = (batch.presence & ~kept)[:, :, None].float()
        imagination = (missing * (imagined - wanted).square()).sum() / (missing.sum() * _WIDTH).clamp_min(1.0)
        whole = torch.where(kept[:, :, None], known, imagined)
        decided = entropy(self.head(whole.flatten(1)), batch) + entropy(self.head(wanted.flatten(1)), batch)
        return decided + self.knobs.auxiliary * (imagination + functional.mse_loss(code, full_code.detach()))

    def _known(self, maps: torch.Tensor, presence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings ``(B, 3, 128)``, zero where absent, and the pooled maps."""
        pooled = maps.mean(dim=(3, 4))
        known = torch.stack([layer(pooled[:, m]) for m, layer in enumerate(self.embed)], dim=1)
        return held(known, presence), pooled

    def _imagined(
        self, maps: torch.Tensor, known: torch.Tensor, presence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Imagined embeddings ``(B, 3, 128)`` and the invariant code ``(B, 64)`` that conditions them."""
        pooled = maps.mean(dim=(3, 4))
        codes = torch.stack([layer(pooled[:, m]) for m, layer in enumerate(self.invariant)], dim=1)
        share = presence.float() / presence.sum(dim=1, keepdim=True).clamp_min(1)
        code = (codes * share[:, :, None]).sum(dim=1)
        state = torch.cat([known.flatten(1), code], dim=1)
        for block in self.imagine:
            state = block(state)
        return state[:, : 3 * _WIDTH].reshape(-1, 3, _WIDTH), code

    def _freeze_teacher(self) -> None:
        for module in self.teacher():
            module.requires_grad_(False)
            for parameter in module.parameters():
                parameter.grad = None
        learn_statistics(self.last, False)
        self.last.eval()
