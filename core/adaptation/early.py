"""The network cut in two: early encoder stages that stay as they are, and the last stage with all heads, which adapts.

What the early stages give is computed once per pass and kept as half floats (method.md 8.4 B and C, evaluation.md 7:
"streams adapt the last stage and heads on cached maps"). The cache holds feature maps, never faces, and never leaves
memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.adaptation.material import Sample
from core.frames import MODALITIES, FaceCrop
from core.model.encoders import Encoder
from core.model.inputs import ModelInputs, normalise, stack
from core.model.network import Features, ModelOutput, PadNetwork
from core.training.augment import augment


@dataclass(frozen=True, slots=True, eq=False)
class EarlyMaps:
    """Early output: ``maps (B, 3, C, h, w)``, zero where absent, ``presence bool (B, 3)``, ``quality``."""

    maps: torch.Tensor
    presence: torch.Tensor
    quality: torch.Tensor

    def rows(self, index: torch.Tensor) -> EarlyMaps:
        """Some rows, as single floats."""
        return EarlyMaps(self.maps[index].float(), self.presence[index], self.quality[index])


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Cached rows (crops, and varied copies of them) of labelled samples.

    ``bona_fide bool (N,)``; ``evidence bool (N, 3)``; ``cell (N,)`` numbers the species of each row, bona fide 0.
    """

    early: EarlyMaps
    bona_fide: torch.Tensor
    evidence: torch.Tensor
    cell: torch.Tensor

    def __len__(self) -> int:
        return len(self.bona_fide)


def late_parameters(network: PadNetwork) -> dict[str, nn.Parameter]:
    """What adapts: everything but the early encoder stages."""
    stages = len(network.config.widths)
    frozen = tuple(f"encoders.{m}.stages.{i}." for m in MODALITIES for i in range(stages - 1))
    return {name: value for name, value in network.named_parameters() if not name.startswith(frozen)}


def early(network: PadNetwork, inputs: ModelInputs) -> EarlyMaps:
    """All encoder stages but the last, for every modality that any row has."""
    maps: list[torch.Tensor | None] = []
    for column, modality in enumerate(MODALITIES):
        present = inputs.presence[:, column]
        if not bool(present.any()):
            maps.append(None)
            continue
        images = inputs.images[column]
        for stage in _encoder(network, modality).stages[:-1]:
            images = stage(images)
        maps.append(torch.where(present[:, None, None, None], images, 0.0))
    blank = next(torch.zeros_like(encoded) for encoded in maps if encoded is not None)
    stacked = torch.stack([blank if encoded is None else encoded for encoded in maps], dim=1)
    return EarlyMaps(stacked, inputs.presence, inputs.quality * inputs.presence)


def features(network: PadNetwork, cached: EarlyMaps) -> Features:
    """The last encoder stage on early maps: what `PadNetwork.encode` gives."""
    maps: list[torch.Tensor] = []
    for column, modality in enumerate(MODALITIES):
        given = cached.maps[:, column].contiguous(memory_format=torch.channels_last)
        encoded = _encoder(network, modality).stages[-1](given)
        maps.append(torch.where(cached.presence[:, column][:, None, None, None], encoded, 0.0))
    return Features(torch.stack(maps, dim=1), cached.presence, cached.quality)


def late(network: PadNetwork, cached: EarlyMaps) -> ModelOutput:
    """Everything after the early stages."""
    return network.from_features(features(network, cached))


def build_table(network: PadNetwork, samples: Iterable[Sample], copies: int, seed: int) -> FeatureTable:
    """Cache the early maps of every crop and of ``copies`` varied copies of it.

    The variation of a presentation depends on ``seed`` and its name alone, not on what else is in the table.
    """
    parts: list[EarlyMaps] = []
    bona_fide: list[bool] = []
    evidence: list[list[bool]] = []
    cells: list[int] = []
    numbers: dict[str, int] = {}
    for sample in samples:
        cell = 0 if sample.bona_fide else numbers.setdefault(sample.species, len(numbers) + 1)
        part = _cached(network, sample.crops, copies, [seed, zlib.crc32(sample.presentation.encode())])
        parts.append(part)
        rows = len(part.presence)
        bona_fide += [sample.bona_fide] * rows
        evidence += [[modality in sample.evidence for modality in MODALITIES]] * rows
        cells += [cell] * rows
    return FeatureTable(
        EarlyMaps(
            torch.cat([part.maps for part in parts]),
            torch.cat([part.presence for part in parts]),
            torch.cat([part.quality for part in parts]),
        ),
        torch.tensor(bona_fide),
        torch.tensor(evidence),
        torch.tensor(cells),
    )


@torch.inference_mode()
def early_of(network: PadNetwork, crops: Sequence[FaceCrop]) -> EarlyMaps:
    """Early maps of unvaried crops, as single floats."""
    return early(network, normalise(stack(crops)).to(torch.device("cpu")))


@torch.no_grad()
def _cached(network: PadNetwork, crops: Sequence[FaceCrop], copies: int, seed: list[int]) -> EarlyMaps:
    random = np.random.default_rng(seed)
    batch = stack(crops)
    variants = [batch, *(augment(batch, random) for _ in range(copies))]
    parts = [early(network, normalise(variant).to(torch.device("cpu"))) for variant in variants]
    return EarlyMaps(
        torch.cat([part.maps for part in parts]).half(),
        torch.cat([part.presence for part in parts]),
        torch.cat([part.quality for part in parts]),
    )


def _encoder(network: PadNetwork, modality: str) -> Encoder:
    encoder = network.encoders[str(modality)]
    assert isinstance(encoder, Encoder)
    return encoder
