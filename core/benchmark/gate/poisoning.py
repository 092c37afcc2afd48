"""Poisoned labels through the product's pass and gate: from which share on does a worse model pass?

What the candidate is really worth is judged with the true labels of the same judging people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.adaptation.gate import judge
from core.adaptation.judging import Bars, Deployed, Judged, paired
from core.adaptation.paired import PairedTrial, Stratum, difference
from core.adaptation.settings import GateSettings
from core.adaptation.thresholds import bound, misplaced
from core.benchmark.gate.poisons import FLIPS, POISONS, Poison, spoilt
from core.benchmark.gate.second_look import FLIPPED, TWICE, Look, looked_again
from core.benchmark.streams.base import Answer, answer
from core.benchmark.streams.folds import Opened
from core.benchmark.streams.judging import presentations_of
from core.benchmark.streams.material import Cached, Material
from core.benchmark.streams.methods.labels import passed
from core.benchmark.work import Canceled, Report, Work, stop_if
from core.frames import EVERY_MASK

SHARES = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20)
_LABELLED = 100
_COMPLETE = EVERY_MASK[-1]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What every pass starts from and is compared with. ``steps`` and ``rows``: see `Material`."""

    opened: Opened
    work: Work
    fold: str
    steps: int
    rows: int

    def judged(self, net: Answer, cached: Cached, stratum: Stratum) -> list[Judged]:
        """What a network says of some people."""
        return presentations_of(net(cached.early).numpy(), cached, stratum)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A share of a poison, and the share of the presentations that is labelled ``twice``."""

    poison: Poison
    share: float
    twice: float = 0.0

    def piece(self, bench: Bench, draw: int) -> str:
        """Where a pass lies."""
        place = f"gate/{bench.fold}-{bench.steps}x{bench.rows}"
        return f"{place}/{POISONS.index(self.poison)}-{self.share:.2f}-{self.twice:.2f}-d{draw}.json"


def study(bench: Bench, draws: int, report: Report, canceled: Canceled) -> list[dict[str, Any]]:
    """Every poison at every share, ``draws`` draws of labels and poison each; passes that lie in the work folder stay.

    Raises:
        CanceledError: a person asked to stop; finished passes are kept.
    """
    cells = [_Cell(poison, share) for poison in POISONS for share in SHARES]
    return _passes(bench, cells, draws, "poisoned passes", report, canceled)


def second_look(bench: Bench, draws: int, report: Report, canceled: Canceled) -> list[dict[str, Any]]:
    """Flipped labels of which some share is labelled a second time, blind. Raises as `study`."""
    cells = [_Cell(FLIPS, share, twice) for share in FLIPPED for twice in TWICE]
    return _passes(bench, cells, draws, "labels given twice", report, canceled)


def _passes(
    bench: Bench, cells: Sequence[_Cell], draws: int, what: str, report: Report, canceled: Canceled
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        outcomes = []
        for draw in range(draws):
            stop_if(canceled)
            report(what, (number + draw / draws) / len(cells))
            piece = cell.piece(bench, draw)
            if not bench.work.has(piece):
                bench.work.save_json(piece, _outcome(bench, cell, draw))
            outcomes.append(bench.work.load_json(piece))
        found.append({"poison": cell.poison.name, "share": cell.share, "twice": cell.twice, "passes": outcomes})
    return found


def _outcome(bench: Bench, cell: _Cell, draw: int) -> dict[str, Any]:
    poison, share = cell.poison, cell.share
    random = np.random.default_rng([draw, 51])
    site, test, source = bench.opened.site, bench.opened.test, bench.opened.source
    champion = bench.opened.champion
    told = site.of(np.sort(random.permutation(len(site.people))[:_LABELLED]))
    trained = spoilt(told, poison, share, champion.answer, random)
    noted = spoilt(test, poison, share, champion.answer, random) if poison.lies else test
    looks: tuple[Look, ...] = ()
    every = judging = np.ones(len(test.people.owner), dtype=bool)
    if poison.lies:  # the same rows under other names: what is left out of one is left out of the other
        looks = (
            looked_again(trained.people, told.people.species, cell.twice, draw),
            looked_again(noted.people, test.people.species, cell.twice, draw),
        )
        told, trained, noted = told.of(looks[0].kept), trained.of(looks[0].kept), noted.of(looks[1].kept)
        judging = np.isin(test.people.owner, looks[1].kept)
    material = Material(source, told.early, (), trained, told, draw, bench.steps, bench.rows)
    candidate = answer(passed(material, trained.table, None))
    dev = bench.judged(candidate, source.dev, Stratum.SOURCE)
    before = champion.dev + bench.judged(champion.answer, trained, Stratum.SITE)
    after = dev + bench.judged(candidate, trained, Stratum.SITE)
    old = Deployed(champion.bars)
    new = Deployed(Bars("", bound(after, before, champion.bars, misplaced(before, champion.bars))))
    logits = [net(test.early).numpy() for net in (champion.answer, candidate)]

    def trials(people: Cached, rows: NDArray[np.bool_]) -> list[PairedTrial]:
        one, other = (presentations_of(found[rows], people, Stratum.SITE) for found in logits)
        return paired(one, old, other, new, {})

    gate = judge(trials(noted, judging) + paired(champion.dev, old, dev, new, {}), GateSettings())
    truth = [one for one in trials(test, every) if one.mask == _COMPLETE]
    bpcer, apcer = difference(t for t in truth if t.bona_fide), difference(t for t in truth if not t.bona_fide)
    assert bpcer is not None
    assert apcer is not None
    return {
        "answer": str(gate.result),
        "bpcer": [bpcer.before, bpcer.after],
        "apcer": [apcer.before, apcer.after],
        "worse": bpcer.value + apcer.value > 0.0 or apcer.value > GateSettings().margin,
        "flipped": sum(look.flipped for look in looks),
        "found": sum(look.found for look in looks),
        "wronged": sum(look.wronged for look in looks),
    }


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each poison and share: what the gate said, and how many worse models passed."""
    told = []
    for row in rows:
        passes = row["passes"]
        told.append(
            {
                "poison": row["poison"],
                "share": row["share"],
                "twice": row["twice"],
                **{name: sum(one[name] for one in passes) for name in ("flipped", "found", "wronged")},
                "passed": sum(one["answer"] == "passed" for one in passes),
                "worse": sum(one["worse"] for one in passes),
                "worse_passed": sum(one["worse"] and one["answer"] == "passed" for one in passes),
                "blocked": sum(one["answer"] == "worse" for one in passes),
                "of": len(passes),
                "bpcer": float(np.mean([one["bpcer"][1] - one["bpcer"][0] for one in passes])),
                "apcer": float(np.mean([one["apcer"][1] - one["apcer"][0] for one in passes])),
            }
        )
    return told
