"""Is there enough to decide? Power of the gate before a pass, by simulated outcomes that the gate itself judges.

A site's captures are drawn anew many times: people who fail more often than others, attacks that pass more often than
others, and a candidate that errs less by a stated cut. The share of draws that the gate promotes is its power
(evaluation.md section 6: at least 80 % of candidates with a true cut of 20 % or more).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from core.adaptation.gate import judge
from core.adaptation.paired import PairedTrial, Stratum
from core.adaptation.plan import Plan
from core.adaptation.replay import ATTACKS
from core.adaptation.settings import GateSettings
from core.codes import GateResult, Species
from core.frames import ModalityMask
from core.metrics.rate import Rate, rate_of

_MASK = ModalityMask(7)
_LIKENESS = 0.1
"""Share of the variance of scores that is common to one person, or to one artefact."""
_FIDELITY = 0.97
"""Correlation of the two models' scores of one person or artefact."""
_SIMULATED = {
    Species.PRINT_FLAT: 0.05, Species.PRINT_BENT: 0.02, Species.PRINT_CUTOUT: 0.02, Species.PRINT_WORN: 0.67,
    Species.REPLAY_PHONE: 0.01, Species.REPLAY_TABLET: 0.01, Species.REPLAY_MONITOR: 0.02, Species.MASK_PAPER: 0.43,
    Species.MASK_RIGID: 0.87, Species.MASK_FLEXIBLE: 0.55, Species.MASK_HALF: 0.64, Species.PARTIAL: 0.78,
    Species.MANNEQUIN: 0.90,
}  # fmt: skip
"""What the factory model accepts of simulated attacks with every sensor (docs/model-card.md)."""
_MOST_PEOPLE = 2000


@dataclass(frozen=True, slots=True)
class Design:
    """Who judges: people, presentations of each, attacks of each species, and what the champion is taken to do.

    Rates are fractions. ``attacks``: presentations of each species on site, ``artefacts`` instruments of each.
    ``hybrids``: species of hybrids that every bona fide presentation brings along. ``cut``: by how much of its errors
    the candidate is better; negative = worse; ``cut_of`` says otherwise for some species (empty = bona fide). Of
    simulated attacks, ``simulated`` of each species, it errs as before but for ``simulated_cut``.
    """

    people: int
    takes: int
    attacks: Mapping[str, int]
    artefacts: int = 3
    hybrids: tuple[str, ...] = (Species.HYBRID_SHEET, Species.HYBRID_MASK)
    bpcer: float = 0.15
    apcer: float = 0.10
    cut: float = 0.3
    cut_of: Mapping[str, float] = field(default_factory=dict)
    simulated: int = 24
    simulated_cut: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, cut: float, bpcer: float, apcer: float) -> Design:
        """The judging half of a plan."""
        judging = plan.of(plan.split.judge)
        bona_fide = [one for one in judging if one.species == Species.BONA_FIDE]
        people = len({one.subject for one in bona_fide})
        attacks = Counter(one.species for one in judging if one.species != Species.BONA_FIDE)
        named = {(one.species, one.artefact) for one in judging if one.artefact}
        artefacts = min((sum(s == kind for s, _ in named) for kind in attacks), default=0) or 1
        takes = round(len(bona_fide) / max(1, people)) or 1
        simulated = max(1, round(plan.training.holdout * ATTACKS / len(_SIMULATED)))
        return cls(people, takes, dict(attacks), artefacts, bpcer=bpcer, apcer=apcer, cut=cut, simulated=simulated)

    def larger(self, factor: float) -> Design:
        """The same mix with more people and more attacks."""
        attacks = {kind: math.ceil(n * factor) for kind, n in self.attacks.items()}
        return replace(self, people=math.ceil(self.people * factor), attacks=attacks)


@dataclass(frozen=True, slots=True)
class Power:
    """How often the gate promoted, of how many draws, and its other answers."""

    passed: Rate
    answers: Mapping[GateResult, int]


@dataclass(frozen=True, slots=True)
class More:
    """What is still to be captured, for the half that judges and the half that adapts together."""

    people: int
    bona_fide: int
    attacks: int

    @classmethod
    def of(cls, now: Design, enough: Design) -> More:
        """From one design of a judging half to another."""
        return cls(
            people=2 * (enough.people - now.people),
            bona_fide=2 * (enough.people * enough.takes - now.people * now.takes),
            attacks=2 * (sum(enough.attacks.values()) - sum(now.attacks.values())),
        )


