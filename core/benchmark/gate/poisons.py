"""What may be wrong with what a technician labelled: lies, floods, and true labels that were chosen.

Each poison spoils a share of the presentations, in the half that adapts and, where it is the labels that lie, in the
half that judges too: nobody lies to one half only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.benchmark.people import People
from core.benchmark.streams.base import Answer
from core.benchmark.streams.material import Cached
from core.codes import Species

Noted = tuple[NDArray[np.str_], NDArray[np.int64]]
"""The species that a technician notes for each presentation, and how often each is captured."""


@dataclass(frozen=True, slots=True)
class Poison:
    """``spoil`` is given the people, how many presentations may be spoilt, the champion's logits and random numbers.

    ``lies``: the labels are wrong, and so they are in the judging half.
    """

    name: str
    spoil: Callable[[People, int, NDArray[np.float64], np.random.Generator], Noted]
    lies: bool


def _flipped(people: People, count: int, logits: NDArray[np.float64], random: np.random.Generator) -> Noted:
    del logits
    rows = random.permutation(len(people))[:count]
    noted = people.species.astype("<U32")
    noted[rows] = np.where(people.bona_fide[rows], str(Species.PRINT_FLAT), "")
    return noted, np.ones(len(people), dtype=np.int64)


def _let_through(people: People, count: int, logits: NDArray[np.float64], random: np.random.Generator) -> Noted:
    del logits
    noted = people.species.astype("<U32")
    noted[random.permutation(np.flatnonzero(~people.bona_fide))[:count]] = ""
    return noted, np.ones(len(people), dtype=np.int64)


def _flooding(people: People, count: int, logits: NDArray[np.float64], random: np.random.Generator) -> Noted:
    """One attack presentation, again and again, noted as a bona fide person."""
    del logits
    noted, often = people.species.astype("<U32"), np.ones(len(people), dtype=np.int64)
    if count:
        row = int(random.permutation(np.flatnonzero(~people.bona_fide))[0])
        noted[row], often[row] = "", count
    return noted, often


def _drifting(people: People, count: int, logits: NDArray[np.float64], random: np.random.Generator) -> Noted:
    """True labels, but chosen: the bona fide that look most like attacks are captured again and again."""
    del random
    often = np.ones(len(people), dtype=np.int64)
    live = np.flatnonzero(people.bona_fide)
    hardest = live[np.argsort(logits[live])][: max(1, len(live) // 10)]
    for number in range(count):
        often[hardest[number % len(hardest)]] += 1
    return people.species.astype("<U32"), often


FLIPS = Poison("labels flipped", _flipped, lies=True)
POISONS = (
    FLIPS,
    Poison("attacks noted as bona fide", _let_through, lies=True),
    Poison("one attack floods as a bona fide person", _flooding, lies=False),
    Poison("clean labels, the hardest bona fide repeated", _drifting, lies=False),
)


def spoilt(cached: Cached, poison: Poison, share: float, champion: Answer, random: np.random.Generator) -> Cached:
    """The same captures as the technician notes them, some of them several times; lies leave the rows as they are."""
    logits = champion(cached.early).numpy()[:, -1].astype(np.float64)
    people = cached.people
    mean = np.array([logits[people.owner == number].mean() for number in range(len(people))])
    noted, often = poison.spoil(people, round(share * len(people)), mean, random)
    named = Cached(cached.early, replace(people, species=noted))
    return named if (often == 1).all() else _repeated(named, often)


def _repeated(cached: Cached, often: NDArray[np.int64]) -> Cached:
    """Presentations as often as they were captured, each time under a name of its own."""
    people = cached.people
    which = np.repeat(np.arange(len(people)), often)
    parts = [np.flatnonzero(people.owner == number) for number in which]
    owner = np.repeat(np.arange(len(which)), [len(part) for part in parts])
    ids = np.array([f"{people.ids[number]}#{place}" for place, number in enumerate(which)])
    index = np.concatenate(parts)
    return Cached(
        cached.early.rows(torch.from_numpy(index)),
        People(owner, ids, people.subjects[which], people.species[which], people.domains[which]),
    )
