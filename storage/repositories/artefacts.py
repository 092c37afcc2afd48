"""The register of presentation attack instruments: one row per physical artefact (reliability.md section 1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Permission
from core.clock import Clock
from core.errors import InputError, sentence
from storage.acting import Acting
from storage.database import DatabaseFile
from storage.identifiers import random_id
from storage.repositories.audit import AuditLog


@dataclass(frozen=True, slots=True)
class Artefact:
    """One physical PAI. ``photo`` is a path relative to the data folder."""

    id: str
    species: str
    name: str
    maker: str
    photo: str
    notes: str
    created_utc_s: float


class Artefacts:
    """All artefacts of this station."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting

    def add(self, species: str, name: str, maker: str = "", photo: str = "", notes: str = "") -> str:
        """Register an artefact; returns its id. Raises `InputError` without a species or a name."""
        self._acting.require(Permission.COLLECT)
        if not species or not name.strip():
            raise InputError("An artefact needs a species and a name.", "Choose the species and name the artefact.")
        artefact = random_id("pai")
        row = {
            "id": artefact,
            "species": species,
            "name": name,
            "maker": maker,
            "photo": photo,
            "notes": notes,
            "created_utc_s": self._clock.utc_s(),
        }
        with self._file.transaction():
            self._file.insert("artefacts", row)
            actor = self._acting.actor.id
            self._audit.append("add", "artefact", artefact, actor=actor, details={"species": species})
        return artefact

    def get(self, artefact: str) -> Artefact:
        """The artefact; raises `InputError` when there is none of that id."""
        row = self._file.row("SELECT * FROM artefacts WHERE id = ?", (artefact,))
        if row is None:
            raise InputError(sentence("There is no artefact {artefact!r}.", artefact=artefact), "Register it first.")
        return Artefact(**row)

    def all(self, species: str | None = None) -> list[Artefact]:
        """All artefacts, or those of one species, by name."""
        where, parameters = ("", ()) if species is None else ("WHERE species = ?", (species,))
        return [
            Artefact(**r) for r in self._file.rows(f"SELECT * FROM artefacts {where} ORDER BY name, id", parameters)
        ]
