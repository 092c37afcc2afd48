"""The door: what opens it, what closes it, and that neither side ever opens on anything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.codes import ConnectionState, DoorReason, Outcome, SourceKind
from core.door.channels import HookChannel
from core.door.follower import DoorFollower
from core.door.line import HEARTBEAT_MS, MAX_LINE_BYTES, OPEN_MS, TIMEOUT_MS, DoorLine, LineKind, parse_line
from core.door.machine import DoorMachine, StationView, obstacle
from core.door.signing import DoorKey
from core.errors import InputError
from core.messages import Problem
from core.verdict import Verdict
from tests import stored
from tests.patience import wait_until

READY = StationView(
    source_kind=SourceKind.LIVE,
    camera=ConnectionState.STREAMING,
    model=True,
    qualified=True,
    locked=False,
    checkpoint=True,
    paused=False,
    shift_passed=True,
    policy_trusted=True,
    audit_trusted=True,
    stored=True,
)
OBSTACLES = [
    ({"source_kind": SourceKind.SIMULATED}, DoorReason.NOT_LIVE),
    ({"source_kind": SourceKind.PLAYBACK}, DoorReason.NOT_LIVE),
    ({"source_kind": None}, DoorReason.NOT_LIVE),
    ({"camera": None}, DoorReason.CAMERA),
    *(({"camera": state}, DoorReason.CAMERA) for state in ConnectionState if state not in ("streaming", "degraded")),
    ({"model": False}, DoorReason.MODEL),
    ({"qualified": False}, DoorReason.NOT_QUALIFIED),
    ({"locked": True}, DoorReason.LOCKED_OUT),
    ({"checkpoint": False}, DoorReason.NO_CHECKPOINT),
    ({"paused": True}, DoorReason.PAUSED),
    ({"policy_trusted": False}, DoorReason.POLICY_REFUSED),
    ({"audit_trusted": False}, DoorReason.AUDIT_BROKEN),
    ({"shift_passed": False}, DoorReason.SHIFT_CHECK),
    ({"stored": False}, DoorReason.STORAGE),
]
NONCES = ["0a" * 16, "1b" * 16, "2c" * 16]


def verdict(
    outcome: Outcome = Outcome.BONA_FIDE, kind: SourceKind = SourceKind.LIVE, *, shadow: bool = False
) -> Verdict:
    return replace(stored.verdict("s", "p"), outcome=outcome, source_kind=kind, shadow=shadow)


def opened(now_ms: float = 1000.0) -> tuple[DoorMachine, DoorLine]:
    machine = DoorMachine(NONCES[0])
    machine.look(READY, now_ms, 0.0)
    line = machine.take(1, verdict(), READY, now_ms, 0.0)
    assert line is not None
    return machine, line


# --- the station's side ---------------------------------------------------------------------------------------------


def test_a_stored_live_qualified_bona_fide_verdict_opens_for_a_while() -> None:
    machine, line = opened()
    assert (line.kind, line.open, line.open_for_ms) == (LineKind.VERDICT, True, OPEN_MS)
    beat = machine.look(READY, 1000.0 + HEARTBEAT_MS, 0.0)
    assert beat is not None
    assert (beat.kind, beat.open, beat.open_for_ms) == (LineKind.HEARTBEAT, True, OPEN_MS - HEARTBEAT_MS)
    now = 1000.0
    while now < 1000.0 + OPEN_MS:
        now += HEARTBEAT_MS
        beat = machine.look(READY, now, 0.0) or beat
    assert (beat.kind, beat.open, beat.reason) == (LineKind.CHANGE, False, DoorReason.ELAPSED)


@pytest.mark.parametrize(("change", "reason"), OBSTACLES)
def test_every_obstacle_closes_an_open_door_and_keeps_it_closed(change: dict[str, object], reason: DoorReason) -> None:
    view = replace(READY, **change)  # type: ignore[arg-type]
    machine, _ = opened()
    line = machine.look(view, 1001.0, 0.0)
    assert line is not None, "an obstacle is told at once, not with the next heartbeat"
    assert (line.open, line.reason) == (False, reason)
    line = machine.take(2, verdict(), view, 1002.0, 0.0)
    assert line is not None
    assert (line.open, line.reason) == (False, reason)
    line = machine.look(READY, 1003.0, 0.0)
    assert line is not None
    assert not line.open, "an obstacle that went away opens nothing: the next verdict may"


def test_a_view_that_knows_nothing_keeps_the_door_closed() -> None:
    assert obstacle(StationView()) is not DoorReason.NONE


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        *((verdict(outcome), DoorReason.NOT_BONA_FIDE) for outcome in Outcome if outcome is not Outcome.BONA_FIDE),
        *((verdict(kind=kind), DoorReason.NOT_LIVE) for kind in SourceKind if kind is not SourceKind.LIVE),
        (verdict(shadow=True), DoorReason.NOT_QUALIFIED),
    ],
)
def test_every_other_verdict_closes_an_open_door(said: Verdict, reason: DoorReason) -> None:
    machine, _ = opened()
    line = machine.take(2, said, READY, 1001.0, 0.0)
    assert line is not None
    assert (line.kind, line.open, line.reason) == (LineKind.VERDICT, False, reason)


def test_a_row_counts_once() -> None:
    machine, _ = opened()
    machine.take(2, verdict(Outcome.ATTACK), READY, 1001.0, 0.0)
    assert machine.take(1, verdict(), READY, 1002.0, 0.0) is None
    assert machine.take(2, verdict(), READY, 1002.0, 0.0) is None
    assert not machine.open


def test_a_verdict_that_waited_in_a_station_that_slept_opens_nothing() -> None:
    machine = DoorMachine(NONCES[0])
    assert machine.take(1, verdict(), READY, 1000.0, 0.0).open is False  # type: ignore[union-attr]
    machine.look(READY, 1001.0, 0.0)
    line = machine.take(2, verdict(), READY, 1002.0 + TIMEOUT_MS, 0.0)
    assert line is not None
    assert (line.open, line.reason) == (False, DoorReason.SILENCE)


def test_a_machine_that_was_suspended_closes_the_door_when_it_wakes() -> None:
    """Its monotonic clock stood still meanwhile, and whoever stands there now may be somebody else."""
    machine, _ = opened()
    line = machine.look(READY, 1100.0, 3600.0)
    assert line is not None
    assert (line.open, line.reason) == (False, DoorReason.SILENCE)
    machine.look(READY, 1200.0, 3600.1)
    assert machine.take(2, verdict(), READY, 1300.0, 7200.0).open is False  # type: ignore[union-attr]
    assert machine.take(3, verdict(), READY, 1400.0, 7100.0).open is True, "a clock set back"  # type: ignore[union-attr]


def test_a_station_that_slept_while_the_door_was_open_closes_it() -> None:
    machine, _ = opened()
    line = machine.look(READY, 1001.0 + TIMEOUT_MS, 0.0)
    assert line is not None
    assert (line.open, line.reason) == (False, DoorReason.SILENCE)


def test_after_the_last_line_nothing_is_said() -> None:
    machine, _ = opened()
    last = machine.stop(1001.0, 0.0)
    assert last is not None
    assert (last.open, last.reason) == (False, DoorReason.STOPPING)
    assert machine.take(2, verdict(), READY, 1002.0, 0.0) is None
    assert machine.look(READY, 9000.0, 0.0) is None
    assert machine.stop(9001.0, 0.0) is None


# --- a line ---------------------------------------------------------------------------------------------------------


def test_a_line_reads_back_equal_and_fits_a_pipe() -> None:
    _, line = opened()
    assert parse_line(line.encode()) == line
    assert len(line.encode()) <= MAX_LINE_BYTES // 2
    assert b"score" not in line.encode(), "a subject must not learn it at the gate"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"\xff", b"[" * 5000, b" " * 5000,
        b'{"schema":2}',
        lambda line: line.replace(b'"open":true', b'"open":1'),
        lambda line: line.replace(b'"open":true', b'"open":false'),
        lambda line: line.replace(b'"bona_fide"', b'"attack"'),
        lambda line: line.replace(b'"live"', b'"simulated"'),
        lambda line: line.replace(b'"shadow":false', b'"shadow":true'),
        lambda line: line.replace(b'"kind":"verdict"', b'"kind":"heartbeat"'),
        lambda line: line.replace(b'"mono_ms":1000.0', b'"mono_ms":NaN'),
        lambda line: line.replace(b'"open_for_ms":5000.0', b'"open_for_ms":50000.0'),
        lambda line: line.replace(b'"seq":2', b'"seq":0'),
        lambda line: line.replace(b'"seq":2', b'"seq":2,"more":1'),
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_line_is_refused(raw: Any) -> None:
    good = opened()[1].encode()
    damaged = raw(good) if callable(raw) else raw
    assert damaged != good
    with pytest.raises(InputError):
        parse_line(damaged)


# --- signed lines ---------------------------------------------------------------------------------------------------


KEY = DoorKey(b"k" * 32, boot="this boot")


def test_a_signed_line_reads_as_it_was_and_opens_a_controller_that_has_the_key() -> None:
    _, line = opened()
    raw = KEY.signed(line.encode())
    assert len(raw) <= MAX_LINE_BYTES
    assert KEY.wrote(raw)
    told = parse_line(raw)
    assert told.model_copy(update={"mac": ""}) == line
    assert told.encode() == raw, "a line that was read is the line that was sent"
    follower = DoorFollower(KEY)
    follower.connected()
    assert follower.feed(raw, 1000.0)
    assert follower.state(1000.0) is DoorReason.NONE
    assert not follower.feed(raw, 1001.0)
    assert follower.state(1001.0) is DoorReason.REPLAYED
    plain = DoorFollower()
    plain.connected()
    assert plain.feed(raw, 1000.0), "whoever has no key reads signed lines all the same"
    assert plain.state(1000.0) is DoorReason.NONE


@pytest.mark.parametrize(
    "forge",
    [
        lambda line: line,
        DoorKey(b"x" * 32, boot="this boot").signed,
        DoorKey(b"k" * 32, boot="an earlier boot").signed,
        lambda line: KEY.signed(line).replace(b'"seq":2', b'"seq":3'),
        lambda line: KEY.signed(line.replace(b'"open":true', b'"open":false')).replace(b'"open":false', b'"open":true'),
        lambda line: KEY.signed(KEY.signed(line)).replace(b'"row":1', b'"row":2'),
        lambda line: line[:-2] + b',"mac":""}\n',
        lambda line: line[:-2] + b',"mac":"' + b"0" * 64 + b'"}\n',
    ],
    ids=["not signed", "another key", "another boot", "number", "state", "twice", "empty", "zeros"],
)
def test_a_controller_with_the_key_opens_on_nothing_that_was_not_signed_by_it(forge: Callable[[bytes], bytes]) -> None:
    raw = forge(opened()[1].encode())
    follower = DoorFollower(KEY)
    follower.connected()
    assert not follower.feed(raw, 1000.0)
    assert follower.state(1000.0) is DoorReason.UNSIGNED


@given(st.data())
def test_no_changed_byte_of_a_signed_line_is_taken(data: st.DataObject) -> None:
    raw = KEY.signed(opened()[1].encode())
    position = data.draw(st.integers(0, len(raw) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[position]))
    follower = DoorFollower(KEY)
    follower.connected()
    follower.feed(raw[:position] + bytes([byte]) + raw[position + 1 :], 1000.0)
    assert follower.state(1000.0) is not DoorReason.NONE


# --- the controller's side ------------------------------------------------------------------------------------------


def following(line: DoorLine | None = None, now_ms: float = 1000.0) -> DoorFollower:
    follower = DoorFollower()
    follower.connected()
    if line is not None:
        assert follower.feed(line.encode(), now_ms)
    return follower


def test_a_controller_opens_on_a_verdict_and_closes_on_silence() -> None:
    follower = following(opened()[1])
    assert follower.state(1000.0 + TIMEOUT_MS) is DoorReason.NONE
    assert follower.state(1000.0 + TIMEOUT_MS + 1.0) is DoorReason.SILENCE
    assert follower.state(1000.0) is DoorReason.SILENCE, "a clock that goes back opens nothing"


def test_heartbeats_keep_it_open_no_longer_than_the_verdict_said() -> None:
    machine, line = opened()
    follower, now = following(line), 1000.0
    while now < 1000.0 + OPEN_MS - 1.0:
        assert follower.state(now) is DoorReason.NONE
        now += 100.0
        beat = machine.look(READY, now, 0.0)
        assert beat is None or follower.feed(beat.encode(), now)
    assert follower.state(1000.0 + OPEN_MS) is DoorReason.ELAPSED


def test_who_comes_late_waits_for_the_next_verdict() -> None:
    machine, _ = opened()
    beat = machine.look(READY, 1000.0 + HEARTBEAT_MS, 0.0)
    assert beat is not None
    assert beat.open
    follower = following(beat, 1000.0 + HEARTBEAT_MS)
    assert follower.state(1000.0 + HEARTBEAT_MS) is DoorReason.TOO_LATE
    fresh = machine.take(2, verdict(), READY, 1600.0, 0.0)
    assert fresh is not None
    assert follower.feed(fresh.encode(), 1600.0)
    assert follower.state(1600.0) is DoorReason.NONE


def test_what_waited_in_a_buffer_while_the_controller_hung_opens_nothing() -> None:
    follower = following(opened()[1], now_ms=1001.0 + TIMEOUT_MS)
    assert follower.state(1001.0 + TIMEOUT_MS) is DoorReason.STALE


def test_a_line_of_another_machines_clock_opens_nothing() -> None:
    assert following(opened(now_ms=5000.0)[1], now_ms=1000.0).state(1000.0) is DoorReason.STALE


def test_the_same_line_again_is_a_replay() -> None:
    _, line = opened()
    follower = following(line)
    assert not follower.feed(line.encode(), 1001.0)
    assert follower.state(1001.0) is DoorReason.REPLAYED
    follower.connected()
    assert not follower.feed(line.encode(), 1002.0), "neither over a new connection"


def test_a_line_that_is_missing_and_another_nonce_close_too() -> None:
    _, line = opened()
    follower = following(line)
    assert not follower.feed(line.model_copy(update={"seq": 4}).encode(), 1001.0)
    follower = following(line)
    assert not follower.feed(line.model_copy(update={"nonce": NONCES[1], "seq": 3}).encode(), 1001.0)
    assert follower.state(1001.0) is DoorReason.REPLAYED


def test_lines_of_an_earlier_station_are_refused_after_a_new_one_has_spoken() -> None:
    _, line = opened()
    follower = following(line)
    follower.lost()
    follower.connected()
    assert follower.feed(line.model_copy(update={"nonce": NONCES[1], "seq": 1}).encode(), 1001.0)
    follower.connected()
    assert not follower.feed(line.model_copy(update={"seq": 99}).encode(), 1002.0)
    assert follower.state(1002.0) is DoorReason.REPLAYED


def test_a_line_may_come_in_pieces_but_never_without_end() -> None:
    raw = opened()[1].encode()
    follower = following()
    for position in range(len(raw)):
        assert follower.state(1000.0) is not DoorReason.NONE
        assert follower.feed(raw[position : position + 1], 1000.0)
    assert follower.state(1000.0) is DoorReason.NONE
    assert not follower.feed(b"x" * MAX_LINE_BYTES, 1000.0)
    assert follower.state(1000.0) is DoorReason.PROTOCOL


def test_the_end_of_a_connection_closes_at_once() -> None:
    follower = following(opened()[1])
    follower.lost()
    assert follower.state(1000.0) is DoorReason.NO_STATION


@settings(max_examples=200)
@given(st.data())
def test_no_bytes_but_the_stations_own_open_a_door(data: st.DataObject) -> None:
    raw = opened()[1].encode()
    position = data.draw(st.integers(0, len(raw) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[position]))
    follower = following()
    follower.feed(raw[:position] + bytes([byte]) + raw[position + 1 :], 1000.0)
    if follower.state(1000.0) is DoorReason.NONE:
        line = parse_line(raw[:position] + bytes([byte]) + raw[position + 1 :])
        assert line.open
        assert line.verdict is not None
        assert line.verdict.opens


def test_a_command_that_closes_its_input_and_runs_on_counts_as_a_controller_no_more() -> None:
    hook = HookChannel("sh -c 'exec 0<&-; exec sleep 600'")
    try:
        assert hook.service(0.0) == []
        told: list[Problem] = []

        def let_go() -> bool:
            told.extend([*hook.send(b"{}\n"), *hook.service(1.0)])
            return hook.controllers == 0

        wait_until(let_go, "the end of the command")
        assert [problem.what for problem in told] == [
            "The gate controller (command sh) stopped reading and was disconnected."
        ]
    finally:
        hook.close()


class BothSides(RuleBasedStateMachine):
    """A station and a controller on one clock: the controller is never open when the station would not have it so."""

    @initialize()
    def start(self) -> None:
        self.now = 1000.0
        self.starts = 0
        self.row = 0
        self.view = READY
        self.machine = DoorMachine(NONCES[0])
        self.follower = DoorFollower()
        self.pending: list[bytes] = []
        self.connected = False
        self.allowed_until = float("-inf")

    def send(self, line: DoorLine | None) -> None:
        if line is None:
            return
        if line.verdict is not None and line.verdict.opens and line.open:
            self.allowed_until = self.now + OPEN_MS
        elif not line.open:
            self.allowed_until = min(self.allowed_until, self.now + TIMEOUT_MS)
        if self.connected:
            self.pending.append(line.encode())

    @rule(step=st.sampled_from([1.0, 100.0, HEARTBEAT_MS, TIMEOUT_MS, 3.0 * OPEN_MS]))
    def time_passes(self, step: float) -> None:
        self.now += step

    @rule(change=st.sampled_from([{}, *(change for change, _ in OBSTACLES)]))
    def the_station_looks(self, change: dict[str, object]) -> None:
        self.view = replace(READY, **change)  # type: ignore[arg-type]
        self.send(self.machine.look(self.view, self.now, 0.0))

    @rule(said=st.sampled_from([verdict(), verdict(Outcome.ATTACK), verdict(shadow=True)]))
    def a_verdict_is_stored(self, said: Verdict) -> None:
        self.row += 1
        self.send(self.machine.take(self.row, said, self.view, self.now, 0.0))

    @rule()
    def the_station_is_killed_and_started(self) -> None:
        self.starts += 1
        self.machine = DoorMachine(f"{self.starts:032x}")
        self.pending, self.connected = [], False
        self.follower.lost()

    @precondition(lambda self: not self.connected)
    @rule()
    def the_controller_connects(self) -> None:
        self.follower.connected()
        self.pending, self.connected = [], True

    @rule()
    def the_controller_reads(self) -> None:
        for raw in self.pending:
            assert self.follower.feed(raw, self.now), "an honest station is never taken for a liar"
        self.pending = []

    @invariant()
    def never_open_without_leave(self) -> None:
        if self.follower.state(self.now) is DoorReason.NONE:
            assert self.now < self.allowed_until + 1.0
            assert self.connected


TestBothSides = BothSides.TestCase
TestBothSides.settings = settings(max_examples=40, stateful_step_count=30)
