"""What SQLite reports, said in words that a person can act on.

Constraint violations and wrong SQL are bugs and pass through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import HostError, InputError, KnownError
from storage.driver import DatabaseError

BUSY_MS = 5000
"""How long a statement waits for another writer."""

RESTORE = "Restore a backup with `main.py restore`, or move the file away and keep it for recovery."


class DiskFullError(HostError):
    """There is no room for what was to be written; everything committed before is kept."""


class BusyError(HostError):
    """Somebody else uses the file; it may be free the next time."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn driver errors about ``path`` into `HostError` and `InputError`; anything else is a bug and propagates."""
    try:
        yield
    except DatabaseError as error:
        known = _known(error, path)
        if known is None:
            raise
        raise known from error
    except UnicodeDecodeError as error:  # the driver cannot even say what is wrong: the name in its message is damaged
        raise InputError(f"{path} is damaged.", RESTORE) from error


_DAMAGED_SCHEMA = (
    "Could not decode to UTF-8",
    "unknown function",
    "no such function",
    "no such column",
    "no such table",
    "unsupported file format",
)
"""What SQLite says of a form that was whole when the file was made: a name in it, or the header, was damaged."""


def _name(error: BaseException) -> str:
    return str(getattr(error, "sqlite_errorname", ""))


def is_busy(error: BaseException) -> bool:
    """Whether SQLite says that somebody else is using the file."""
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _known(error: Exception, path: Path) -> KnownError | None:
    name = _name(error)
    if name.startswith("SQLITE_FULL"):
        return DiskFullError(f"The disk that holds {path.name} is full.", "Free some space; what was stored is kept.")
    if name.startswith(("SQLITE_IOERR", "SQLITE_NOLFS")):
        return HostError(
            f"The disk refused to read or write {path.name} ({name}).",
            f"Check the free space, the quota and the health of the disk that holds {path.parent}.",
        )
    if name.startswith("SQLITE_READONLY_DBMOVED"):
        return InputError(f"{path} was moved or replaced while it was open.", "Put the file back and start again.")
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return HostError(f"{path} cannot be written.", "Give this user write permission to the file and its folder.")
    if name.startswith("SQLITE_CANTOPEN"):
        return HostError(
            f"{path} cannot be opened.", "Check that its folder exists and that this user may read and write in it."
        )
    if is_busy(error):
        return BusyError(
            f"{path.name} was busy for longer than {BUSY_MS // 1000} seconds.", "Close other programs that use it."
        )
    if name.startswith("SQLITE_NOTADB"):
        return InputError(f"{path} is not a database, or its header is damaged.", RESTORE)
    if name.startswith("SQLITE_CORRUPT") or str(error).startswith(_DAMAGED_SCHEMA):
        return InputError(f"{path} is damaged.", RESTORE)
    return None
