"""Time as log-ins count it: setting the machine's clock forth or back gains nothing (reliability.md section 2.5)."""

from __future__ import annotations

from core.clock import Clock
from storage.database import DatabaseFile


class TrustedTime:
    """Stored with every look, so that a restart forgets nothing.

    While the machine runs, its monotonic clock tells what passed. When that clock has begun anew (a reboot), the wall
    clock is asked, and counts only as far as it is ahead of the latest time that was ever seen.
    """

    def __init__(self, file: DatabaseFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def passed_s(self) -> float:
        """Seconds that surely passed since the first look; never runs backwards."""
        with self._file.transaction():
            return self._look()

    def latest_utc_s(self) -> float:
        """The latest wall-clock time that was ever seen, or now: terms end by it. Only reads."""
        seen = self._file.value("SELECT latest_utc_s FROM last_seen")
        return max(self._clock.utc_s(), 0.0 if seen is None else float(seen))

    def clock_is_behind(self) -> bool:
        """Whether the machine's clock stands before a time that was seen already."""
        return self._clock.utc_s() < self.latest_utc_s() - 1.0

    def _look(self) -> float:
        utc_s, now_ms = self._clock.utc_s(), self._clock.now_ms()
        row = self._file.row("SELECT * FROM last_seen")
        if row is None:
            latest, passed, then = utc_s, 0.0, 0.0
        elif now_ms >= row["now_ms"]:
            latest, then = row["latest_utc_s"], row["passed_then_s"]
            passed = float(row["passed_s"]) + (now_ms - row["now_ms"]) / 1000.0
        else:
            latest, then = row["latest_utc_s"], row["passed_then_s"]
            passed = max(row["passed_s"], then + utc_s - latest)
        if utc_s >= latest:
            latest, then = utc_s, passed
        sql = "INSERT OR REPLACE INTO last_seen VALUES (1, ?, ?, ?, ?)"
        self._file.execute(sql, (latest, then, passed, now_ms))
        return passed
