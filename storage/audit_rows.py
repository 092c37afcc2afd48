"""The rows of the audit log as the chain sees them: as they lie in the file, whatever somebody made of them.

An attacker opens the file with a program of their own. So text is read as bytes (it may be no UTF-8), and nothing is
assumed of types: the table may be another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from storage.database import DatabaseFile, Row

_TEXT = ("actor", "action", "object_kind", "object", "reason", "details", "key", "chain")
_BYTES = ("previous_hash", "entry_hash")
_SELECT = ", ".join(["rowid AS place", "id", "utc_s", *(f"CAST({name} AS BLOB) AS {name}" for name in _TEXT + _BYTES)])
_SLICE = 2000


def rows_after(file: DatabaseFile, place: int) -> Iterator[Row]:
    """Every row beyond ``place``, in order, in slices, so that nobody waits for a reader."""
    while True:
        rows = file.rows(f"SELECT {_SELECT} FROM audit WHERE rowid > ? ORDER BY rowid LIMIT {_SLICE}", (place,))
        if not rows:
            return
        place = rows[-1]["place"]
        for row in rows:
            yield _as_written(row)


def rows_of(file: DatabaseFile, action: str, object_kind: str, after: int = 0) -> list[Row]:
    """The rows of one action on one kind of object, beyond the number ``after``."""
    sql = f"SELECT {_SELECT} FROM audit WHERE action = ? AND object_kind = ? AND id > ? ORDER BY id"
    return [_as_written(row) for row in file.rows(sql, (action, object_kind, after))]


def _as_written(row: Row) -> Row:
    del row["place"]
    for name in _TEXT:
        if row[name] is not None:
            row[name] = row[name].decode(errors="surrogateescape")
    return row


class Earlier:
    """Digest of the entries that stood before a chain began: every column of each."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.count = 0

    def add(self, row: Row) -> None:
        """Take one more row."""
        form = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
        self._digest.update(json.dumps(form, sort_keys=True).encode() + b"\n")
        self.count += 1

    def hex(self) -> str:
        """The digest so far."""
        return self._digest.hexdigest()
