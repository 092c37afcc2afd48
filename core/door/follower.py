"""The gate controller's side of failing closed, as integrators should write it: no sockets, no clock, no threads.

A door is open only while every line of this connection is in order, the newest says so and is younger than
`TIMEOUT_MS`, and this controller itself has seen the verdict that opened it. Everything else is closed. A controller
that has the station's key takes no line that was not signed by it.
"""

from __future__ import annotations

from collections import deque

from core.codes import DoorReason
from core.door.line import MAX_LINE_BYTES, OPEN_MS, TIMEOUT_MS, DoorLine, LineKind, parse_line
from core.door.signing import DoorKey
from core.errors import InputError

CLOCK_TOLERANCE_MS = 50.0
"""A line may seem this much younger than now; more is another machine's clock."""
_REMEMBERED = 64
_FOUND = frozenset(
    {DoorReason.NO_STATION, DoorReason.PROTOCOL, DoorReason.UNSIGNED, DoorReason.REPLAYED, DoorReason.STALE}
)
"""What silence does not explain better."""


class DoorFollower:
    """Feed it what arrives; ask it, often, whether the door may be open. Times are milliseconds, monotonic."""

    def __init__(self, key: DoorKey | None = None) -> None:
        self._key = key
        self._buffer = b""
        self._nonce = ""
        self._seq = 0
        self._retired: deque[str] = deque(maxlen=_REMEMBERED)
        self._first = True
        self._sent_ms = 0.0
        self._open_until_ms: float | None = None
        self._reason = DoorReason.NO_STATION

    def connected(self) -> None:
        """A connection was made: closed until its first verdict."""
        self._first, self._buffer = True, b""
        self._close(DoorReason.SILENCE)

    def lost(self) -> None:
        """The connection ended: the station is gone."""
        self._close(DoorReason.NO_STATION)

    def feed(self, data: bytes, now_ms: float) -> bool:
        """Bytes of the connection. ``False``: it talks nonsense; close it and connect anew."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) >= MAX_LINE_BYTES:
            self._close(DoorReason.PROTOCOL)
            return False
        return all(self._take(line, now_ms) for line in lines)

    def state(self, now_ms: float) -> DoorReason:
        """``NONE`` = the door may be open; otherwise why it must be closed. A clock that jumped closes it too."""
        if self._open_until_ms is not None:
            if not -CLOCK_TOLERANCE_MS <= now_ms - self._sent_ms <= TIMEOUT_MS:
                self._close(DoorReason.SILENCE)
            elif now_ms >= self._open_until_ms:
                self._close(DoorReason.ELAPSED)
        elif self._reason not in _FOUND and now_ms - self._sent_ms > TIMEOUT_MS:
            self._close(DoorReason.SILENCE)
        return self._reason

    def _take(self, raw: bytes, now_ms: float) -> bool:
        if self._key is not None and not self._key.wrote(raw):
            self._close(DoorReason.UNSIGNED)
            return False
        try:
            line = parse_line(raw)
        except InputError:
            self._close(DoorReason.PROTOCOL)
            return False
        if not self._in_order(line):
            self._close(DoorReason.REPLAYED)
            return False
        # Whether it was still open a moment ago: a later "open" does not open again what silence has closed.
        still_open = self.state(now_ms) is DoorReason.NONE
        if not -CLOCK_TOLERANCE_MS <= now_ms - line.mono_ms <= TIMEOUT_MS:
            self._close(DoorReason.STALE)
            return True
        self._sent_ms = line.mono_ms
        if not line.open:
            self._close(line.reason)
        elif line.kind is LineKind.VERDICT or still_open:
            self._open_until_ms = line.mono_ms + min(line.open_for_ms, OPEN_MS)
            self._reason = DoorReason.NONE
        else:
            self._close(DoorReason.TOO_LATE)
        return True

    def _in_order(self, line: DoorLine) -> bool:
        """Within a connection one nonce, numbered without a gap; over connections never back to what was."""
        if not self._first:
            in_order = line.nonce == self._nonce and line.seq == self._seq + 1
        elif line.nonce == self._nonce:
            in_order = line.seq > self._seq
        else:
            in_order = line.nonce not in self._retired
            if in_order and self._nonce:
                self._retired.append(self._nonce)
        if in_order:
            self._first, self._nonce, self._seq = False, line.nonce, line.seq
        return in_order

    def _close(self, reason: DoorReason) -> None:
        self._open_until_ms, self._reason = None, reason
