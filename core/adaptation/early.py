"""The network cut in two: early encoder stages that stay as they are, and the last stage with all heads, which adapts.

What the early stages give is computed once per pass and kept as half floats (method.md 8.4 B and C, evaluation.md 7:
"streams adapt the last stage and heads on cached maps"). What a site captured never leaves memory; simulated people are
kept on disk too (`core.adaptation.memory`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from core.adaptation.material import Sample
from core.adaptation.paired import Stratum
from core.codes import Species
from core.frames import ALL_MODALITIES, MODALITIES, FaceCrop, ModalityMask
from core.model.features import Features, joined
from core.model.inputs import CropBatch, concatenated, normalise, stack
from core.model.network import ModelOutput, PadNetwork
from core.training.augment import augment

_TOGETHER = 12
"""Crops in one batch. Of 1, 3, 9 and 32 a crop costs 5.5, 3.6, 2.3 and 2.9 ms on one core: more leave its cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A `Sample` as early maps: the rows of its ``crops`` crops, then those of their varied copies, as half floats.

    ``telling``: the modalities that tell its class (`Sample.evidence`).
    """

    presentation: str
    subject: str
    species: str
    stratum: Stratum
    early: Features
    crops: int
    telling: ModalityMask = ALL_MODALITIES

    @property
    def mask(self) -> ModalityMask:
        """The modalities that every crop has."""
        every = self.early.presence[: self.crops].all(dim=0).tolist()
        return ModalityMask.of(modality for modality, there in zip(MODALITIES, every, strict=True) if there)

    @property
    def bona_fide(self) -> bool:
        """Whether the presentation is bona fide."""
        return self.species == Species.BONA_FIDE

    def unvaried(self) -> Features:
        """The crops themselves, as single floats."""
        return self.early.rows(torch.arange(self.crops))


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
    """Cache the early maps of every crop and of ``copies`` varied copies of it."""
    return table_of(encode(network, sample, copies, seed) for sample in samples)


def early_maps(network: PadNetwork, presentation: str, crops: Sequence[FaceCrop], copies: int, seed: int) -> Features:
    """Half-float maps of crops and of ``copies`` varied copies of each: ``(1 + copies) * len(crops)`` rows.

    The variation of a presentation depends on ``seed`` and its name alone, not on what else is encoded.
    """
    return _maps(network, [_varied(presentation, crops, copies, seed)])


def table_of(samples: Iterable[Encoded]) -> FeatureTable:
    """The rows of all samples as one table."""
    parts: list[Features] = []
    bona_fide: list[bool] = []
    evidence: list[tuple[bool, ...]] = []
    cells: list[int] = []
    numbers: dict[str, int] = {}
    for sample in samples:
        cell = 0 if sample.bona_fide else numbers.setdefault(sample.species, len(numbers) + 1)
        parts.append(sample.early)
        rows = len(sample.early.presence)
        bona_fide += [sample.bona_fide] * rows
        evidence += [sample.telling.row] * rows
        cells += [cell] * rows
    return FeatureTable(
        joined(parts),
        torch.tensor(bona_fide),
        torch.tensor(evidence),
        torch.tensor(cells),
    )


def encode(network: PadNetwork, sample: Sample, copies: int = 0, seed: int = 0) -> Encoded:
    """Early maps of a sample's crops and of ``copies`` varied copies of each."""
    return encode_together(network, [sample], copies, seed)[0]


def encode_together(network: PadNetwork, samples: Sequence[Sample], copies: int, seed: int) -> list[Encoded]:
    """`encode` of a few samples in one batch: of a crop alone most of the time goes into calling, not computing."""
    if not samples:
        return []
    batches = [_varied(sample.presentation, sample.crops, copies, seed) for sample in samples]
    ends = np.cumsum([len(batch) for batch in batches]).tolist()
    early = _maps(network, batches)
    return [
        Encoded(
            one.presentation, one.subject, one.species, one.stratum, early.at(slice(end - len(batch), end)),
            len(one.crops), one.evidence,
        )
        for one, batch, end in zip(samples, batches, ends, strict=True)
    ]  # fmt: skip


def _varied(presentation: str, crops: Sequence[FaceCrop], copies: int, seed: int) -> CropBatch:
    """The crops, then their varied copies."""
    random = np.random.default_rng([seed, zlib.crc32(presentation.encode())])
    batch = stack(crops)
    return concatenated([batch, *(augment(batch, random) for _ in range(copies))])


@torch.no_grad()
def _maps(network: PadNetwork, batches: Sequence[CropBatch]) -> Features:
    batch = concatenated(batches)
    parts = [
        network.encode_stem(normalise(batch.at(slice(first, first + _TOGETHER))).to(torch.device("cpu")))
        for first in range(0, len(batch), _TOGETHER)
    ]
    early = joined(parts)
    return replace(early, maps=early.maps.half())
