"""Watching the free space, and a reserve for when it is gone.

On a full disk SQLite can neither delete nor empty its log (reliability.md section 3.1). So recording stops before, and
a file of reserved space, the ballast, is released so that closing and erasing still work.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.errors import HostError, sentence
from storage.atomic import fsync_folder

log = logging.getLogger(__name__)

MIB = 1 << 20
BALLAST_BYTES = 128 * MIB
"""Room for one full write-ahead log of a frames database and one of the catalogue."""
_CHUNK = bytes(MIB)


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Free space, in bytes, below which recording warns and below which it stops."""

    warn: int = 4096 * MIB
    stop: int = 1024 * MIB


class DiskGuard:
    """Free space on the disk that holds ``folder``, against two watermarks."""

    def __init__(self, folder: Path, marks: Watermarks | None = None) -> None:
        self._folder = folder
        self._marks = marks or Watermarks()
        self._warned = False

    def require_room(self) -> None:
        """Raise `HostError` when the free space is below the mark at which recording stops."""
        if self.problem():
            raise HostError(self.problem(), "Free some space on that disk, or choose another data folder with --data.")

    def problem(self) -> str:
        """Why recording must stop, or the empty string."""
        free = self._free()
        if free >= self._marks.stop:
            return ""
        return sentence(
            "Only {free} MiB are free on the disk of {folder}: recording stops to keep what is stored.",
            free=free // MIB,
            folder=self._folder,
        )

    def warning(self) -> str:
        """What to say while there is still time, or the empty string; it is logged once."""
        free = self._free()
        if free >= self._marks.warn:
            return ""
        mark = self._marks.stop // MIB
        text = f"Only {free // MIB} MiB are free on the disk of {self._folder}; recording stops at {mark} MiB."
        if not self._warned:
            self._warned = True
            log.warning("%s", text)
        return text

    @property
    def free_mib(self) -> int:
        """Free space now."""
        return self._free() // MIB

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free


class Ballast:
    """A file of reserved space."""

    def __init__(self, path: Path, size: int = BALLAST_BYTES) -> None:
        self._path = path
        self._size = size

    @property
    def standing(self) -> bool:
        """Whether the reserve is there."""
        return self._path.is_file() and self._path.stat().st_size >= self._size

    def ensure(self) -> bool:
        """Reserve the space unless it is; ``False`` when the disk has no room for it."""
        if self.standing:
            return True
        try:
            with self._path.open("wb") as file:
                self._fill(file.fileno())
                os.fsync(file.fileno())
        except OSError as error:
            self._path.unlink(missing_ok=True)
            log.warning("no room for a reserve of %d MiB: %s", self._size // MIB, error.strerror)
            return False
        fsync_folder(self._path.parent)
        return True

    def release(self) -> bool:
        """Give the space back to the disk; ``True`` when there was some."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        fsync_folder(self._path.parent)
        log.warning("the disk is full: a reserve of %d MiB was released", self._size // MIB)
        return True

    def _fill(self, descriptor: int) -> None:
        """A file with holes would reserve nothing."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, self._size)
            return
        written = 0
        while written < self._size:
            written += os.write(descriptor, _CHUNK[: self._size - written])
