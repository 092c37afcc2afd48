"""Capture sessions: what was recorded, from which source, on which basis, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.access import OPENED_BY, Permission
from core.camera_identity import calibration_sha256
from core.clock import Clock
from core.codes import RecordMode, SessionPurpose, SessionState, SourceKind
from core.errors import InputError, sentence
from core.frames import Modality, StreamProfile
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.forms import canonical, profiles_from_json, profiles_to_json
from storage.identifiers import timed_id
from storage.repositories.audit import AuditLog
from storage.repositories.paging import Cursor, count, read_page
from storage.repositories.subjects import Consents, Subjects

REPLAY_OF = "replay_of"
"""Setting of a session that was made by replaying a stored one: the id of that one."""


class Basis(StrEnum):
    """Why the material of a session may be kept (architecture.md section 5)."""

    DECISIONS_ONLY = "decisions_only"
    NO_PERSON = "no_person"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Session:
    """One session. ``recorded`` counts committed frame sets; ``problem`` says why it ended early, if it did."""

    id: str
    name: str
    purpose: SessionPurpose
    mode: RecordMode
    source_kind: SourceKind
    state: SessionState
    subject: str
    consent: str
    basis: Basis
    device: Mapping[str, Any]
    settings: Mapping[str, Any]
    profiles: Mapping[Modality, StreamProfile]
    calibration_sha256: str
    created_utc_s: float
    closed_utc_s: float | None
    camera_s: float
    recorded: int
    dropped_capture: int
    dropped_recorder: int
    skew_ms: Mapping[str, float]
    problem: str
    key: str = ""
    """Id of the key of its frames; empty where they are not encrypted."""


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions a list shows; ``None`` = all."""

    purpose: SessionPurpose | None = None
    source_kind: SourceKind | None = None
    state: SessionState | None = None
    subject: str | None = None
    mode: RecordMode | None = None


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """What a session held when it ended."""

    recorded: int = 0
    dropped_capture: int = 0
    dropped_recorder: int = 0
    camera_s: float = 0.0
    skew_ms: Mapping[str, float] | None = None


SORTS = ("created_utc_s", "name", "recorded")
"""Columns by which a list of sessions can be sorted."""


