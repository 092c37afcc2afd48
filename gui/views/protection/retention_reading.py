"""What the dialog of retention shows, read in one go on the background thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.access import Permission
from core.codes import SessionPurpose
from storage.catalogue import Catalogue
from storage.repositories.audit import AuditFilter
from storage.repositories.holds import Hold
from storage.repositories.subjects import ERASED
from storage.retention import Expiry, expiries, terms, terms_of_people
from storage.retention_run import RUN

SHOWN = 200
"""So many of what is due, and of what goes next, are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class RetentionView:
    """Terms, holds, and the dry run as things stood at ``now_utc_s``.

    ``trusted``: the terms that the station itself goes by. ``due``: also what a legal hold stops. ``last``: when the
    station last ran by itself, and what that came to. ``second``: a change of a term needs a second person.
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

    @property
    def ready(self) -> int:
        """How much of what is due no hold stops."""
        return sum(not expiry.held for expiry in self.due)


def read_retention(catalogue: Catalogue) -> RetentionView:
    """Read it. Raises `DeniedError`: whoever acts may not."""
    catalogue.require(Permission.RETENTION)
    now, all_of_it = catalogue.clock.utc_s(), expiries(catalogue)
    runs = catalogue.audit.entries(limit=1, filters=AuditFilter(action=RUN, object_kind="retention"))
    return RetentionView(
        now_utc_s=now,
        terms=terms(catalogue),
        trusted=terms_of_people(catalogue),
        holds=tuple(catalogue.holds.standing()),
        people=tuple(subject.id for subject in catalogue.subjects.all() if subject.state != ERASED),
        due=tuple(expiry for expiry in all_of_it if expiry.utc_s <= now),
        later=tuple(expiry for expiry in all_of_it if expiry.utc_s > now),
        last=(runs[0].utc_s, runs[0].details) if runs else None,
        second=catalogue.proposals.needed(Permission.RETENTION),
    )
