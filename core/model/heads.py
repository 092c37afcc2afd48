"""Fusion and heads: presence-weighted joint features, one logit per modality and one for all of them.

A logit is the sum of what the learnt features say, bounded, and of what physics evidence says (`core.model.evidence`),
one weight per figure. Before a camera that training has not seen the features wander; then they can shift a logit, but
not outvote a surface that is plainly a sheet or plainly a head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from core.frames import MODALITIES
from core.model.complement import MODALITY_COUNT
from core.model.encoders import RunningNorm
from core.model.evidence import EVIDENCE, columns_of
from core.model.features import Features

FEATURES_REACH = 4.0
"""The learnt features' share of a logit lies within plus and minus this."""


class Fusion(nn.Module):
    """Weighted maps of the three modalities side by side, mixed by a 1x1 convolution, then pooled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(MODALITY_COUNT * width, width, 1, bias=False)
        self.norm = RunningNorm(width)

    def forward(self, maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """``maps (B, 3, C, h, w)``, ``weights (B, 3)`` to joint features ``(B, C)``."""
        return self.under_each(maps, weights)[0]

    def under_each(self, maps: torch.Tensor, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Joint features ``(B, C)`` for each of ``weights (B, 3)``.

        The weights are normalised to a sum of 3, so that joint features do not shrink with the number of modalities.
        They scale whole modalities, so what each modality gives is mixed once for all of them.
        """
        rows, count, width, height, breadth = maps.shape
        by_modality = self.mix.weight.reshape(-1, count, width).permute(1, 2, 0)
        mixed = maps.permute(1, 0, 3, 4, 2).reshape(count, -1, width) @ by_modality
        mixed = mixed.reshape(count, rows, height, breadth, -1)
        joint = []
        for given in weights:
            share = given * (MODALITY_COUNT / given.sum(dim=1, keepdim=True).clamp_min(1e-6))
            together = (mixed * share.T[:, :, None, None, None]).sum(dim=0).permute(0, 3, 1, 2)
            joint.append(nn.functional.gelu(self.norm(together)).mean(dim=(2, 3)))
        return tuple(joint)


class Head(nn.Module):
    """Features, through one hidden layer with dropout, and evidence to one logit (positive = bona fide).

    `sample` draws several dropout masks at once, alike for every row: the features are computed once, and the answer
    does not depend on the batch.
    """

    def __init__(self, inputs: int, evidence: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, 1)
        self.direct = nn.Linear(evidence, 1, bias=False)
        nn.init.zeros_(self.direct.weight)
        self.dropout = dropout

    def forward(self, features: torch.Tensor, evidence: torch.Tensor) -> torch.Tensor:
        """``features (B, inputs)``, ``evidence (B, E)`` to ``(B,)``."""
        active = nn.functional.gelu(self.hidden(features))
        active = nn.functional.dropout(active, self.dropout, self.training)
        return torch.as_tensor((_bounded(self.out(active)) + self.direct(evidence)).squeeze(1))

    def sample(self, features: torch.Tensor, evidence: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """Logits ``(T, B)`` under the dropout masks ``keep bool (T, hidden)``."""
        active = nn.functional.gelu(self.hidden(features))
        masks = keep.to(active.dtype) / (1.0 - self.dropout)
        drawn = (masks * self.out.weight) @ active.T + self.out.bias
        return torch.as_tensor(_bounded(drawn) + self.direct(evidence).T)


def _bounded(logits: torch.Tensor) -> torch.Tensor:
    return FEATURES_REACH * torch.tanh(logits / FEATURES_REACH)


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """``fused (B,)`` and ``modality (B, 3)``; the logit of an absent modality means nothing."""

    fused: torch.Tensor
    modality: torch.Tensor


class Heads(nn.Module):
    """Per-modality heads on each modality's own features and evidence; the fused head sees all of it and residuals."""

    def __init__(self, width: int, hidden: int, dropout: float, crossed: int = 0) -> None:
        """``crossed``: features of each pair of modalities (`core.model.crossing`)."""
        super().__init__()
        own = [columns_of(modality) for modality in MODALITIES]
        self.modality = nn.ModuleList(Head(width, len(columns), hidden, dropout) for columns in own)
        self.fused = Head(width + (2 + crossed) * MODALITY_COUNT, len(EVIDENCE), hidden, dropout)
        for m, columns in enumerate(own):
            self.register_buffer(f"_own{m}", torch.from_numpy(columns), persistent=False)

    def by_modality(self) -> list[Head]:
        """The per-modality heads in the order rgb, depth, ir."""
        return [head for head in self.modality if isinstance(head, Head)]

    def own_evidence(self, evidence: torch.Tensor, m: int) -> torch.Tensor:
        """The columns ``(B, E_m)`` that need modality ``m`` alone."""
        return evidence.index_select(1, self.get_buffer(f"_own{m}"))

    def forward(
        self,
        pooled: torch.Tensor,
        joint: torch.Tensor,
        residual: torch.Tensor,
        features: Features,
        evidence: torch.Tensor,
    ) -> Logits:
        """``pooled (B, 3, C)``, ``joint (B, C)``, ``residual (B, 3)``, ``evidence (B, E)``, and ``features``."""
        heads = enumerate(self.by_modality())
        modality = torch.stack([head(pooled[:, m], self.own_evidence(evidence, m)) for m, head in heads], dim=1)
        return Logits(self.fused(self.described(joint, residual, features), evidence), modality)

    @staticmethod
    def described(joint: torch.Tensor, residual: torch.Tensor, features: Features) -> torch.Tensor:
        """Features of the fused head ``(B, C + 6 + 3 P)``."""
        return torch.cat([joint, residual, features.presence.to(joint.dtype), features.crossed.flatten(1)], dim=1)