class Sessions:
    """All sessions of this station."""

    def __init__(
        self,
        file: DatabaseFile,
        clock: Clock,
        audit: AuditLog,
        acting: Acting,
        subjects: Subjects,
        consents: Consents,
    ) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting
        self._subjects = subjects
        self._consents = consents

    def open(
        self,
        purpose: SessionPurpose,
        mode: RecordMode,
        source_kind: SourceKind,
        *,
        subject: str = "",
        name: str = "",
        settings: Mapping[str, Any] | None = None,
        no_person: bool | None = None,
        identity: str = "",
    ) -> str:
        """Begin a session; returns its id (``identity`` if it was given one).

        ``no_person`` says that the material shows nobody; by default that holds for every source but a live camera.
        A subject of such material is added when it is new; a person must have been added before.

        Raises:
            DeniedError: whoever acts may not open sessions of this purpose.
            InputError: frames of people without a subject that has a standing consent, or an unknown subject.
        """
        with self._acting.granted(OPENED_BY[purpose]):
            return self._open(purpose, mode, source_kind, subject, name, settings, no_person, identity)

    def _open(
        self,
        purpose: SessionPurpose,
        mode: RecordMode,
        source_kind: SourceKind,
        subject: str,
        name: str,
        settings: Mapping[str, Any] | None,
        no_person: bool | None,
        identity: str,
    ) -> str:
        actor = self._acting.actor.id
        now = self._clock.utc_s()
        session = identity or timed_id(now)
        with self._file.transaction():  # an erasure or a withdrawal that begins at this moment is met
            basis, consent = self._basis(mode, source_kind, subject, no_person)
            row = {
                "id": session,
                "name": name,
                "purpose": str(purpose),
                "mode": str(mode),
                "source_kind": str(source_kind),
                "state": str(SessionState.OPEN),
                "subject": subject or None,
                "consent": consent,
                "basis": str(basis),
                "settings": canonical(dict(settings or {})),
                "created_utc_s": now,
            }
            details = {"source_kind": str(source_kind), "mode": str(mode), "basis": str(basis), "subject": subject}
            if subject and basis is Basis.NO_PERSON:
                if not self._subjects.known(subject):
                    self._subjects.add(subject)
                self._subjects.require_active(subject)
            self._file.insert("sessions", row)
            self._audit.append("open", "session", session, actor=actor, details=details)
        return session

    def describe(
        self,
        session: str,
        *,
        device: Mapping[str, Any],
        profiles: Mapping[Modality, StreamProfile],
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Store the camera's identity, calibration and settings (these are added to what the session has)."""
        with self._file.transaction():
            merged = {**self.get(session).settings, **(settings or {})}
            self._file.change(
                "UPDATE sessions SET device = ?, profiles = ?, calibration_sha256 = ?, settings = ? WHERE id = ?",
                (
                    canonical(dict(device)),
                    canonical(profiles_to_json(profiles)),
                    calibration_sha256(profiles),
                    canonical(merged),
                    session,
                ),
            )

    def close(
        self,
        session: str,
        state: SessionState = SessionState.CLOSED,
        counts: SessionCounts | None = None,
        problem: str = "",
        actor: str = "",
    ) -> None:
        """End it, with what it holds. Presentations that still run end with it."""
        counts = counts or SessionCounts()
        values = {
            "state": str(state),
            "closed_utc_s": self._clock.utc_s(),
            "camera_s": counts.camera_s,
            "recorded": counts.recorded,
            "dropped_capture": counts.dropped_capture,
            "dropped_recorder": counts.dropped_recorder,
            "skew_ms": canonical(dict(counts.skew_ms or {})),
            "problem": problem,
        }
        assignments = ", ".join(f"{column} = ?" for column in values)
        details = {"state": str(state), "recorded": counts.recorded, "dropped": counts.dropped_recorder}
        sql = f"UPDATE sessions SET {assignments} WHERE id = ?"

        def write() -> None:
            with self._file.transaction():
                if not self._file.change(sql, [*values.values(), session]):
                    raise _missing(session)
                self._file.change(
                    "UPDATE presentations SET state = 'cut_off', end_s = ? WHERE session = ? AND state = 'open'",
                    (counts.camera_s, session),
                )
                who = actor or self._acting.actor.id
                self._audit.append("close", "session", session, actor=who, reason=problem, details=details)

        self._file.insist(write)

    def get(self, session: str) -> Session:
        """The session; raises `InputError` when there is none of that id."""
        row = self._file.row("SELECT * FROM sessions WHERE id = ?", (session,))
        if row is None:
            raise _missing(session)
        return _session(row)

    def page(
        self,
        filters: SessionFilter | None = None,
        *,
        sort: str = "created_utc_s",
        descending: bool = True,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> tuple[list[Session], Cursor | None]:
        """A slice of the list, and the cursor of the next one (``None`` at the end); for those who may review."""
        self._acting.require(Permission.REVIEW)
        if sort not in SORTS:
            raise ValueError(f"sessions are sorted by one of {SORTS}")
        page = read_page(self._file, "sessions", _given(filters), sort, descending, after, limit)
        return [_session(row) for row in page.rows], page.next

    def count(self, filters: SessionFilter | None = None) -> int:
        """How many sessions match."""
        return count(self._file, "sessions", _given(filters))

    def named(self, name: str) -> list[Session]:
        """The sessions of that name (those of one import share it), oldest first."""
        sql = "SELECT * FROM sessions WHERE name = ? ORDER BY created_utc_s, id"
        return [_session(row) for row in self._file.rows(sql, (name,))]

    def open_ones(self) -> list[Session]:
        """Sessions that nobody closed, oldest first."""
        sql = "SELECT * FROM sessions WHERE state = ? ORDER BY created_utc_s, id"
        return [_session(row) for row in self._file.rows(sql, (str(SessionState.OPEN),))]

    def _basis(
        self, mode: RecordMode, source_kind: SourceKind, subject: str, no_person: bool | None
    ) -> tuple[Basis, str | None]:
        nobody = source_kind is not SourceKind.LIVE if no_person is None else no_person
        if nobody:
            return Basis.NO_PERSON, None
        if subject:
            self._subjects.require_active(subject)
        consent = self._consents.valid(subject) if subject else None
        if consent is not None:
            return Basis.CONSENT, consent.id
        if mode is RecordMode.DECISIONS:
            return Basis.DECISIONS_ONLY, None
        raise InputError(
            sentence("Frames of {subject} cannot be kept without a consent.", subject=subject)
            if subject
            else "Frames of a person cannot be kept without a consent.",
            "Record the subject's consent first, or record decisions only.",
        )


def _given(filters: SessionFilter | None) -> dict[str, Any]:
    if filters is None:
        return {}
    names = ("purpose", "source_kind", "state", "subject", "mode")
    return {name: str(value) for name in names if (value := getattr(filters, name)) is not None}


def _missing(session: str) -> InputError:
    return InputError(
        sentence("There is no session {session!r}.", session=session), "List them with `main.py sessions`."
    )


def _session(row: Row) -> Session:
    return Session(
        id=row["id"],
        name=row["name"],
        purpose=SessionPurpose(row["purpose"]),
        mode=RecordMode(row["mode"]),
        source_kind=SourceKind(row["source_kind"]),
        state=SessionState(row["state"]),
        subject=row["subject"] or "",
        consent=row["consent"] or "",
        basis=Basis(row["basis"]),
        device=json.loads(row["device"]),
        settings=json.loads(row["settings"]),
        profiles=profiles_from_json(json.loads(row["profiles"])),
        calibration_sha256=row["calibration_sha256"],
        created_utc_s=row["created_utc_s"],
        closed_utc_s=row["closed_utc_s"],
        camera_s=row["camera_s"],
        recorded=row["recorded"],
        dropped_capture=row["dropped_capture"],
        dropped_recorder=row["dropped_recorder"],
        skew_ms=json.loads(row["skew_ms"]),
        problem=row["problem"],
        key=row["key"] or "",
    )
