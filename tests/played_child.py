"""A child process that a test plays: it speaks, hangs and dies when the test says so."""

from __future__ import annotations

import contextlib
from multiprocessing import get_context
from typing import Any

from core.messages import Message


class PlayedChild:
    """Has the interface of `core.processes.Child`."""

    def __init__(self, spec: object = None) -> None:
        self.spec: Any = spec
        self.alive = False
        self.pid = 1
        self.starts = 0
        self.pipe: Any
        self.pipe, self._theirs = get_context("spawn").Pipe()

    def start(self) -> None:
        """Start, again after `kill`."""
        if self.pipe is None:
            self.pipe, self._theirs = get_context("spawn").Pipe()
        self.alive = True
        self.starts += 1

    def send(self, message: object) -> bool:
        """From the station; nobody hears it once the pipe is closed."""
        if self.pipe is not None:
            self.pipe.send(message)
        return self.pipe is not None

    def says(self, message: Message) -> None:
        """To the station."""
        self._theirs.send(message)

    def heard(self) -> list[Message]:
        """What the station sent since the last call."""
        messages = []
        with contextlib.suppress(EOFError):
            while self._theirs.poll():
                messages.append(self._theirs.recv())
        return messages

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended; nobody waits."""
        return not self.alive

    def kill(self) -> None:
        """End it."""
        self.alive = False
        self.close()

    def close(self) -> None:
        """Close the station's end."""
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None
