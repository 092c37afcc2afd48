"""Compares the rows of verdicts with what the audit log says of them: one changed, removed or added by hand is found.

Rows are read as somebody may have left them: nothing is assumed of their types. Verdicts from before the log held
digests are compared by the fields that their entries name.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.codes import AuditFault
from core.errors import CanceledError
from storage.audit_rows import rows_of
from storage.database import DatabaseFile, Row
from storage.verdict_digests import COVERED, row_digest, text_digest

ERASE_TRACES = "erase_traces"
"""Action of the entry in which an erasure names the verdicts whose traces it emptied."""
_SLICE = 1000
_TEXT = (
    "session", "presentation", "source_kind", "outcome", "reason", "mask", "rule", "model", "attended_by", "trace",
    "operator_outcome", "operator_reason", "operator",
)  # fmt: skip
_NUMBERS = [name for name in COVERED if name not in _TEXT]
_SELECT = ", ".join([*_NUMBERS, *(f"CAST({name} AS BLOB) AS {name}" for name in _TEXT)])


def compare(
    file: DatabaseFile, entries_after: int, verdicts_after: int, cancel: Callable[[], bool] = lambda: False
) -> Iterator[tuple[AuditFault, int]]:
    """What is wrong with verdicts beyond number ``verdicts_after``, and with those that entries beyond
    ``entries_after`` tell of; each with its number.

    Raises `CanceledError` where ``cancel`` says so.
    """
    after, last, erased = verdicts_after, False, _erased(file)
    while not last:
        if cancel():
            raise CanceledError("The verification was stopped.")
        rows = _rows(file, after, _SLICE)
        entries = _entries(file, [row["id"] for row in rows])
        for row in rows:
            if _fault(row, entries, erased) is not None and (fault := _looked_at_again(file, row["id"])) is not None:
                yield fault, row["id"]
        last, after = len(rows) < _SLICE, rows[-1]["id"] if rows else after
    # Where no number stands, the entry itself was damaged: that is found as such, and what it told of as put in.
    sql = """
        SELECT CAST(object AS INTEGER) AS number FROM audit
        WHERE action = 'commit' AND object_kind = 'verdict' AND id > ? AND number > 0
            AND NOT EXISTS (SELECT 1 FROM verdicts WHERE verdicts.id = CAST(audit.object AS INTEGER))
        ORDER BY number
    """
    for gone in file.rows(sql, (entries_after,)):
        yield AuditFault.VERDICT_REMOVED, gone["number"]


def first_of(file: DatabaseFile, entries_after: int) -> int:
    """The number before the first verdict that an entry beyond ``entries_after`` tells of; 0 for all entries."""
    if not entries_after:
        return 0
    sql = """
        SELECT min(CAST(object AS INTEGER)) FROM audit WHERE action = 'commit' AND object_kind = 'verdict' AND id > ?
    """
    first = file.value(sql, (entries_after,))
    newest = file.value("SELECT max(id) FROM verdicts") or 0
    return int(newest if first is None else first) - 1


def _fault(row: Row, entries: Mapping[str, Mapping[str, Row]], erased: frozenset[int]) -> AuditFault | None:
    said = entries.get(str(row["id"]), {})
    if "commit" not in said:
        return AuditFault.VERDICT_ADDED
    return None if _agrees(row, said, row["id"] in erased) else AuditFault.VERDICT_CHANGED


def _looked_at_again(file: DatabaseFile, number: int) -> AuditFault | None:
    """The same of one verdict while nobody can write: it may have been overridden or erased between two looks."""
    with file.transaction():
        rows = _rows(file, number - 1, 1)
        return _fault(rows[0], _entries(file, [number]), _erased(file)) if rows and rows[0]["id"] == number else None


def _rows(file: DatabaseFile, after: int, limit: int) -> list[Row]:
    rows = file.rows(f"SELECT {_SELECT} FROM verdicts WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    for row in rows:
        for name in _TEXT:
            if row[name] is not None:
                row[name] = row[name].decode(errors="surrogateescape")
    return rows


def _entries(file: DatabaseFile, numbers: list[int]) -> dict[str, dict[str, Row]]:
    """By verdict: its first entry of a commit, and its newest of an override."""
    sql = """
        SELECT action, CAST(object AS BLOB) AS object, CAST(actor AS BLOB) AS actor, CAST(reason AS BLOB) AS reason,
            CAST(details AS BLOB) AS details
        FROM audit WHERE object_kind = 'verdict' AND object IN (SELECT CAST(value AS TEXT) FROM json_each(?))
            AND action IN ('commit', 'override') ORDER BY id
    """
    found: dict[str, dict[str, Row]] = {}
    for row in file.rows(sql, (json.dumps(numbers),)):
        for name in ("object", "actor", "reason", "details"):
            row[name] = row[name].decode(errors="surrogateescape")
        said = found.setdefault(row["object"], {})
        if row["action"] == "override" or "commit" not in said:
            said[row["action"]] = row
    return found


def _agrees(row: Row, said: Mapping[str, Row], erased: bool) -> bool:
    try:
        return _as_committed(row, json.loads(said["commit"]["details"]), erased) and _as_overridden(row, said)
    except (ValueError, TypeError, AttributeError):
        return False


def _as_committed(row: Row, details: Mapping[str, Any], erased: bool) -> bool:
    if "row_sha256" not in details:
        return all(row[name] == value for name, value in details.items() if name in COVERED)
    trace = text_digest(row["trace"])
    whole = trace == details["trace_sha256"] or (erased and trace == details["erased_sha256"])
    return whole and row_digest(row) == details["row_sha256"]


def _as_overridden(row: Row, said: Mapping[str, Row]) -> bool:
    stands = (row["operator_outcome"], row["operator_reason"], row["operator"])
    entry = said.get("override")
    if entry is None:
        return stands == ("", "", "")
    return stands == (json.loads(entry["details"])["outcome"], entry["reason"], entry["actor"])


def _erased(file: DatabaseFile) -> frozenset[int]:
    numbers: set[int] = set()
    for row in rows_of(file, ERASE_TRACES, "erasure"):
        with contextlib.suppress(ValueError, TypeError, KeyError):  # an entry that somebody made up says nothing
            numbers.update(json.loads(row["details"])["verdicts"])
    return frozenset(numbers)
