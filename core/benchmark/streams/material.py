"""What a method is given: a start network, the stream, the labels, the replay; and what nobody adapts on.

Everything lies cached as the maps before the last stage, of the network that starts (evaluation.md section 7).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import FeatureTable
from core.benchmark.people import People
from core.benchmark.streams.cells import StreamCell, order_of, presence_of
from core.model.features import Features
from core.model.network import PadNetwork

_BONA_FIDE_SHARE = 0.7
_A_PERSON = 2
_LABELLED_SPECIES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Cached:
    """Cached crops of some people. ``early``: rows; ``people.owner`` names the presentation of each."""

    early: Features
    people: People

    def of(self, presentations: NDArray[np.int64]) -> Cached:
        """The crops of some presentations, in the order of the table."""
        chosen = np.zeros(len(self.people), dtype=bool)
        chosen[presentations] = True
        rows = self.people.rows_of(chosen)
        return Cached(self.early.at(torch.from_numpy(rows)), self.people.subset(rows))

    def left(self, presence: NDArray[np.bool_]) -> Cached:
        """The same crops with what is left of each presentation, ``bool (P, 3)``; without those that have nothing."""
        kept = self.early.presence & torch.from_numpy(presence[self.people.owner])
        early = self.early.restricted(kept)
        rows = np.flatnonzero(kept.any(dim=1).numpy())
        return Cached(early.at(torch.from_numpy(rows)), self.people.subset(rows))

    @property
    def table(self) -> FeatureTable:
        """The rows with their labels, as the product trains on them."""
        bona_fide = self.people.bona_fide[self.people.owner]
        kinds = {name: number for number, name in enumerate(np.unique(self.people.species).tolist())}
        cells = np.array([kinds[name] for name in self.people.species[self.people.owner].tolist()])
        # Of an unlabelled alphabet the empty name, bona fide, sorts first; without bona fide every cell is an attack.
        cells = cells if "" in kinds else cells + 1
        return FeatureTable(
            self.early,
            torch.from_numpy(bona_fide),
            torch.ones(len(bona_fide), 3, dtype=torch.bool),
            torch.from_numpy(cells),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What every stream of a fold starts from; equal for every method.

    ``network``: trained on the sources. ``replay``: labelled source rows. ``dev``: source people that fit nothing.
    ``levels``: raw logit from which the network accepts under each mask.
    """

    network: PadNetwork
    replay: FeatureTable
    dev: Cached
    levels: dict[str, float] = field(default_factory=dict)

    def start(self) -> PadNetwork:
        """A copy to adapt, in evaluation mode."""
        return copy.deepcopy(self.network).eval()


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What one method adapts on in one stream.

    ``stream``: crops of people without a label, their presentations in order of arrival (``arrival``: rows of each
    batch). ``labelled`` is ``None`` in the unlabelled table. ``hidden``: the stream with its labels, for the oracle.
    ``rate``: by what a method's learning rate is multiplied, see `core.benchmark.streams.rates`.
    """

    source: Source
    stream: Features
    arrival: tuple[torch.Tensor, ...]
    labelled: Cached | None
    hidden: Cached
    seed: int
    steps: int
    rows: int
    rate: float = 1.0

    def without_labels(self) -> Material:
        """The same stream in the unlabelled table."""
        return replace(self, labelled=None)


def material_of(
    source: Source, site: Cached, cell: StreamCell, labels: int, seed: int, steps: int, rows: int, batch: int = 10,
    bona_fide_only: bool = False,
) -> Material:  # fmt: skip
    """The stream of a cell: its people in order, what is left of them, and who is labelled."""
    labelled = _labelled(site.people, labels, seed, bona_fide_only)
    rest = np.setdiff1d(np.arange(len(site.people)), labelled)
    order = rest[order_of(cell, site.people.bona_fide[rest], seed)]
    left = np.ones((len(site.people), 3), dtype=bool)
    left[order] = presence_of(cell, site.people.bona_fide[order], seed)
    left[labelled] = presence_of(cell, site.people.bona_fide[labelled], seed + 1)
    stream = Cached(site.early, site.people).left(left)
    arrived = {name: place for place, name in enumerate(site.people.ids[order].tolist())}
    places = np.array([arrived.get(name, -1) for name in stream.people.ids.tolist()], dtype=np.int64)
    coming = np.flatnonzero(places >= 0)
    told = np.flatnonzero(np.isin(stream.people.ids, site.people.ids[labelled]))
    hidden = stream.of(coming)
    by_arrival = np.argsort(places[coming], kind="stable")
    batches = tuple(
        torch.from_numpy(np.flatnonzero(np.isin(hidden.people.owner, by_arrival[i : i + batch])))
        for i in range(0, len(by_arrival), batch)
    )
    return Material(source, hidden.early, batches, stream.of(told) if labels else None, hidden, seed, steps, rows)


def _labelled(people: People, count: int, seed: int, bona_fide_only: bool) -> NDArray[np.int64]:
    """Presentations: seven tenths bona fide of half as many people, the rest attacks of two species."""
    random = np.random.default_rng([seed, 33])
    of_bona_fide = count if bona_fide_only else round(_BONA_FIDE_SHARE * count)
    chosen: list[int] = []
    for subject in random.permutation(np.unique(people.subjects[people.bona_fide])).tolist():
        theirs = np.flatnonzero(people.bona_fide & (people.subjects == subject))
        chosen += random.permutation(theirs)[: min(_A_PERSON, of_bona_fide - len(chosen))].tolist()
        if len(chosen) >= of_bona_fide:
            break
    kinds = random.permutation(np.unique(people.species[~people.bona_fide]))[:_LABELLED_SPECIES]
    attacks = random.permutation(np.flatnonzero(np.isin(people.species, kinds) & ~people.bona_fide))
    return np.array(sorted([*chosen, *attacks[: count - of_bona_fide].tolist()]), dtype=np.int64)
