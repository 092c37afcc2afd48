"""What every method is to the study: fitted on cached maps, asked for logits under any mask."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.benchmark.hardware import has_bfloat16
from core.benchmark.maps import MapBatch, Maps
from core.benchmark.work import Canceled
from core.frames import EVERY_MASK
from core.model.encoders import learn_statistics
from core.model.masks import mask_rows, narrowed
from core.training.losses import cross_entropy

SMOOTHING = 0.05
MASKS = mask_rows(EVERY_MASK)
"""``bool (7, 3)`` in the order of `EVERY_MASK`."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """What tuning may turn, alike for every method; ``auxiliary`` scales the losses that only the method has."""

    learning_rate: float = 2e-3
    auxiliary: float = 1.0
    weight_decay: float = 0.02


TRIALS = (Knobs(), Knobs(learning_rate=7e-4), Knobs(auxiliary=0.3, weight_decay=0.1))
"""The tuning trials of every method, in the order in which a size takes them."""


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """Where methods start: the trunk's last stages, its stems of an empty image ``(3, C, h, w)``, and widths."""

    last: nn.ModuleList
    blank: torch.Tensor
    widths: tuple[int, ...]
    sources: int

    @property
    def width(self) -> int:
        """Channels after the last stage."""
        return self.widths[-1]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a method is fitted, and with what."""

    epochs: int
    batch: int
    seed: int
    knobs: Knobs
    canceled: Canceled


class Method(Protocol):
    """A method, fitted or to be fitted."""

    @property
    def parameters(self) -> int:
        """How many numbers are fitted, the last stages included."""

    def fit(self, train: Maps, dev: Maps, schedule: Schedule) -> None:
        """Fit on source-train; ``dev`` serves calibration only. Raises `CanceledError`."""

    def logits(self, maps: Maps) -> NDArray[np.float32]:
        """Raw logits ``(N, 7)`` under every mask, positive = bona fide; NaN where a row lacks one of its modalities."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A method in the table: its name, what a reader calls it, and how it is made.

    ``kind``: ``ours``, ``peer``, or ``control`` (a part of ours switched off: told in the table, no opponent).
    """

    name: str
    title: str
    kind: str
    make: Callable[[Base, Knobs], Method]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of fitting: random numbers, and the share of the fit that lies behind."""

    generator: torch.Generator
    share: float


class Peer(nn.Module):
    """A method that is a network from the stem maps on. Subclasses say how features become a logit."""

    tunes_last_stage: ClassVar[bool] = True

    def __init__(self, base: Base, knobs: Knobs) -> None:
        super().__init__()
        self.last = copy.deepcopy(base.last)
        self.last.requires_grad_(self.tunes_last_stage)
        self.knobs = knobs

    @property
    def parameters_fitted(self) -> int:
        """Numbers that fitting may change."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def encode(self, stems: torch.Tensor) -> torch.Tensor:
        """Stem maps ``(B, 3, C, h, w)`` through the last stages, float32."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16()):
            maps = [
                stage(stems[:, m].contiguous(memory_format=torch.channels_last)) for m, stage in enumerate(self.last)
            ]
        return torch.stack([m.float() for m in maps], dim=1)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """Logits ``(B,)`` of encoded ``maps``, zero where ``presence bool (B, 3)`` says absent."""
        raise NotImplementedError

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """Cross-entropy under the modalities that are there and under a random proper subset of them."""
        maps = self.encode(batch.stems)
        kept = random_subset(batch.presence, step.generator)
        full = self.decide(held(maps, batch.presence), batch.presence, batch)
        part = self.decide(held(maps, kept), kept, batch)
        return entropy(full, batch) + entropy(part, batch)

    def under_masks(self, batch: MapBatch, masks: torch.Tensor) -> torch.Tensor:
        """Logits ``(B, K)`` under each of ``masks bool (K, 3)``."""
        maps = self.encode(batch.stems)
        found = []
        for mask in masks:
            presence = batch.presence & mask
            found.append(self.decide(held(maps, presence), presence, batch))
        return torch.stack(found, dim=1)

    def begin(self) -> None:
        """Is called once before the first step: norms that may change learn their statistics while fitting."""
        self.train()
        learn_statistics(self, True)
        if not self.tunes_last_stage:
            learn_statistics(self.last, False)
            self.last.eval()

    def end(self) -> None:
        """Is called once after the last step."""
        learn_statistics(self, False)
        self.eval()


def held(maps: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
    """``maps (B, 3, ...)`` with exact zeros where ``presence bool (B, 3)`` says absent."""
    return torch.where(presence.reshape(*presence.shape, *[1] * (maps.dim() - 2)), maps, 0.0)


def random_subset(presence: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random proper subset of the modalities of each row; a row with a single modality keeps it."""
    return narrowed(presence, MASKS[torch.randint(0, len(MASKS) - 1, (len(presence),), generator=generator)])


def entropy(logits: torch.Tensor, batch: MapBatch) -> torch.Tensor:
    """Mean cross-entropy of the batch with the study's label smoothing."""
    return cross_entropy(logits, batch.target, SMOOTHING).mean()


def mean_present(pooled: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
    """Mean over present modalities of ``pooled (B, 3, ...)``; zero where there is none."""
    share = presence.float() / presence.sum(dim=1, keepdim=True).clamp_min(1)
    return (pooled * share.reshape(*share.shape, *[1] * (pooled.dim() - 2))).sum(dim=1)
