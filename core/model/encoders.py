"""One encoder per modality behind one interface, and the small trunk: plain stages of convolutions.

The norms' statistics are learnt by source training only. Widths 24-48-96-160 at a crop of 96 px cost about 60 million
multiply-adds and 0.5 million parameters a branch (evaluation.md section 7). Larger trunks come from timm:
`core.model.trunks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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
        if isinstance(module, RunningNorm | Encoder):
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


class Encoder(nn.Module, ABC):
    """Images of one modality to a feature map, in two steps: what stays as it is, and what adapts.

    ``width`` is the number of channels of `rest`'s map; ``taken`` that of the maps which it takes. ``learning``: see
    `learn_statistics`.
    """

    width: int
    taken: int
    learning = False

    @abstractmethod
    def stem(self, images: torch.Tensor) -> torch.Tensor:
        """``(B, channels, S, S)`` to maps (or tokens) before the last stage: adaptation caches them."""

    @abstractmethod
    def rest(self, maps: torch.Tensor) -> torch.Tensor:
        """What adapts: ``stem``'s output to ``(B, width, h, w)``."""

    @abstractmethod
    def let_adapt(self, stages: int) -> None:
        """Cut before the last ``stages`` stages instead of before the last one; no encoder has more than it has."""

    @abstractmethod
    def late_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of the parameters that `rest` uses."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Both steps."""
        return self.rest(self.stem(images))


class ConvEncoder(Encoder):
    """The small trunk: plain stages, ``(B, widths[-1], S / 16, S / 16)`` for four of them."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        sizes = (channels, *widths)
        self.width = widths[-1]
        self.stages = nn.ModuleList(ConvStage(a, b) for a, b in pairwise(sizes))
        self._sizes = sizes
        self.let_adapt(1)

    def let_adapt(self, stages: int) -> None:
        """Cut before the last ``stages`` stages; with all of them the stem is the image itself."""
        self._cut = max(0, len(self.stages) - stages)
        self.taken = self._sizes[self._cut]

    def stem(self, images: torch.Tensor) -> torch.Tensor:
        """The stages before the cut."""
        for number in range(self._cut):
            images = self.stages[number](images)
        return images

    def rest(self, maps: torch.Tensor) -> torch.Tensor:
        """The stages after the cut."""
        for number in range(self._cut, len(self.stages)):
            maps = self.stages[number](maps)
        return maps

    def late_prefixes(self) -> tuple[str, ...]:
        """Those of the stages after the cut."""
        return tuple(f"stages.{number}." for number in range(self._cut, len(self.stages)))
