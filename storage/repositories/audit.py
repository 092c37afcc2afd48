"""The audit log: who did what to which object, when and why. Rows are never changed (a trigger sees to it).

Each entry carries an HMAC over itself and over the entry before it (reliability.md section 2.6), made within the
caller's transaction: under SQLite's write lock, so that several processes write one chain. `storage.audit_verify` reads
it, `storage.anchors` keeps its head elsewhere.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.clock import Clock
from core.errors import HostError, KnownError
from storage.anchors import Anchors, Checkpoint
from storage.audit_key import GENESIS, HASH_BYTES, ChainKey, make_chain_key, read_chain_key
from storage.audit_rows import Earlier, rows_after
from storage.database import DatabaseFile, Row
from storage.forms import canonical
from storage.paths import DataFolder

log = logging.getLogger(__name__)

BEGIN = "begin"
CHECKPOINT_ENTRIES = 1000
"""A checkpoint is written at the latest after so many entries ..."""
CHECKPOINT_S = 86_400.0
"""... and after so many seconds, with the next entry."""


class Began(StrEnum):
    """Why a chain began in a log that had entries already."""

    MIGRATED = "migrated"
    """They were written by a version that had no chain."""
    RESTORED = "restored"
    """They came out of a backup, which holds no key."""
    KEY_LOST = "key_lost"
    """The key was gone."""


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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries a list shows: empty and ``None`` = all. Times are seconds since the epoch, ``until`` excluded."""

    actor: str = ""
    action: str = ""
    object_kind: str = ""
    object: str = ""
    since_utc_s: float | None = None
    until_utc_s: float | None = None


