"""How often, and after what pause, a process or a camera that failed is started again."""

from __future__ import annotations

from collections import deque

from core.clock import Clock

BACK_OFF_MS = 500.0
MAX_BACK_OFF_MS = 8000.0
MAX_RESTARTS = 5
BUDGET_WINDOW_MS = 600_000.0


class RestartBudget:
    """At most ``MAX_RESTARTS`` within ``BUDGET_WINDOW_MS``, each after a longer pause (reliability.md section 3.4)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._restarts: deque[float] = deque()

    def take(self) -> float | None:
        """The pause before this restart in ms; ``None`` when the budget is spent."""
        now_ms = self._clock.now_ms()
        while self._restarts and now_ms - self._restarts[0] > BUDGET_WINDOW_MS:
            self._restarts.popleft()
        if len(self._restarts) >= MAX_RESTARTS:
            return None
        pause_ms = BACK_OFF_MS * 2.0 ** len(self._restarts)
        self._restarts.append(now_ms)
        return float(min(pause_ms, MAX_BACK_OFF_MS))
