"""Where lines go: a local socket with any number of gate controllers, or a command that reads them on its stdin.

Nothing here waits: a controller that does not take a line at once has stopped reading, and is let go and named.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from core.door.address import claim, forget, peer_credentials
from core.errors import HostError, UsageError, sentence
from core.messages import Problem

MAX_CONTROLLERS = 8
BUFFER_BYTES = 4096
"""What may wait unread in the kernel: lines of a few seconds, so that one who hangs is noticed."""
FIRST_RETRY_MS = 1000.0
LONGEST_RETRY_MS = 30_000.0
LAST_WORD_S = 1.0
_F_SETPIPE_SZ = 1031
"""Linux; absent from the module fcntl of Python 3.11 on some builds."""


class Channel(Protocol):
    """One way out of the station."""

    @property
    def controllers(self) -> int:
        """How many listen now."""
        ...

    def service(self, now_ms: float) -> list[Problem]:
        """Accept who came, start again what ended; says what a person should know. Never blocks."""
        ...

    def send(self, line: bytes) -> list[Problem]:
        """Hand a line to everybody who listens; names who was let go. Never blocks."""
        ...

    def close(self) -> None:
        """Let everybody go."""
        ...


class SocketChannel:
    """A Unix socket that only this user may connect to.

    Raises:
        UsageError: no socket can have this path.
        HostError: another station listens there, something else lies there, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listener, self._identity = claim(path)
        self._listener.listen(MAX_CONTROLLERS)
        self._listener.setblocking(False)
        self._controllers: dict[socket.socket, str] = {}

    @property
    def controllers(self) -> int:
        """See `Channel.controllers`."""
        return len(self._controllers)

    def service(self, now_ms: float) -> list[Problem]:
        """See `Channel.service`."""
        problems: list[Problem] = []
        while True:
            try:
                peer, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return problems
            except OSError as error:
                return [
                    *problems,
                    Problem(
                        sentence("The door's socket takes nobody: {strerror}.", strerror=error.strerror), "Start again."
                    ),
                ]
            if len(self._controllers) == MAX_CONTROLLERS:
                peer.close()
                problems.append(
                    Problem(
                        sentence(
                            "More than {max_controllers} gate controllers asked for the door.",
                            max_controllers=MAX_CONTROLLERS,
                        ),
                        "Close one of them.",
                    )
                )
                continue
            peer.setblocking(False)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            self._controllers[peer] = _name(peer)

    def send(self, line: bytes) -> list[Problem]:
        """See `Channel.send`."""
        problems: list[Problem] = []
        for peer, name in list(self._controllers.items()):
            try:
                if peer.send(line) == len(line):
                    continue
                problems.append(_hangs(name))
            except (BlockingIOError, InterruptedError):
                problems.append(_hangs(name))
            except OSError:
                problems.append(
                    Problem(sentence("The gate controller ({name}) has gone.", name=name), "The door is closed for it.")
                )
            del self._controllers[peer]
            peer.close()
        return problems

    def close(self) -> None:
        """See `Channel.close`. The socket's file goes too, if it is still ours."""
        for peer in self._controllers:
            peer.close()
        self._controllers.clear()
        self._listener.close()
        forget(self._path, self._identity)


class HookChannel:
    """A command that gets the lines on its stdin; end of file is the end of the station. Started again when it ends.

    Raises:
        UsageError: the command cannot be read.
        HostError: this platform has no pipes that never block.
    """

    def __init__(self, command: str) -> None:
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            raise UsageError(
                sentence("The door's command cannot be read: {error}.", error=error), "Check its quotes."
            ) from error
        if not self._arguments:
            raise UsageError("The door's command is empty.", "Give a program and its arguments.")
        if not hasattr(os, "set_blocking") or (sys.platform == "win32" and sys.version_info < (3, 12)):
            raise HostError("This Python has no pipes that never block.", "Use Python 3.12 or newer.")
        self._name = Path(self._arguments[0]).name
        self._process: subprocess.Popen[bytes] | None = None
        self._deaf = False
        self._retry_ms = FIRST_RETRY_MS
        self._next_ms = float("-inf")

    @property
    def controllers(self) -> int:
        """See `Channel.controllers`."""
        return int(self._process is not None)

    def service(self, now_ms: float) -> list[Problem]:
        """See `Channel.service`."""
        problems: list[Problem] = []
        if self._process is not None and (code := self._process.poll()) is not None:
            self._let_go()
            problems.append(
                Problem(
                    sentence("The door's command {name} ended with {code}.", name=self._name, code=code),
                    "It is started again.",
                )
            )
        elif self._deaf:  # it runs on, and nobody would be told that it hears nothing
            self._let_go()
            problems.append(self._hangs())
        if self._process is None and now_ms >= self._next_ms:
            self._next_ms = now_ms + self._retry_ms
            self._retry_ms = min(2.0 * self._retry_ms, LONGEST_RETRY_MS)
            try:
                self._start()
            except OSError as error:
                problems.append(
                    Problem(
                        sentence(
                            "The door's command {name} cannot be started: {strerror}.",
                            name=self._name,
                            strerror=error.strerror,
                        ),
                        "Check its path; the door is closed for it.",
                    )
                )
        return problems

    def send(self, line: bytes) -> list[Problem]:
        """See `Channel.send`. A pipe takes a line of this length whole or not at all."""
        if self._process is None or self._process.stdin is None:
            return []
        try:
            os.write(self._process.stdin.fileno(), line)
        except BlockingIOError:
            self._let_go()
            return [self._hangs()]
        except OSError:
            self._deaf = True  # it has ended, and `service` says with which code; or it has closed its input
        return []

    def close(self) -> None:
        """See `Channel.close`: it may read the last line, then it is ended."""
        if self._process is not None:
            self._close_pipe(self._process)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(LAST_WORD_S)
            self._let_go()

    def _start(self) -> None:
        process = subprocess.Popen(
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is the station's: the command ends by the end of its input
        )
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        if sys.platform == "linux":
            import fcntl

            with suppress(OSError):
                fcntl.fcntl(process.stdin.fileno(), _F_SETPIPE_SZ, BUFFER_BYTES)
        self._process, self._deaf = process, False

    def _hangs(self) -> Problem:
        return _hangs(sentence("command {name}", name=self._name))

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._close_pipe(process)
            process.kill()
            process.wait()

    @staticmethod
    def _close_pipe(process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()


def _hangs(name: str) -> Problem:
    return Problem(
        sentence("The gate controller ({name}) stopped reading and was disconnected.", name=name),
        "The door is closed for it; it may connect again.",
    )


def _name(peer: socket.socket) -> str:
    """Which process it is, where the system tells."""
    credentials = peer_credentials(peer)
    if credentials is None:
        return sentence("a local process")
    return sentence("process {process}", process=credentials.process)
