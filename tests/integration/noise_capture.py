"""Capture processes for tests: the real worker, filming noise, with a recorder that counts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from core.errors import HostError, InputError
from core.frames import FrameSet, Modality, StreamProfile
from core.messages import Message, StartRecording
from core.processes import Child
from devices import sources
from devices.supervisor import HANG_MS, CaptureSupervisor
from devices.worker import CaptureSpec, run_capture
from tests.noise_scene import LitNoise, NoiseScene
from tests.patience import PATIENCE_S
from tests.unit.test_ring import frame_set


class LineRecorder:
    """One line per frame set; stops by itself after ``limit``, dies right after its tenth if it is ``mortal``."""

    def __init__(self, path: Path, limit: int = 10**9, mortal: bool = False) -> None:
        self.recorded = 0
        self.dropped = 0
        self.problem = ""
        self._limit, self._mortal = limit, mortal
        self._file = path.open("a", encoding="utf-8")

    def offer(self, frame_set: FrameSet) -> bool:
        if self.recorded >= self._limit:
            self.problem = "The disk is full."
            return False
        self._file.write(f"{frame_set.number}\n")
        self.recorded += 1
        if self._mortal and self.recorded == 10:
            self._file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def close(self) -> None:
        self._file.write("closed\n")
        self._file.close()


def make_recorder(order: StartRecording, profiles: Mapping[Modality, StreamProfile]) -> LineRecorder:
    assert profiles
    if order.path.endswith("refused"):
        raise HostError("The folder cannot be written.", "Choose another.")
    path = Path(order.path)
    return LineRecorder(path, 10 if path.name == "full" else 10**9, path.name == "killed" and not path.exists())


def open_session(session: str) -> Iterator[FrameSet]:
    if session == "none":
        raise InputError(f"The session {session!r} holds no frames.", "List sessions.")
    for number in range(1, 5):
        yield frame_set(number)


def capture_noise(pipe: Connection, spec: CaptureSpec) -> None:
    sources.live_scene = lambda text: LitNoise if text == "lit" else NoiseScene
    run_capture(pipe, spec, make_recorder, open_session)


def supervisor(spec: CaptureSpec, threaded: bool = False, hang_ms: float = HANG_MS) -> CaptureSupervisor:
    return CaptureSupervisor(spec, lambda s: Child("capture", capture_noise, s, threaded=threaded), hang_ms=hang_ms)


def poll_until(link: CaptureSupervisor, done: Callable[[list[Message]], bool]) -> list[Message]:
    """Everything that was said until ``done`` says so; fails where that never comes."""
    said: list[Message] = []
    deadline = time.monotonic() + PATIENCE_S
    while not done(said):
        assert time.monotonic() < deadline, [type(message).__name__ for message in said[-5:]]
        said += link.poll()
        time.sleep(0.01)
    return said
