"""Separate models, one a modality, and the two ways of using them: late fusion, and the best one on source-dev.

They share nothing: no feature of one modality reaches the logit of another.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.benchmark.maps import MapBatch, Maps
from core.benchmark.methods.base import MASKS, SMOOTHING, Base, Knobs, Peer, Schedule, Step, mean_present
from core.benchmark.methods.fitting import fit_peer, peer_logits
from core.benchmark.methods.heads import PlainHead
from core.metrics.ranking import auc
from core.training.calibration import fit_temperature
from core.training.losses import cross_entropy

_SINGLE_COLUMNS = [int(np.flatnonzero((MASKS.sum(dim=1) == 1).numpy() & MASKS[:, m].numpy())[0]) for m in range(3)]
"""Columns of the masks rgb, depth and ir among the seven."""


class Separate(Peer):
    """Three models that end in a head of their own; ``hidden`` is as wide as equal parameters allow."""

    def __init__(self, base: Base, knobs: Knobs, hidden: int, mixed: bool) -> None:
        super().__init__(base, knobs)
        self.mix = nn.ModuleList(
            nn.Sequential(nn.Conv2d(base.width, hidden, 1), nn.GELU(), nn.Conv2d(hidden, base.width, 1))
            if mixed
            else nn.Identity()
            for _ in range(3)
        )
        self.heads = nn.ModuleList(PlainHead(base.width) for _ in range(3))

    def each(self, maps: torch.Tensor) -> torch.Tensor:
        """Logits of the three models ``(B, 3)``."""
        own = [mix(maps[:, m]) for m, mix in enumerate(self.mix)]
        return torch.stack([head(x.mean(dim=(2, 3))) for head, x in zip(self.heads, own, strict=True)], dim=1)

    def decide(self, maps: torch.Tensor, presence: torch.Tensor, batch: MapBatch) -> torch.Tensor:
        """The mean logit of the models whose modality is there."""
        del batch
        return mean_present(self.each(maps), presence)

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """The sum of the models' own cross-entropies."""
        del step
        logits = self.each(self.encode(batch.stems))
        losses = cross_entropy(logits, batch.target[:, None].expand_as(logits), SMOOTHING) * batch.presence
        return losses.sum(dim=1).mean()


class LateFusion:
    """Three models of ordinary size; calibrated on source-dev, then averaged."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        self.peer = Separate(base, knobs, hidden=0, mixed=False)
        self._temperature = np.ones(3)

    @property
    def parameters(self) -> int:
        """See `Method.parameters`."""
        return self.peer.parameters_fitted

    def fit(self, train: Maps, dev: Maps, schedule: Schedule) -> None:
        """See `Method.fit`; source-dev sets one temperature a modality."""
        fit_peer(self.peer, train, schedule)
        single, known = _single_logits(self.peer, dev), dev.people.bona_fide[dev.people.owner]
        for m in range(3):
            usable = np.isfinite(single[:, m])
            self._temperature[m] = fit_temperature(single[usable, m].astype(np.float64), known[usable])

    def logits(self, maps: Maps) -> NDArray[np.float32]:
        """See `Method.logits`."""
        scaled = _single_logits(self.peer, maps) / self._temperature
        columns = [scaled[:, mask.numpy()].mean(axis=1) for mask in MASKS]
        return np.stack(columns, axis=1).astype(np.float32)


class BestModality:
    """Three models, each with the parameters of the whole method; of those that are there the best on dev decides."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        self.peer = Separate(base, knobs, hidden=base.width * 2, mixed=True)
        self._order = [0, 1, 2]

    @property
    def parameters(self) -> int:
        """See `Method.parameters`; all three models together."""
        return self.peer.parameters_fitted

    def fit(self, train: Maps, dev: Maps, schedule: Schedule) -> None:
        """See `Method.fit`; source-dev sets the order of the modalities."""
        fit_peer(self.peer, train, schedule)
        single, known = _single_logits(self.peer, dev), dev.people.bona_fide[dev.people.owner]
        worth = []
        for m in range(3):
            usable = np.isfinite(single[:, m])
            worth.append(auc(single[usable & known, m].tolist(), single[usable & ~known, m].tolist()) or 0.0)
        self._order = sorted(range(3), key=lambda m: -worth[m])

    def logits(self, maps: Maps) -> NDArray[np.float32]:
        """See `Method.logits`."""
        single = _single_logits(self.peer, maps)
        complete = np.stack([np.isfinite(single[:, mask.numpy()]).all(axis=1) for mask in MASKS], axis=1)
        chosen = [next(m for m in self._order if bool(mask[m])) for mask in MASKS]
        return np.where(complete, single[:, chosen], np.nan).astype(np.float32)


def _single_logits(peer: Separate, maps: Maps) -> NDArray[np.float32]:
    """Logits of the three models ``(N, 3)``; NaN where the modality is absent."""
    found: NDArray[np.float32] = peer_logits(peer, maps)[:, _SINGLE_COLUMNS]
    return found
