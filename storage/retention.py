"""How long frames are kept, and what has to go when that is over; `storage.retention_run` erases it.

A term belongs to the purpose of a session and counts from its beginning. A consent that runs out ends its sessions too;
one that was withdrawn erases the whole person. A legal hold stops all of it. Without a term nothing goes by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.access import Permission
from core.codes import SessionPurpose
from core.errors import InputError
from storage.audit_key import read_chain_key
from storage.audit_rows import rows_of
from storage.catalogue import Catalogue
from storage.erasure.inventory import Target, TargetKind, replays, sessions_of

DAY_S = 86_400.0
SET_TERM = "set_retention"
"""Action of the audit entry, and of the proposal."""


class Ground(StrEnum):
    """Why frames have to go."""

    TERM = "term"
    CONSENT_ENDS = "consent_ends"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Expiry:
    """One thing that goes at a time. ``held``: the reason of the legal hold that stops it; empty where none does."""

    target: Target
    subject: str
    ground: Ground
    utc_s: float
    held: str = ""

    @property
    def by_clock(self) -> bool:
        """Whether it waits for a time to come: what was withdrawn waits for none."""
        return self.ground is not Ground.WITHDRAWN

    def due(self, now_utc_s: float) -> bool:
        """Whether its time has come, hold or not."""
        return not self.by_clock or self.utc_s <= now_utc_s


def terms(catalogue: Catalogue) -> dict[SessionPurpose, float]:
    """Days by purpose; a purpose without a term is kept until somebody erases it."""
    rows = catalogue.file.rows("SELECT purpose, days FROM retention ORDER BY purpose")
    return {SessionPurpose(row["purpose"]): float(row["days"]) for row in rows}


def terms_of_people(catalogue: Catalogue) -> dict[SessionPurpose, float]:
    """Those terms that somebody set who may: the newest entry of the audit log says so, and its HMAC bears it out.

    A row that was written by hand, or that came with a backup (which holds no key), is not among them.
    """
    key = read_chain_key(catalogue.folder.audit_key)
    if key is None:
        return {}
    newest = {row["object"]: row for row in rows_of(catalogue.file, SET_TERM, "purpose")}
    found = terms(catalogue)
    said = {name: json.loads(row["details"]).get("to") for name, row in newest.items() if key.wrote(row)}
    return {purpose: days for purpose, days in found.items() if said.get(str(purpose)) == days}


def set_term(catalogue: Catalogue, purpose: SessionPurpose, days: float | None, reason: str) -> None:
    """Keep frames of ``purpose`` for ``days``; ``None`` = until they are erased.

    Raises:
        DeniedError: whoever acts may not.
        ProposedError: a second person has to approve.
        InputError: no reason.
    """
    if not reason.strip():
        raise InputError("A change of retention needs a reason.", "Say in a few words why: --reason TEXT.")
    arguments = {"purpose": str(purpose), "days": days}
    catalogue.proposals.authorize(Permission.RETENTION, SET_TERM, arguments, reason)
    before = terms(catalogue).get(purpose)
    with catalogue.transaction():
        catalogue.file.change("DELETE FROM retention WHERE purpose = ?", (str(purpose),))
        if days is not None:
            catalogue.file.insert("retention", {"purpose": str(purpose), "days": days})
        details = {"from": before, "to": days}
        actor = catalogue.actor.id
        catalogue.audit.append(SET_TERM, "purpose", str(purpose), actor=actor, reason=reason, details=details)


def hold(catalogue: Catalogue, subject: str, reason: str) -> str:
    """Set a legal hold on a subject; returns its id. Raises `DeniedError`, `InputError`."""
    catalogue.require(Permission.RETENTION)
    return catalogue.holds.add(subject, reason, catalogue.actor.id)


def release(catalogue: Catalogue, subject: str, reason: str) -> int:
    """End the legal holds on a subject; returns how many. Raises `DeniedError`, `ProposedError`, `InputError`."""
    catalogue.proposals.authorize(Permission.RETENTION, "release_hold", {"subject": subject}, reason)
    return catalogue.holds.release(subject, reason, catalogue.actor.id)


def expiries(
    catalogue: Catalogue, days: Mapping[SessionPurpose, float] | None = None, of: Target | None = None
) -> list[Expiry]:
    """Everything that will go one day, as things stand now, the soonest first.

    ``days``: the terms to go by (default: all that stand). ``of``: only what this target comes to.
    """
    sql = """
        SELECT s.id, s.subject, s.purpose, s.created_utc_s, s.state, c.term_end_utc_s, c.withdrawn_utc_s
        FROM sessions AS s LEFT JOIN consents AS c ON c.id = s.consent WHERE s.mode = 'frames' AND s.state <> 'open'
            AND (?1 = '' OR (?1 = 'session' AND s.id = ?2) OR (?1 = 'subject' AND s.subject = ?2))
    """
    days = terms(catalogue) if days is None else days
    found: dict[Target, Expiry] = {}
    for row in catalogue.file.rows(sql, (str(of.kind), of.id) if of else ("", "")):
        if not catalogue.frames_path(row["id"]).is_file():
            continue
        expiry = _expiry(row, row["subject"] or "", days.get(SessionPurpose(row["purpose"])))
        if expiry is not None and (expiry.target not in found or expiry.utc_s < found[expiry.target].utc_s):
            found[expiry.target] = expiry
    ordered = sorted(found.values(), key=lambda expiry: (expiry.utc_s, expiry.target.id))
    if catalogue.holds.standing():
        known = replays(catalogue)
        return [replace(expiry, held=_held(catalogue, expiry.target, known)) for expiry in ordered]
    return ordered


def _held(catalogue: Catalogue, target: Target, known: str) -> str:
    """Reason of the hold that an erasure of ``target`` would meet: also one on somebody else who is shown there."""
    reached = [target, *(Target(TargetKind.SESSION, row["id"]) for row in sessions_of(catalogue, target, known))]
    reasons = (catalogue.holds.reason_on(one.kind, one.id) for one in reached)
    return next((found[1] for found in reasons if found is not None), "")


def _expiry(row: dict[str, Any], subject: str, days: float | None) -> Expiry | None:
    if row["withdrawn_utc_s"] is not None and subject:
        target = Target(TargetKind.SUBJECT, subject)
        return Expiry(target, subject, Ground.WITHDRAWN, row["withdrawn_utc_s"])
    ends = [(row["term_end_utc_s"], Ground.CONSENT_ENDS)]
    if days is not None:
        ends.append((row["created_utc_s"] + days * DAY_S, Ground.TERM))
    known = [(utc_s, ground) for utc_s, ground in ends if utc_s is not None]
    if not known:
        return None
    utc_s, ground = min(known)
    return Expiry(Target(TargetKind.SESSION, row["id"]), subject, ground, utc_s)
