"""The capture process end to end: spawned, supervised, killed, orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from core.codes import ConnectionState, RecordMode, SourceKind
from core.frames import ALL_MODALITIES
from core.messages import (
    CameraHealth,
    ChallengeAnswered,
    ChallengeCamera,
    Message,
    Problem,
    RecordingClosed,
    SetOptions,
    StartRecording,
    StopRecording,
    StreamEnded,
)
from devices.ring import FrameRing, RingReader
from devices.worker import CaptureSpec
from tests.integration.noise_capture import capture_noise, poll_until, supervisor
from tests.patience import PATIENCE_S, wait_until

ALL_STREAMING = (ConnectionState.STREAMING, "rgb+depth+ir")


@pytest.fixture
def ring() -> Iterator[FrameRing]:
    ring = FrameRing.create()
    yield ring
    ring.close()


def health(said: list[Message]) -> list[CameraHealth]:
    return [m for m in said if isinstance(m, CameraHealth)]


def told(said: list[Message]) -> list[tuple[ConnectionState, str]]:
    return [(h.state, str(h.mask)) for h in health(said)]


def in_order(states: list[tuple[ConnectionState, str]], told: list[tuple[ConnectionState, str]]) -> bool:
    """Whether ``states`` were told one after the other, whatever else was told in between."""
    rest = iter(told)
    return all(state in rest for state in states)


def has(kind: type, said: list[Message]) -> bool:
    return any(isinstance(m, kind) for m in said)


def streaming(said: list[Message]) -> bool:
    return any(h.state is ConnectionState.STREAMING for h in health(said)[-1:])


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "faults.toml"
    path.write_text(text, encoding="utf-8")
    return f"scripted:{path}"


def test_camera_to_recorder_and_ring(ring: FrameRing, tmp_path: Path) -> None:
    link = supervisor(CaptureSpec("simulated", ring.name, seconds=1.5, settings={"laser_power": 30.0}))
    reader = RingReader(ring.name)
    link.start()
    link.send(StartRecording("s1", str(tmp_path / "s1"), RecordMode.FRAMES))
    link.send(SetOptions({"exposure": 100.0}, face_roi=(0, 0, 50, 50)))
    numbers: list[int] = []
    complete: list[bool] = []

    def done(said: list[Message]) -> bool:
        found = reader.newest(numbers[-1] if numbers else 0, 0.0)
        if found is not None:
            numbers.append(found[0].number)
            complete.append(found[0].mask == ALL_MODALITIES)  # a machine that stalls may part a frame set
        return has(StreamEnded, said)

    said = poll_until(link, done)
    states = [h.state for h in health(said)]
    order = [ConnectionState.SEARCHING, ConnectionState.WARM_UP, ConnectionState.STREAMING, ConnectionState.ENDED]
    assert [s for n, s in enumerate(states) if s in order and s not in states[:n]] == order
    last = health(said)[-1]
    assert last.source_kind is SourceKind.SIMULATED
    assert last.camera_s >= 1.5
    assert last.recorded == last.sets
    assert numbers == sorted(set(numbers)) != []
    assert complete.count(True) > len(complete) / 2

    link.send(StopRecording())
    (closed,) = [m for m in poll_until(link, lambda s: has(RecordingClosed, s)) if isinstance(m, RecordingClosed)]
    assert (closed.session, closed.recorded, closed.dropped, closed.problem) == ("s1", last.recorded, 0, "")
    lines = (tmp_path / "s1").read_text(encoding="utf-8").split()
    assert lines == [str(n) for n in range(1, last.recorded + 1)] + ["closed"]
    link.shutdown(5.0)
    reader.close()


@pytest.mark.parametrize(("name", "recorded", "says"), [("full", 10, "disk is full"), ("refused", 0, "cannot be wr")])
def test_a_recorder_that_stops_is_told_and_the_camera_goes_on(
    ring: FrameRing, tmp_path: Path, name: str, recorded: int, says: str
) -> None:
    link = supervisor(CaptureSpec("simulated", ring.name), threaded=True)
    link.start()
    link.send(StartRecording("s1", str(tmp_path / name), RecordMode.FRAMES))
    said = poll_until(link, lambda s: has(RecordingClosed, s))
    (closed,) = [m for m in said if isinstance(m, RecordingClosed)]
    assert closed.recorded == recorded
    assert says in closed.problem
    poll_until(link, streaming)
    link.shutdown(5.0)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("file:none.db3", "There is no recording"),
        ("scripted:none.toml", "cannot be read"),
        ("webcam", "is not a source"),
        ("realsense:1", "No RealSense camera"),
    ],
)
def test_what_cannot_be_opened_is_one_fatal_problem(ring: FrameRing, source: str, says: str) -> None:
    link = supervisor(CaptureSpec(source, ring.name, wait_for_device=False), threaded=True)
    link.start()
    said = poll_until(link, lambda s: has(Problem, s))
    (problem,) = [m for m in said if isinstance(m, Problem)]
    assert problem.fatal
    assert says in problem.what
    assert problem.remedy
    link.shutdown(5.0)


def test_a_window_waits_for_a_camera(ring: FrameRing) -> None:
    link = supervisor(CaptureSpec("realsense:1", ring.name), threaded=True)
    link.start()
    said = poll_until(link, lambda s: any(h.problem for h in health(s)))
    assert not has(Problem, said)
    assert health(said)[-1].state is ConnectionState.SEARCHING
    link.shutdown(5.0)


def test_a_stream_that_drops_is_told_and_returns(ring: FrameRing, tmp_path: Path) -> None:
    source = script(tmp_path, "[[event]]\nat_s = 3.0\ndo = 'stop'\nstream = 'depth'\nfor_s = 4.0")
    link = supervisor(CaptureSpec(source, ring.name), threaded=True)
    link.start()
    states = [ALL_STREAMING, (ConnectionState.DEGRADED, "rgb+ir"), ALL_STREAMING]
    poll_until(link, lambda s: in_order(states, told(s)))
    link.shutdown(5.0)


def test_an_unplugged_camera_is_lost_and_found_again(ring: FrameRing, tmp_path: Path) -> None:
    source = script(tmp_path, "[[event]]\nat_s = 3.0\ndo = 'unplug'\nfor_s = 8.0")
    link = supervisor(CaptureSpec(source, ring.name), threaded=True)
    link.start()
    states = [(ConnectionState.LOST, "none"), (ConnectionState.SEARCHING, "none"), ALL_STREAMING]
    said = poll_until(link, lambda s: in_order(states, told(s)))
    assert next(h for h in health(said) if h.state is ConnectionState.LOST).problem
    link.shutdown(5.0)


def test_a_killed_process_is_replaced_and_the_ring_goes_on(ring: FrameRing, tmp_path: Path) -> None:
    link = supervisor(CaptureSpec("simulated", ring.name))
    reader = RingReader(ring.name)
    link.start()
    link.send(StartRecording("s1", str(tmp_path / "s1"), RecordMode.FRAMES))
    poll_until(link, lambda s: any(h.camera_s > 0.4 for h in health(s)))
    before = reader.newest(0, 1000.0 * PATIENCE_S)
    assert before is not None
    pid = link.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    said = poll_until(link, lambda s: streaming(s) and has(Problem, s))
    assert link.pid != pid
    assert not any(m.fatal for m in said if isinstance(m, Problem))
    after = reader.newest(before[0].number, 1000.0 * PATIENCE_S)
    assert after is not None
    assert health(said)[-1].camera_s > 0.2, "camera time goes on"
    link.send(StopRecording())
    poll_until(link, lambda s: has(RecordingClosed, s))
    lines = (tmp_path / "s1").read_text(encoding="utf-8").split()
    assert len(set(lines)) == len(lines), "no number twice in one session"
    link.shutdown(5.0)
    reader.close()


def test_what_was_stored_before_a_kill_is_not_numbered_again(ring: FrameRing, tmp_path: Path) -> None:
    """A set is stored before it is shown: killed in between, the next process must count on from what was stored."""
    path = tmp_path / "killed"
    link = supervisor(CaptureSpec("simulated", ring.name))
    link.start()
    link.send(StartRecording("s1", str(path), RecordMode.FRAMES))
    said = poll_until(link, lambda s: has(Problem, s) and any(h.recorded > 3 for h in health(s)[-1:]))
    assert "ended unexpectedly" in next(m.what for m in said if isinstance(m, Problem))
    link.send(StopRecording())
    poll_until(link, lambda s: has(RecordingClosed, s))
    lines = path.read_text(encoding="utf-8").split()
    assert len(set(lines)) == len(lines)
    link.shutdown(5.0)


def test_settings_hold_when_the_camera_or_its_process_comes_again(ring: FrameRing, tmp_path: Path) -> None:
    source = script(tmp_path, "scene = 'lit'\n[[event]]\nat_s = 4.0\ndo = 'unplug'\nfor_s = 5.0")
    link = supervisor(CaptureSpec(source, ring.name))
    link.start()

    def emitter(said: list[Message]) -> float | None:
        return health(said)[-1].settings.get("stereo.emitter_enabled") if streaming(said) else None

    poll_until(link, lambda s: emitter(s) == 1.0)
    link.send(SetOptions({"emitter_enabled": 0.0}))
    poll_until(link, lambda s: emitter(s) == 0.0)
    lost = poll_until(link, lambda s: any(h.state is ConnectionState.SEARCHING for h in health(s)))
    assert not has(Problem, lost)
    assert emitter(poll_until(link, streaming)) == 0.0, "the device came with its own settings"
    assert link.pid is not None
    os.kill(link.pid, signal.SIGKILL)
    said = poll_until(link, lambda s: has(Problem, s) and streaming(s))
    assert emitter(said) == 0.0
    link.shutdown(5.0)


def test_a_camera_that_is_not_there_is_not_one_that_cannot_be_challenged(ring: FrameRing, tmp_path: Path) -> None:
    source = script(tmp_path, "scene = 'lit'\n[[event]]\nat_s = 3.0\ndo = 'unplug'\nfor_s = 5.0")
    link = supervisor(CaptureSpec(source, ring.name), threaded=True)
    link.start()
    poll_until(link, lambda s: any(h.state is ConnectionState.SEARCHING and h.camera_s > 0.0 for h in health(s)))
    link.send(ChallengeCamera("while it is away"))
    said = poll_until(link, streaming)
    link.send(ChallengeCamera("now"))
    said += poll_until(link, lambda s: has(ChallengeAnswered, s))
    assert [m.nonce for m in said if isinstance(m, ChallengeAnswered)] == ["now"]
    link.shutdown(5.0)


def test_a_stop_that_never_returns_is_killed(ring: FrameRing, tmp_path: Path) -> None:
    source = script(tmp_path, "[[event]]\nat_s = 3.0\ndo = 'hang_stop'\nfor_s = 8.0")
    link = supervisor(CaptureSpec(source, ring.name), hang_ms=4000.0)
    link.start()
    poll_until(link, streaming)
    pid = link.pid
    said = poll_until(link, lambda s: has(Problem, s))
    assert ConnectionState.LOST in [h.state for h in health(said)]
    assert "said nothing" in next(m.what for m in said if isinstance(m, Problem))
    poll_until(link, streaming)
    assert link.pid != pid
    link.shutdown(5.0)


_PARENT = """
import sys, time
from tests.integration.noise_capture import supervisor
from core.messages import StartRecording
from core.codes import RecordMode
from devices.ring import FrameRing
from devices.worker import CaptureSpec
if __name__ == "__main__":
    ring = FrameRing.create()
    link = supervisor(CaptureSpec(sys.argv[1], ring.name))
    link.start()
    link.send(StartRecording("s1", sys.argv[2], RecordMode.FRAMES))
    print(link.pid, flush=True)
    while True:
        link.poll()
        time.sleep(0.02)
