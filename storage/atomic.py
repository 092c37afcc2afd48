"""Files that are there completely or not at all (reliability.md section 3.5)."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from core.errors import HostError, sentence

_CHUNK_BYTES = 1 << 20
_BINARY = getattr(os, "O_BINARY", 0)
"""Windows would translate line ends without it."""


def write_atomically(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write ``content`` to ``path``: a temporary file in the same folder, fsync, replace, fsync of the folder.

    ``mode``: permissions from its first byte on, less what the process masks. Raises `HostError`; nothing is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise HostError(
            sentence("{path} could not be written: {strerror}.", path=path, strerror=error.strerror),
            "Check free space and permissions.",
        ) from error


def write_secret(path: Path, text: str) -> None:
    """The same for a secret (ASCII): nobody but this user can ever read a byte of it. Raises `HostError`."""
    write_atomically(path, text.encode("ascii"), 0o600)


def fsync_folder(folder: Path) -> None:
    """Make new, renamed and removed entries of ``folder`` durable (Windows does so by itself)."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_file(path: Path) -> None:
    """Flush the content of an existing file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
