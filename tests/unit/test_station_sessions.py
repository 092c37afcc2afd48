"""What a station stores of its sessions when a process answers late, never, or for the wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import FakeClock
from core.codes import RecordMode, SessionPurpose, SessionState, SourceKind
from core.frames import ALL_MODALITIES
from core.messages import CameraHealth, Message, Problem, RecordingClosed, Standing, StopRecording
from core.processes import Child
from core.station import SessionOrder, Station
from core.station.inference import InferenceLink
from storage.catalogue import Catalogue, open_catalogue
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger
from tests.unit.test_shadow import TOLD, Camera, nothing

ROUND_MS = 1000.0
"""What each round of the station takes by its clock: patience ends after a few."""
FRAMES = SessionOrder(SessionPurpose.COLLECTION, RecordMode.FRAMES)


class SlowCamera(Camera):
    """Keeps what it was told; time goes on while it is heard."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.told: list[Message] = []
        self._clock = clock

    def send(self, message: Message) -> bool:
        self.told.append(message)
        return True

    def poll(self) -> list[Message]:
        self._clock.advance(ROUND_MS)
        return super().poll()


class PlayedLedger(CatalogueLedger):
    """The real ledger, without models; what stands is the test's."""

    stands = Standing(frozenset({ALL_MODALITIES}), FakeClock().utc_s(), commissioned=True)

    def champion(self) -> tuple[str, str]:
        return "m", "/model"

    def shadow(self) -> tuple[str, str]:
        return "", ""

    def standing(self, source_kind: SourceKind, health: CameraHealth | None, model: str) -> Standing:
        return self.stands


class Bench:
    """A station on a real catalogue; camera and inference say what the test lets them say."""

    def __init__(self, catalogue: Catalogue, source_kind: SourceKind) -> None:
        TOLD.clear()
        self.catalogue, self.clock = catalogue, FakeClock()
        self.camera, self.ledger = SlowCamera(self.clock), PlayedLedger(catalogue, ModelRegistry(catalogue))
        child = Child("inference", nothing, threaded=True)
        child.start()
        child.join(60.0)
        self.inference = TOLD[0]
        self.link = InferenceLink(child, self.clock)
        self.link._given_up = True  # its thread is over; the pipe is the test's
        self.station = Station(self.camera, self.link, self.ledger, source_kind, clock=self.clock)

    def hear(self, *messages: Message) -> list[Message]:
        self.camera.says.extend(messages)
        return self.station.poll(0.0)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data", FakeClock()) as opened:
        yield opened


@pytest.fixture
def bench(catalogue: Catalogue) -> Bench:
    return Bench(catalogue, SourceKind.SIMULATED)


@pytest.fixture
def live(catalogue: Catalogue) -> Bench:
    return Bench(catalogue, SourceKind.LIVE)


# --- the recorder -----------------------------------------------------------------------------------------------------


def test_a_recorder_that_answers_for_the_session_before_ends_nothing_of_the_next(bench: Bench) -> None:
    before = bench.station.open_session(FRAMES)
    running = bench.station.open_session(FRAMES)
    assert bench.catalogue.sessions.get(before).state is SessionState.CUT_OFF, "its recorder never answered"
    told = bench.hear(RecordingClosed(before, 70, 0, "The disk is full."))
    assert Problem("The disk is full.") in told
    bench.camera.told.clear()
    bench.camera.says.append(RecordingClosed(running, 3, 0))
    bench.station.close_session()
    assert bench.camera.told == [StopRecording()]
    stored = bench.catalogue.sessions.get(running)
    assert (stored.state, stored.recorded) == (SessionState.CLOSED, 3)
