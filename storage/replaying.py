"""A replay of a stored session holds the same face again, so it belongs to the same subject on the same basis."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InputError, sentence
from storage.catalogue import Catalogue
from storage.repositories.sessions import REPLAY_OF, Basis
from storage.repositories.subjects import EVALUATE


class ReplayRefusedError(InputError):
    """The consent behind the stored session does not allow another look at it, or somebody else was named for it."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a replay takes over. ``subject`` may be empty; ``settings`` name the source for the erasure inventory."""

    subject: str
    no_person: bool
    settings: dict[str, str]


def inherit(catalogue: Catalogue, source: str, subject: str) -> Inherited:
    """What a replay of the session ``source`` takes over; ``subject`` is what was asked for, empty = nothing.

    Raises:
        InputError: there is no session ``source``.
        ReplayRefusedError: no standing consent covers it, or ``subject`` is somebody else.
    """
    stored = catalogue.sessions.get(source)
    if subject and stored.subject and subject != stored.subject:
        raise ReplayRefusedError(
            sentence(
                "Session {source} shows {shown}, not {subject}.", source=source, shown=stored.subject, subject=subject
            ),
            "Leave the subject out: the replay inherits it.",
        )
    nobody = stored.basis is Basis.NO_PERSON
    for person in () if nobody else (stored.subject, *catalogue.presentations.people(source)):
        consent = catalogue.consents.valid(person) if person else None
        if consent is None or EVALUATE not in consent.purposes:
            raise ReplayRefusedError(
                sentence(
                    "No standing consent of {subject} covers a replay of session {source}.",
                    subject=person,
                    source=source,
                )
                if person
                else sentence("No standing consent of a person covers a replay of session {source}.", source=source),
                "Record a consent that covers evaluation first.",
            )
    return Inherited(stored.subject or subject, nobody, {REPLAY_OF: source})