class AuditLog:
    """Append-only, and chained by a key of the data folder."""

    def __init__(self, file: DatabaseFile, clock: Clock, folder: DataFolder) -> None:
        self._file = file
        self._clock = clock
        self._key_path = folder.audit_key
        self.anchors = Anchors(folder.anchors)
        self._key: ChainKey | None = None
        self._anchored: tuple[int, float] | None = None

    # --- writing ------------------------------------------------------------------------------------------------

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
            "utc_s": float(self._clock.utc_s()),
            "actor": actor,
            "action": action,
            "object_kind": object_kind,
            "object": object_id,
            "reason": reason,
            "details": canonical(dict(details or {})),
        }
        with self._file.transaction():
            self.begin(Began.KEY_LOST)
            return self._chain(row)

    def begin(self, why: Began) -> None:
        """Begin a chain where the entries that stand there were not written by this folder's key.

        The first entry of the chain holds a digest of all of them, so that nobody can change them from then on, and
        says that nothing protected them before. Cheap where the chain goes on.
        """
        if self._goes_on():
            return
        with self._file.transaction():
            if self._goes_on():
                return
            if self._key is None:
                if not self._file.value("SELECT count(*) FROM audit WHERE chain <> ''"):
                    why = Began.MIGRATED
                self._key = make_chain_key(self._key_path)
            earlier = Earlier()
            for row in rows_after(self._file, 0):
                earlier.add(row)
            details = {"cause": str(why), "earlier": earlier.count, "sha256": earlier.hex(), "protected": False}
            begun = {"utc_s": float(self._clock.utc_s()), "actor": "program", "action": BEGIN, "object_kind": "audit"}
            self._chain({**begun, "object": self._key.id, "reason": "", "details": canonical(details)})

    def _goes_on(self) -> bool:
        """Whether nothing has to be begun. An entry that somebody else put at the end begins nothing: it is found."""
        last = self._last()
        if last is None or (self._key is not None and last["chain"] == self._key.id):
            return True
        self._key = read_chain_key(self._key_path)
        if self._key is None:
            return False
        return self._file.value("SELECT 1 FROM audit WHERE chain = ? LIMIT 1", (self._key.id,)) is not None

    @property
    def key_id(self) -> str:
        """Name of the key of the chain; empty before the first entry."""
        key = self._key or read_chain_key(self._key_path)
        return key.id if key else ""

    def seal(self, content: bytes) -> bytes:
        """HMAC of ``content`` under the folder's key as it lies there now (`storage.audit_key.ChainKey.seal`).

        Raises:
            HostError: the key is missing or cannot be read.
        """
        return self._present_key().seal(content)

    def lane_key(self) -> str:
        """The public key of this lane (`storage.repositories.lanes`); a log without any entry gets its key now.

        Raises:
            HostError: the key is missing, cannot be read or cannot be written.
        """
        with self._file.transaction():
            if self._last() is None and self._key is None:
                self._key = read_chain_key(self._key_path) or make_chain_key(self._key_path)
        return self._present_key().lane

    def sign_for_lanes(self, content: bytes) -> str:
        """Sign as this lane. Raises as `seal`."""
        return self._present_key().sign_for_lanes(content)

    def _present_key(self) -> ChainKey:
        key = read_chain_key(self._key_path)
        if key is None:
            raise HostError("The key of the audit log is missing.", "Put its file back.")
        return key

    def checkpoint(self) -> Checkpoint | None:
        """Anchor the newest committed entry outside of the database; ``None`` while there is none."""
        last = self._last()
        key = self._key or read_chain_key(self._key_path)
        if last is None or key is None or len(last["entry_hash"] or b"") != HASH_BYTES:
            return None
        entries = int(self._file.value("SELECT count(*) FROM audit"))
        made = Checkpoint.signed(key, last["id"], entries, last["entry_hash"], self._clock.utc_s())
        self.anchors.write(made)
        self._anchored = (made.entry, made.utc_s)
        return made

    def _chain(self, row: Row) -> int:
        last = self._last()
        if self._key is None:
            self._key = read_chain_key(self._key_path) or make_chain_key(self._key_path)
        # Not simply the last id and one: where the tail was cut, the gap must stay to be seen.
        ever = self._file.value("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
        row = {
            "id": max(int(ever or 0), last["id"] if last else 0) + 1,
            **row,
            "previous_hash": (last["entry_hash"] if last else None) or GENESIS,
            "key": None,
            "chain": self._key.id,
        }
        identity = self._file.insert("audit", {**row, "entry_hash": self._key.entry_hash(row)})
        self._file.after_commit(self, self._anchor_when_due)
        return identity

    def _anchor_when_due(self) -> None:
        now = self._clock.utc_s()
        if self._anchored is None:
            self._anchored = self.anchors.newest() or (0, now)
        try:
            last = self._last()
            if last and (
                last["id"] - self._anchored[0] >= CHECKPOINT_ENTRIES or now - self._anchored[1] >= CHECKPOINT_S
            ):
                self.checkpoint()
        except KnownError as error:  # the entry is committed: nobody may be told that it failed
            log.warning("no checkpoint of the audit log: %s", error)

    def _last(self) -> Row | None:
        return self._file.row("SELECT id, entry_hash, chain FROM audit ORDER BY id DESC LIMIT 1")

    # --- reading ------------------------------------------------------------------------------------------------

    def entries(
        self, before: int | None = None, limit: int = 100, filters: AuditFilter | None = None
    ) -> list[AuditEntry]:
        """A page, newest first; ``before`` is the id of the last entry of the page above it."""
        where, parameters = _where(filters or AuditFilter(), before)
        rows = self._file.rows(f"SELECT * FROM audit {where} ORDER BY id DESC LIMIT ?", [*parameters, limit])
        return [_entry(row) for row in rows]

    def count(self, filters: AuditFilter | None = None) -> int:
        """How many entries match."""
        where, parameters = _where(filters or AuditFilter(), None)
        return int(self._file.value(f"SELECT count(*) FROM audit {where}", parameters))

    def choices(self) -> tuple[list[str], list[str]]:
        """The actors and the actions that occur, in alphabetical order."""
        actors, actions = (
            [str(row["name"]) for row in self._file.rows(f"SELECT DISTINCT {column} AS name FROM audit ORDER BY 1")]
            for column in ("actor", "action")
        )
        return actors, actions

    def of(self, object_kind: str, object_id: str) -> list[AuditEntry]:
        """Everything that happened to one object, in order."""
        sql = "SELECT * FROM audit WHERE object_kind = ? AND object = ? ORDER BY id"
        return [_entry(row) for row in self._file.rows(sql, (object_kind, object_id))]


def _where(filters: AuditFilter, before: int | None) -> tuple[str, list[Any]]:
    equal = ("actor", "action", "object_kind", "object")
    conditions = {f"{name} = ?": value for name in equal if (value := getattr(filters, name))}
    bounds = {"id < ?": before, "utc_s >= ?": filters.since_utc_s, "utc_s < ?": filters.until_utc_s}
    conditions |= {text: value for text, value in bounds.items() if value is not None}
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), list(conditions.values())


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        utc_s=row["utc_s"],
        actor=row["actor"],
        action=row["action"],
        object_kind=row["object_kind"],
        object=row["object"],
        reason=row["reason"],
        details=_details(row["details"]),
    )


def _details(text: str) -> dict[str, Any]:
    """Details as they were written; a damaged text as it stands, for `audit verify` is who names the damage."""
    try:
        found = json.loads(text)
    except ValueError:
        return {"damaged": text}
    return found if isinstance(found, dict) else {"damaged": text}
