"""Legal holds: as long as one stands, nothing of its subject is erased, neither on request nor when a term is over."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Clock
from core.errors import InputError, sentence
from storage.database import DatabaseFile
from storage.identifiers import random_id
from storage.repositories.audit import AuditLog


class HeldError(InputError):
    """A legal hold forbids the erasure."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold, with its reason and who set it."""

    id: str
    subject: str
    reason: str
    actor: str
    created_utc_s: float
    released_utc_s: float | None
    released_by: str


class Holds:
    """All holds of this data folder."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit

    def add(self, subject: str, reason: str, actor: str) -> str:
        """Set a hold; returns its id. Raises `InputError` without a reason or subject."""
        if not reason.strip():
            raise InputError("A legal hold needs a reason.", "Say in a few words why.")
        if self._file.value("SELECT 1 FROM subjects WHERE id = ?", (subject,)) is None:
            raise InputError(
                sentence("There is no subject {subject!r}.", subject=subject), "Look it up on the page Collect."
            )
        hold = random_id("hold")
        row = {"id": hold, "subject": subject, "reason": reason, "actor": actor}
        with self._file.transaction():
            self._file.insert("holds", {**row, "created_utc_s": self._clock.utc_s()})
            self._audit.append("hold", "subject", subject, actor=actor, reason=reason, details={"hold": hold})
        return hold

    def release(self, subject: str, reason: str, actor: str) -> int:
        """End the holds of ``subject``; returns how many there were. Raises `InputError` when there is none."""
        sql = "UPDATE holds SET released_utc_s = ?, released_by = ? WHERE subject = ? AND released_utc_s IS NULL"
        with self._file.transaction():
            count = self._file.change(sql, (self._clock.utc_s(), actor, subject))
            if not count:
                raise InputError(
                    sentence("No legal hold stands on {subject!r}.", subject=subject),
                    "List them with `main.py retention`.",
                )
            self._audit.append("release", "subject", subject, actor=actor, reason=reason)
        return count

    def standing(self) -> list[Hold]:
        """Those that were not released, oldest first."""
        rows = self._file.rows("SELECT * FROM holds WHERE released_utc_s IS NULL ORDER BY created_utc_s, id")
        return [Hold(**row) for row in rows]

    def reason_on(self, kind: str, target: str) -> tuple[str, str] | None:
        """Subject and reason of a hold on the subject, on one shown in the session or on the session's, if any."""
        sql = """
            SELECT h.subject, h.reason FROM holds AS h WHERE h.released_utc_s IS NULL AND (
                (?1 = 'subject' AND h.subject = ?2)
                OR h.subject IN (SELECT p.subject FROM presentations AS p JOIN sessions AS s ON s.id = p.session
                    WHERE (?1 = 'session' AND s.id = ?2) OR (?1 = 'subject' AND s.subject = ?2))
                OR (?1 = 'session' AND h.subject = (SELECT subject FROM sessions WHERE id = ?2)))
        """
        row = self._file.row(sql, (str(kind), target))
        return None if row is None else (row["subject"], row["reason"])

    def require_none(self, kind: str, target: str) -> None:
        """Raise `HeldError` where `reason_on` finds a hold."""
        found = self.reason_on(kind, target)
        if found is not None:
            subject, reason = found
            raise HeldError(
                sentence("A legal hold stands on {subject}: {reason}.", subject=subject, reason=reason),
                "Nothing is erased before it is released: `main.py retention --release SUBJECT --reason TEXT`.",
            )
