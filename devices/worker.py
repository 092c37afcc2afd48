"""Body of the capture process: camera -> recorder -> ring, under the connection state machine.

The recorder gets a frame set before the ring does (storage first, viewers second). The process answers commands
between frame sets, tells its health on every change and twice a second, and ends within five seconds when its parent
does, whatever the SDK is doing at that moment.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait

from core.clock import Clock, SystemClock
from core.codes import ConnectionState
from core.errors import HostError, KnownError, sentence
from core.frames import FrameSet, Modality, ModalityMask, StreamProfile
from core.messages import (
    CameraHealth,
    ChallengeAnswered,
    ChallengeCamera,
    Message,
    Problem,
    RecordingClosed,
    SetOptions,
    Shutdown,
    StartRecording,
    StopRecording,
    StreamEnded,
)
from core.ports import Recorder
from devices.base import Camera, NotLiveError
from devices.challenger import Challenger
from devices.connection import Connection, Step
from devices.meter import hold_ms
from devices.ring import RingWriter
from devices.sources import OpenSession, SourceSpec, open_camera

log = logging.getLogger(__name__)

READ_MS = 20.0
IDLE_MS = 50.0
HEALTH_MS = 500.0
ORPHAN_S = 3.0

MakeRecorder = Callable[[StartRecording, Mapping[Modality, StreamProfile]], Recorder]


@dataclass(frozen=True, slots=True)
class CaptureSpec:
    """What a capture process is to do; travels to it by pickle.

    Attributes:
        source: source text (formats.md).
        ring: name of the ring to write into.
        max_skew_ms: largest skew within a frame set; ``None`` = by the slowest stream.
        seconds: end the stream after this much camera time; ``None`` = never.
        realtime: play files and sessions at their recorded pace.
        wait_for_device: keep searching for a camera that is not there (a window); otherwise that is fatal (`run`).
        settings: camera settings to apply after each opening (`core.messages.SetOptions`).
        start_s: camera time that an earlier capture process of this run has reached.
        replay_key_id: with ``session:ID``, the name of the key of its frames; empty where they are not encrypted.
        replay_key: that key.
    """

    source: str
    ring: str
    max_skew_ms: float | None = None
    seconds: float | None = None
    realtime: bool = False
    wait_for_device: bool = True
    settings: Mapping[str, float] = field(default_factory=dict)
    start_s: float = 0.0
    replay_key_id: str = ""
    replay_key: bytes = field(default=b"", repr=False)


def run_capture(
    pipe: Pipe, spec: CaptureSpec, make_recorder: MakeRecorder, open_session: OpenSession | None = None
) -> None:
    """Run until the pipe closes or `Shutdown` comes.

    Args:
        pipe: commands in; health, recordings, problems and the end of the stream out.
        spec: what to capture.
        make_recorder: builds the recorder of a session, once the first frame set has told the stream profiles.
        open_session: reads stored sessions, for ``session:ID``.
    """
    _die_with_parent()
    try:
        with (
            closing(RingWriter(spec.ring)) as ring,
            closing(CaptureWorker(pipe, spec, ring, make_recorder, open_session)) as worker,
        ):
            worker.run()
    except KnownError as error:
        _tell(pipe, Problem.of(error, fatal=True))
    finally:
        pipe.close()


class CaptureWorker:
    """One camera, its connection, its sinks. Lives in one thread."""

    def __init__(
        self,
        pipe: Pipe,
        spec: CaptureSpec,
        ring: RingWriter,
        make_recorder: MakeRecorder,
        open_session: OpenSession | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._pipe = pipe
        self._spec = spec
        self._make_recorder = make_recorder
        self._clock = clock or SystemClock()
        self._ring = ring
        source = SourceSpec.parse(spec.source)
        self._camera: Camera = open_camera(
            source,
            replay=open_session,
            max_skew_ms=spec.max_skew_ms,
            realtime=spec.realtime,
            start_s=spec.start_s,
            first_number=ring.last_number + 1,
        )
        self._connection = Connection(self._clock, hold_ms(source.source_kind))
        self._challenger = Challenger(lambda nonce, answer: _tell(pipe, ChallengeAnswered(nonce, answer)))
        self._settings = SetOptions(spec.settings)
        self._wanted: StartRecording | None = None
        self._recorder: Recorder | None = None
        self._session = ""
        self._recorded = 0
        self._dropped = 0
        self._told: tuple[ConnectionState, ModalityMask, str] | None = None
        self._told_ms = 0.0
        self._end_told = False

    def run(self) -> None:
        """Step after step until told to stop."""
        while self._obey():
            self._tell_health()
            self._do(self._connection.step())

    def close(self) -> None:
        """Commit the recording first, then let go of the device."""
        self._finish_recording()
        self._challenger.break_off()
        self._camera.close()
        self._tell_health(force=True)

    # --- commands -----------------------------------------------------------------------------------------------

    def _obey(self) -> bool:
        """Carry out what came through the pipe; ``False`` when it is time to go."""
        try:
            while self._pipe.poll():
                message = self._pipe.recv()
                if isinstance(message, Shutdown):
                    return False
                self._carry_out(message)
        except (EOFError, OSError):
            return False
        return True

    def _carry_out(self, message: Message) -> None:
        if isinstance(message, StartRecording):
            self._finish_recording()
            self._wanted = message
        elif isinstance(message, StopRecording):
            self._finish_recording()
        elif isinstance(message, SetOptions):
            self._settings = self._settings.then(message)
            self._challenger.break_off()  # else what it has switched would be taken for what was chosen
            self._camera.set_options(message)
            self._tell_health(force=True)
        elif isinstance(message, ChallengeCamera) and self._connection.reading:
            # A closed camera has nothing to switch either, and must not pass for one that cannot be asked.
            self._challenger.ask(message.nonce, self._camera.stimulus)

    # --- the connection's steps -----------------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        if step is Step.READ:
            self._read()
        elif step is Step.OPEN:
            self._open()
        elif step is Step.CLOSE:
            self._challenger.break_off()
            self._camera.close()
            self._connection.closed()
        elif step is Step.RESET:
            self._reset()
        else:
            self._tell_end(step)
            wait([self._pipe], IDLE_MS / 1000.0)

    def _open(self) -> None:
        try:
            self._camera.open()
        except HostError as error:
            if not self._spec.wait_for_device:
                raise
            if isinstance(error, NotLiveError) and error.in_one() != self._connection.problem:
                _tell(self._pipe, Problem.of(error))  # not merely missing: somebody put something in its place
            self._connection.not_found(error.in_one())
            return
        self._connection.opening()
        self._tell_health()
        try:
            self._camera.start()
            if self._settings != SetOptions():
                self._camera.set_options(self._settings)
        except HostError as error:
            self._connection.broke(error.in_one())
            return
        except RuntimeError as error:  # the SDK's word for a device that has gone
            self._connection.broke(str(error))
            return
        self._connection.opened(ModalityMask.of(self._camera.profiles))

    def _read(self) -> None:
        try:
            frame_set = self._camera.read_next(READ_MS)
        except RuntimeError as error:
            log.warning("camera: %s", error)
            self._connection.broke(str(error))
            return
        if frame_set is not None:
            self._take(frame_set)
        elif self._camera.ended:
            self._connection.ended()
        if self._spec.seconds is not None and self._camera_s() >= self._spec.seconds:
            self._connection.ended()

    def _take(self, frame_set: FrameSet) -> None:
        """Sink before signal: first what must not be lost, then what wants to be shown."""
        mask = frame_set.mask
        self._ring.claim(frame_set.number)
        frame_set = self._challenger.watch(frame_set)
        if self._wanted is not None:
            self._start_recording(self._wanted, frame_set)
        if self._recorder is not None:
            if frame_set.frames:  # else there is only word of a flaw
                self._recorder.offer(frame_set)
            if self._recorder.problem:
                self._finish_recording()
        self._ring.offer(frame_set)
        self._connection.frame_set(mask)

    def _reset(self) -> None:
        try:
            self._camera.reset()
        except RuntimeError as error:
            log.warning("reset: %s", error)
        self._connection.reset_done()

    # --- recording ------------------------------------------------------------------------------------------------

    def _start_recording(self, order: StartRecording, frame_set: FrameSet) -> None:
        self._wanted = None
        try:
            self._recorder = self._make_recorder(order, frame_set.profiles)
            self._session = order.session
        except KnownError as error:
            _tell(self._pipe, RecordingClosed(order.session, 0, 0, error.in_one()))

    def _finish_recording(self) -> None:
        if self._wanted is not None:
            _tell(self._pipe, RecordingClosed(self._wanted.session, 0, 0))
            self._wanted = None
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        recorder.close()
        self._recorded, self._dropped = recorder.recorded, recorder.dropped
        _tell(self._pipe, RecordingClosed(self._session, recorder.recorded, recorder.dropped, recorder.problem))

    # --- what the station is told ---------------------------------------------------------------------------------

    def _camera_s(self) -> float:
        return self._spec.start_s + self._camera.camera_s

    def _tell_health(self, force: bool = False) -> None:
        connection = self._connection
        change = (connection.state, connection.mask, connection.problem)
        now_ms = self._clock.now_ms()
        if not force and change == self._told and now_ms - self._told_ms < HEALTH_MS:
            return
        self._told, self._told_ms = change, now_ms
        _tell(self._pipe, self._health())

    def _health(self) -> CameraHealth:
        health = self._camera.health()
        recorder = self._recorder
        return replace(
            health,
            state=self._connection.state,
            mask=self._connection.mask,
            camera_s=self._spec.start_s + health.camera_s,
            dropped_recorder=self._dropped if recorder is None else recorder.dropped,
            recorded=self._recorded if recorder is None else recorder.recorded,
            problem=self._connection.problem,
        )

    def _tell_end(self, step: Step) -> None:
        if step is not Step.STOP or self._end_told:
            return
        self._end_told = True
        self._tell_health()
        if self._connection.state is ConnectionState.FAILED:
            _tell(
                self._pipe,
                Problem(
                    sentence("The camera was given up: {problem}", problem=self._connection.problem),
                    "Check cable and power, then `main.py doctor`, then start again.",
                    fatal=True,
                ),
            )
        else:
            _tell(self._pipe, StreamEnded())
            self._camera.close()


def _tell(pipe: Pipe, message: Message) -> None:
    try:
        pipe.send(message)
    except OSError:  # the station is gone; `_obey` ends the process
        log.info("nobody listens to %s", type(message).__name__)


def _die_with_parent() -> None:
    """An SDK call that hangs must not outlive the station: a watcher ends the process after a grace period."""
    parent = multiprocessing.parent_process()
    if parent is None or threading.current_thread() is not threading.main_thread():
        return

    def watch() -> None:
        wait([parent.sentinel])
        threading.Event().wait(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=watch, name="orphan watch", daemon=True).start()
