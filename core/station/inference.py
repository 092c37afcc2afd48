"""The inference process as the station sees it: spawned, re-primed after a crash or a hang, given up after too many.

A worker that lives says something at least once in the policy's ``stale_ms``, frames or none. One that says nothing for
much longer hangs (a GPU, a driver), and nobody would be answered any more: it is killed and spawned again.
"""

from __future__ import annotations

import logging
from multiprocessing.connection import Connection

from core.clock import Clock
from core.errors import sentence
from core.messages import (
    LoadModel,
    LoadShadow,
    Message,
    ModelReady,
    Problem,
    SetPolicy,
    SetSession,
    Shutdown,
    Standing,
)
from core.processes import Child
from core.restarts import RestartBudget

log = logging.getLogger(__name__)

HANG_MS = 10_000.0
"""Silence beyond the policy's ``stale_ms`` after which the process is killed."""
LOADING_MS = 90_000.0
"""A fresh process imports torch, and a model is verified, loaded and tested, before anything more is said."""


class InferenceLink:
    """Keeps one inference process alive and remembers what a fresh one must be told."""

    def __init__(self, child: Child, clock: Clock) -> None:
        self._child = child
        self._clock = clock
        self._budget = RestartBudget(clock)
        self._context: dict[type, Message] = {}
        self._orders: list[Message] = []
        self._heard_ms = self._patient_until_ms = clock.now_ms()
        self._respawn_ms: float | None = None
        self._given_up = False

    @property
    def pipe(self) -> Connection | None:
        """Pipe to wait on; ``None`` while the process is down."""
        return self._child.pipe

    @property
    def pid(self) -> int | None:
        """Process id, for measurements and fault tests."""
        return self._child.pid

    def start(self) -> None:
        """Spawn it and tell it models, policy, session and standing, then what was ordered while it was down."""
        self._respawn_ms = None
        self._heard_ms = self._clock.now_ms()
        self._child.start()
        self._be_patient()
        orders, self._orders = self._orders, []
        for message in (*self._context.values(), *orders):
            self._child.send(message)

    def send(self, message: Message) -> bool:
        """Send; models, policy, session and standing are kept for the next process too.

        What is sent while the process is down waits for the next one.
        """
        if isinstance(message, LoadModel | LoadShadow | SetPolicy | SetSession | Standing):
            self.remember(message)
        elif self._respawn_ms is not None:
            self._orders.append(message)
        if self._respawn_ms is not None:
            return True
        if isinstance(message, LoadModel | LoadShadow):
            self._be_patient()
        return self._child.send(message)

    def remember(self, message: LoadModel | LoadShadow | SetPolicy | SetSession | Standing) -> None:
        """Tell it to the next process only: this one knows already."""
        self._context[type(message)] = message

    def poll(self) -> tuple[list[Message], bool]:
        """Drain the pipe; the flag says that the process died or hung (it is started again, within the budget)."""
        messages = self._drain()
        if self._given_up:
            return messages, False
        now_ms = self._clock.now_ms()
        if self._respawn_ms is not None:
            if now_ms >= self._respawn_ms:
                self.start()
            return messages, False
        if not self._child.alive or self._child.pipe is None:
            return [*messages, self._replace(sentence("ended unexpectedly"))], True
        silent_ms = now_ms - self._heard_ms
        if silent_ms >= self._patience_ms() and now_ms >= self._patient_until_ms:
            why = sentence("said nothing for {seconds:.0f} s", seconds=silent_ms / 1000.0)
            return [*messages, self._replace(why)], True
        return messages, False

    def shutdown(self, timeout_s: float) -> None:
        """Ask it to finish; kill it after ``timeout_s``."""
        self._given_up = True
        self._child.send(Shutdown())
        self._child.join(timeout_s)
        self._child.kill()

    # --- inside -------------------------------------------------------------------------------------------------

    def _drain(self) -> list[Message]:
        messages: list[Message] = []
        try:
            while self._child.pipe is not None and self._child.pipe.poll():
                messages.append(self._child.pipe.recv())
        except (EOFError, OSError):
            self._child.close()
        if messages:
            self._heard_ms = self._clock.now_ms()
        if any(isinstance(message, ModelReady) for message in messages) and not self._loads_a_shadow():
            self._patient_until_ms = self._heard_ms
        return messages

    def _be_patient(self) -> None:
        self._patient_until_ms = self._clock.now_ms() + LOADING_MS

    def _loads_a_shadow(self) -> bool:
        """A shadow model is loaded after the champion, and nothing tells that it is ready."""
        told = self._context.get(LoadShadow)
        return isinstance(told, LoadShadow) and bool(told.path)

    def _patience_ms(self) -> float:
        told = self._context.get(SetPolicy)
        return HANG_MS + (told.policy.stale_ms if isinstance(told, SetPolicy) else 0.0)

    def _replace(self, why: str) -> Problem:
        """End the process for good and plan the next one, if the budget allows."""
        log.warning("inference process %s: %s", self.pid, why)
        self._child.kill()
        pause_ms = self._budget.take()
        if pause_ms is None:
            self._given_up = True
            return Problem(
                sentence("The inference process {why}; it was given up after too many restarts.", why=why),
                "Run `main.py doctor`, check the model with `main.py models`, then start again.",
                fatal=True,
            )
        self._respawn_ms = self._clock.now_ms() + pause_ms
        what = sentence("The inference process {why} and is started again.", why=why)
        return Problem(what, "The running presentation has no response.")
