"""Fusion and heads: presence-weighted joint features, one logit per modality and one for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from core.model.complement import MODALITY_COUNT
from core.model.encoders import RunningNorm


class Fusion(nn.Module):
    """Weighted maps of the three modalities side by side, mixed by a 1x1 convolution, then pooled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(MODALITY_COUNT * width, width, 1, bias=False)
        self.norm = RunningNorm(width)

    def forward(self, maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """``maps (B, 3, C, h, w)``, ``weights (B, 3)`` to joint features ``(B, C)``.

        The weights are normalised to a sum of 3, so that joint features do not shrink with the number of modalities.
        """
        share = weights * (MODALITY_COUNT / weights.sum(dim=1, keepdim=True).clamp_min(1e-6))
        side_by_side = (maps * share[:, :, None, None, None]).flatten(1, 2)
        return nn.functional.gelu(self.norm(self.mix(side_by_side))).mean(dim=(2, 3))


class Head(nn.Module):
    """Features to one logit (positive = bona fide) through one hidden layer with dropout.

    `sample` draws several dropout masks at once, alike for every row: the features are computed once, and the answer
    does not depend on the batch.
    """

    def __init__(self, inputs: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, 1)
        self.dropout = dropout

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(B, inputs)`` to ``(B,)``."""
        active = nn.functional.gelu(self.hidden(features))
        active = nn.functional.dropout(active, self.dropout, self.training)
        return torch.as_tensor(self.out(active).squeeze(1))

    def sample(self, features: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """Logits ``(T, B)`` under the dropout masks ``keep bool (T, hidden)``."""
        active = nn.functional.gelu(self.hidden(features))
        masks = keep.to(active.dtype) / (1.0 - self.dropout)
        return torch.as_tensor((masks * self.out.weight) @ active.T + self.out.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """``fused (B,)`` and ``modality (B, 3)``; the logit of an absent modality means nothing."""

    fused: torch.Tensor
    modality: torch.Tensor


class Heads(nn.Module):
    """Per-modality heads on each modality's own features; the fused head also sees residuals and the mask."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.modality = nn.ModuleList(Head(width, hidden, dropout) for _ in range(MODALITY_COUNT))
        self.fused = Head(width + 2 * MODALITY_COUNT, hidden, dropout)

    def by_modality(self) -> list[Head]:
        """The per-modality heads in the order rgb, depth, ir."""
        return [head for head in self.modality if isinstance(head, Head)]

    def forward(
        self, pooled: torch.Tensor, joint: torch.Tensor, residual: torch.Tensor, presence: torch.Tensor
    ) -> Logits:
        """``pooled (B, 3, C)``, ``joint (B, C)``, ``residual (B, 3)``, ``presence bool (B, 3)`` to logits."""
        modality = torch.stack([head(pooled[:, m]) for m, head in enumerate(self.modality)], dim=1)
        return Logits(self.fused(self.described(joint, residual, presence)), modality)

    @staticmethod
    def described(joint: torch.Tensor, residual: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
        """Input of the fused head ``(B, C + 6)``."""
        return torch.cat([joint, residual, presence.to(joint.dtype)], dim=1)
