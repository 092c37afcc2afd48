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
    direction = "DESC" if descending else "ASC"
    order = f"{key} {direction}" if sort == key else f"{sort} {direction}, {key} {direction}"
    rows: list[Row] = []
    for condition, bound in _ranges(sort, key, descending, after):
        if len(rows) == limit:
            break
        conditions = [*(f"{column} = ?" for column in filters), *condition]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"SELECT * FROM {table} {where} ORDER BY {order} LIMIT ?"
        rows += file.rows(sql, [*filters.values(), *bound, limit - len(rows)])
    full = len(rows) == limit
    return Page(tuple(rows), Cursor(rows[-1][sort], rows[-1][key]) if full else None)


def count(file: DatabaseFile, table: str, filters: Mapping[str, Any]) -> int:
    """How many rows of ``table`` have columns equal to ``filters``."""
    where = f"WHERE {' AND '.join(f'{column} = ?' for column in filters)}" if filters else ""
    return int(file.value(f"SELECT count(*) FROM {table} {where}", list(filters.values())))


def _ranges(sort: str, key: str, descending: bool, after: Cursor | None) -> list[tuple[Sequence[str], Sequence[Any]]]:
    """The stretches of the index that lie beyond the cursor, in order, each a condition with its parameters.

    The rows without a value are a stretch of their own, because a comparison does not find them: they come last on
    the way down and first on the way up.
    """
    sign = "<" if descending else ">"
    if after is None:
        return [((), ())]
    if sort == key:
        return [((f"{key} {sign} ?",), (after.key,))]
    if after.value is None:
        rest = ((f"{sort} IS NULL", f"{key} {sign} ?"), (after.key,))
        return [rest] if descending else [rest, ((f"{sort} IS NOT NULL",), ())]
    more = ((f"({sort}, {key}) {sign} (?, ?)",), (after.value, after.key))
    return [more, ((f"{sort} IS NULL",), ())] if descending else [more]
