"""What SQLite reports, said in words that a person can act on.

Constraint violations and wrong SQL are bugs and pass through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import HostError, InputError, KnownError, sentence
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
        raise InputError(sentence("{path} is damaged.", path=path), RESTORE) from error


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
        return DiskFullError(
            sentence("The disk that holds {name} is full.", name=path.name), "Free some space; what was stored is kept."
        )
    if name.startswith(("SQLITE_IOERR", "SQLITE_NOLFS")):
        return HostError(
            sentence("The disk refused to read or write {name} ({code}).", name=path.name, code=name),
            sentence(
                "Check the free space, the quota and the health of the disk that holds {parent}.", parent=path.parent
            ),
        )
    if name.startswith("SQLITE_READONLY_DBMOVED"):
        return InputError(
            sentence("{path} was moved or replaced while it was open.", path=path), "Put the file back and start again."
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return HostError(
            sentence("{path} cannot be written.", path=path),
            "Give this user write permission to the file and its folder.",
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return HostError(
            sentence("{path} cannot be opened.", path=path),
            "Check that its folder exists and that this user may read and write in it.",
        )
    if is_busy(error):
        return BusyError(
            sentence("{name} was busy for longer than {seconds} seconds.", name=path.name, seconds=BUSY_MS // 1000),
            "Close other programs that use it.",
        )
    if name.startswith("SQLITE_NOTADB"):
        return InputError(sentence("{path} is not a database, or its header is damaged.", path=path), RESTORE)
    if name.startswith("SQLITE_CORRUPT") or str(error).startswith(_DAMAGED_SCHEMA):
        return InputError(sentence("{path} is damaged.", path=path), RESTORE)
    return None
