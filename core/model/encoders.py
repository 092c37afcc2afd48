"""One convolutional encoder per modality: four plain stages, group-normalised.

Widths 24-48-96-160 at a crop of 96 px cost about 60 million multiply-adds and 0.5 million parameters a branch
(evaluation.md section 7). Group norm keeps a crop's score independent of its neighbours in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

GROUPS = 8


class ConvStage(nn.Module):
    """Two 3x3 convolutions, the first of stride 2, each with group norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.down_norm = nn.GroupNorm(GROUPS, outputs)
        self.keep = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.keep_norm = nn.GroupNorm(GROUPS, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H / 2, W / 2)``.

        The norms compute in float32 also where training runs the convolutions in bfloat16: they are slower below.
        """
        down = torch.relu_(self.down_norm(self.down(images).float()))
        return torch.relu_(self.keep_norm(self.keep(down).float()))


class Encoder(nn.Module):
    """Images of one modality to a feature map ``(B, widths[-1], S / 16, S / 16)``."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        sizes = (channels, *widths)
        self.stages = nn.ModuleList(ConvStage(a, b) for a, b in pairwise(sizes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Run the stages in order."""
        for stage in self.stages:
            images = stage(images)
        return images
