"""Power and harm of the gate over drawn sites whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.adaptation.power import Design, Power, power
from core.adaptation.settings import GateSettings
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import GateResult, Species
from core.metrics.rate import rate_of

PEOPLE = (25, 50, 100, 150)
"""Who judge; as many adapt."""
_SPECIES = (Species.PRINT_FLAT, Species.PRINT_BENT, Species.REPLAY_PHONE, Species.MASK_RIGID)
_HYBRIDS = (Species.HYBRID_SHEET, Species.HYBRID_MASK)
_TAKES = 3


@dataclass(frozen=True, slots=True)
class Truth:
    """What a candidate really is. ``cuts``: relative change of the errors by species; the rest by ``cut``.

    ``simulated``: the same of simulated species, of which it otherwise errs as before.
    """

    name: str
    cut: float
    cuts: Mapping[str, float] = field(default_factory=dict)
    simulated: Mapping[str, float] = field(default_factory=dict)
    harmful: bool = False
    helpful: bool = False


_ATTACKS_UP = {str(kind): -0.2 for kind in (*_SPECIES, *_HYBRIDS)}
TRUTHS = (
    Truth("equal", 0.0),
    Truth("20 % fewer errors", 0.2, helpful=True),
    Truth("30 % fewer errors", 0.3, helpful=True),
    Truth("50 % fewer errors", 0.5, helpful=True),
    Truth("a fifth more errors: APCER +2, BPCER +3 points", -0.2, harmful=True),
    Truth("BPCER bought by attacks: -4.5, APCER +2 points", 0.3, _ATTACKS_UP, harmful=True),
    Truth("one species forgotten: +20 points, else 30 % fewer errors", 0.3, {"mask_rigid": -2.0}, harmful=True),
    Truth("simulated flat prints forgotten: +20 points", 0.3, simulated={"print_flat": -4.0}, harmful=True),
    Truth("simulated half masks forgotten: +20 points", 0.3, simulated={"mask_half": -0.31}, harmful=True),
)


TRADE_BPCER, TRADE_APCER = 0.02, 0.4
"""A champion whose threshold lies too low at the site; the candidate halves its APCER and refuses more people."""
RISES = (0.0, 0.01, 0.02, 0.04, 0.08)
"""By how much BPCER rises for it, as fractions."""
MARGINS = (0.02, 0.05, 0.1)
"""`GateSettings.bpcer_margin` as it is, and as whoever plans a pass may widen it."""


def trades(draws: int, report: Report, canceled: Canceled) -> list[dict[str, Any]]:
    """How often the gate promotes half of the APCER bought by more refusals, under each margin that a plan may allow.

    Raises:
        CanceledError: a person asked to stop.
    """
    rows: list[dict[str, Any]] = []
    every = [(rise, margin, people) for rise in RISES for margin in MARGINS for people in PEOPLE]
    for number, (rise, margin, people) in enumerate(every):
        stop_if(canceled)
        report("drawn trades", number / len(every))
        champion = replace(_design(people), bpcer=TRADE_BPCER, apcer=TRADE_APCER)
        bought = replace(champion, cut=0.5, cut_of={"": -rise / TRADE_BPCER})
        found = power(bought, GateSettings(bpcer_margin=margin), draws, seed=number)
        rows.append({"rise": rise, "margin": margin, "people": people, **_told(found)})
    return rows


def study(draws: int, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Every truth at every number of people, ``draws`` drawn sites each; harm over all harmful ones.

    Raises:
        CanceledError: a person asked to stop.
    """
    settings = GateSettings()
    rows: list[dict[str, Any]] = []
    harmful: list[bool] = []
    total = len(TRUTHS) * len(PEOPLE)
    for number, (truth, people) in enumerate((truth, people) for truth in TRUTHS for people in PEOPLE):
        stop_if(canceled)
        report("drawn sites", number / total)
        design = replace(_design(people), cut=truth.cut, cut_of=truth.cuts, simulated_cut=truth.simulated)
        found = power(design, settings, draws, seed=number)
        promoted = found.answers.get(GateResult.PASSED, 0)
        if truth.harmful:
            harmful += [True] * promoted + [False] * (draws - promoted)
        told = {"truth": truth.name, "helpful": truth.helpful, "harmful": truth.harmful, "people": people}
        rows.append({**told, **_told(found)})
    harm = rate_of(harmful)
    return {"draws": draws, "rows": rows, "harmful_promoted": None if harm is None else harm.as_json()}


def _design(people: int) -> Design:
    """The judging half of a drawn site: as many presentations of each species as people."""
    return Design(people, _TAKES, dict.fromkeys(map(str, _SPECIES), people))


def _told(found: Power) -> dict[str, Any]:
    """As plain data, every answer of the gate by name."""
    answers = {str(answer): found.answers.get(answer, 0) for answer in GateResult}
    return {"passed": found.passed.as_json(), "answers": answers}
