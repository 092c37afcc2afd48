"""What presentations must have shown before a camera counts under a mask, and what is still missing.

An attack that was accepted is an error of its species; an attack without response is no trial of APCER. Every bona
fide presentation is a trial, and whoever was not accepted (refused, referred or without response) is an error: a gate
does not ask why it stayed shut. The upper bounds are one-sided 95 % (Clopper and Pearson): after 0 errors in 30 trials
the rate may still be 9.5 % (two-sided 95 %: 11.6 %).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.codes import Outcome, QualificationLack, SourceKind
from core.frames import ModalityMask
from core.metrics.rate import Rate, clopper_pearson, rate_of

ONE_SIDED = 0.90
"""Two-sided confidence whose upper bound is the one-sided 95 % bound."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """How much is enough; the bounds are the largest one-sided 95 % upper bounds that are accepted."""

    bona_fide: int = 50
    people: int = 25
    species: int = 3
    presentations: int = 30
    artefacts: int = 3
    apcer_high: float = 0.10
    bpcer_high: float = 0.20


FULL = Requirements()
REHEARSAL = Requirements(2, 2, 3, 1, 1, apcer_high=1.0, bpcer_high=1.0)
"""Enough to walk through every step with a camera that is not live. It proves nothing and never counts."""


def requirements(kind: SourceKind) -> Requirements:
    """What a camera of this kind has to show."""
    return FULL if kind is SourceKind.LIVE else REHEARSAL


@dataclass(frozen=True, slots=True)
class Take:
    """One labelled presentation of a qualification. ``species`` empty = bona fide."""

    presentation: str
    subject: str
    species: str
    artefact: str
    outcome: Outcome
    mask: ModalityMask


@dataclass(frozen=True, slots=True)
class Bounded:
    """Errors in trials, with the bounds of every report (two-sided 95 %) and the one that decides (one-sided 95 %)."""

    rate: Rate | None
    high_one_sided: float

    @property
    def errors(self) -> int:
        """Errors; 0 without a trial."""
        return self.rate.errors if self.rate is not None else 0

    @property
    def trials(self) -> int:
        """Trials."""
        return self.rate.trials if self.rate is not None else 0


@dataclass(frozen=True, slots=True)
class Lack:
    """``more`` of ``what`` are needed (of ``species``, where it is about one)."""

    what: QualificationLack
    more: int
    species: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where the presentations under one mask stand. Nothing in ``missing`` means: enough."""

    bpcer: Bounded
    people: int
    apcer: Mapping[str, Bounded]
    artefacts: Mapping[str, int]
    other_masks: int
    missing: tuple[Lack, ...]

    @property
    def enough(self) -> bool:
        """Whether the camera may be called qualified under this mask."""
        return not self.missing


def judge(takes: Sequence[Take], mask: ModalityMask, required: Requirements) -> Judgement:
    """Judge the takes whose verdict was reached under exactly ``mask``; the others are counted and say nothing.

    An answer without any modality belongs to the mask under which the presentation was to be made.
    """
    ours = [take for take in takes if take.mask in (mask, ModalityMask(0))]
    bona_fide = [take for take in ours if not take.species]
    bpcer = _bounded([take.outcome is not Outcome.BONA_FIDE for take in bona_fide])
    people = len({take.subject for take in bona_fide if take.subject})
    accepted: dict[str, list[bool]] = defaultdict(list)
    shown: dict[str, set[str]] = defaultdict(set)
    for take in ours:
        if take.species and take.outcome is not Outcome.NON_RESPONSE:
            accepted[take.species].append(take.outcome is Outcome.BONA_FIDE)
            shown[take.species] |= {take.artefact} - {""}
    apcer = {species: _bounded(errors) for species, errors in sorted(accepted.items())}
    artefacts = {species: len(shown[species]) for species in apcer}
    missing = (*_lacks_bona_fide(bpcer, people, required), *_lacks_attacks(apcer, artefacts, required))
    return Judgement(bpcer, people, apcer, artefacts, len(takes) - len(ours), missing)


def one_sided_high(errors: int, trials: int) -> float:
    """The one-sided 95 % upper bound; 1 without a trial."""
    return clopper_pearson(errors, trials, ONE_SIDED)[1] if trials else 1.0


def more_without_error(errors: int, trials: int, high: float) -> int:
    """How many trials more, none of them an error, bring the one-sided bound down to ``high``."""
    if one_sided_high(errors, trials) <= high:
        return 0
    low, top = 0, max(64, 2 * trials)
    while one_sided_high(errors, trials + top) > high:
        low, top = top, 2 * top
    while top - low > 1:
        middle = (low + top) // 2
        low, top = (low, middle) if one_sided_high(errors, trials + middle) <= high else (middle, top)
    return top


def _bounded(failed: Sequence[bool]) -> Bounded:
    return Bounded(rate_of(failed), one_sided_high(sum(failed), len(failed)))


def _lacks_bona_fide(bpcer: Bounded, people: int, required: Requirements) -> list[Lack]:
    found = []
    if bpcer.trials < required.bona_fide:
        found.append(Lack(QualificationLack.BONA_FIDE, required.bona_fide - bpcer.trials))
    if people < required.people:
        found.append(Lack(QualificationLack.PEOPLE, required.people - people))
    more = more_without_error(bpcer.errors, bpcer.trials, required.bpcer_high)
    if bpcer.errors and more:
        found.append(Lack(QualificationLack.BPCER_BOUND, more))
    return found


def _lacks_attacks(apcer: Mapping[str, Bounded], artefacts: Mapping[str, int], required: Requirements) -> list[Lack]:
    """The best-covered species have to be complete; one that gets in counts against the camera however many others."""
    found = []
    if len(apcer) < required.species:
        found.append(Lack(QualificationLack.SPECIES, required.species - len(apcer)))
    covered = sorted(
        apcer,
        key=lambda species: (
            -min(apcer[species].trials, required.presentations),
            -min(artefacts[species], required.artefacts),
            species,
        ),
    )
    for species in covered[: required.species]:
        if apcer[species].trials < required.presentations:
            found.append(Lack(QualificationLack.PRESENTATIONS, required.presentations - apcer[species].trials, species))
        if artefacts[species] < required.artefacts:
            found.append(Lack(QualificationLack.ARTEFACTS, required.artefacts - artefacts[species], species))
    for species, bounded in apcer.items():
        more = more_without_error(bounded.errors, bounded.trials, required.apcer_high)
        if bounded.errors and more:
            found.append(Lack(QualificationLack.APCER_BOUND, more, species))
    return found
