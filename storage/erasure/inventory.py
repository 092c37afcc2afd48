"""What an erasure meets: found once, before anything is destroyed, and kept with the job.

It names what goes, what stays behind without measurements, and what left the station before and is out of reach.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.errors import InputError, sentence
from storage.catalogue import Catalogue
from storage.database import Row
from storage.repositories.sessions import REPLAY_OF


class TargetKind(StrEnum):
    """What is erased: all of a person, or one session whose term is over."""

    SUBJECT = "subject"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Target:
    """One subject or one session, by id."""

    kind: TargetKind
    id: str


@dataclass(frozen=True, slots=True)
class ErasedSession:
    """A session whose frames go. ``plain``: it was stored before encryption, so no key can be destroyed for it."""

    id: str
    frame_sets: int
    nbytes: int
    plain: bool


@dataclass(frozen=True, slots=True)
class ForeignTake:
    """A presentation of the subject within the session of somebody else: its frame sets go, the rest stays."""

    presentation: str
    session: str
    first_set: int
    last_set: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Something that left the station: ``what`` is ``export``, ``backup`` or ``keys``."""

    what: str
    where: str
    utc_s: float


@dataclass(frozen=True, slots=True)
class Inventory:
    """All of it. ``others``: presentations of other people in these sessions, which go with them."""

    sessions: tuple[ErasedSession, ...]
    foreign: tuple[ForeignTake, ...]
    presentations: tuple[str, ...]
    verdicts: int
    others: int
    keys: tuple[str, ...]
    jobs: tuple[str, ...]
    models: tuple[str, ...]
    copies: tuple[Copy, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, form: dict[str, Any]) -> Inventory:
        """Inverse of `to_json`."""
        return cls(
            sessions=tuple(ErasedSession(**one) for one in form["sessions"]),
            foreign=tuple(ForeignTake(**one) for one in form["foreign"]),
            presentations=tuple(form["presentations"]),
            verdicts=form["verdicts"],
            others=form["others"],
            keys=tuple(form["keys"]),
            jobs=tuple(form["jobs"]),
            models=tuple(form["models"]),
            copies=tuple(Copy(**one) for one in form["copies"]),
        )


def take_inventory(catalogue: Catalogue, target: Target) -> Inventory:
    """Look up what an erasure of ``target`` would meet; nothing is changed.

    Raises:
        InputError: there is no such subject or session.
    """
    if target.kind is TargetKind.SUBJECT:
        catalogue.subjects.get(target.id)
    else:
        catalogue.sessions.get(target.id)
    rows = sessions_of(catalogue, target)
    sessions = [row["id"] for row in rows]
    own, others = _presentations(catalogue, target, sessions)
    foreign = [take for take in foreign_takes(catalogue, target) if take.session not in sessions]
    gone = [*own, *(take.presentation for take in foreign)]
    jobs = jobs_of(catalogue, target, gone)
    return Inventory(
        sessions=tuple(_session(catalogue, row) for row in rows),
        foreign=tuple(foreign),
        presentations=tuple(gone),
        verdicts=_verdicts(catalogue, sessions, gone),
        others=others,
        keys=tuple(_keys(catalogue, target, rows)),
        jobs=tuple(jobs),
        models=tuple(models_of(catalogue, jobs)),
        copies=tuple(_copies(catalogue, sorted({*sessions, *(take.session for take in foreign)}))),
    )


def replays(catalogue: Catalogue) -> str:
    """Which session replays which, as pairs of their ids (JSON): every session is read for that."""
    sql = """
        SELECT s.id, iif(j.key = ?1, j.value, substr(j.value, 9)) AS source
            FROM sessions AS s, json_each(s.settings) AS j WHERE j.key = ?1 OR j.value LIKE 'session:%'
        UNION SELECT s.id, substr(j.value, 9) FROM sessions AS s, json_each(s.device) AS j
            WHERE j.value LIKE 'session:%'
    """
    return json.dumps([(row["id"], row["source"]) for row in catalogue.file.rows(sql, (REPLAY_OF,))])


def sessions_of(catalogue: Catalogue, target: Target, known: str = "") -> list[Row]:
    """Those of the target, and every replay of them or of a session in which the subject was shown.

    Whom a frame of a replay shows is not known there, so all of it goes. ``known``: the `replays`, for whoever asks
    about many targets.
    """
    sql = """
        WITH RECURSIVE replays (id, source) AS (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?3)
        ), own (id) AS (
            SELECT id FROM sessions WHERE ?1 = 'subject' AND subject = ?2
            UNION SELECT id FROM sessions WHERE ?1 = 'session' AND id = ?2
            UNION SELECT r.id FROM replays AS r JOIN presentations AS p ON p.session = r.source
                WHERE ?1 = 'subject' AND p.subject = ?2
            UNION SELECT r.id FROM replays AS r JOIN own ON r.source = own.id
        )
        SELECT * FROM sessions WHERE id IN (SELECT id FROM own) ORDER BY created_utc_s, id
    """
    return catalogue.file.rows(sql, (str(target.kind), target.id, known or replays(catalogue)))


