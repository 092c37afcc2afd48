"""Keyset pages: a table of a million rows is read in slices, filtered and sorted by SQL (anchors.md section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.database import DatabaseFile, Row


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the sort value and the key of its last row. Hand it in to get the page below."""

    value: Any
    key: Any


@dataclass(frozen=True, slots=True)
class Page:
    """One slice of a table. ``next`` is ``None`` at the end."""

    rows: tuple[Row, ...]
    next: Cursor | None


def read_page(
    file: DatabaseFile,
    table: str,
    filters: Mapping[str, Any],
    sort: str,
    descending: bool,
    after: Cursor | None,
    limit: int,
    key: str = "id",
) -> Page:
    """Rows of ``table`` whose columns equal ``filters``, by ``sort`` and then ``key``. NULL sorts lowest, as in SQLite.

    ``table``, ``sort``, ``key`` and the names in ``filters`` are ours, never a person's text. Each sort column has an
    index that ends with the key, so that a page costs the same wherever it lies.
    """
    conditions = [f"{column} = ?" for column in filters]
    parameters = list(filters.values())
    if after is not None:
        condition, bound = _beyond(sort, key, descending, after)
        conditions.append(condition)
        parameters.extend(bound)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    direction = "DESC" if descending else "ASC"
    order = f"{key} {direction}" if sort == key else f"{sort} {direction}, {key} {direction}"
    sql = f"SELECT * FROM {table} {where} ORDER BY {order} LIMIT ?"
    rows = file.rows(sql, [*parameters, limit])
    full = len(rows) == limit
    return Page(tuple(rows), Cursor(rows[-1][sort], rows[-1][key]) if full else None)


def count(file: DatabaseFile, table: str, filters: Mapping[str, Any]) -> int:
    """How many rows of ``table`` have columns equal to ``filters``."""
    where = f"WHERE {' AND '.join(f'{column} = ?' for column in filters)}" if filters else ""
    return int(file.value(f"SELECT count(*) FROM {table} {where}", list(filters.values())))


def _beyond(sort: str, key: str, descending: bool, after: Cursor) -> tuple[str, Sequence[Any]]:
    sign = "<" if descending else ">"
    if sort == key:
        return f"{key} {sign} ?", [after.key]
    if after.value is not None:
        # Downwards from a value the rows without one follow; upwards they came first.
        more = f"({sort}, {key}) {sign} (?, ?)"
        return (f"({more} OR {sort} IS NULL)" if descending else more), [after.value, after.key]
    rest = f"({sort} IS NULL AND {key} {sign} ?)"
    return (rest if descending else f"({rest} OR {sort} IS NOT NULL)"), [after.key]
