"""Supervision on a fake clock and a fake process: heartbeat, kill, respawn, budget."""

from __future__ import annotations

from typing import Any

import pytest

from core.clock import FakeClock
from core.codes import ConnectionState, RecordMode, SourceKind
from core.frames import ALL_MODALITIES, ModalityMask
from core.messages import (
    CameraHealth,
    DeviceInfo,
    Message,
    Problem,
    RecordingClosed,
    SetOptions,
    Shutdown,
    StartRecording,
    StopRecording,
    StreamEnded,
)
from devices.supervisor import CaptureSupervisor
from devices.worker import CaptureSpec
from tests.played_child import PlayedChild


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def children() -> list[PlayedChild]:
    return []


@pytest.fixture
def link(clock: FakeClock, children: list[PlayedChild]) -> CaptureSupervisor:
    def make(spec: CaptureSpec) -> Any:
        children.append(PlayedChild(spec))
        return children[-1]

    link = CaptureSupervisor(CaptureSpec("simulated", "ring"), make, clock)
    link.start()
    return link


def health(state: ConnectionState = ConnectionState.STREAMING, camera_s: float = 2.0) -> CameraHealth:
    return CameraHealth(state, ALL_MODALITIES, SourceKind.SIMULATED, DeviceInfo("camera"), camera_s=camera_s)


def test_a_process_that_talks_is_left_alone(
    link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]
) -> None:
    for _ in range(100):
        children[0].says(health())
        assert [type(m) for m in link.poll()] == [CameraHealth]
        clock.advance(500.0)
    assert len(children) == 1


def test_silence_is_told_then_killed_then_replaced(
    link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]
) -> None:
    recording = StartRecording("s1", "path", RecordMode.FRAMES)
    link.send(SetOptions({"exposure": 5.0, "gain": 16.0}))
    link.send(SetOptions({"exposure": 7.0}, face_roi=(1, 2, 30, 40)))
    link.send(recording)
    children[0].says(health())
    link.poll()
    clock.advance(1600.0)
    (told,) = link.poll()
    assert isinstance(told, CameraHealth)
    assert (told.state, told.mask) == (ConnectionState.LOST, ModalityMask(0))
    assert link.poll() == [], "told once"
    clock.advance(6400.0)
    back_off, problem = link.poll()
    assert isinstance(back_off, CameraHealth)
    assert isinstance(problem, Problem)
    assert (back_off.state, problem.fatal) == (ConnectionState.BACK_OFF, False)
    assert not children[0].alive
    assert link.pipe is None
    clock.advance(500.0)
    link.poll()
    assert len(children) == 2
    assert children[1].heard() == [SetOptions({"exposure": 7.0, "gain": 16.0}, (1, 2, 30, 40)), recording]
    assert children[1].spec.start_s == pytest.approx(2.0 + 8.5)


def test_a_stopped_recording_is_not_started_again(
    link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]
) -> None:
    link.send(StartRecording("s1", "path", RecordMode.FRAMES))
    link.send(StopRecording())
    children[0].alive = False
    link.poll()
    clock.advance(500.0)
    link.poll()
    assert children[1].heard() == []


def test_a_recording_that_stopped_by_itself_is_not_started_again(
    link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]
) -> None:
    link.send(StartRecording("s1", "path", RecordMode.FRAMES))
    children[0].says(RecordingClosed("s1", 10, 0, "The disk is full."))
    link.poll()
    children[0].alive = False
    link.poll()
    clock.advance(500.0)
    link.poll()
    assert children[1].heard() == [], "its session has no recorder any more, and nobody would stop this one"


def test_the_end_of_the_recording_before_stops_none(
    link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]
) -> None:
    newer = StartRecording("s2", "path", RecordMode.FRAMES)
    link.send(newer)
    children[0].says(RecordingClosed("s1", 10, 0))
    link.poll()
    children[0].alive = False
    link.poll()
    clock.advance(500.0)
    link.poll()
    assert children[1].heard() == [newer]


def test_opening_may_take_longer(link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]) -> None:
    children[0].says(health(ConnectionState.OPENING))
    link.poll()
    clock.advance(20_000.0)
    assert link.poll() == []
    clock.advance(10_000.0)
    assert link.poll()
    assert not children[0].alive


def test_too_many_deaths_end_in_failed(link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild]) -> None:
    said: list[Message] = []
    for _ in range(200):
        if children[-1].alive:
            children[-1].says(health())
            said += link.poll()
            children[-1].alive = False
        said += link.poll()
        clock.advance(500.0)
    assert len(children) == 6
    assert [m.fatal for m in said if isinstance(m, Problem)] == [False] * 5 + [True]
    last = [m for m in said if isinstance(m, CameraHealth)][-1]
    assert last.state is ConnectionState.FAILED


@pytest.mark.parametrize("last_word", [StreamEnded(), Problem("no file", fatal=True)])
def test_what_ended_by_itself_stays_ended(
    link: CaptureSupervisor, clock: FakeClock, children: list[PlayedChild], last_word: Message
) -> None:
    children[0].says(last_word)
    assert link.poll() == [last_word]
    children[0].alive = False
    clock.advance(60_000.0)
    assert link.poll() == []
    assert len(children) == 1


def test_shutdown_asks_first(link: CaptureSupervisor, children: list[PlayedChild]) -> None:
    link.shutdown(0.1)
    assert children[0].heard() == [Shutdown()]
    assert not children[0].alive
    assert link.poll() == []
