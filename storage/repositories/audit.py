"""The audit log: who did what to which object, when and why. Rows are never changed (a trigger sees to it)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from storage.database import DatabaseFile
from storage.forms import canonical


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row. ``object`` is an id of the kind ``object_kind`` (session, presentation, verdict, model, ...)."""

    id: int
    utc_s: float
    actor: str
    action: str
    object_kind: str
    object: str
    reason: str
    details: Mapping[str, Any]


class AuditLog:
    """Append-only. The hash columns wait for the keyed chain (reliability.md section 2.6)."""

    def __init__(self, file: DatabaseFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def append(
        self,
        action: str,
        object_kind: str,
        object_id: str,
        *,
        actor: str,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> int:
        """Write one entry, within the caller's transaction if there is one; returns its id. Pseudonyms only."""
        row = {
            "utc_s": self._clock.utc_s(),
            "actor": actor,
            "action": action,
            "object_kind": object_kind,
            "object": object_id,
            "reason": reason,
            "details": canonical(dict(details or {})),
        }
        return self._file.insert("audit", row)

    def entries(self, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
        """A page, newest first; ``before`` is the id of the last entry of the page above it."""
        where, parameters = ("", []) if before is None else ("WHERE id < ?", [before])
        rows = self._file.rows(f"SELECT * FROM audit {where} ORDER BY id DESC LIMIT ?", [*parameters, limit])
        return [_entry(row) for row in rows]

    def of(self, object_kind: str, object_id: str) -> list[AuditEntry]:
        """Everything that happened to one object, in order."""
        sql = "SELECT * FROM audit WHERE object_kind = ? AND object = ? ORDER BY id"
        return [_entry(row) for row in self._file.rows(sql, (object_kind, object_id))]


def _entry(row: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        utc_s=row["utc_s"],
        actor=row["actor"],
        action=row["action"],
        object_kind=row["object_kind"],
        object=row["object"],
        reason=row["reason"],
        details=json.loads(row["details"]),
    )
