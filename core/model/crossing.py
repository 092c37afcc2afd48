"""Early crossing: what two modalities show together at the scale of pixels, before either is summed up.

Complementary features compare maps of the encoders' last stage. By then each encoder has kept what told the classes in
its own modality alone, and somebody else's face that lies over the wearer's own in one band only is gone from both
(docs/scenes-study.md, the joint domain). Here the planes of two modalities meet after one shallow stage, and a small
trunk looks at both together.

A pair speaks only where both of its modalities are present, by nothing but what it saw: features of a pair do not
depend on the mask, so that one pass serves every subset of modalities, and what is absent can say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from core.frames import MODALITIES
from core.model.encoders import ConvStage, RunningNorm
from core.model.inputs import CHANNELS

PAIRS = ((0, 1), (0, 2), (1, 2))
"""Colour with depth, colour with infrared, depth with infrared: columns of `MODALITIES`."""


class Meeting(nn.Module):
    """Shallow maps of two modalities become one: side by side through a 1x1 convolution, a norm and ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * width, width, 1, bias=False)
        self.norm = RunningNorm(width)

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Twice ``(B, width, h, w)`` to as much."""
        return torch.relu_(self.norm(self.mix(torch.cat([one, other], dim=1))))


class EarlyCrossing(nn.Module):
    """Features of every pair of modalities.

    Args:
        widths: channels of the shallow stage and of the stages after the pairs have met.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        first = widths[0]
        self.width = widths[-1]
        self.stems = nn.ModuleList(ConvStage(CHANNELS[modality], first) for modality in MODALITIES)
        self.meetings = nn.ModuleList(Meeting(first) for _ in PAIRS)
        self.trunk = nn.Sequential(*(ConvStage(a, b) for a, b in pairwise(widths)))

    def forward(self, images: Sequence[torch.Tensor], presence: torch.Tensor) -> torch.Tensor:
        """``images (B, C_m, S, S)``, ``presence bool (B, 3)`` to ``(B, 3, width)``, zero for a pair that lacks one."""
        early = [stem(planes) for stem, planes in zip(self.stems, images, strict=True)]
        met = [meeting(early[a], early[b]) for (a, b), meeting in zip(PAIRS, self.meetings, strict=True)]
        seen = self.trunk(torch.cat(met)).float().mean(dim=(2, 3))
        return crossed_under(seen.reshape(len(PAIRS), -1, self.width).transpose(0, 1), presence)


def crossed_under(crossed: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
    """Features of pairs ``(B, 3, P)`` without the pairs of which ``presence bool (B, 3)`` lacks one."""
    both = torch.stack([presence[:, a] & presence[:, b] for a, b in PAIRS], dim=1)
    return torch.where(both[:, :, None], crossed, 0.0)
