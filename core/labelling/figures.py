"""How far two people's labels agree, and whose labels the second look did not bear out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from core.codes import Species
from core.labelling.blind import BlindLabel, Labels, Standing, bona_fide
from core.metrics.rate import Rate, rate_of


class SecondLabels(BaseModel):
    """Agreement over a set of labelled presentations.

    ``twice``: those that somebody else labelled blind; in ``differed`` of them the class was another one; ``contested``
    are so still. ``kappa`` is Cohen's, of first and second label over the ``twice``; ``None`` where chance alone would
    agree fully, as where both saw one class only. ``other_species``: both named an attack, and two different species.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labelled: int
    twice: int
    differed: int
    contested: int
    other_species: int = 0
    kappa: float | None = None


class LabellerFigures(BaseModel):
    """One person's labels as others saw them.

    ``flipped``: how often the second label named the other class, of those labelled twice (Clopper-Pearson bounds);
    ``None`` where none was. ``overruled``: how many of these were found wrong since, by others or by the person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labeller: str
    labelled: int
    twice: int
    flipped: Rate | None
    overruled: int


def agreement(labels: Iterable[Labels]) -> SecondLabels:
    """The figures of `SecondLabels` over labelled presentations."""
    found = list(labels)
    pairs = [one.blind[0] for one in found if one.blind]
    return SecondLabels(
        labelled=len(found),
        twice=len(pairs),
        differed=sum(pair.differs for pair in pairs),
        contested=sum(one.standing is Standing.CONTESTED for one in found),
        other_species=sum(_other_species(pair) for pair in pairs),
        kappa=cohen_kappa([(bona_fide(pair.first), bona_fide(pair.species)) for pair in pairs]),
    )


def by_labeller(labels: Iterable[Labels]) -> list[LabellerFigures]:
    """One entry for everybody who gave a first label, by name. A first label belongs to whoever had given it then."""
    given: Counter[str] = Counter()
    seen: dict[str, list[Labels]] = defaultdict(list)
    for one in labels:
        first_by = one.blind[0].first_by if one.blind else one.by
        given[first_by] += 1
        if one.blind:
            seen[first_by].append(one)
    return [
        LabellerFigures(
            labeller=name,
            labelled=given[name],
            twice=len(seen[name]),
            flipped=rate_of([one.blind[0].differs for one in seen[name]]),
            overruled=sum(_overruled(one) for one in seen[name]),
        )
        for name in sorted(given)
    ]


def cohen_kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa (1960) of two raters and two classes; ``None`` without pairs, or where chance agrees fully."""
    if not pairs:
        return None
    n = len(pairs)
    observed = sum(first is second for first, second in pairs) / n
    one, other = (sum(pair[rater] for pair in pairs) / n for rater in (0, 1))
    chance = one * other + (1.0 - one) * (1.0 - other)
    return None if chance >= 1.0 else (observed - chance) / (1.0 - chance)


def _other_species(pair: BlindLabel) -> bool:
    named = {pair.first, pair.species}
    return not pair.differs and len(named) == 2 and Species.UNKNOWN not in named


def _overruled(one: Labels) -> bool:
    return one.standing is Standing.AGREED and bona_fide(one.species) is not bona_fide(one.blind[0].first)
