"""One camera's connection as a pure state machine: events and a clock in, the next step out.

::

    searching -> opening -> warm_up -> streaming <-> degraded(mask)
        ^                                  |  silence 1 s, or an error
        |                                  v
    back_off <- [resetting] <- closed <-  lost   (frames within 3 s: streaming again)

A reset of the device is the last resort: only after three restarts in a row that brought no frame. More than five
restarts within ten minutes end in ``failed``. Waiting for a device that is not there costs nothing.
Thresholds: reliability.md section 3.4.
"""

from __future__ import annotations

from enum import StrEnum

from core.clock import Clock
from core.codes import ConnectionState as State
from core.frames import ModalityMask
from core.restarts import RestartBudget
from devices.meter import HOLD_MS, Presence

SEARCH_MS = 1000.0
FIRST_FRAME_MS = 10_000.0
WARM_UP_MS = 2000.0
LOST_MS = 1000.0
RESTART_MS = 3000.0
RESTARTS_BEFORE_RESET = 3

_READING = frozenset({State.WARM_UP, State.STREAMING, State.DEGRADED})


class Step(StrEnum):
    """What the capture process does next."""

    WAIT = "wait"
    OPEN = "open"
    READ = "read"
    CLOSE = "close"
    RESET = "reset"
    STOP = "stop"


class Connection:
    """State of one camera. The capture process asks `step`, does it, and reports what came of it.

    Args:
        clock: drives every time-out.
        hold_ms: see `devices.meter.Presence`.
    """

    def __init__(self, clock: Clock, hold_ms: float = HOLD_MS) -> None:
        self.state = State.SEARCHING
        self.problem = ""
        self.expected = ModalityMask(0)
        self._clock = clock
        self._hold_ms = hold_ms
        self._presence = Presence(hold_ms)
        self._final = ModalityMask(0)
        self._budget = RestartBudget(clock)
        self._since_ms = clock.now_ms()
        self._wake_ms = clock.now_ms()
        self._pause_ms = 0.0
        self._must_close = False
        self._fruitless = 0

    @property
    def reading(self) -> bool:
        """Whether the camera is open and expected to deliver."""
        return self.state in _READING

    @property
    def mask(self) -> ModalityMask:
        """Modalities that are coming now, or came at the end; none unless frames flow."""
        if self.state is State.ENDED:
            return self._final
        return self._presence.mask(self._clock.now_ms()) if self.reading else ModalityMask(0)

    # --- what to do next ------------------------------------------------------------------------------------------

    def step(self) -> Step:
        """Advance by the clock, and say what is to be done."""
        now_ms = self._clock.now_ms()
        if self.state in (State.ENDED, State.FAILED):
            return Step.STOP
        if self.state is State.BACK_OFF and now_ms >= self._wake_ms:
            self._enter(State.SEARCHING)
            self._wake_ms = now_ms
        if self.state is State.SEARCHING:
            return Step.OPEN if now_ms >= self._wake_ms else Step.WAIT
        if self.state is State.RESETTING:
            return Step.RESET
        if self.state is State.LOST:
            if self._must_close or now_ms - self._since_ms >= RESTART_MS - LOST_MS:
                return Step.CLOSE
            return Step.READ
        if self.reading:
            self._check_flow(now_ms)
            return Step.CLOSE if self._must_close else Step.READ
        return Step.WAIT

    def _check_flow(self, now_ms: float) -> None:
        if self.state is State.WARM_UP and not self._presence.started:
            if now_ms - self._since_ms >= FIRST_FRAME_MS:
                self.broke("The camera delivers no frames.")
        elif now_ms - self._presence.last_ms >= LOST_MS:
            self._enter(State.LOST)
            self.problem = "The camera stopped delivering frames."
        else:
            self._judge_mask(now_ms)

    def _judge_mask(self, now_ms: float) -> None:
        if self._presence.mask(now_ms) == self.expected:
            self._enter(State.STREAMING)
        elif self.state is State.STREAMING or (
            self.state is State.WARM_UP and now_ms - self._since_ms >= min(WARM_UP_MS, 4.0 * self._hold_ms)
        ):
            self._enter(State.DEGRADED)

    # --- what came of it ------------------------------------------------------------------------------------------

    def opening(self) -> None:
        """The device was found and is being started."""
        self._enter(State.OPENING)

    def not_found(self, problem: str) -> None:
        """There is no such device now."""
        self.problem = problem
        self._enter(State.SEARCHING)
        self._wake_ms = self._clock.now_ms() + SEARCH_MS

    def opened(self, expected: ModalityMask) -> None:
        """The streams in ``expected`` are started."""
        self.expected = expected
        self._presence = Presence(self._hold_ms)
        self._enter(State.WARM_UP)

    def frame_set(self, mask: ModalityMask) -> None:
        """A frame set has come; frames in none of its modalities do not count."""
        if not mask:
            return
        now_ms = self._clock.now_ms()
        if self.state is State.LOST and not self._must_close:
            self._enter(State.DEGRADED)
        if not self.reading:
            return
        self._presence.add(mask, now_ms)
        self._fruitless = 0
        self.problem = ""
        self._judge_mask(now_ms)

    def broke(self, problem: str) -> None:
        """The device or the SDK reported an error: close and start again."""
        self.problem = problem
        self._must_close = True
        self._enter(State.LOST)

    def closed(self) -> None:
        """The device is closed after a loss."""
        self._must_close = False
        pause_ms = self._budget.take()
        if pause_ms is None:
            self._enter(State.FAILED)
            return
        self._pause_ms = pause_ms
        self._fruitless += 1
        if self._fruitless > RESTARTS_BEFORE_RESET:
            self._fruitless = 0
            self._enter(State.RESETTING)
        else:
            self._back_off()

    def reset_done(self) -> None:
        """The device was reset, or cannot be."""
        self._back_off()

    def ended(self) -> None:
        """A finite source is at its end."""
        self._final = self.mask
        self._enter(State.ENDED)

    def _back_off(self) -> None:
        self._enter(State.BACK_OFF)
        self._wake_ms = self._clock.now_ms() + self._pause_ms

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._since_ms = self._clock.now_ms()
