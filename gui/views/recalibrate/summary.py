"""What the chosen sessions amount to, and what is missing for a conclusive gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.adaptation.settings import GateSettings
from gui.i18n import codes, tr, tr_count
from gui.views.recalibrate.reading import Material


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts over the chosen sessions."""

    sessions: int
    subjects: int
    bona_fide: int
    attacks: dict[str, int]
    unlabelled: int


def balance_of(chosen: Sequence[Material]) -> Balance:
    """Add them up."""
    labels: Counter[str | None] = Counter()
    subjects: set[str] = set()
    for material in chosen:
        labels.update(material.labels)
        subjects |= material.subjects
    attacks = {species: n for species, n in sorted(labels.items(), key=str) if species}
    return Balance(len(chosen), len(subjects), labels[""], attacks, labels[None])


def sentences(balance: Balance) -> list[str]:
    """What is there, in words."""
    attacks = sum(balance.attacks.values())
    lines = [
        tr_count(balance.sessions, "{n} session chosen", "{n} sessions chosen"),
        tr_count(balance.subjects, "{n} subject", "{n} subjects"),
        tr_count(balance.bona_fide, "{n} bona fide presentation", "{n} bona fide presentations"),
        tr_count(attacks, "{n} attack presentation", "{n} attack presentations"),
    ]
    lines += [f"    {codes.species(species)}: {n}" for species, n in balance.attacks.items()]
    if balance.unlabelled:
        lines.append(tr_count(balance.unlabelled, "{n} presentation has no label", "{n} presentations have no label"))
    return lines


def missing(balance: Balance) -> list[str]:
    """What a conclusive gate would still need. Half of the subjects judge (the plan's split), the rest train."""
    wanted = GateSettings().min_subjects * 2
    lines = []
    if balance.subjects < wanted:
        lines.append(
            tr(
                "{n} more subjects: with {wanted} in all, half of them can judge",
                n=wanted - balance.subjects,
                wanted=wanted,
            )
        )
    if not balance.bona_fide:
        lines.append(tr("bona fide presentations"))
    if not balance.attacks:
        lines.append(tr("attacks of the site: without them only hybrids and simulated attacks judge"))
    return lines