def _session(catalogue: Catalogue, row: Row) -> ErasedSession:
    path = catalogue.frames_path(row["id"])
    size = path.stat().st_size if path.is_file() else 0
    return ErasedSession(row["id"], row["recorded"], size, bool(size) and row["key"] is None)


def _presentations(catalogue: Catalogue, target: Target, sessions: list[str]) -> tuple[list[str], int]:
    """Those in the sessions, and how many of them show somebody else."""
    found = [p for session in sessions for p in catalogue.presentations.of_session(session)]
    others = [p for p in found if target.kind is TargetKind.SUBJECT and p.subject not in ("", target.id)]
    return [p.id for p in found], len(others)


def foreign_takes(catalogue: Catalogue, target: Target) -> list[ForeignTake]:
    """Presentations of the subject within sessions of others."""
    if target.kind is not TargetKind.SUBJECT:
        return []
    sql = """
        SELECT p.id, p.session, p.first_set, p.last_set FROM presentations AS p JOIN sessions AS s ON s.id = p.session
        WHERE p.subject = ? AND s.subject IS NOT p.subject ORDER BY p.id
    """
    return [
        ForeignTake(row["id"], row["session"], row["first_set"], row["last_set"])
        for row in catalogue.file.rows(sql, (target.id,))
    ]


def _verdicts(catalogue: Catalogue, sessions: list[str], presentations: list[str]) -> int:
    sql = """
        SELECT count(*) FROM verdicts WHERE session IN (SELECT value FROM json_each(?))
            OR presentation IN (SELECT value FROM json_each(?))
    """
    return int(catalogue.file.value(sql, (json.dumps(sessions), json.dumps(presentations))))


def _keys(catalogue: Catalogue, target: Target, rows: list[Row]) -> list[str]:
    of_sessions = [row["key"] for row in rows if row["key"] is not None]
    if target.kind is TargetKind.SESSION:
        return of_sessions
    sql = """
        SELECT id FROM keys WHERE destroyed_utc_s IS NULL AND (subject = ? OR id IN (SELECT value FROM json_each(?)))
        ORDER BY id
    """
    return [row["id"] for row in catalogue.file.rows(sql, (target.id, json.dumps(of_sessions)))]


def jobs_of(catalogue: Catalogue, target: Target, presentations: Collection[str]) -> list[str]:
    """Adaptation jobs whose plan learns from one of the presentations, or of the subject, or judges by them.

    With a label or without: a pass learns from both.
    """
    found, gone = [], set(presentations)
    for job in catalogue.jobs.all():
        try:
            plan = json.loads(job.plan)
            planned = [*plan.get("presentations", []), *plan.get("pseudo_labelled", [])]
        except (ValueError, AttributeError):
            continue
        if any(p["id"] in gone or p["subject"] == target.id for p in planned):
            found.append(job.id)
    return found


def models_of(catalogue: Catalogue, jobs: Collection[str]) -> list[str]:
    """Models that came of these jobs, and all that descend from them."""
    found: list[str] = []
    models = catalogue.models.all()
    ripe = {model.sha256 for model in models if model.job in jobs}
    while ripe:
        found += sorted(ripe)
        ripe = {model.sha256 for model in models if model.parent in ripe and model.sha256 not in found}
    return found


def _copies(catalogue: Catalogue, sessions: list[str]) -> list[Copy]:
    """What left the station of these sessions, and all that did since the first of them began."""
    given = (json.dumps(sessions),)
    sql = "SELECT folder, utc_s FROM exports WHERE session IN (SELECT value FROM json_each(?)) ORDER BY id"
    exports = [Copy("export", row["folder"], row["utc_s"]) for row in catalogue.file.rows(sql, given)]
    begun = "SELECT min(created_utc_s) FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
    since = catalogue.file.value(begun, given)
    if since is None:
        return exports
    sql = "SELECT utc_s FROM audit WHERE action = ? AND utc_s >= ? ORDER BY id"
    backups = [Copy("backup", "", row["utc_s"]) for row in catalogue.file.rows(sql, ("back_up", since))]
    keys = [Copy("keys", "", row["utc_s"]) for row in catalogue.file.rows(sql, ("export_keys", since))]
    return [*exports, *backups, *keys]


def require_idle(catalogue: Catalogue, inventory: Inventory) -> None:
    """Raise `InputError` while one of the sessions is still being recorded."""
    for session in (*(one.id for one in inventory.sessions), *(one.session for one in inventory.foreign)):
        if catalogue.sessions.get(session).state == "open":
            raise InputError(
                sentence("Session {session} is being recorded.", session=session),
                "End it first; what a killed station left open ends itself.",
            )
