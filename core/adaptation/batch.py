"""What one step of a pass learns from: drawn rows, the smaller masks they are also seen under, and their loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import FeatureTable
from core.adaptation.losses import pseudo_loss, supervised_loss
from core.adaptation.pseudo import PseudoLabels
from core.frames import EVERY_MASK
from core.model.features import Features
from core.model.masks import mask_rows, narrowed
from core.model.network import ModelOutput

Loss = Callable[[ModelOutput, ModelOutput], torch.Tensor]

_PROPER_MASKS = mask_rows(EVERY_MASK[:-1])


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of a step's batch: as they are cached, ``kept (B, 3)`` the smaller masks that they are also seen under.

    ``loss``: of the student's output under both; ``times``: how much it counts.
    """

    cached: Features
    kept: torch.Tensor
    loss: Loss
    times: float


def supervised(table: FeatureTable, count: int, random: np.random.Generator, times: float) -> Part:
    """Balanced rows of a table, with their labels."""
    rows = torch.from_numpy(balanced(table, count, random))

    def loss(full: ModelOutput, subset: ModelOutput) -> torch.Tensor:
        return supervised_loss(full, subset, table.bona_fide[rows], table.evidence[rows])

    return _part(table.early, rows, random, loss, times)


def guessed(early: Features, pseudo: PseudoLabels, count: int, random: np.random.Generator, times: float) -> Part:
    """Rows without a label, half of them of those whose pseudo-label is believed."""
    rows = torch.from_numpy(_believed(pseudo, count, random))

    def loss(full: ModelOutput, subset: ModelOutput) -> torch.Tensor:
        return pseudo_loss(full, subset, pseudo.bona_fide[rows], pseudo.weight[rows])

    return _part(early, rows, random, loss, times)


def _part(
    early: Features,
    rows: torch.Tensor,
    random: np.random.Generator,
    loss: Loss,
    times: float,
) -> Part:
    cached = early.rows(rows)
    masks = _PROPER_MASKS[torch.from_numpy(random.integers(0, len(_PROPER_MASKS), len(rows)))]
    return Part(cached, narrowed(cached.presence, masks), loss, times)


def balanced(table: FeatureTable, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Rows: half bona fide, and among the attacks every species alike; of one class where there is only one."""
    cells = table.cell.numpy()
    attacks = [cell for cell in np.unique(cells) if cell != 0]
    of_attacks = 0 if not attacks else count // 2 if (cells == 0).any() else count
    chosen = [_drawn(cells, 0, count - of_attacks, random)] if of_attacks < count else []
    for cell in random.choice(attacks, size=of_attacks) if of_attacks else ():
        chosen.append(_drawn(cells, int(cell), 1, random))
    return np.concatenate(chosen)


def _believed(pseudo: PseudoLabels, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Rows: half of those whose pseudo-label is believed, where there are any; half of all."""
    kept = np.flatnonzero(pseudo.kept.numpy())
    of_kept = count // 2 if kept.size else 0
    chosen = [random.choice(kept, size=of_kept)] if of_kept else []
    return np.concatenate([*chosen, random.integers(0, len(pseudo.weight), count - of_kept)]).astype(np.int64)


def _drawn(cells: NDArray[np.int64], cell: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    return random.choice(np.flatnonzero(cells == cell), size=count).astype(np.int64)
