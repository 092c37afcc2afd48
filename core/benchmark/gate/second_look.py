"""Label flips by one technician, caught by a second, blind label: how many are found, and what the gate says then.

The presentations that are labelled twice are drawn as in the product (`core.labelling.draw`), and those whose two
labels differ are left out, in the half that adapts and in the half that judges. The second labeller errs too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.benchmark.streams.material import Cached
from core.codes import Species
from core.labelling.draw import Candidate, drawn

FLIPPED = (0.05, 0.20)
TWICE = (0.0, 0.2, 0.5, 1.0)
"""Shares of the presentations that are labelled twice."""
ERRS = 0.02
"""How often the second labeller takes the other class."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """``kept``: the presentations that stay, ``int (P,)``. Of the ``flipped`` labels ``found`` were contradicted;
    ``wronged`` is how many true ones were.
    """

    kept: NDArray[np.int64]
    flipped: int
    found: int
    wronged: int


def looked_again(noted: Cached, truth: NDArray[np.str_], share: float, draw: int) -> Look:
    """Have ``share`` of the presentations labelled again; ``truth``: the true species of each."""
    people, random = noted.people, np.random.default_rng([draw, 53])
    true = truth == str(Species.BONA_FIDE)
    said = true ^ (random.random(len(people)) < ERRS)
    candidates = [
        Candidate(name, "technician", bool(live))
        for name, live in zip(people.ids.tolist(), people.bona_fide, strict=True)
    ]
    chosen = set(drawn(candidates, (), share, f"draw {draw}".encode())) if share else set()
    contested = np.isin(people.ids, sorted(chosen)) & (said != people.bona_fide)
    flipped = people.bona_fide != true
    return Look(
        kept=np.flatnonzero(~contested),
        flipped=int(flipped.sum()),
        found=int((flipped & contested).sum()),
        wronged=int((~flipped & contested).sum()),
    )
