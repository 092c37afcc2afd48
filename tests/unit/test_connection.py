"""The connection state machine: by rules, and by whatever order of events Hypothesis finds."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.clock import FakeClock
from core.codes import ConnectionState as State
from core.frames import ALL_MODALITIES, Modality, ModalityMask
from core.restarts import MAX_RESTARTS, RestartBudget
from devices.connection import RESTARTS_BEFORE_RESET, Connection, Step

NO_DEPTH = ModalityMask.of([Modality.RGB, Modality.IR])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def connection(clock: FakeClock) -> Connection:
    connection = Connection(clock)
    assert connection.step() is Step.OPEN
    connection.opening()
    connection.opened(ALL_MODALITIES)
    return connection


def stream(connection: Connection, clock: FakeClock, mask: ModalityMask, sets: int) -> None:
    for _ in range(sets):
        clock.advance(33.0)
        assert connection.step() is Step.READ
        connection.frame_set(mask)


def test_a_camera_that_is_not_there_is_searched_for_without_end(clock: FakeClock) -> None:
    connection = Connection(clock)
    for _ in range(100):
        assert connection.step() is Step.OPEN
        connection.not_found("no camera")
        assert (connection.state, connection.problem) == (State.SEARCHING, "no camera")
        assert connection.step() is Step.WAIT
        clock.advance(1000.0)


def test_all_streams_make_it_streaming(connection: Connection, clock: FakeClock) -> None:
    assert connection.state is State.WARM_UP
    stream(connection, clock, ALL_MODALITIES, 1)
    assert (connection.state, connection.mask) == (State.STREAMING, ALL_MODALITIES)


def test_a_stream_that_never_comes_is_degraded_after_warm_up(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, NO_DEPTH, 30)
    assert connection.state is State.WARM_UP
    stream(connection, clock, NO_DEPTH, 40)
    assert (connection.state, connection.mask) == (State.DEGRADED, NO_DEPTH)


def test_a_single_incomplete_set_is_not_a_fault_but_half_a_second_is(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, ALL_MODALITIES, 5)
    stream(connection, clock, NO_DEPTH, 3)
    assert connection.state is State.STREAMING
    stream(connection, clock, NO_DEPTH, 15)
    assert (connection.state, connection.mask) == (State.DEGRADED, NO_DEPTH)
    stream(connection, clock, ALL_MODALITIES, 1)
    assert (connection.state, connection.mask) == (State.STREAMING, ALL_MODALITIES)


def test_silence_is_lost_after_one_second_and_restarted_after_three(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, ALL_MODALITIES, 5)
    clock.advance(1000.0)
    assert connection.step() is Step.READ
    assert (str(connection.state), connection.mask) == ("lost", ModalityMask(0))
    assert connection.problem
    clock.advance(2000.0)
    assert connection.step() is Step.CLOSE
    connection.closed()
    assert str(connection.state) == "back_off"
    assert connection.step() is Step.WAIT
    clock.advance(500.0)
    assert connection.step() is Step.OPEN


def test_frames_within_three_seconds_end_a_loss(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, ALL_MODALITIES, 5)
    clock.advance(2000.0)
    connection.step()
    assert connection.state is State.LOST
    connection.frame_set(ALL_MODALITIES)
    assert (connection.state, connection.problem) == (State.STREAMING, "")


def test_empty_frame_sets_are_silence(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, ALL_MODALITIES, 5)
    for _ in range(40):
        clock.advance(33.0)
        connection.step()
        connection.frame_set(ModalityMask(0))
    assert connection.state is State.LOST


def test_the_reset_is_the_last_resort_and_the_budget_ends_it(connection: Connection, clock: FakeClock) -> None:
    steps = []
    for _ in range(200):
        step = connection.step()
        steps.append(step)
        if step is Step.STOP:
            break
        if step is Step.OPEN:
            connection.opening()
            connection.opened(ALL_MODALITIES)
        elif step is Step.CLOSE:
            connection.closed()
        elif step is Step.RESET:
            connection.reset_done()
        clock.advance(1000.0)
    assert connection.state is State.FAILED
    assert connection.problem == "The camera delivers no frames."
    assert steps.count(Step.CLOSE) == MAX_RESTARTS + 1
    assert steps.count(Step.RESET) == 1
    assert steps[: steps.index(Step.RESET)].count(Step.CLOSE) == RESTARTS_BEFORE_RESET + 1


def test_an_sdk_error_closes_at_once(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, ALL_MODALITIES, 5)
    connection.broke("device disconnected")
    assert (connection.state, connection.step()) == (State.LOST, Step.CLOSE)
    connection.frame_set(ALL_MODALITIES)
    assert connection.state is State.LOST, "a last frame does not revive a broken device"


def test_the_end_of_a_file_is_the_end(connection: Connection, clock: FakeClock) -> None:
    stream(connection, clock, NO_DEPTH, 3)
    connection.ended()
    clock.advance(60_000.0)
    assert (connection.state, connection.step()) == (State.ENDED, Step.STOP)
    assert connection.mask == NO_DEPTH, "what it was at the end"


def test_the_budget_refills_with_time(clock: FakeClock) -> None:
    budget = RestartBudget(clock)
    pauses = [budget.take() for _ in range(MAX_RESTARTS)]
    assert pauses == sorted(pauses, key=lambda p: p or 0.0)
    assert budget.take() is None
    clock.advance(600_001.0)
    assert budget.take() == pauses[0]


class AnyOrder(RuleBasedStateMachine):
    """A worker that obeys, a device that does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(0.0)
        self.connection = Connection(self.clock)
        self.open = False
        self.restarts: list[float] = []

    @rule(ms=st.sampled_from([1.0, 33.0, 500.0, 1000.0, 3000.0, 20_000.0]))
    def wait(self, ms: float) -> None:
        self.clock.advance(ms)

    @rule(found=st.booleans(), starts=st.booleans())
    def work(self, found: bool, starts: bool) -> None:
        step = self.connection.step()
        if step is Step.OPEN:
            assert not self.open
            if not found:
                self.connection.not_found("absent")
                return
            self.connection.opening()
            self.open = True
            if starts:
                self.connection.opened(ALL_MODALITIES)
            else:
                self.connection.broke("busy")
        elif step is Step.CLOSE:
            assert self.open
            self.open = False
            self.connection.closed()
            if self.connection.state is not State.FAILED:
                self.restarts.append(self.clock.now_ms())
        elif step is Step.RESET:
            assert not self.open
            self.connection.reset_done()
        elif step is Step.READ:
            assert self.open

    @precondition(lambda self: self.open)
    @rule(bits=st.integers(0, 7))
    def frames(self, bits: int) -> None:
        self.connection.frame_set(ModalityMask(bits))

    @precondition(lambda self: self.open)
    @rule()
    def error(self) -> None:
        self.connection.broke("gone")

    @invariant()
    def mask_only_while_frames_flow(self) -> None:
        flowing = {State.WARM_UP, State.STREAMING, State.DEGRADED, State.ENDED}
        assert not self.connection.mask or self.connection.state in flowing

    @invariant()
    def streaming_means_that_all_came(self) -> None:
        if self.connection.state is State.STREAMING and self.connection.step() is Step.READ:
            assert self.connection.state is not State.STREAMING or self.connection.mask == self.connection.expected

    @invariant()
    def the_budget_holds(self) -> None:
        recent = [at for at in self.restarts if self.clock.now_ms() - at <= 600_000.0]
        assert len(recent) <= MAX_RESTARTS

    @invariant()
    def a_problem_is_told(self) -> None:
        if self.connection.state in (State.LOST, State.BACK_OFF, State.FAILED):
            assert self.connection.problem


TestAnyOrder = AnyOrder.TestCase
