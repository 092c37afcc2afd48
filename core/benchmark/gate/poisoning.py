"""Poisoned labels through the product's pass and gate: from which share on does a worse model pass?

Each poison spoils a share of what a technician labelled, in the half that adapts and, where it is the labels that lie,
in the half that judges too: nobody lies to one half only. What the candidate is really worth is judged with the true
labels of the same judging people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.gate import judge
from core.adaptation.judging import Bars, paired
from core.adaptation.paired import Stratum, difference
from core.adaptation.settings import GateSettings
from core.adaptation.thresholds import bound, calibrated
from core.benchmark.people import People
from core.benchmark.streams.base import answer
from core.benchmark.streams.folds import Opened
from core.benchmark.streams.judging import presentations_of
from core.benchmark.streams.material import Cached, Material
from core.benchmark.streams.methods.labels import passed
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import Species
from core.frames import EVERY_MASK

SHARES = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20)
_LABELLED = 100
_COMPLETE = EVERY_MASK[-1]


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


POISONS = (
    Poison("labels flipped", _flipped, lies=True),
    Poison("attacks noted as bona fide", _let_through, lies=True),
    Poison("one attack floods as a bona fide person", _flooding, lies=False),
    Poison("clean labels, the hardest bona fide repeated", _drifting, lies=False),
)


def study(
    opened: Opened, draws: int, steps: int, rows: int, report: Report, canceled: Canceled
) -> list[dict[str, Any]]:
    """Every poison at every share, ``draws`` draws of labels and poison each.

    Raises:
        CanceledError: a person asked to stop.
    """
    found: list[dict[str, Any]] = []
    total = len(POISONS) * len(SHARES)
    for number, (poison, share) in enumerate((poison, share) for poison in POISONS for share in SHARES):
        outcomes = []
        for draw in range(draws):
            stop_if(canceled)
            report("poisoned passes", (number + draw / draws) / total)
            outcomes.append(_outcome(opened, poison, share, draw, steps, rows))
        found.append({"poison": poison.name, "share": share, "passes": outcomes})
    return found


def _outcome(opened: Opened, poison: Poison, share: float, draw: int, steps: int, rows: int) -> dict[str, Any]:
    random = np.random.default_rng([draw, 51])
    champion = answer(opened.source.start())
    site, test = opened.site, opened.test
    told = site.of(np.sort(random.permutation(len(site.people))[:_LABELLED]))
    trained = _spoilt(told, poison, share, champion, random)
    noted = _spoilt(test, poison, share, champion, random) if poison.lies else test
    material = Material(opened.source, told.early, (), trained, told, draw, steps, rows)
    candidate = answer(passed(material, trained.table, None))
    source = opened.source.dev
    dev = [presentations_of(net(source.early).numpy(), source, Stratum.SOURCE) for net in (champion, candidate)]
    labelled = [presentations_of(net(trained.early).numpy(), trained, Stratum.SITE) for net in (champion, candidate)]
    champion_bars = Bars("", calibrated(dev[0]))
    both = [of_dev + of_site for of_dev, of_site in zip(dev, labelled, strict=True)]
    bars = Bars("", bound(calibrated(both[1]), both[1], both[0], champion_bars))

    def trials(people: Cached) -> list[Any]:
        judged = [presentations_of(net(people.early).numpy(), people, Stratum.SITE) for net in (champion, candidate)]
        rest = paired(dev[0], champion_bars, dev[1], bars, {})
        return paired(judged[0], champion_bars, judged[1], bars, {}) + rest

    report_of_gate = judge(trials(noted), GateSettings())
    truth = [one for one in trials(test) if one.mask == _COMPLETE and one.stratum is Stratum.SITE]
    bpcer, apcer = difference(t for t in truth if t.bona_fide), difference(t for t in truth if not t.bona_fide)
    assert bpcer is not None
    assert apcer is not None
    return {
        "answer": str(report_of_gate.result),
        "bpcer": [bpcer.before, bpcer.after],
        "apcer": [apcer.before, apcer.after],
        "worse": bpcer.value + apcer.value > 0.0 or apcer.value > GateSettings().margin,
    }


def _spoilt(cached: Cached, poison: Poison, share: float, champion: Any, random: np.random.Generator) -> Cached:
    """The same captures as the technician notes them, some of them several times."""
    logits = champion(cached.early).numpy()[:, -1].astype(np.float64)
    people = cached.people
    mean = np.array([logits[people.owner == number].mean() for number in range(len(people))])
    noted, often = poison.spoil(people, round(share * len(people)), mean, random)
    named = replace(people, species=noted)
    if (often == 1).all():
        return Cached(cached.early, named)
    return _repeated(Cached(cached.early, named), often)


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


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each poison and share: what the gate said, and how many worse models passed."""
    told = []
    for row in rows:
        passes = row["passes"]
        told.append(
            {
                "poison": row["poison"],
                "share": row["share"],
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
