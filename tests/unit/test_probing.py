"""Probing: trying again and again makes everybody wait, longer each time; a restart forgets nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import FakeClock
from core.codes import Outcome, Reason, SourceKind
from core.probing import FREE_STEPS, LONGEST_DELAY_S, WINDOW_S, Attempt, probing
from storage.catalogue import open_catalogue
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger
from tests import stored


def attack(at_s: float) -> Attempt:
    return Attempt(at_s, Outcome.ATTACK, Reason.NONE, 0.05, 0.5)


def near(at_s: float) -> Attempt:
    return Attempt(at_s, Outcome.REFER, Reason.IN_BAND, 0.52, 0.5)


def person(at_s: float, score: float = 0.95) -> Attempt:
    return Attempt(at_s, Outcome.BONA_FIDE, Reason.NONE, score, 0.5)


def test_once_or_twice_is_nobody() -> None:
    assert probing([near(1.0), attack(2.0)], 3.0).delay_s == 0.0
    assert probing([], 3.0).delay_s == 0.0


def test_the_delay_doubles_with_every_further_try_and_has_an_end() -> None:
    delays = [probing([near(float(i)) for i in range(n)], float(n)).delay_s for n in range(FREE_STEPS, 12)]
    assert delays[:4] == [5.0, 10.0, 20.0, 40.0]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY_S


def test_people_who_pass_drain_it_and_a_near_miss_does_not() -> None:
    tries = [near(1.0), near(2.0), near(3.0)]
    assert probing([*tries[:2], person(2.5), person(2.6), tries[2]], 3.0).delay_s == 0.0
    assert probing([*tries[:2], person(2.5, 0.6), person(2.6, 0.6), tries[2]], 3.0).delay_s == 5.0


def test_it_is_over_when_the_time_is_up_and_forgotten_after_the_window() -> None:
    tries = [attack(0.0)] * 3
    assert probing(tries, 2.0).left_s == pytest.approx(3.0)
    assert probing(tries, 5.0).left_s == 0.0
    assert probing(tries, WINDOW_S + 1.0).steps == 0.0


@given(st.floats(-1e6, 0.0))
def test_a_clock_that_was_set_back_shortens_nothing(now_s: float) -> None:
    found = probing([attack(0.0)] * 4, now_s)
    assert found.left_s == found.delay_s == 10.0


def test_signs_of_a_stream_that_was_put_in_place_count_too() -> None:
    failed = Attempt(0.0, Outcome.NON_RESPONSE, Reason.CHALLENGE_FAILED, None, None)
    frozen = Attempt(0.0, Outcome.NON_RESPONSE, Reason.FROZEN_FRAMES, None, None)
    slow = Attempt(0.0, Outcome.NON_RESPONSE, Reason.TIMEOUT, None, None)
    assert probing([failed, frozen, failed], 0.0).delay_s == 5.0
    assert probing([slow] * 9, 0.0).steps == 0.0


def test_another_station_on_the_same_folder_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_catalogue(tmp_path / "data", clock) as catalogue:
        for _ in range(4):
            catalogue.verdicts.commit(stored.verdict(source_kind=SourceKind.LIVE, outcome=Outcome.ATTACK))
        for _ in range(9):
            catalogue.verdicts.commit(stored.verdict(source_kind=SourceKind.LIVE, outcome=Outcome.ATTACK, shadow=True))
            catalogue.verdicts.commit(stored.verdict(source_kind=SourceKind.SIMULATED, outcome=Outcome.ATTACK))
    clock.advance(2000.0)
    with open_catalogue(tmp_path / "data", clock) as catalogue:
        ledger = CatalogueLedger(catalogue, ModelRegistry(catalogue))
        found = ledger.probing(SourceKind.LIVE)
        assert (found.steps, found.delay_s) == (4.0, 10.0)
        assert found.left_s == pytest.approx(8.0)
        assert ledger.probing(SourceKind.SCRIPTED).delay_s == 0.0
