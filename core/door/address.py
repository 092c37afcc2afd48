"""The socket's file: claimed for this user alone, never taken from a station that runs, removed only if it is ours."""

from __future__ import annotations

import os
import socket
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import HostError, UsageError, sentence

MAX_PATH_BYTES = 107
"""What a Unix socket's address holds on Linux (103 on macOS, whose own error is told then)."""

_PEERCRED = getattr(socket, "SO_PEERCRED", None)
"""Linux."""

Identity = tuple[int, int]
"""Device and inode of the socket's file."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who is at the other end of a local socket."""

    process: int
    user: int


def peer_credentials(peer: socket.socket) -> Credentials | None:
    """Process and user at the other end; ``None`` where the system does not tell."""
    if _PEERCRED is None:
        return None
    process, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, _PEERCRED, struct.calcsize("3i")))
    return Credentials(process, user)


def claim(path: Path) -> tuple[socket.socket, Identity]:
    """A bound socket at ``path``, mode 0600, not yet listening: nobody can have connected before the mode was set.

    Raises:
        UsageError: no socket can have this path.
        HostError: another station listens there, something else lies there, or the folder cannot be written.
    """
    check(path)
    _clear(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        path.chmod(0o600)
        found = path.lstat()
    except OSError as error:
        bound.close()
        raise HostError(
            sentence("The door's socket {path} cannot be made: {strerror}.", path=path, strerror=error.strerror),
            "Choose a folder that this user may write.",
        ) from error
    return bound, (found.st_dev, found.st_ino)


def check(path: Path) -> None:
    """Raises `UsageError` where no socket can have this path, `HostError` where this Python knows none."""
    if not hasattr(socket, "AF_UNIX"):
        raise HostError("This Python knows no local sockets.", "Use --door-hook with a command instead.")
    name = os.fsencode(path)
    if b"\0" in name or not path.name:
        raise UsageError(
            sentence("{path!r} cannot be a socket.", path=path), "Give the path of a file in a folder that exists."
        )
    if len(name) > MAX_PATH_BYTES:
        raise UsageError(
            sentence(
                "The path of the door's socket has {length} bytes; a socket's may have {most}.",
                length=len(name),
                most=MAX_PATH_BYTES,
            ),
            "Choose a shorter folder, such as one below XDG_RUNTIME_DIR.",
        )


def forget(path: Path, identity: Identity) -> None:
    """Remove the socket's file, unless another one lies there by now."""
    with suppress(OSError):
        found = path.lstat()
        if (found.st_dev, found.st_ino) == identity:
            path.unlink()


def _clear(path: Path) -> None:
    """Remove what a killed station left behind. A socket that answers, or anything else, stays."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise HostError(
            sentence("{path} cannot be looked at: {strerror}.", path=path, strerror=error.strerror),
            "Choose another path.",
        ) from error
    if not stat.S_ISSOCK(found.st_mode):
        raise HostError(sentence("{path} exists and is no socket.", path=path), "Choose another path for the door.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            forget(path, (found.st_dev, found.st_ino))
            return
        except OSError as error:
            raise HostError(
                sentence("{path} is in use: {strerror}.", path=path, strerror=error.strerror),
                "Choose another path for the door.",
            ) from error
    raise HostError(
        sentence("Another program listens on {path}.", path=path), "Stop it, or choose another path for the door."
    )
