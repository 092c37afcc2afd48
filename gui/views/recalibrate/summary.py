"""What the chosen sessions amount to, and what is missing for a conclusive gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.adaptation.power_report import PowerReport
from core.adaptation.settings import GateSettings
from gui.i18n import codes, tr, tr_count
from gui.views.recalibrate.power_words import more_line
from gui.views.recalibrate.reading import Material


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts over the chosen sessions."""

    sessions: int
    subjects: int
    genuine: int
    """Subjects with bona fide presentations: only they can judge."""
    bona_fide: int
    attacks: dict[str, int]
    unlabelled: int


def balance_of(chosen: Sequence[Material]) -> Balance:
    """Add them up."""
    labels: Counter[str | None] = Counter()
    subjects: set[str] = set()
    genuine: set[str] = set()
    for material in chosen:
        labels.update(material.labels)
        subjects |= material.subjects
        genuine |= material.genuine
    attacks = {species: n for species, n in sorted(labels.items(), key=str) if species}
    return Balance(len(chosen), len(subjects), len(genuine), labels[""], attacks, labels[None])


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


def missing(balance: Balance, power: PowerReport | None = None) -> list[str]:
    """What a conclusive gate would still need. Half of the subjects judge (the plan's split), the rest train.

    ``power``: what the gate said of these sessions, where it has been asked; it knows better than the counts how many
    people are missing.
    """
    wanted = GateSettings().min_subjects * 2
    lines = []
    if power is not None and not power.enough:
        lines.append(more_line(power))
    elif balance.genuine < wanted:
        lines.append(
            tr(
                "{n} more subjects with bona fide presentations: with {wanted} in all, half of them can judge",
                n=wanted - balance.genuine,
                wanted=wanted,
            )
        )
    if not balance.bona_fide:
        lines.append(tr("bona fide presentations"))
    if not balance.attacks:
        lines.append(tr("attacks of the site: without them only hybrids and simulated attacks judge"))
    return lines


def missing_words(balance: Balance, power: PowerReport | None) -> str:
    """The same as a list to read; that nothing is missing is said only by the gate."""
    if lines := missing(balance, power):
        return "\n".join(f"• {line}" for line in lines)
    return tr("Not known before the gate has been asked.") if power is None else tr("Nothing.")
