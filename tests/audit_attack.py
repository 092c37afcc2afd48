"""What somebody does to the audit log who opens the file with a SQLite of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def opened(catalogue: Path) -> Iterator[sqlite3.Connection]:
    """The file with the triggers dropped, committed and closed at the end. Nobody else may have it open."""
    with closing(sqlite3.connect(catalogue)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'audit' AND type = 'trigger'"
        )
        kept = triggers.fetchall()
        for name, _ in kept:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in kept:  # who is careful puts them back
            connection.execute(sql)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def tidy_numbers(connection: sqlite3.Connection) -> None:
    """Let the counter of the table fit its last row."""
    connection.execute("UPDATE sqlite_sequence SET seq = (SELECT max(id) FROM audit) WHERE name = 'audit'")


def rows(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """All rows as they stand."""
    cursor = connection.execute("SELECT * FROM audit ORDER BY id")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor]


def write(connection: sqlite3.Connection, found: list[dict[str, Any]]) -> None:
    """Replace the whole table by these rows."""
    connection.execute("DELETE FROM audit")
    for row in found:
        names = ", ".join(row)
        connection.execute(f"INSERT INTO audit ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def spoil(catalogue: Path, sql: str) -> None:
    """Run one statement on the file, triggers and all."""
    with closing(sqlite3.connect(catalogue)) as connection:
        connection.execute(sql)
        connection.commit()
