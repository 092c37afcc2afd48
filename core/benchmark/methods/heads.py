"""The head that every peer ends in, the same for all."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

HIDDEN, DROPOUT = 64, 0.3
"""As in the product's heads (`core.model.network.NetworkConfig`)."""


class PlainHead(nn.Module):
    """Features to one logit (positive = bona fide) through one hidden layer with dropout."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(B, inputs)`` to ``(B,)``."""
        active = functional.dropout(functional.gelu(self.hidden(features)), DROPOUT, self.training)
        return torch.as_tensor(self.out(active).squeeze(1))
