"""Time as a dependency, so that tests can control it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock and a wall clock."""

    def now_ms(self) -> float:
        """Monotonic milliseconds; only differences mean anything."""
        ...

    def utc_s(self) -> float:
        """Seconds since the Unix epoch, for records that people read."""
        ...

    def sleep_ms(self, duration_ms: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> float:
        """See `Clock.now_ms`."""
        return time.monotonic() * 1000.0

    def utc_s(self) -> float:
        """See `Clock.utc_s`."""
        return time.time()

    def sleep_ms(self, duration_ms: float) -> None:
        """See `Clock.sleep_ms`."""
        time.sleep(max(0.0, duration_ms) / 1000.0)


class FakeClock:
    """A clock that moves only when told to (tests, replay)."""

    def __init__(self, start_ms: float = 0.0, utc_s: float = 1_700_000_000.0) -> None:
        self._now_ms = start_ms
        self._utc_0_s = utc_s - start_ms / 1000.0

    def now_ms(self) -> float:
        """See `Clock.now_ms`."""
        return self._now_ms

    def utc_s(self) -> float:
        """See `Clock.utc_s`."""
        return self._utc_0_s + self._now_ms / 1000.0

    def sleep_ms(self, duration_ms: float) -> None:
        """Advance at once."""
        self.advance(duration_ms)

    def advance(self, duration_ms: float) -> None:
        """Move the clock forward by ``duration_ms``."""
        self._now_ms += duration_ms


class ClockWatch:
    """Notices that the wall clock was set, or jumped: it then moves otherwise than the monotonic clock.

    A machine that slept jumps too: its monotonic clock stood still.
    """

    TOLERATED_S = 2.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._difference_s = self._now()

    def jump_s(self) -> float:
        """Seconds by which the wall clock jumped since the last call, forward or back; 0.0 when it did not."""
        before, self._difference_s = self._difference_s, self._now()
        jump = self._difference_s - before
        return jump if abs(jump) > self.TOLERATED_S else 0.0

    def _now(self) -> float:
        return self._clock.utc_s() - self._clock.now_ms() / 1000.0
