"""One convolutional encoder per modality: four plain stages with norms whose statistics only source training learns.

Widths 24-48-96-160 at a crop of 96 px cost about 60 million multiply-adds and 0.5 million parameters a branch
(evaluation.md section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class RunningNorm(nn.BatchNorm2d):
    """Batch norm that normalises by stored statistics, so that a score never depends on its neighbours in the batch.

    Only source training, on balanced batches, sets `learning`; in adaptation ``train()`` leaves the statistics alone
    (evaluation.md section 3 forbids test-time batch statistics).
    """

    learning = False

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.eval()

    def train(self, mode: bool = True) -> RunningNorm:
        """Training mode only while `learning`."""
        super().train(mode and self.learning)
        return self


def learn_statistics(network: nn.Module, learning: bool) -> None:
    """Let the norms of ``network`` learn their statistics in training mode, or not."""
    for module in network.modules():
        if isinstance(module, RunningNorm):
            module.learning = learning
            module.train(module.training or learning)


class ConvStage(nn.Module):
    """Two 3x3 convolutions, the first of stride 2, each with a norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.down_norm = RunningNorm(outputs)
        self.keep = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.keep_norm = RunningNorm(outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H / 2, W / 2)``."""
        down = torch.relu_(self.down_norm(self.down(images)))
        return torch.relu_(self.keep_norm(self.keep(down)))


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
