"""Supervision of inference on a fake clock and a played process: a crash, a hang, a pause, a budget."""

from __future__ import annotations

from typing import cast

import pytest

from core.clock import FakeClock
from core.codes import Reason, SourceKind
from core.frames import ModalityMask
from core.messages import (
    BeginPresentation,
    Delay,
    LoadModel,
    LoadShadow,
    Message,
    ModelReady,
    ObservationMade,
    Problem,
    SetPolicy,
    Unlock,
)
from core.policy import SitePolicy
from core.processes import Child
from core.restarts import BACK_OFF_MS, MAX_RESTARTS
from core.station.inference import HANG_MS, LOADING_MS, InferenceLink
from core.verdict import Observation
from tests.played_child import PlayedChild

SEEN = ObservationMade(Observation(1, 0.0, ModalityMask(0), reason=Reason.STALE))
READY = ModelReady("0" * 64, "factory", "cpu")
MODEL, POLICY = LoadModel("model"), SetPolicy(SitePolicy(stale_ms=4000.0))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def child() -> PlayedChild:
    return PlayedChild()


@pytest.fixture
def link(clock: FakeClock, child: PlayedChild) -> InferenceLink:
    """Started; its model took long to load, and is ready."""
    link = InferenceLink(cast(Child, child), clock)
    link.start()
    link.send(POLICY)
    link.send(MODEL)
    child.heard()
    clock.advance(LOADING_MS - 1.0)
    assert link.poll() == ([], False)
    child.says(READY)
    assert link.poll() == ([READY], False)
    return link


def told(messages: list[Message]) -> str:
    (problem,) = messages
    assert isinstance(problem, Problem)
    return str(problem.what)


def test_a_process_that_talks_is_left_alone(link: InferenceLink, clock: FakeClock, child: PlayedChild) -> None:
    for _ in range(100):
        clock.advance(HANG_MS)
        child.says(SEEN)
        assert link.poll() == ([SEEN], False)
    assert child.starts == 1


def test_one_that_hangs_is_killed_and_told_again_what_it_must_know(
    link: InferenceLink, clock: FakeClock, child: PlayedChild
) -> None:
    patience_ms = HANG_MS + POLICY.policy.stale_ms
    clock.advance(patience_ms - 1.0)
    assert link.poll() == ([], False), "without a camera it speaks only once in stale_ms"
    clock.advance(1.0)
    messages, died = link.poll()
    assert died
    assert told(messages) == "The inference process said nothing for 14 s and is started again."
    assert (child.alive, link.pipe) == (False, None)
    clock.advance(BACK_OFF_MS)
    assert link.poll() == ([], False)
    assert child.starts == 2
    assert child.heard() == [POLICY, MODEL]


def test_one_that_loads_a_model_is_waited_for_longer(link: InferenceLink, clock: FakeClock, child: PlayedChild) -> None:
    link.send(LoadShadow("another"))
    child.says(READY)  # of the champion: the shadow is loaded after it, and nothing tells when
    link.poll()
    clock.advance(LOADING_MS - 1.0)
    assert link.poll() == ([], False)
    clock.advance(1.0)
    assert link.poll()[1], "nothing waits for ever"


def test_what_is_ordered_while_it_is_down_is_obeyed_by_the_next(
    link: InferenceLink, clock: FakeClock, child: PlayedChild
) -> None:
    child.alive = False
    messages, died = link.poll()
    assert died
    assert told(messages) == "The inference process ended unexpectedly and is started again."
    orders: list[Message] = [Delay(2000.0), BeginPresentation("p", "s", SourceKind.LIVE, False), Unlock()]
    newer = SetPolicy(SitePolicy(stale_ms=500.0))
    for message in (*orders, newer):
        assert link.send(message)
    clock.advance(BACK_OFF_MS)
    link.poll()
    assert child.heard() == [newer, MODEL, *orders]
    link.send(Unlock())
    assert child.heard() == [Unlock()]


def test_each_pause_is_longer_and_the_budget_ends(link: InferenceLink, clock: FakeClock, child: PlayedChild) -> None:
    pauses = []
    for _ in range(MAX_RESTARTS):
        child.alive = False
        assert link.poll()[1]
        paused_ms = clock.now_ms()
        while not child.alive:
            clock.advance(100.0)
            link.poll()
        pauses.append(clock.now_ms() - paused_ms)
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    child.alive = False
    messages, died = link.poll()
    (problem,) = messages
    assert died
    assert isinstance(problem, Problem)
    assert problem.fatal
    clock.advance(3_600_000.0)
    assert link.poll() == ([], False), "it is told once, and nothing is started any more"
    assert child.starts == 1 + MAX_RESTARTS
