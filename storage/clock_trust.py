"""Whether terms may be counted by the machine's clock: the audit log says what times this data folder has seen.

Every verdict, session and log-in of a station has its entry. Those that the folder's key wrote are walked in their
order (`core.borne_out`), beginning at the newest that says itself how far that had come: a run of retention, or a
person's word that the date is right. Entries from before the chain (of a restored backup) make a clock less credible,
never more.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from core.access import Permission
from core.borne_out import ClockReading, moved_on
from core.codes import ClockStanding
from core.daily import DAY_S
from core.errors import InputError, sentence
from storage.audit_key import ChainKey, read_chain_key
from storage.audit_rows import rows_after, rows_of
from storage.catalogue import Catalogue
from storage.repositories.proposals import TERM_S

RUN = "run_retention"
"""Action of the audit entry of a run of retention by the station itself."""
CONFIRM = "confirm_date"
"""Action of the audit entry of a confirmation, and of the proposal."""
BORNE_OUT = "borne_out_utc_s"
"""In the details of both: what was borne out when they were written."""
_BEARERS = ((RUN, "retention"), (CONFIRM, "clock"))


def read_clock(catalogue: Catalogue) -> ClockReading:
    """The machine's clock, and how far the audit log bears it out."""
    return ClockReading(catalogue.clock.utc_s(), _borne_out(catalogue))


def confirm_date(catalogue: Catalogue, day: date, reason: str) -> None:
    """A person says that the machine's clock is right: on ``day`` (its date, a week old at most) it was.

    Raises:
        DeniedError: whoever acts may not.
        ProposedError: a second person has to approve.
        InputError: no reason, the clock is in no doubt, or it says another day: then it has to be set, not confirmed.
    """
    catalogue.require(Permission.RETENTION)
    if not reason.strip():
        raise InputError(sentence("A date is confirmed only with a reason."), sentence("Say in a few words why."))
    clock = read_clock(catalogue)
    if clock.standing is ClockStanding.CREDIBLE:
        raise InputError(sentence("The machine's clock is in no doubt: there is nothing to confirm."))
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    if not begins - DAY_S <= clock.now_utc_s <= begins + 2 * DAY_S + TERM_S:
        there = datetime.fromtimestamp(clock.now_utc_s, UTC).date()
        raise InputError(
            sentence("The machine's clock says {there}, and you say {day}.", there=there, day=day),
            sentence("Set the clock; if the date is then still in doubt, confirm it."),
        )
    catalogue.proposals.authorize(Permission.RETENTION, CONFIRM, {"day": day.isoformat()}, reason)
    details = {
        BORNE_OUT: min(clock.now_utc_s, begins + DAY_S),
        "before_utc_s": clock.borne_out_utc_s,
        "clock": str(clock.standing),
    }
    catalogue.audit.append(CONFIRM, "clock", day.isoformat(), actor=catalogue.actor.id, reason=reason, details=details)


def _borne_out(catalogue: Catalogue) -> float | None:
    key = read_chain_key(catalogue.folder.audit_key)
    place, found = _bearer(catalogue, key)
    began = place > 0
    for row in rows_after(catalogue.file, place):
        ours, utc_s = key is not None and row["chain"] == key.id, row["utc_s"]
        counts = key.wrote(row) if key is not None and ours else not began and isinstance(utc_s, int | float)
        if counts:
            moved = moved_on(found, utc_s)
            # At the first entry of the chain: what stood there before may hold the clock back, not bear it out.
            found = min(moved, utc_s) if ours and not began else moved
        began = began or ours
    return found


def _bearer(catalogue: Catalogue, key: ChainKey | None) -> tuple[int, float | None]:
    """Number and word of the newest entry that says itself what was borne out; (0, None): there is none."""
    rows = [row for action, kind in _BEARERS for row in rows_of(catalogue.file, action, kind)]
    for row in sorted(rows, key=lambda row: int(row["id"]), reverse=True):
        if key is not None and key.wrote(row):
            told = json.loads(row["details"]).get(BORNE_OUT)
            if told is not None:
                return row["id"], float(told)
    return 0, None