"""


@pytest.mark.parametrize("hang", [False, pytest.param(True, marks=[pytest.mark.faults, pytest.mark.slow])])
def test_it_ends_when_its_parent_is_killed(tmp_path: Path, hang: bool) -> None:
    source = "simulated"
    if hang:
        source = script(tmp_path, "[[event]]\nat_s = 0.2\ndo = 'hang_stop'")
    program, session = tmp_path / "parent.py", tmp_path / "s1"
    program.write_text(_PARENT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, str(program), source, str(session)], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        capture = psutil.Process(int(parent.stdout.readline()))
        wait_until(session.exists, "the recording")
        time.sleep(0.5)
        parent.kill()
        capture.wait(timeout=PATIENCE_S)
    if not hang:
        assert session.read_text(encoding="utf-8").endswith("closed\n"), "the recording was closed first"


def test_a_closed_pipe_ends_it(ring: FrameRing) -> None:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=capture_noise, args=(theirs, CaptureSpec("simulated", ring.name)))
    process.start()
    theirs.close()
    assert ours.poll(PATIENCE_S)
    ours.close()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def test_a_stored_session_is_played_and_a_missing_one_is_told(ring: FrameRing) -> None:
    link = supervisor(CaptureSpec("session:take", ring.name), threaded=True)
    link.start()
    said = poll_until(link, lambda s: has(StreamEnded, s))
    last = health(said)[-1]
    assert (last.source_kind, last.sets) == (SourceKind.PLAYBACK, 4)
    assert last.camera_s == pytest.approx(0.099)
    reader = RingReader(ring.name)
    found = reader.newest(0, 0.0)
    assert found is not None
    assert found[0].number == 4
    reader.close()
    link.shutdown(5.0)

    link = supervisor(CaptureSpec("session:none", ring.name), threaded=True)
    link.start()
    said = poll_until(link, lambda s: has(Problem, s))
    assert "holds no frames" in next(m.what for m in said if isinstance(m, Problem))
    link.shutdown(5.0)