def power(design: Design, settings: GateSettings, draws: int, seed: int = 0) -> Power:
    """Draw a site ``draws`` times and ask the gate each time.

    Raises:
        ValueError: no draw at all.
    """
    answers = Counter(
        judge(drawn_trials(design, np.random.default_rng([seed, number])), settings).result for number in range(draws)
    )
    passed = rate_of([True] * answers[GateResult.PASSED] + [False] * (draws - answers[GateResult.PASSED]))
    if passed is None:
        raise ValueError("power needs at least one draw")
    return Power(passed, answers)


def people_for(
    design: Design, settings: GateSettings, wanted: float, draws: int, seed: int = 0,
    tried: Callable[[Design, Power], None] = lambda _, __: None,
) -> Design | None:  # fmt: skip
    """The smallest design, each half as large again as the one before, that is promoted often enough.

    ``None`` where not even thousands of people would do. ``tried`` is told every step.
    """
    for found in sizes(design, settings):
        told = power(found, settings, draws, seed)
        tried(found, told)
        if told.passed.value >= wanted:
            return found
    return None


def sizes(design: Design, settings: GateSettings) -> list[Design]:
    """The designs that `people_for` asks about, in order, from the first that the gate concludes anything of."""
    found = design if design.people >= settings.min_subjects else design.larger(settings.min_subjects / design.people)
    all_sizes = []
    while found.people <= _MOST_PEOPLE:
        all_sizes.append(found)
        found = found.larger(1.5)
    return all_sizes


def drawn_trials(design: Design, random: np.random.Generator) -> list[PairedTrial]:
    """One site as it might come out: bona fide and their hybrids, attacks, and the simulated attacks."""
    found: list[PairedTrial] = []
    people = [f"p{i}" for i in range(design.people)]
    live = [(person, "", take) for person in people for take in range(design.takes)]
    found += _judged(live, "", Stratum.SITE, design.bpcer, design.cut_of.get("", design.cut), random)
    for kind in design.hybrids:
        found += _judged(live, kind, Stratum.HYBRID, design.apcer, design.cut_of.get(kind, design.cut), random)
    for kind, count in design.attacks.items():
        rows = [(people[i % len(people)], f"{kind}-{i % design.artefacts}", i) for i in range(count)]
        found += _judged(rows, kind, Stratum.SITE, design.apcer, design.cut_of.get(kind, design.cut), random)
    simulated = [(f"s{i}", "", i) for i in range(design.simulated)]
    for kind, rate in _SIMULATED.items():
        found += _judged(simulated, kind, Stratum.SOURCE, rate, design.simulated_cut.get(kind, 0.0), random)
    return found


def _judged(
    rows: Sequence[tuple[str, str, int]], species: str, stratum: Stratum, rate: float, cut: float,
    random: np.random.Generator,
) -> Iterable[PairedTrial]:  # fmt: skip
    """Rows of one species. A score is normal: what is common to a cluster (its artefact, or its person), what is of the
    presentation alone, and what the models differ by. Above 0 it is an error.
    """
    levels = [NormalDist().inv_cdf(min(max(share, 1e-4), 1.0 - 1e-3)) for share in (rate, rate * (1.0 - cut))]
    towards_acceptance = -1.0 if species == Species.BONA_FIDE else 1.0
    common: dict[str, float] = {}
    for person, artefact, take in rows:
        shared = common.setdefault(artefact or person, math.sqrt(_LIKENESS) * float(random.normal()))
        own, differing = (math.sqrt(1.0 - _LIKENESS) * float(random.normal()) for _ in range(2))
        other = _FIDELITY * own + math.sqrt(1.0 - _FIDELITY**2) * differing
        before, after = levels[0] + shared + own, levels[1] + shared + other
        accepts = [towards_acceptance * score > 0.0 for score in (before, after)]
        yield PairedTrial(
            f"{person}-{species}-{take}", person, species, stratum, _MASK, accepts[0], accepts[1], artefact,
            (towards_acceptance * before, towards_acceptance * after),
        )  # fmt: skip
