"""One station per data folder: a lock of the operating system, which ends with the process that holds it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from core.errors import HostError, sentence

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> None:
        # The byte that is locked lies beyond the text, so that others can read who holds it.
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

else:
    import fcntl

    def _try_lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class StationLock:
    """Held by the window or by `run` for as long as it owns the data folder.

    A file that a killed station left behind is no lock: only the operating system's lock on it counts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            HostError: another station has it, or the file cannot be written.
        """
        try:
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise HostError(
                sentence("The lock {path} cannot be written: {strerror}.", path=self._path, strerror=error.strerror),
                "Choose a data folder that this user may write with --data.",
            ) from error
        try:
            _try_lock(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise HostError(
                sentence(
                    "Another station (process {holder}) works on {parent}.", holder=holder, parent=self._path.parent
                ),
                "Close it first, or choose another folder with --data.",
            ) from error
        self._file = file
        with suppress(OSError):  # who holds it is a help for people: a full disk, which takes no byte, stops no station
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())

    def release(self) -> None:
        """Give it back; the file stays, because removing it could remove the lock of the next one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> StationLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
