"""How far the log of a data folder bears out what the machine's clock says: what it has seen, entry by entry.

A clock that was set ahead writes entries of its own time, and they must not bear it out. So what was seen moves on only
in steps of at most `LEAP_S`; an entry beyond such a step counts for nothing, until the clock is right again or a person
has confirmed the date.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.codes import ClockStanding
from core.daily import DAY_S

LEAP_S = 14 * DAY_S
"""So long a silence is believed of a station (seconds): two weeks of holidays are, a month has to be confirmed."""
BEHIND_S = DAY_S
"""A clock that stands at most so far before what was seen (seconds) is late, and moves no term worth a word."""


def moved_on(borne_out_utc_s: float | None, seen_utc_s: float) -> float:
    """What is borne out after one more thing was seen. ``None``: it is the first, and nothing speaks against it."""
    if borne_out_utc_s is None:
        return seen_utc_s
    return max(borne_out_utc_s, seen_utc_s) if seen_utc_s <= borne_out_utc_s + LEAP_S else borne_out_utc_s


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The machine's clock beside the newest time that is borne out, both seconds since the epoch.

    ``borne_out_utc_s`` is ``None`` where nothing was ever seen.
    """

    now_utc_s: float
    borne_out_utc_s: float | None

    @property
    def standing(self) -> ClockStanding:
        """Whether a term may be counted by this clock."""
        if self.borne_out_utc_s is None:
            return ClockStanding.CREDIBLE
        if self.now_utc_s > self.borne_out_utc_s + LEAP_S:
            return ClockStanding.AHEAD
        return ClockStanding.BEHIND if self.now_utc_s < self.borne_out_utc_s - BEHIND_S else ClockStanding.CREDIBLE

    @property
    def days_apart(self) -> int:
        """Whole days between the two."""
        return int(abs(self.now_utc_s - (self.borne_out_utc_s or self.now_utc_s)) // DAY_S)
