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
from core.model.inputs import normalise, stack
from core.model.network import Features, ModelOutput, PadNetwork
from core.training.augment import augment


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Cached rows (crops, and varied copies of them) of labelled samples.

    ``bona_fide bool (N,)``; ``evidence bool (N, 3)``; ``cell (N,)`` numbers the species of each row, bona fide 0.
    """

    early: Features
    bona_fide: torch.Tensor
    evidence: torch.Tensor
    cell: torch.Tensor

    def __len__(self) -> int:
        return len(self.bona_fide)


def late_parameters(network: PadNetwork) -> dict[str, nn.Parameter]:
    """What adapts: everything but the early encoder stages."""
    return network.late_parameters()


def late(network: PadNetwork, cached: Features) -> ModelOutput:
    """Everything after the early stages."""
    return network.from_features(network.encode_rest(cached))


def build_table(network: PadNetwork, samples: Iterable[Sample], copies: int, seed: int) -> FeatureTable:
    """Cache the early maps of every crop and of ``copies`` varied copies of it.

    The variation of a presentation depends on ``seed`` and its name alone, not on what else is in the table.
    """
    parts: list[Features] = []
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
        Features(
            torch.cat([part.maps for part in parts]),
            torch.cat([part.presence for part in parts]),
            torch.cat([part.quality for part in parts]),
            torch.cat([part.evidence for part in parts]),
        ),
        torch.tensor(bona_fide),
        torch.tensor(evidence),
        torch.tensor(cells),
    )


@torch.inference_mode()
def early_of(network: PadNetwork, crops: Sequence[FaceCrop]) -> Features:
    """Early maps of unvaried crops, as single floats."""
    return network.encode_stem(normalise(stack(crops)).to(torch.device("cpu")))


@torch.no_grad()
def _cached(network: PadNetwork, crops: Sequence[FaceCrop], copies: int, seed: list[int]) -> Features:
    random = np.random.default_rng(seed)
    batch = stack(crops)
    variants = [batch, *(augment(batch, random) for _ in range(copies))]
    parts = [network.encode_stem(normalise(variant).to(torch.device("cpu"))) for variant in variants]
    return Features(
        torch.cat([part.maps for part in parts]).half(),
        torch.cat([part.presence for part in parts]),
        torch.cat([part.quality for part in parts]),
        torch.cat([part.evidence for part in parts]),
    )
