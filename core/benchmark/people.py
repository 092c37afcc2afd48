"""Who presents what: the presentations of several tables side by side, and balanced epochs over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.training.table import CropTable

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Presentations of concatenated tables. ``owner int64 (N,)``: the presentation of each crop, ascending.

    ``ids``, ``subjects``, ``species`` (empty = bona fide) and ``domains``: ``str (P,)``.
    """

    owner: Rows
    ids: NDArray[np.str_]
    subjects: NDArray[np.str_]
    species: NDArray[np.str_]
    domains: NDArray[np.str_]

    @classmethod
    def of(cls, tables: Sequence[CropTable]) -> People:
        """The presentations of the tables, one after the other."""
        starts = np.cumsum([0, *(len(table.presentations) for table in tables)])
        return cls(
            np.concatenate([table.owner + start for table, start in zip(tables, starts[:-1], strict=True)]),
            np.array([name for table in tables for name in table.presentations], dtype=np.str_),
            np.array([name for table in tables for name in table.subjects], dtype=np.str_),
            np.array([name for table in tables for name in table.species], dtype=np.str_),
            np.array([name for table in tables for name in table.domains], dtype=np.str_),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def bona_fide(self) -> NDArray[np.bool_]:
        """``bool (P,)``."""
        found: NDArray[np.bool_] = self.species == str(Species.BONA_FIDE)
        return found

    def rows_of(self, presentations: NDArray[np.bool_]) -> Rows:
        """The crops of the presentations marked in ``bool (P,)``."""
        return np.flatnonzero(presentations[self.owner])

    def subset(self, rows: Rows) -> People:
        """The presentations that own ``rows`` (ascending), renumbered."""
        kept, owner = np.unique(self.owner[rows], return_inverse=True)
        return People(
            owner.astype(np.int64), self.ids[kept], self.subjects[kept], self.species[kept], self.domains[kept]
        )


def balanced_rows(people: People, rows: Rows, seed: int, epoch: int) -> Rows:
    """One epoch over ``rows``: one crop of a presentation, half bona fide, the species alike, in random order."""
    random = np.random.default_rng([seed, epoch])
    owners, first, counts = np.unique(people.owner[rows], return_index=True, return_counts=True)
    species = people.species[owners]
    attacks = np.flatnonzero(species != "")
    kinds = np.unique(species[attacks])
    half = max(len(attacks), len(species) - len(attacks))
    chosen = [_drawn(np.flatnonzero(species == ""), half, random)]
    chosen += [_drawn(np.flatnonzero(species == kind), half // len(kinds), random) for kind in kinds]
    picked = np.concatenate(chosen)
    random.shuffle(picked)
    found: Rows = rows[first[picked] + (random.random(len(picked)) * counts[picked]).astype(np.int64)]
    return found


def _drawn(pool: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    repeats = -(-count // max(1, len(pool)))
    return np.concatenate([random.permutation(pool) for _ in range(repeats)])[:count]
