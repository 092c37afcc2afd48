"""People by pseudonym, and what they agreed to. A name never stands in the catalogue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.access import Permission
from core.clock import Clock
from core.errors import InputError, sentence
from storage.acting import Acting
from storage.database import DatabaseFile
from storage.forms import canonical
from storage.identifiers import random_id
from storage.repositories.audit import AuditLog

EVALUATE = "evaluate"
"""The purpose that lets stored frames be judged again."""
PURPOSES = (EVALUATE, "train")
"""What a consent covers unless it says otherwise: judging and adapting models at this site; not sharing."""


SHARE = "share"
"""The purpose that lets frames leave the station."""
ACTIVE, ERASING, ERASED = "active", "erasing", "erased"
"""States of a subject."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One person. ``id`` is ``collection/pseudonym``, or the pseudonym alone for people enrolled at this station."""

    id: str
    pseudonym: str
    collection: str
    state: str
    notes: str
    created_utc_s: float


@dataclass(frozen=True, slots=True)
class Consent:
    """The lawful basis of keeping a person's frames (reliability.md section 2.2). ``reference`` names the document."""

    id: str
    subject: str
    basis: str
    purposes: tuple[str, ...]
    reference: str
    notice_version_sha256: str
    signed_utc_s: float | None
    signer_method: str
    language: str
    term_end_utc_s: float | None
    withdrawn_utc_s: float | None
    withdrawn_by: str
    guardian: str
    collection_site: str
    operator: str
    created_utc_s: float


class Subjects:
    """Everybody of whom this station knows a pseudonym."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting

    def add(self, pseudonym: str, collection: str = "", notes: str = "") -> Subject:
        """The subject of that pseudonym in ``collection``, made if it is new.

        Raises:
            DeniedError: whoever acts may not collect.
            InputError: the pseudonym is empty; or the collection, or a pseudonym without one, holds a slash: it would
                be somebody's of a collection.
        """
        self._acting.require(Permission.COLLECT)
        if not pseudonym.strip() or "/" in (collection or pseudonym):
            raise InputError(
                sentence("{pseudonym!r} is no pseudonym.", pseudonym=pseudonym),
                "Give a short name that identifies nobody outside.",
            )
        subject = f"{collection}/{pseudonym}" if collection else pseudonym
        with self._file.transaction():
            if not self.known(subject):
                row = {
                    "id": subject,
                    "pseudonym": pseudonym,
                    "collection": collection,
                    "notes": notes,
                    "created_utc_s": self._clock.utc_s(),
                }
                self._file.insert("subjects", row)
                self._audit.append("add", "subject", subject, actor=self._acting.actor.id)
            return self.get(subject)

    def known(self, subject: str) -> bool:
        """Whether there is a subject of that id."""
        return self._file.value("SELECT 1 FROM subjects WHERE id = ?", (subject,)) is not None

    def get(self, subject: str) -> Subject:
        """The subject; raises `InputError` when there is none of that id."""
        row = self._file.row("SELECT * FROM subjects WHERE id = ?", (subject,))
        if row is None:
            raise InputError(
                sentence("There is no subject {subject!r}.", subject=subject), "Add the subject with its consent first."
            )
        return Subject(**row)

    def require_active(self, subject: str) -> None:
        """Raise `InputError` when there is no such subject, or what was stored of it was erased or is being erased."""
        if self.get(subject).state != ACTIVE:
            raise InputError(
                sentence("{subject} was erased: nothing more is stored under this pseudonym.", subject=subject),
                "Give the person a new one.",
            )

    def all(self) -> list[Subject]:
        """All subjects by id, the erased ones too."""
        return [Subject(**row) for row in self._file.rows("SELECT * FROM subjects ORDER BY id")]


class Consents:
    """Consent and other lawful bases, per subject."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting, subjects: Subjects) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting
        self._subjects = subjects

    def add(
        self,
        subject: str,
        basis: str = "explicit_consent",
        purposes: Sequence[str] = PURPOSES,
        reference: str = "",
        **details: Any,
    ) -> str:
        """Record a basis; returns its id. ``details``: the other columns of `Consent`.

        Raises:
            DeniedError: whoever acts may not collect.
            InputError: no such subject, or it was erased.
        """
        self._acting.require(Permission.COLLECT)
        actor = self._acting.actor.id
        consent = random_id("consent")
        with self._file.transaction():
            self._subjects.require_active(subject)
            row = {
                "id": consent,
                "subject": subject,
                "basis": basis,
                "purposes": canonical(sorted(purposes)),
                "reference": reference,
                "created_utc_s": self._clock.utc_s(),
                **details,
            }
            self._file.insert("consents", row)
            self._audit.append("add", "consent", consent, actor=actor, details={"subject": subject, "basis": basis})
        return consent

    def valid(self, subject: str) -> Consent | None:
        """The newest basis of ``subject`` that is neither withdrawn nor past its term."""
        sql = """
            SELECT * FROM consents
            WHERE subject = ? AND withdrawn_utc_s IS NULL AND (term_end_utc_s IS NULL OR term_end_utc_s > ?)
            ORDER BY created_utc_s DESC, rowid DESC LIMIT 1
        """
        row = self._file.row(sql, (subject, self._clock.utc_s()))
        return None if row is None else _consent(row)

    def of(self, subject: str) -> list[Consent]:
        """Every basis that was ever recorded for ``subject``, oldest first."""
        rows = self._file.rows("SELECT * FROM consents WHERE subject = ? ORDER BY created_utc_s, rowid", (subject,))
        return [_consent(row) for row in rows]

    def withdraw(self, consent: str, by: str, reason: str) -> None:
        """The person withdraws; raises `InputError` when there is no such consent, or it was withdrawn already.

        ``by`` may be a name: it stays with the consent, and the audit knows only who noted it.
        """
        self._acting.require(Permission.COLLECT, Permission.ERASE)
        sql = "UPDATE consents SET withdrawn_utc_s = ?, withdrawn_by = ? WHERE id = ? AND withdrawn_utc_s IS NULL"
        with self._file.transaction():
            if not self._file.change(sql, (self._clock.utc_s(), by, consent)):
                raise InputError(
                    sentence("There is no standing consent {consent!r}.", consent=consent),
                    "Look it up with the subject.",
                )
            self._audit.append("withdraw", "consent", consent, actor=self._acting.actor.id, reason=reason)


def _consent(row: dict[str, Any]) -> Consent:
    return Consent(**{**row, "purposes": tuple(json.loads(row["purposes"]))})
