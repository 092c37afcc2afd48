"""What a run of retention met, and what of it a machine's clock in doubt stops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.borne_out import ClockReading
from core.codes import ClockStanding
from core.errors import sentence
from storage.retention import Expiry

BY_CLOCK = "what waits for its time"
"""Stands in ``failed`` of a report for everything that a clock in doubt stops."""
SET_AHEAD = sentence(
    "The machine's clock stands too far ahead of what this data folder bears out: nothing goes by its term. "
    "Set the clock, or confirm the date: `main.py retention --confirm-date YYYY-MM-DD --reason TEXT`."
)
SET_BACK = sentence(
    "The machine's clock stands before a time that this data folder has seen: what was due then waits. "
    "Set the clock, or confirm the date: `main.py retention --confirm-date YYYY-MM-DD --reason TEXT`."
)


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run met. ``erased`` holds the certificates, ``failed`` what could not be done and why.

    ``clock``: by what clock it was due; ``None`` where the station has no term to go by.
    """

    due: tuple[Expiry, ...]
    following: Expiry | None
    erased: tuple[dict[str, Any], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    clock: ClockReading | None = None

    @property
    def ready(self) -> tuple[Expiry, ...]:
        """What of it goes now: neither a hold nor a clock in doubt stops it."""
        return tuple(expiry for expiry in self.due if not expiry.held and not stopped(expiry, self.clock))


def stopped(expiry: Expiry, clock: ClockReading | None) -> bool:
    """Whether the clock's doubt stops it: a clock that was set ahead makes everything due, and erasing is for good."""
    return expiry.by_clock and clock is not None and clock.standing is ClockStanding.AHEAD


def doubt_of(expiries_of_all: Iterable[Expiry], clock: ClockReading) -> str:
    """Why something does not go that would, were the clock in no doubt; empty where nothing is concerned."""
    waiting = [expiry for expiry in expiries_of_all if expiry.by_clock and not expiry.held]
    if clock.standing is ClockStanding.AHEAD and any(expiry.due(clock.now_utc_s) for expiry in waiting):
        return SET_AHEAD
    seen_utc_s = clock.borne_out_utc_s or clock.now_utc_s
    late = any(expiry.due(seen_utc_s) and not expiry.due(clock.now_utc_s) for expiry in waiting)
    return SET_BACK if clock.standing is ClockStanding.BEHIND and late else ""
