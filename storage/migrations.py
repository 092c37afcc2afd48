"""Ordered schema changes, each recorded with the digest of its text.

sqlite-utils has migrations too; they are keyed by name alone, run in a deferred transaction and know no version gate
(reliability.md section 3.2). Here the file's ``user_version`` is the number of the newest migration, a file from a
newer program is refused, the recorded digests must be those of this program, and a backup is made before a change.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, sentence
from storage.database import DatabaseFile
from storage.partial import partial_of, remove_abandoned

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_utc_s REAL NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema: its statements run in one transaction. ``name`` says what it brings."""

    name: str
    statements: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Digest of the statements; white space at line ends and blank lines do not count."""
        lines = [line.rstrip() for text in self.statements for line in text.splitlines() if line.strip()]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def migrate(database: DatabaseFile, migrations: Sequence[Migration], backup_dir: Path | None = None) -> Path | None:
    """Bring ``database`` to the newest of ``migrations``; returns the backup that was made before, if one was.

    Processes that start together do it once: the version is read again under the write lock.

    Raises:
        InputError: a newer program wrote the file, or its recorded migrations are not those of this program.
    """
    if check_version(database, migrations) == len(migrations):
        return None
    backup = None
    if backup_dir is not None and _version(database) > 0:
        backup = _back_up(database, backup_dir)
    with database.transaction():
        database.execute(_TABLE)
        for version in range(check_version(database, migrations) + 1, len(migrations) + 1):
            _apply(database, version, migrations[version - 1])
    return backup


def check_version(database: DatabaseFile, migrations: Sequence[Migration]) -> int:
    """The schema version of ``database``, after the gate: not newer, and made by the same migrations.

    Raises:
        InputError: see `migrate`.
    """
    version = _version(database)
    if version > len(migrations):
        raise InputError(
            sentence(
                "{path} is from a newer version of this program (schema {version}, this program knows {known}).",
                path=database.path,
                version=version,
                known=len(migrations),
            ),
            "Use the newer program, or restore a backup of the older one with `main.py restore`.",
        )
    if version == 0:
        return 0
    recorded = database.rows("SELECT version, name, sha256 FROM migrations ORDER BY version")
    known = [(number, step.sha256) for number, step in enumerate(migrations[:version], start=1)]
    if [(row["version"], row["sha256"]) for row in recorded] != known:
        raise InputError(
            sentence(
                "{path} has a schema that this program does not know, although its number is {version}.",
                path=database.path,
                version=version,
            ),
            "Use the program that made the file, or restore a backup with `main.py restore`.",
        )
    return version


def _version(database: DatabaseFile) -> int:
    return int(database.value("PRAGMA user_version"))


def _apply(database: DatabaseFile, version: int, migration: Migration) -> None:
    for statement in migration.statements:
        database.execute(statement)
    row = {
        "version": version,
        "name": migration.name,
        "sha256": migration.sha256,
        "applied_utc_s": time.time(),
    }
    database.insert("migrations", row)
    database.execute(f"PRAGMA user_version={version}")


def _back_up(database: DatabaseFile, backup_dir: Path) -> Path:
    backup_dir.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    target = backup_dir / f"{database.path.stem}-schema{_version(database)}-{stamp}.db"
    remove_abandoned(backup_dir)
    partial = partial_of(target)
    partial.unlink(missing_ok=True)
    database.execute("VACUUM INTO ?", (str(partial),))
    partial.replace(target)
    return target
