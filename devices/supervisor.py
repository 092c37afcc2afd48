"""The capture process under supervision (reliability.md section 3.4). No threads: the station polls it.

Three lines of defence. The process itself restarts a stream that is silent for three seconds (`devices.connection`).
A process that says nothing for a second is reported, and one that says nothing for eight, because an SDK call hangs,
is killed and spawned again. More than five respawns within ten minutes end in FAILED.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection as Pipe

from core.clock import Clock, SystemClock
from core.codes import ConnectionState
from core.errors import sentence
from core.frames import ModalityMask
from core.messages import (
    CameraHealth,
    Message,
    Problem,
    RecordingClosed,
    SetOptions,
    Shutdown,
    StartRecording,
    StopRecording,
    StreamEnded,
)
from core.processes import Child
from core.restarts import RestartBudget
from devices.worker import CaptureSpec

log = logging.getLogger(__name__)

WARN_MS = 1500.0
"""Three missing heartbeats."""
HANG_MS = 8000.0
OPENING_MS = 30_000.0
"""A fresh process imports, opens its device and builds its scene before the first frame."""

_SLOW_STATES = frozenset({ConnectionState.SEARCHING, ConnectionState.OPENING})


class CaptureSupervisor:
    """Keeps one capture process alive; a `core.station.ports.CaptureLink`.

    Args:
        spec: what to capture.
        make_child: builds the child for a spec; its target runs `devices.worker.run_capture`.
        clock: drives the time-outs.
        hang_ms: silence after which the process is killed.
    """

    def __init__(
        self,
        spec: CaptureSpec,
        make_child: Callable[[CaptureSpec], Child],
        clock: Clock | None = None,
        hang_ms: float = HANG_MS,
    ) -> None:
        self._spec = spec
        self._make_child = make_child
        self._clock = clock or SystemClock()
        self._hang_ms = hang_ms
        self._budget = RestartBudget(self._clock)
        self._child: Child | None = None
        self._health: CameraHealth | None = None
        self._health_ms = 0.0
        self._heard_ms = 0.0
        self._warned = False
        self._respawn_ms: float | None = None
        self._finished = True  # until `start`: there is nothing to supervise yet
        self._recording: StartRecording | None = None
        self._options: SetOptions | None = None

    @property
    def pipe(self) -> Pipe | None:
        """Pipe to wait on; ``None`` while the process is down."""
        return None if self._child is None else self._child.pipe

    @property
    def pid(self) -> int | None:
        """Process id, for measurements and fault tests."""
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        """Spawn the capture process."""
        self._finished = False
        self._spawn()

    def send(self, message: Message) -> bool:
        """Send; recording and options are kept for the next process too."""
        if isinstance(message, StartRecording):
            self._recording = message
        elif isinstance(message, StopRecording):
            self._recording = None
        elif isinstance(message, SetOptions):
            self._options = message if self._options is None else self._options.then(message)
        return self._child is not None and self._child.send(message)

    def poll(self) -> list[Message]:
        """Drain the pipe and supervise; never blocks."""
        messages = self._drain()
        if self._finished:
            return messages
        now_ms = self._clock.now_ms()
        if self._respawn_ms is not None:
            if now_ms >= self._respawn_ms:
                self._spawn()
            return messages
        if self._child is None or not self._child.alive or self._child.pipe is None:
            return [*messages, *self._replace(sentence("ended unexpectedly"))]
        silent_ms = now_ms - self._heard_ms
        if silent_ms >= self._patience_ms():
            return [*messages, *self._replace(sentence("said nothing for {seconds:.0f} s", seconds=silent_ms / 1000.0))]
        if silent_ms >= WARN_MS and not self._warned and not self._is_opening():
            self._warned = True
            messages.extend(self._lost("The capture process does not answer."))
        return messages

    def shutdown(self, timeout_s: float) -> None:
        """Ask it to finish; kill it after ``timeout_s``."""
        self._finished = True
        self._respawn_ms = None
        if self._child is None:
            return
        self._child.send(Shutdown())
        self._child.join(timeout_s)
        self._child.kill()

    # --- inside -------------------------------------------------------------------------------------------------

    def _spawn(self) -> None:
        self._respawn_ms = None
        self._heard_ms = self._clock.now_ms()
        self._warned = False
        if self._health is not None:
            # Camera time goes on while the process is down: scripted faults and `--seconds` count it.
            down_s = (self._clock.now_ms() - self._health_ms) / 1000.0
            self._spec = replace(self._spec, start_s=self._health.camera_s + down_s)
        self._health = None
        self._child = self._make_child(self._spec)
        self._child.start()
        for message in (self._options, self._recording):
            if message is not None:
                self._child.send(message)

    def _drain(self) -> list[Message]:
        messages: list[Message] = []
        if self._child is None or self._child.pipe is None:
            return messages
        try:
            while self._child.pipe.poll():
                messages.append(self._child.pipe.recv())
        except (EOFError, OSError):
            self._child.close()
        for message in messages:
            self._heard_ms = self._clock.now_ms()
            self._warned = False
            if isinstance(message, CameraHealth):
                self._health, self._health_ms = message, self._heard_ms
            if isinstance(message, RecordingClosed) and self._recording and message.session == self._recording.session:
                # It stopped by itself: whoever ordered it takes it for over, and nobody would ever stop another.
                self._recording = None
            self._finished = self._finished or isinstance(message, StreamEnded) or _is_fatal(message)
        return messages

    def _patience_ms(self) -> float:
        return OPENING_MS if self._is_opening() else self._hang_ms

    def _is_opening(self) -> bool:
        return self._health is None or self._health.state in _SLOW_STATES

    def _replace(self, why: str) -> list[Message]:
        """End the process for good and plan the next one, if the budget allows."""
        log.warning("capture process %s: %s", self.pid, why)
        if self._child is not None:
            self._child.kill()
        pause_ms = self._budget.take()
        if pause_ms is None:
            self._finished = True
            what = sentence("The capture process {why}; it was given up after too many restarts.", why=why)
            return [
                *self._lost(what, ConnectionState.FAILED),
                Problem(what, "Check cable and power, then `main.py doctor`, then start again.", fatal=True),
            ]
        self._respawn_ms = self._clock.now_ms() + pause_ms
        what = sentence("The capture process {why} and is started again.", why=why)
        return [*self._lost(what, ConnectionState.BACK_OFF), Problem(what, "Frames are missing for some seconds.")]

    def _lost(self, problem: str, state: ConnectionState = ConnectionState.LOST) -> list[Message]:
        """The last health with no modality left; nothing where the process never told any."""
        if self._health is None:
            return []
        return [replace(self._health, state=state, mask=ModalityMask(0), problem=problem)]


def _is_fatal(message: Message) -> bool:
    return isinstance(message, Problem) and message.fatal
