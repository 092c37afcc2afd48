"""How long frames are kept, and what goes when that is over: by the same way as an erasure that somebody asked for.

A term belongs to the purpose of a session and counts from its beginning. A consent that runs out ends its sessions too;
one that was withdrawn erases the whole person. A legal hold stops all of it. Without a term nothing goes by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.access import Permission
from core.codes import ErasureStep, SessionPurpose
from core.errors import InputError, KnownError
from storage.catalogue import Catalogue
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import Progress, erase

_DAY_S = 86_400.0


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


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run met. ``erased`` holds the certificates, ``failed`` what could not be done and why."""

    due: tuple[Expiry, ...]
    following: Expiry | None
    erased: tuple[dict[str, Any], ...]
    failed: tuple[tuple[str, str], ...]


def terms(catalogue: Catalogue) -> dict[SessionPurpose, float]:
    """Days by purpose; a purpose without a term is kept until somebody erases it."""
    rows = catalogue.file.rows("SELECT purpose, days FROM retention ORDER BY purpose")
    return {SessionPurpose(row["purpose"]): float(row["days"]) for row in rows}


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
    catalogue.proposals.authorize(Permission.RETENTION, "set_retention", arguments, reason)
    before = terms(catalogue).get(purpose)
    with catalogue.transaction():
        catalogue.file.change("DELETE FROM retention WHERE purpose = ?", (str(purpose),))
        if days is not None:
            catalogue.file.insert("retention", {"purpose": str(purpose), "days": days})
        details = {"from": before, "to": days}
        actor = catalogue.actor.id
        catalogue.audit.append("set_retention", "purpose", str(purpose), actor=actor, reason=reason, details=details)


def hold(catalogue: Catalogue, subject: str, reason: str) -> str:
    """Set a legal hold on a subject; returns its id. Raises `DeniedError`, `InputError`."""
    catalogue.require(Permission.RETENTION)
    return catalogue.holds.add(subject, reason, catalogue.actor.id)


def release(catalogue: Catalogue, subject: str, reason: str) -> int:
    """End the legal holds on a subject; returns how many. Raises `DeniedError`, `ProposedError`, `InputError`."""
    catalogue.proposals.authorize(Permission.RETENTION, "release_hold", {"subject": subject}, reason)
    return catalogue.holds.release(subject, reason, catalogue.actor.id)


def expiries(catalogue: Catalogue) -> list[Expiry]:
    """Everything that will go one day, as things stand now, the soonest first."""
    sql = """
        SELECT s.id, s.subject, s.purpose, s.created_utc_s, s.state, c.term_end_utc_s, c.withdrawn_utc_s
        FROM sessions AS s LEFT JOIN consents AS c ON c.id = s.consent WHERE s.mode = 'frames' AND s.state <> 'open'
    """
    days, held = terms(catalogue), {found.subject: found.reason for found in catalogue.holds.standing()}
    found: dict[Target, Expiry] = {}
    for row in catalogue.file.rows(sql):
        if not catalogue.frames_path(row["id"]).is_file():
            continue
        subject = row["subject"] or ""
        expiry = _expiry(row, subject, days.get(SessionPurpose(row["purpose"])), held.get(subject, ""))
        if expiry is not None and (expiry.target not in found or expiry.utc_s < found[expiry.target].utc_s):
            found[expiry.target] = expiry
    return sorted(found.values(), key=lambda expiry: (expiry.utc_s, expiry.target.id))


def run_retention(catalogue: Catalogue, *, dry_run: bool = False, progress: Progress | None = None) -> RetentionReport:
    """Erase what is due, each by a job of its own with its certificate; ``dry_run`` only tells.

    Raises:
        DeniedError: whoever acts may not.
    """
    catalogue.require(Permission.RETENTION)
    now, all_of_it = catalogue.clock.utc_s(), expiries(catalogue)
    due = tuple(expiry for expiry in all_of_it if expiry.utc_s <= now)
    following = next((expiry for expiry in all_of_it if expiry.utc_s > now and not expiry.held), None)
    erased: list[dict[str, Any]] = []
    failed: list[tuple[str, str]] = []
    gone: set[str] = set()
    for expiry in () if dry_run else due:
        if expiry.held or expiry.subject in gone:
            continue
        try:
            with catalogue.granted(Permission.RETENTION):
                erased.append(erase(catalogue, expiry.target, f"retention: {expiry.ground}", progress or _silent))
        except KnownError as error:
            failed.append((expiry.target.id, str(error)))
        else:
            if expiry.target.kind is TargetKind.SUBJECT:
                gone.add(expiry.subject)
    return RetentionReport(due, following, tuple(erased), tuple(failed))


def _silent(step: ErasureStep, done: int, total: int) -> None:
    """Nobody watches."""


def _expiry(row: dict[str, Any], subject: str, days: float | None, held: str) -> Expiry | None:
    if row["withdrawn_utc_s"] is not None and subject:
        target = Target(TargetKind.SUBJECT, subject)
        return Expiry(target, subject, Ground.WITHDRAWN, row["withdrawn_utc_s"], held)
    ends = [(row["term_end_utc_s"], Ground.CONSENT_ENDS)]
    if days is not None:
        ends.append((row["created_utc_s"] + days * _DAY_S, Ground.TERM))
    known = [(utc_s, ground) for utc_s, ground in ends if utc_s is not None]
    if not known:
        return None
    utc_s, ground = min(known)
    return Expiry(Target(TargetKind.SESSION, row["id"]), subject, ground, utc_s, held)
