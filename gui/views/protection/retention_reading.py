"""What the dialog of retention shows, read in one go on the background thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.access import Permission
from core.borne_out import ClockReading
from core.codes import SessionPurpose
from storage.catalogue import Catalogue
from storage.clock_trust import RUN, read_clock
from storage.replay_sources import without_source
from storage.repositories.audit import AuditFilter
from storage.repositories.holds import Hold
from storage.repositories.subjects import ERASED
from storage.retention import Expiry, expiries, terms, terms_of_people
from storage.retention_report import doubt_of, stopped

SHOWN = 200
"""So many of what is due, and of what goes next, are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class RetentionView:
    """Terms, holds, and the dry run as things stood at ``now_utc_s``.

    ``trusted``: the terms that the station itself goes by. ``due``: also what a legal hold stops. ``last``: when the
    station last ran by itself, and what that came to. ``second``: a change of a term needs a second person. ``doubt``:
    why something does not go that is due by the machine's clock, or by what was seen; empty = nothing waits.
    ``unknown``: stored replays that do not say what they replay.
    """

    now_utc_s: float
    terms: Mapping[SessionPurpose, float]
    trusted: Mapping[SessionPurpose, float]
    holds: tuple[Hold, ...]
    people: tuple[str, ...]
    due: tuple[Expiry, ...]
    later: tuple[Expiry, ...]
    last: tuple[float, Mapping[str, Any]] | None
    second: bool
    clock: ClockReading
    doubt: str
    unknown: tuple[str, ...]

    @property
    def ready(self) -> int:
        """How much of what is due goes now."""
        return sum(not expiry.held and not stopped(expiry, self.clock) for expiry in self.due)

    @property
    def held(self) -> int:
        """How much of it a legal hold stops."""
        return sum(bool(expiry.held) for expiry in self.due)


def read_retention(catalogue: Catalogue) -> RetentionView:
    """Read it. Raises `DeniedError`: whoever acts may not."""
    catalogue.require(Permission.RETENTION)
    clock, all_of_it = read_clock(catalogue), expiries(catalogue)
    now = clock.now_utc_s
    runs = catalogue.audit.entries(limit=1, filters=AuditFilter(action=RUN, object_kind="retention"))
    return RetentionView(
        now_utc_s=now,
        terms=terms(catalogue),
        trusted=terms_of_people(catalogue),
        holds=tuple(catalogue.holds.standing()),
        people=tuple(subject.id for subject in catalogue.subjects.all() if subject.state != ERASED),
        due=tuple(expiry for expiry in all_of_it if expiry.due(now)),
        later=tuple(expiry for expiry in all_of_it if not expiry.due(now)),
        last=(runs[0].utc_s, runs[0].details) if runs else None,
        second=catalogue.proposals.needed(Permission.RETENTION),
        clock=clock,
        doubt=doubt_of(all_of_it, clock),
        unknown=tuple(without_source(catalogue)),
    )
