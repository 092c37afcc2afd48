"""A gate controller to copy: connects, follows, and says when its door opens and closes (`main.py door watch`)."""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.clock import Clock, SystemClock
from core.codes import DoorReason
from core.door.address import peer_credentials
from core.door.follower import DoorFollower
from core.door.signing import DoorKey
from core.errors import HostError

ASK_S = 0.05
"""How often the follower is asked: what silence closes is closed this much later at the most."""
RECONNECT_MS = 200.0
_CHUNK = 4096


def watch_socket(
    path: Path,
    tell: Callable[[DoorReason], None],
    canceled: Callable[[], bool],
    clock: Clock | None = None,
    key: DoorKey | None = None,
) -> None:
    """Follow the station at ``path`` until ``canceled``; connects (again) whenever somebody listens there.

    With ``key`` it believes signed lines only.
    ``tell`` is called with every change: ``NONE`` = open the door, anything else = close it. Its first call closes.
    """
    clock = clock or SystemClock()
    teller = _Teller(tell, key)
    while not canceled():
        connection = _connect(path)
        if connection is None:
            teller.follower.lost()
            teller.ask(clock)
            clock.sleep_ms(RECONNECT_MS)
            continue
        with connection:
            teller.follower.connected()
            _follow(connection.fileno(), teller, canceled, clock)
        teller.ask(clock)
        clock.sleep_ms(RECONNECT_MS)


def watch_stdin(
    tell: Callable[[DoorReason], None],
    canceled: Callable[[], bool],
    clock: Clock | None = None,
    key: DoorKey | None = None,
) -> None:
    """Follow the lines on stdin (`--door-hook`) until they end."""
    clock = clock or SystemClock()
    teller = _Teller(tell, key)
    teller.follower.connected()
    _follow(sys.stdin.fileno(), teller, canceled, clock)
    teller.ask(clock)


class _Teller:
    """Calls back on changes only."""

    def __init__(self, tell: Callable[[DoorReason], None], key: DoorKey | None) -> None:
        self.follower = DoorFollower(key)
        self._tell = tell
        self._told: DoorReason | None = None

    def ask(self, clock: Clock) -> None:
        """Whether the door may be open now."""
        reason = self.follower.state(clock.now_ms())
        if reason is not self._told:
            self._told = reason
            self._tell(reason)


def _follow(descriptor: int, teller: _Teller, canceled: Callable[[], bool], clock: Clock) -> None:
    """One connection, until its end or until ``canceled``; the door is closed after either."""
    while not canceled():
        teller.ask(clock)
        readable, _, _ = select.select([descriptor], [], [], ASK_S)
        if not readable:
            continue
        data = b""
        with suppress(ConnectionError):
            data = os.read(descriptor, _CHUNK)
        if not data:
            teller.follower.lost()
            return
        if not teller.follower.feed(data, clock.now_ms()):
            return
    teller.follower.lost()  # whoever stops following must not leave the door open behind it


def _connect(path: Path) -> socket.socket | None:
    """A connection to this user's own station; ``None`` while there is none."""
    if not hasattr(socket, "AF_UNIX"):
        raise HostError("This Python knows no local sockets.", "Use it as a --door-hook: `main.py door watch --stdin`.")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    if not _is_trusted(connection):
        connection.close()
        return None
    return connection


def _is_trusted(connection: socket.socket) -> bool:
    """Whether this user, or root, listens at the other end; where the system does not tell, the file's mode must do."""
    credentials = peer_credentials(connection)
    return credentials is None or credentials.user in (os.getuid(), 0)
