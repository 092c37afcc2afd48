"""How far the site's evidence has moved since the champion began here: its first verdicts against its newest."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Permission
from core.adaptation.shift import Shift, shifts
from core.codes import ModelRole, SourceKind
from storage.catalogue import Catalogue
from storage.repositories.verdict_scores import ScoredVerdict, VerdictScores, by_modality

SPAN = 300
"""Verdicts in each span, at most: then chance alone moves the index by half of its lower limit."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some verdicts, from the first to the last."""

    verdicts: int
    from_utc_s: float
    to_utc_s: float


@dataclass(frozen=True, slots=True)
class SiteShift:
    """``kind`` is what the verdicts came from; the spans are ``None`` where the champion has not decided yet."""

    kind: SourceKind | None = None
    before: Span | None = None
    now: Span | None = None
    shifts: tuple[Shift, ...] = ()


def read_shift(catalogue: Catalogue) -> SiteShift:
    """Compare the spans; they share no verdict, so each has half of what there is while that is little.

    A model that returns goes on where it stood: only its own verdicts are compared, because another model's scores mean
    something else.

    Raises:
        DeniedError: whoever acts may not look at verdicts.
    """
    catalogue.require(Permission.REVIEW)
    stored, champion = VerdictScores(catalogue.file), catalogue.models.alias(ModelRole.CHAMPION)
    kind = stored.kind(champion)
    if kind is None:
        return SiteShift()
    first, newest = stored.first(champion, kind, SPAN), stored.newest(champion, kind, SPAN)
    if first and newest[0].id <= first[-1].id:
        every = list({one.id: one for one in (*first, *newest)}.values())
        first, newest = every[: len(every) // 2], every[len(every) // 2 :]
    found = tuple(shifts(by_modality(first), by_modality(newest)))
    return SiteShift(kind, _span(first), _span(newest), found)


def _span(verdicts: list[ScoredVerdict]) -> Span | None:
    if not verdicts:
        return None
    return Span(len(verdicts), verdicts[0].utc_s, verdicts[-1].utc_s)
