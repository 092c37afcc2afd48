"""Order of training: balanced epochs of presentations, and masks that are drawn more often where they are hard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.frames import EVERY_MASK
from core.model.features import Features
from core.model.masks import mask_rows
from core.training.table import CropTable
from core.training.telling import HYBRIDS

_MEMORY = 0.98
_COLUMN_SHARE = 0.1


def epoch_rows(table: CropTable, seed: int, epoch: int) -> NDArray[np.int64]:
    """Rows of one epoch in random order: one frame of every presentation, half bona fide, species alike.

    Bona fide presentations are repeated (with another frame, if they have one) until they balance the attacks, or
    the other way round; within the attacks every species counts alike, hybrids twice. Hybrids do not make an epoch
    longer.
    """
    random = np.random.default_rng([seed, epoch])
    species = np.asarray(table.species)
    kinds = [str(kind) for kind in np.unique(species) if kind]
    kinds += [kind for kind in HYBRIDS if kind in kinds]
    bona_fide = np.flatnonzero(table.bona_fide)
    half = max(len(bona_fide), int(np.isin(species, HYBRIDS, invert=True).sum()) - len(bona_fide))
    chosen = [_drawn(bona_fide, half, random)]
    chosen += [_drawn(np.flatnonzero(species == kind), max(1, half // len(kinds)), random) for kind in kinds]
    presentations = np.concatenate(chosen)
    random.shuffle(presentations)
    first = np.searchsorted(table.owner, presentations, side="left")
    past = np.searchsorted(table.owner, presentations, side="right")
    return first + (random.random(len(first)) * (past - first)).astype(np.int64)


def _drawn(pool: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """``count`` entries of ``pool``: every one as often as any other, up to one."""
    repeats = -(-count // max(1, len(pool)))
    return np.concatenate([random.permutation(pool) for _ in range(repeats)])[:count]


class MaskSampler:
    """Draws proper subsets with a probability proportional to their running loss (MMA-FAS, method.md section 3)."""

    def __init__(self) -> None:
        self.masks = mask_rows(EVERY_MASK[:-1])
        self.loss = torch.full((len(self.masks),), 0.7)

    def draw(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks ``bool (count, 3)`` and the number of each."""
        chosen = torch.multinomial(self.loss.clamp_min(0.02), count, replacement=True, generator=generator)
        return self.masks[chosen], chosen

    def update(self, chosen: torch.Tensor, losses: torch.Tensor) -> None:
        """Remember how hard the drawn masks were."""
        for mask in sorted(set(chosen.tolist())):
            mean = losses[chosen == mask].mean()
            self.loss[mask] = _MEMORY * self.loss[mask] + (1.0 - _MEMORY) * mean


def thinned(features: Features, evidence: float, maps: float, generator: torch.Generator) -> Features:
    """Take the evidence from a share of the rows, the learnt maps from another, and some columns of evidence from all.

    Neither path may carry everything: where one fails before an unseen camera, the other has learnt to stand alone.
    """
    rows, columns = features.evidence.shape
    drawn = torch.rand((rows, 2), generator=generator)
    with_evidence, with_maps = drawn[:, 0] >= evidence, (drawn[:, 1] >= maps) | (drawn[:, 0] < evidence)
    kept = (torch.rand((rows, columns), generator=generator) >= _COLUMN_SHARE) & with_evidence[:, None]
    with_maps, kept = with_maps.to(features.maps.device), kept.to(features.maps.device)
    return replace(
        features,
        maps=features.maps * with_maps[:, None, None, None, None],
        evidence=features.evidence * kept,
        crossed=features.crossed * with_maps[:, None, None],
    )
