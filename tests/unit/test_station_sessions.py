"""What a station stores of its sessions when a process answers late, never, or for the wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.clock import FakeClock
from core.codes import ConnectionState, Outcome, Reason, RecordMode, SessionPurpose, SessionState, SourceKind
from core.door.output import DoorPlaces
from core.errors import HostError
from core.frames import ALL_MODALITIES
from core.messages import (
    CameraHealth,
    DeviceInfo,
    DoorChanged,
    Message,
    ModelReady,
    ObservationMade,
    Problem,
    RecordingClosed,
    Standing,
    StopRecording,
    VerdictCommitted,
    VerdictReached,
)
from core.probing import AlarmRaised
from core.processes import Child
from core.restarts import MAX_BACK_OFF_MS
from core.station import SessionOrder, Station
from core.station.inference import InferenceLink
from core.station.ports import PresentationLabel
from core.verdict import Observation, Verdict
from storage.catalogue import Catalogue, open_catalogue
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger
from tests import stored
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
        return accepted("").model, "/model"

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

    def answer(self, verdict: Verdict) -> list[Message]:
        self.inference.send(VerdictReached(verdict))
        return self.station.poll(0.0)

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
    kept = bench.catalogue.sessions.get(running)
    assert (kept.state, kept.recorded) == (SessionState.CLOSED, 3)


# --- one session after the other --------------------------------------------------------------------------------------


def test_a_session_begins_only_when_the_one_before_is_closed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions, close = bench.catalogue.sessions, bench.ledger.close_session
    before = bench.station.open_session(SessionOrder())

    def full(session: str, *values: Any) -> None:
        if session == before:
            raise HostError("The disk is full.")
        close(session, *values)

    with monkeypatch.context() as patched:
        patched.setattr(bench.ledger, "close_session", full)
        with pytest.raises(HostError, match="full"):
            bench.station.open_session(SessionOrder())
    assert [one.id for one in sessions.open_ones()] == [before] == [bench.station.session]
    after = bench.station.open_session(SessionOrder())
    assert [one.id for one in sessions.open_ones()] == [after]
    found = {one.id: (one.state, one.problem) for one in sessions.page()[0]}
    del found[before], found[after]
    assert list(found.values()) == [(SessionState.CUT_OFF, "The session before it could not be closed.")]


def test_a_session_of_a_station_whose_camera_was_given_up_says_so_also_if_it_begins_later(bench: Bench) -> None:
    bench.hear(Problem("The camera was given up.", fatal=True))
    session = bench.station.open_session(SessionOrder())
    bench.station.close_session()
    kept = bench.catalogue.sessions.get(session)
    assert (kept.state, kept.problem) == (SessionState.CUT_OFF, "The camera was given up.")


# --- the presentation -------------------------------------------------------------------------------------------------


def of_camera(serial: str) -> CameraHealth:
    return CameraHealth(ConnectionState.STREAMING, ALL_MODALITIES, SourceKind.LIVE, DeviceInfo("D435", serial))


def accepted(session: str, presentation: str = "") -> Verdict:
    kind, mask = SourceKind.LIVE, ALL_MODALITIES
    return stored.verdict(session, presentation, source_kind=kind, outcome=Outcome.BONA_FIDE, mask=mask)


def see(bench: Bench, frame_set: int) -> None:
    bench.inference.send(ObservationMade(Observation(frame_set, 33.0 * frame_set, ALL_MODALITIES)))
    bench.station.poll(0.0)


def verdicts(catalogue: Catalogue) -> list[Verdict]:
    return [one.verdict for one in catalogue.verdicts.page(descending=False)[0]]


def test_a_presentation_that_nobody_answers_is_answered_in_its_own_session(bench: Bench) -> None:
    first = bench.station.open_session(SessionOrder())
    left = [bench.station.begin_presentation(), bench.station.begin_presentation()]
    see(bench, 7)
    second = bench.station.open_session(SessionOrder())
    told = [event.verdict for event in bench.station.poll(0.0) if isinstance(event, VerdictCommitted)]
    assert told == verdicts(bench.catalogue)
    assert [(one.session, one.presentation) for one in told] == [(first, one) for one in left]
    assert {(one.outcome, one.reason) for one in told} == {(Outcome.NON_RESPONSE, Reason.MODEL_ERROR)}
    assert not bench.station.presentation

    see(bench, 20)
    bench.station.begin_presentation()
    over = bench.catalogue.presentations.get(left[1])
    assert (over.session, over.last_set) == (first, 7), "what the next one is shown is not its own"
    assert bench.station.session == second


@pytest.fixture
def door(live: Bench, tmp_path: Path) -> Iterator[Bench]:
    """A station whose door nothing keeps closed but the lack of a verdict."""
    live.inference.send(ModelReady("a" * 64, "played", "cpu"))
    live.hear(of_camera("1"))
    live.station.connect_door(DoorPlaces(str(tmp_path / "door")))
    yield live
    live.station.connect_door(DoorPlaces())


def opened(told: list[Message]) -> bool:
    return any(isinstance(event, DoorChanged) and event.open for event in told)


def test_an_answer_that_comes_when_its_session_is_over_is_nothing_of_the_next_and_opens_no_door(door: Bench) -> None:
    first = door.station.open_session(SessionOrder())
    late = door.station.begin_presentation()
    second = door.station.open_session(SessionOrder())
    door.station.poll(0.0)
    told = door.answer(accepted(first, late))
    assert not any(isinstance(event, VerdictCommitted) for event in told)
    assert len(verdicts(door.catalogue)) == 1, "no response, once and for all"
    assert not opened(told)

    told = door.answer(accepted(first))
    assert verdicts(door.catalogue)[-1].session == "", "it began by itself: it is stored, but not with the next"
    assert not opened(told)
    assert opened(door.answer(accepted(second))), "what belongs here opens"


def test_an_answer_of_a_model_that_is_not_the_champion_opens_no_door(door: Bench) -> None:
    """Inference keeps the model that ran before where the champion cannot be loaded: the camera is not qualified so."""
    running = door.station.open_session(SessionOrder())
    door.station.poll(0.0)
    told = door.answer(replace(accepted(running), model="b" * 64))
    assert any(isinstance(event, VerdictCommitted) for event in told)
    assert not opened(told)
    assert opened(door.answer(accepted(running)))


def test_who_stood_there_before_inference_heard_of_the_session_is_of_the_session(bench: Bench) -> None:
    """The window opens its session while inference already looks at somebody: the first answer names none."""
    running = bench.station.open_session(SessionOrder())
    bench.answer(accepted(""))
    assert verdicts(bench.catalogue)[-1].session == running


def test_a_test_that_inference_did_not_survive_stays_a_test(live: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    live.hear(of_camera("1"))
    live.station.open_session(SessionOrder())
    monkeypatch.setattr(live.link, "_given_up", False)
    for test in (True, False):
        live.station.begin_presentation(PresentationLabel(test=test))
        TOLD[-1].close()
        live.station.poll(0.0)
        live.clock.advance(MAX_BACK_OFF_MS)
        live.station.poll(0.0)  # started again, it ends at once
        verdict = verdicts(live.catalogue)[-1]
        assert (verdict.outcome, verdict.shadow) == (Outcome.NON_RESPONSE, test)


# --- restraint --------------------------------------------------------------------------------------------------------


def test_an_attack_that_is_stored_as_a_shadow_verdict_delays_nobody_and_alarms_nobody(live: Bench) -> None:
    live.hear(of_camera("1"))
    attack = replace(accepted(""), outcome=Outcome.ATTACK)
    told = [event for _ in range(3) for event in live.answer(attack)]
    assert sum(isinstance(event, AlarmRaised) for event in told) == 1
    live.ledger.stands = Standing(commissioned=True)
    live.hear(of_camera("2"))  # inference has not heard that it is not qualified when it answers
    told = live.answer(attack)
    assert [event.verdict.shadow for event in told if isinstance(event, VerdictCommitted)] == [True]
    assert not any(isinstance(event, AlarmRaised) for event in told)
    assert sum(entry.action == "probing_alarm" for entry in live.catalogue.audit.entries()) == 1


# --- the start --------------------------------------------------------------------------------------------------------


def test_what_stands_at_the_start_is_told_by_the_first_round(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.link, "start", lambda: None)  # its pipe is the test's
    monkeypatch.setattr(bench.ledger, "audit_broken", lambda: True)
    bench.station.start()
    (told,) = [event for event in bench.station.poll(0.0) if isinstance(event, Standing)]
    assert told.withheld is Reason.AUDIT_BROKEN
    assert not any(isinstance(event, Standing) for event in bench.station.poll(0.0)), "once"


# --- the end ----------------------------------------------------------------------------------------------------------


def test_whatever_fails_at_the_end_everything_is_ended_and_the_first_error_is_raised(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    def fails(name: str) -> Callable[..., None]:
        def end(*_values: object) -> None:
            ended.append(name)
            raise HostError(f"The {name} failed.")

        return end

    bench.station.open_session(SessionOrder())
    monkeypatch.setattr(bench.station._doorway, "close", fails("door"))
    monkeypatch.setattr(bench.ledger, "close_session", fails("session"))
    monkeypatch.setattr(bench.camera, "shutdown", fails("camera"))
    monkeypatch.setattr(bench.link, "shutdown", fails("inference"))
    monkeypatch.setattr(bench.station, "_release", fails("folder"))
    with pytest.raises(HostError, match="door"):
        bench.station.shutdown()
    assert ended == ["door", "session", "camera", "inference", "folder"]
    with pytest.raises(HostError, match="door"):
        bench.station.shutdown()
    assert ended.count("folder") == 1, "it is let go of once"
