"""Presentations: who or what was shown, which frame sets belong to it, and what it was labelled as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.access import Permission
from core.clock import Clock
from core.codes import BONA_FIDE_SPELLINGS, Species
from core.errors import InputError, UsageError, sentence
from core.labelling.blind import BlindLabel
from core.ports import StoredPresentation
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.repositories.audit import AuditLog
from storage.repositories.subjects import PURPOSES, Consents, Subjects


class PresentationState(StrEnum):
    """Life of a presentation. CUT_OFF: the session ended first; DISCARDED: a take that is not to be used."""

    OPEN = "open"
    CLOSED = "closed"
    CUT_OFF = "cut_off"
    DISCARDED = "discarded"


class LabelSource(StrEnum):
    """Where a label comes from."""

    NONE = ""
    BEFORE_TAKE = "before_take"
    MANIFEST = "manifest"
    REVIEW = "review"
    SECOND_LINE = "second_line"
    ADJUDICATED = "adjudicated"
    """More people hold a blind label than held the first one (`storage.repositories.second_labels`)."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One presentation. ``species``: empty = bona fide, ``None`` = not labelled. Sets are numbered within the session.

    ``number`` counts within the session from 1; ``name`` is its id in the manifest that it came from. ``labelled_by``:
    the account that gave the label; empty without one.
    """

    id: str
    session: str
    number: int
    name: str
    subject: str
    species: str | None
    artefact: str
    condition: str
    label_source: LabelSource
    split: str
    state: PresentationState
    first_set: int
    last_set: int
    start_s: float
    end_s: float | None
    created_utc_s: float
    labelled_by: str


class Presentations:
    """All presentations of this station."""

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
        session: str,
        *,
        subject: str = "",
        species: str | None = None,
        artefact: str = "",
        condition: str = "",
        start_s: float = 0.0,
        name: str = "",
        split: str = "",
        label_source: LabelSource | None = None,
        identity: str = "",
    ) -> str:
        """Begin a presentation; returns its id (``identity`` if it has one already). The label is set before the take.

        The subject is the session's unless another is given.

        Raises:
            InputError: no such session, subject or artefact, or the other subject has no standing consent, or was
                erased.
        """
        source = label_source or (LabelSource.NONE if species is None else LabelSource.BEFORE_TAKE)
        with self._file.transaction():
            shown = self._subject(session, subject)
            if artefact and self._file.value("SELECT 1 FROM artefacts WHERE id = ?", (artefact,)) is None:
                raise InputError(
                    sentence("There is no artefact {artefact!r}.", artefact=artefact), "Register it first."
                )
            number = 1 + int(
                self._file.value("SELECT coalesce(max(number), 0) FROM presentations WHERE session = ?", (session,))
            )
            presentation = identity or f"{session}.{number}"
            row = {
                "id": presentation,
                "session": session,
                "number": number,
                "name": name,
                "subject": shown,
                "species": species,
                "artefact": artefact or None,
                "condition": condition,
                "label_source": str(source),
                "labelled_by": "" if species is None else self._acting.actor.id,
                "split": split,
                "state": str(PresentationState.OPEN),
                "start_s": start_s,
                "created_utc_s": self._clock.utc_s(),
            }
            self._file.insert("presentations", row)
        return presentation

    def _subject(self, session: str, subject: str) -> str | None:
        """Who is shown. A session's consent speaks for its own subject only."""
        row = self._file.row("SELECT subject, basis, mode FROM sessions WHERE id = ?", (session,))
        if row is None:
            raise InputError(
                sentence("There is no session {session!r}.", session=session), "List them with `main.py sessions`."
            )
        if not subject or subject == row["subject"]:
            return None if row["subject"] is None else str(row["subject"])
        self._subjects.require_active(subject)
        if row["basis"] == "consent" and row["mode"] == "frames" and self._consents.valid(subject) is None:
            raise InputError(
                sentence("Frames of {subject} cannot be kept without a consent.", subject=subject),
                "Record the subject's consent first.",
            )
        return subject

    def close(self, presentation: str, first_set: int, last_set: int, end_s: float) -> None:
        """Store which frame sets belong to it (``last_set < first_set``: none). A discarded take stays discarded."""
        sql = """
            UPDATE presentations SET first_set = ?, last_set = ?, end_s = ?,
                state = CASE state WHEN 'discarded' THEN state ELSE 'closed' END
            WHERE id = ?
        """
        if not self._file.change(sql, (first_set, last_set, end_s, presentation)):
            raise _missing(presentation)

    def cut_off(self, presentation: str, first_set: int, last_set: int, end_s: float) -> None:
        """The session ended under it: the frame sets are those that followed the presentation before."""
        sql = "UPDATE presentations SET state = 'cut_off', first_set = ?, last_set = ?, end_s = ? WHERE id = ?"
        if not self._file.change(sql, (first_set, last_set, end_s, presentation)):
            raise _missing(presentation)

    def discard(self, presentation: str, reason: str = "") -> None:
        """Mark a take as not to be used; nothing is deleted."""
        self._acting.require(Permission.COLLECT)
        with self._file.transaction():
            if not self._file.change("UPDATE presentations SET state = 'discarded' WHERE id = ?", (presentation,)):
                raise _missing(presentation)
            actor = self._acting.actor.id
            self._audit.append("discard", "presentation", presentation, actor=actor, reason=reason)

    def relabel(self, presentation: str, species: str | None, reason: str) -> None:
        """Change the species (empty = bona fide, ``None`` = unknown); the old one stands in the audit log.

        Raises:
            DeniedError: whoever acts may not label.
            UsageError: that is no species: blank, or a spelling of bona fide.
            InputError: no such presentation, or no reason.
        """
        self._acting.require(Permission.LABEL)
        species = _checked(species)
        if not reason.strip():
            raise InputError("A label is changed only with a reason.", "Say in a few words why.")
        with self._file.transaction():
            before = self.get(presentation)
            actor = self._acting.actor.id
            self._file.change(
                "UPDATE presentations SET species = ?, label_source = ?, labelled_by = ? WHERE id = ?",
                (species, str(LabelSource.REVIEW), "" if species is None else actor, presentation),
            )
            details = {"from": before.species, "to": species}
            self._audit.append("relabel", "presentation", presentation, actor=actor, reason=reason, details=details)

    def get(self, presentation: str) -> Presentation:
        """The presentation; raises `InputError` when there is none of that id."""
        row = self._file.row("SELECT * FROM presentations WHERE id = ?", (presentation,))
        if row is None:
            raise _missing(presentation)
        return _presentation(row)

    def exists(self, presentation: str) -> bool:
        """Whether there is one of that id."""
        return self._file.value("SELECT 1 FROM presentations WHERE id = ?", (presentation,)) is not None

    def of_session(self, session: str) -> list[Presentation]:
        """All presentations of a session, in order, the discarded ones too."""
        sql = "SELECT * FROM presentations WHERE session = ? ORDER BY number"
        return [_presentation(row) for row in self._file.rows(sql, (session,))]

    def stored(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        """The usable presentations of the sessions, in order: those that ended by themselves and were not discarded.

        A consent that was withdrawn or has run out takes its session's presentations with it, and so does one that does
        not cover training and evaluation: a pass draws by chance who trains and who judges. Somebody else who is shown
        in the session needs a consent of their own that does.
        """
        sql = """
            SELECT p.id, p.session, p.subject, p.species, p.artefact, p.labelled_by, s.source_kind, s.purpose,
                c.subject AS agreed,
                CASE s.source_kind WHEN 'playback' THEN 0.0 ELSE s.created_utc_s + p.start_s END AS utc_s
            FROM presentations AS p JOIN sessions AS s ON s.id = p.session LEFT JOIN consents AS c ON c.id = s.consent
            WHERE p.session = ? AND p.state = 'closed' AND c.withdrawn_utc_s IS NULL
                AND coalesce(c.term_end_utc_s > ?, TRUE) AND (c.id IS NULL OR (
                    EXISTS (SELECT 1 FROM json_each(c.purposes) WHERE value = 'train')
                    AND EXISTS (SELECT 1 FROM json_each(c.purposes) WHERE value = 'evaluate')))
            ORDER BY p.number
        """
        now = self._clock.utc_s()
        blind = self._blind(sessions)
        rows = (row for session in sessions for row in self._file.rows(sql, (session, now)))
        return [
            StoredPresentation(
                id=row["id"],
                session=row["session"],
                subject=row["subject"] or "",
                species=row["species"],
                # a take that was noted before as an attack may have had one
                artefact="" if row["species"] == Species.BONA_FIDE else row["artefact"] or "",
                source_kind=row["source_kind"],
                purpose=row["purpose"],
                utc_s=row["utc_s"],
                labelled_by=row["labelled_by"],
                blind=tuple(blind.get(row["id"], ())),
            )
            for row in rows
            if row["agreed"] is None or row["subject"] in (None, row["agreed"]) or self._agrees(row["subject"])
        ]

    def _agrees(self, subject: str) -> bool:
        consent = self._consents.valid(subject)
        return consent is not None and set(PURPOSES) <= set(consent.purposes)

    def people(self, session: str) -> list[str]:
        """Who is shown in the frames of a session beside its own subject; whoever was erased is there no more."""
        sql = """
            SELECT DISTINCT p.subject FROM presentations AS p JOIN sessions AS s ON s.id = p.session
            JOIN subjects AS shown ON shown.id = p.subject
            WHERE p.session = ? AND p.subject IS NOT s.subject AND shown.state <> 'erased' ORDER BY p.subject
        """
        return [str(row["subject"]) for row in self._file.rows(sql, (session,))]

    def _blind(self, sessions: Sequence[str]) -> dict[str, list[BlindLabel]]:
        """Second labels by presentation, in their order."""
        sql = """
            SELECT l.presentation, l.species, l.actor, l.first, l.first_by
            FROM presentations AS p JOIN second_labels AS l ON l.presentation = p.id WHERE p.session = ? ORDER BY l.id
        """
        found: dict[str, list[BlindLabel]] = {}
        for row in (row for session in sessions for row in self._file.rows(sql, (session,))):
            label = BlindLabel(row["species"], row["actor"], row["first"], row["first_by"])
            found.setdefault(row["presentation"], []).append(label)
        return found

    def traffic(self, count: int) -> list[StoredPresentation]:
        """At most ``count`` of the newest usable presentations of checkpoint sessions that kept their frames."""
        sql = """
            SELECT id FROM sessions WHERE purpose = 'checkpoint' AND mode = 'frames' AND state <> 'open'
            ORDER BY created_utc_s DESC, id DESC
        """
        found: list[StoredPresentation] = []
        for row in self._file.rows(sql):
            found += reversed(self.stored([row["id"]]))
            if len(found) >= count:
                break
        return found[:count]


def _checked(species: str | None) -> str | None:
    """A label without the space around it; empty and ``None`` stay what they mean."""
    named = species.strip() if species else species
    if species and (not named or named.lower() in BONA_FIDE_SPELLINGS):
        raise UsageError(sentence("{species!r} is no label.", species=species), "Say bona_fide, or name the species.")
    return named


def _missing(presentation: str) -> InputError:
    return InputError(
        sentence("There is no presentation {presentation!r}.", presentation=presentation),
        "Export its session to see the ids.",
    )


def _presentation(row: Row) -> Presentation:
    return Presentation(
        **{
            **row,
            "subject": row["subject"] or "",
            "artefact": row["artefact"] or "",
            "label_source": LabelSource(row["label_source"]),
            "state": PresentationState(row["state"]),
        }
    )
