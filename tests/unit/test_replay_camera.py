"""A stored session as a camera."""

from __future__ import annotations

import time

import pytest

from core.codes import ConnectionState, SourceKind
from core.frames import MODALITIES
from core.messages import SetOptions
from devices.base import FrameTimeoutError, StaleFrameError
from devices.replay import ReplayCamera
from tests.unit.test_ring import frame_set


def test_every_frame_set_comes_once_and_then_it_has_ended() -> None:
    camera = ReplayCamera([frame_set(n) for n in range(1, 6)])
    camera.open()
    camera.start()
    assert [s.number for s in iter(lambda: camera.read_next(0.0), None)] == [1, 2, 3, 4, 5]
    assert camera.ended
    health = camera.health()
    assert (health.state, health.source_kind) == (ConnectionState.ENDED, SourceKind.PLAYBACK)
    assert health.sets == 5
    assert health.camera_s == pytest.approx(0.132)
    assert {m: s.frames for m, s in health.streams.items()} == dict.fromkeys(MODALITIES, 5)
    assert set(camera.profiles) == set(MODALITIES)
    with pytest.raises(FrameTimeoutError):
        camera.read(0.0)
    with pytest.raises(StaleFrameError):
        camera.read_newest(1000.0)
    assert camera.set_options(SetOptions({"exposure": 1.0})) == {}


def test_at_its_own_pace_it_takes_its_own_time() -> None:
    camera = ReplayCamera([frame_set(n) for n in range(1, 5)], realtime=True)
    camera.open()
    started = time.monotonic()
    while not camera.ended:
        camera.read_next(10.0)
    assert time.monotonic() - started >= 0.09, "three periods of 33 ms"


def test_an_empty_session_ends_at_once() -> None:
    camera = ReplayCamera([])
    camera.open()
    assert camera.ended
    assert camera.read_next(10.0) is None
