"""Label flips by one technician, caught by a second, blind label: how many are found, and what the gate says then.

The presentations that are labelled twice are drawn as in the product (`core.labelling.draw`), and those whose two
labels differ are left out, in the half that adapts and in the half that judges. The second labeller errs too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.benchmark.people import People
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import Species
from core.labelling.draw import Candidate, drawn
from core.metrics.rate import rate_of

FLIPPED = (0.05, 0.20)
LABELS = 100
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


def looked_again(people: People, truth: NDArray[np.str_], share: float, draw: int) -> Look:
    """Have ``share`` of the presentations labelled again, as they are noted; ``truth``: the true species of each."""
    random = np.random.default_rng([draw, 53])
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


def caught(draws: int, report: Report, canceled: Canceled) -> list[dict[str, Any]]:
    """What a second look finds of one technician's flips among `LABELS` labels, half of them bona fide, without a pass.

    Of each row ``found`` and ``wronged`` are means over ``draws``; ``noticed`` is how often any flip was found.

    Raises:
        CanceledError: a person asked to stop.
    """
    truth = np.where(np.arange(LABELS) % 2, str(Species.PRINT_FLAT), "")
    rows: list[dict[str, Any]] = []
    for share in FLIPPED:
        for twice in TWICE[1:]:
            stop_if(canceled)
            report("flips looked for", len(rows) / (len(FLIPPED) * len(TWICE[1:])))
            looks = [looked_again(_flipped(truth, share, draw), truth, twice, draw) for draw in range(draws)]
            noticed = rate_of([look.found > 0 for look in looks])
            rows.append(
                {
                    "share": share,
                    "twice": twice,
                    "found": float(np.mean([look.found / look.flipped for look in looks])),
                    "wronged": float(np.mean([look.wronged for look in looks])),
                    "noticed": None if noticed is None else noticed.as_json(),
                }
            )
    return rows


def _flipped(truth: NDArray[np.str_], share: float, draw: int) -> People:
    """As a technician notes them who turns ``share`` of the labels into the other class."""
    ids = np.array([f"p{number}" for number in range(len(truth))])
    noted = truth.copy()
    chosen = np.random.default_rng([draw, 54]).permutation(len(truth))[: round(share * len(truth))]
    noted[chosen] = np.where(truth[chosen] == "", str(Species.PRINT_FLAT), "")
    return People(np.arange(len(truth)), ids, ids, noted, np.full(len(truth), "site"))
