"""The inference process as the station sees it: spawned, re-primed after a crash, given up after too many."""

from __future__ import annotations

from collections import deque
from multiprocessing.connection import Connection

from core.clock import Clock
from core.errors import sentence
from core.messages import LoadModel, LoadShadow, Message, Problem, SetPolicy, SetSession, Shutdown, Standing
from core.processes import Child

MAX_RESTARTS = 5
RESTART_WINDOW_MS = 600_000.0


class InferenceLink:
    """Keeps one inference process alive and remembers what a fresh one must be told."""

    def __init__(self, child: Child, clock: Clock) -> None:
        self._child = child
        self._clock = clock
        self._restarts: deque[float] = deque(maxlen=MAX_RESTARTS)
        self._context: dict[type, Message] = {}
        self._given_up = False

    @property
    def pipe(self) -> Connection | None:
        """Pipe to wait on."""
        return self._child.pipe

    @property
    def pid(self) -> int | None:
        """Process id, for measurements and fault tests."""
        return self._child.pid

    def start(self) -> None:
        """Spawn it and tell it models, policy, session and standing."""
        self._child.start()
        for message in self._context.values():
            self._child.send(message)

    def send(self, message: Message) -> bool:
        """Send; models, policy, session and standing are kept for the next process too."""
        if isinstance(message, LoadModel | LoadShadow | SetPolicy | SetSession | Standing):
            self.remember(message)
        return self._child.send(message)

    def remember(self, message: LoadModel | LoadShadow | SetPolicy | SetSession | Standing) -> None:
        """Tell it to the next process only: this one knows already."""
        self._context[type(message)] = message

    def poll(self) -> tuple[list[Message], bool]:
        """Drain the pipe; the flag says that the process died (and was started again, within the budget)."""
        messages: list[Message] = []
        try:
            while self._child.pipe is not None and self._child.pipe.poll():
                messages.append(self._child.pipe.recv())
        except (EOFError, OSError):
            self._child.close()
        if self._given_up or (self._child.alive and self._child.pipe is not None):
            return messages, False
        return [*messages, self._restart()], True

    def _restart(self) -> Problem:
        self._child.kill()
        now = self._clock.now_ms()
        if len(self._restarts) == MAX_RESTARTS and now - self._restarts[0] < RESTART_WINDOW_MS:
            self._given_up = True
            return Problem(
                sentence(
                    "The inference process ended {max_restarts} times within ten minutes and was given up.",
                    max_restarts=MAX_RESTARTS,
                ),
                "Run `main.py doctor`, check the model with `main.py models`, then start again.",
                fatal=True,
            )
        self._restarts.append(now)
        self.start()
        return Problem(
            "The inference process ended and was started again.", "The running presentation has no response."
        )

    def shutdown(self, timeout_s: float) -> None:
        """Ask it to finish; kill it after ``timeout_s``."""
        self._given_up = True
        self._child.send(Shutdown())
        self._child.join(timeout_s)
        self._child.kill()
