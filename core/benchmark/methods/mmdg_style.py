"""MMDG-style: a frozen trunk, adapters between modalities gated by uncertainty, prototypes, rebalanced gradients.

MMDG (CVPR 2024; method.md 2.1): U-Adapters RGB<-D, RGB<-IR, D<-RGB, IR<-RGB that start as identity; a gate
exp(-2.25 std) over Monte-Carlo dropout of the other modality; single-side prototypes; ReGrad removes from a modality's
gradient what conflicts with another's. On the study's scratch trunk this is not the paper's system, which needs a
pretrained ViT.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import Base, Knobs, Peer, Step, entropy, held, random_subset
from core.benchmark.methods.heads import PlainHead

GATE_RATE = 2.25
_GATE_DROPOUT, _BOTTLENECK, _THETA = 0.3, 8, 0.5
_SSP_WEIGHT, _MEMORY = 0.3, 0.9
PAIRS = ((0, 1), (0, 2), (1, 0), (2, 0))
"""(own, other): depth and infrared never exchange directly."""


class UAdapter(nn.Module):
    """Own features changed by what another modality says, as far as that one is sure; zero change at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Conv2d(width, _BOTTLENECK, 1)
        self.other = nn.Conv2d(width, _BOTTLENECK, 1)
        self.difference = nn.Conv2d(_BOTTLENECK, _BOTTLENECK, 3, padding=1)
        self.up = nn.Conv2d(_BOTTLENECK, width, 1)
        nn.init.zeros_(self.up.weight)
        assert self.up.bias is not None
        nn.init.zeros_(self.up.bias)

    def forward(self, own: torch.Tensor, other: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """``(B, C, h, w)`` of both and the gate ``(B, 1, h, w)`` to the change of ``own``."""
        query, key = functional.gelu(self.other(other)).flatten(2), functional.gelu(self.own(own)).flatten(2)
        scores = (query.transpose(1, 2) @ key) * gate.flatten(2).transpose(1, 2)
        asked = (torch.softmax(scores, dim=2) @ key.transpose(1, 2)).transpose(1, 2)
        asked = asked.reshape(len(own), _BOTTLENECK, *own.shape[2:])
        centre = functional.conv2d(asked, self.difference.weight.sum(dim=(2, 3), keepdim=True))
        change: torch.Tensor = self.up(functional.gelu(self.difference(asked) - _THETA * centre))
        return change


class MmdgStyle(Peer):
    """Frozen last stages, four adapters, one head over the three pooled features."""

    tunes_last_stage = False

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__(base, knobs)
        self.adapters = nn.ModuleList(UAdapter(base.width) for _ in PAIRS)
        self.head = PlainHead(3 * base.width)
        self.prototypes = nn.Buffer(torch.randn(3, 1 + base.sources, base.width))
        """One bona fide prototype for all sources, one attack prototype a source."""

    def adapted(self, maps: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
        """Features after the adapters; an absent modality neither asks nor is asked (MMDG++)."""
        gates = [certainty(maps[:, m]) for m in range(3)]
        changed = [maps[:, m] for m in range(3)]
        for adapter, (own, other) in zip(self.adapters, PAIRS, strict=True):
            both = (presence[:, own] & presence[:, other])[:, None, None, None]
            changed[own] = changed[own] + both * adapter(maps[:, own], maps[:, other], gates[other])
        return torch.stack(changed, dim=1)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """See `Peer.decide`."""
        del batch
        pooled = held(self.adapted(maps, presence).mean(dim=(3, 4)), presence)
        logits: torch.Tensor = self.head(pooled.flatten(1))
        return logits

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy, prototypes, and the part of each modality's gradient that conflicts with no other's."""
        with torch.no_grad():
            maps = held(self.encode(batch.stems), batch.presence)
        kept = random_subset(batch.presence, step.generator)
        decided = entropy(self.decide(maps, batch.presence, batch), batch)
        decided = decided + entropy(self.decide(held(maps, kept), kept, batch), batch)
        pooled = self.adapted(maps, batch.presence).mean(dim=(3, 4))
        each = self._rebalanced([self._prototype_loss(pooled[:, m], m, batch) for m in range(3)])
        if self.training:
            self._refresh(pooled.detach(), batch)
        return decided + self.knobs.auxiliary * _SSP_WEIGHT * each

    def _rebalanced(self, losses: list[torch.Tensor]) -> torch.Tensor:
        """A scalar whose gradient on the adapters is the sum of the modalities' gradients without their conflicts."""
        wanted = list(self.adapters.parameters())
        gradients = [
            torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True) if loss.requires_grad else None
            for loss in losses
        ]
        flat = [_flat(wanted, one) for one in gradients if one is not None]
        total = torch.stack(without_conflicts(flat)).sum(dim=0)
        parts = torch.split(total, [p.numel() for p in wanted])
        stand_in = sum((p.flatten() * part).sum() for p, part in zip(wanted, parts, strict=True))
        value = torch.stack(losses).sum().detach()
        return torch.as_tensor(stand_in - torch.as_tensor(stand_in).detach() + value)

    def _prototype_loss(self, pooled: torch.Tensor, m: int, batch: MapBatch) -> torch.Tensor:
        distance = torch.cdist(pooled, self.prototypes[m])
        wanted = torch.where(batch.bona_fide, 0, 1 + batch.domain)
        losses = functional.cross_entropy(-distance, wanted, reduction="none") * batch.presence[:, m]
        return losses.sum() / batch.presence[:, m].sum().clamp_min(1)

    def _refresh(self, pooled: torch.Tensor, batch: MapBatch) -> None:
        wanted = torch.where(batch.bona_fide, 0, 1 + batch.domain)
        for number in sorted(set(wanted.tolist())):
            for m in range(3):
                rows = (wanted == number) & batch.presence[:, m]
                if bool(rows.any()):
                    self.prototypes[m, number].lerp_(pooled[rows, m].mean(dim=0), 1.0 - _MEMORY)


def _flat(parameters: Sequence[nn.Parameter], gradients: Sequence[torch.Tensor | None]) -> torch.Tensor:
    pairs = zip(parameters, gradients, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs])


def certainty(maps: torch.Tensor) -> torch.Tensor:
    """exp(-2.25 std) of dropout passes, mean over channels ``(B, 1, h, w)``; the passes have a closed form.

    A mean of C channels, each kept with chance 1 - p and scaled by 1 / (1 - p), has the standard deviation
    sqrt(p / (1 - p) * sum x^2) / C: no random numbers are needed, and the answer does not depend on the batch.
    """
    variance = _GATE_DROPOUT / (1.0 - _GATE_DROPOUT) * maps.square().sum(dim=1, keepdim=True)
    return torch.exp(-GATE_RATE * variance.clamp_min(1e-12).sqrt() / maps.shape[1])


def without_conflicts(gradients: list[torch.Tensor]) -> list[torch.Tensor]:
    """Each gradient minus its component against every other one that it conflicts with (PCGrad's projection)."""
    kept = []
    for i, own in enumerate(gradients):
        changed = own.clone()
        for j, other in enumerate(gradients):
            against = torch.dot(changed, other)
            if i != j and bool(against < 0):
                changed = changed - against / other.square().sum().clamp_min(1e-12) * other
        kept.append(changed)
    return kept
