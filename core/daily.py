"""A duty of a running station that falls due at its start and then once a day."""

from __future__ import annotations

from core.clock import Clock

DAY_S = 86_400.0


class Daily:
    """Asked often, says yes once a day. It goes by the wall clock: a machine that slept is not a day late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_utc_s: float | None = None

    def due(self) -> bool:
        """Whether the duty is to be done now; a yes counts as done. A clock that was set back delays nothing."""
        now = self._clock.utc_s()
        if self._last_utc_s is not None and 0.0 <= now - self._last_utc_s < DAY_S:
            return False
        self._last_utc_s = now
        return True
