"""The shift meter: silent where nothing moved, it names the modality that did, and it says when it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from core.adaptation.shift import MOVED, MOVED_FAR, Shift, shifts
from core.codes import Movement
from core.frames import Modality


def drawn(
    random: np.random.Generator, count: int, moved: Mapping[Modality, float] | None = None, runs: int = 1
) -> dict[Modality, list[float]]:
    """Scores of people and some attacks; a person comes ``runs`` times in a row and looks alike each time."""
    found = {}
    people = random.random(count) < 0.85
    for modality in Modality:
        own = np.where(people, 2.0, -2.5) + random.normal(0.0, 1.0, count)
        alike = np.repeat(own[::runs], runs)[:count] + (random.normal(0.0, 0.2, count) if runs > 1 else 0.0)
        found[modality] = list(1.0 / (1.0 + np.exp(-alike - (moved or {}).get(modality, 0.0))))
    return found


def compared(seed: int, count: int = 300, moved: Mapping[Modality, float] | None = None, runs: int = 1) -> list[Shift]:
    random = np.random.default_rng(seed)
    return shifts(drawn(random, count, runs=runs), drawn(random, count, moved, runs))


def movements(found: list[Shift]) -> dict[Modality, Movement]:
    return {one.modality: one.movement for one in found}


def test_where_nothing_moved_it_says_so_in_at_least_95_of_100_draws() -> None:
    quiet = [set(movements(compared(seed)).values()) == {Movement.AS_BEFORE} for seed in range(200)]
    assert np.mean(quiet) >= 0.95


def test_the_same_person_several_times_in_a_row_is_no_shift() -> None:
    loud = [
        bool({Movement.MOVED, Movement.MOVED_FAR} & set(movements(compared(seed, runs=4)).values()))
        for seed in range(100)
    ]
    assert np.mean(loud) <= 0.05


@pytest.mark.parametrize("modality", Modality)
def test_a_planted_shift_names_its_modality_and_only_that(modality: Modality) -> None:
    named = 0
    for seed in range(40):
        found = movements(compared(seed, moved={modality: -1.0}))
        others = {one for m, one in found.items() if m is not modality}
        named += found[modality] in (Movement.MOVED, Movement.MOVED_FAR) and others == {Movement.AS_BEFORE}
    assert named >= 38


def test_the_limits_part_moved_from_moved_far() -> None:
    shift = {m: compared(3, 2000, moved={Modality.DEPTH: m})[1] for m in (-0.15, -0.5, -1.5)}
    assert [one.movement for one in shift.values()] == [Movement.AS_BEFORE, Movement.MOVED, Movement.MOVED_FAR]
    assert shift[-0.15].moved < MOVED < shift[-0.5].moved < MOVED_FAR < shift[-1.5].moved
    assert shift[-0.15].p < 0.05, "shown, and too small to matter"


def test_few_verdicts_are_too_little_unless_the_shift_is_plain() -> None:
    assert set(movements(compared(1, 30)).values()) == {Movement.TOO_LITTLE}
    assert set(movements(compared(1, 60)).values()) == {Movement.TOO_LITTLE}
    plain = movements(compared(1, 60, moved={Modality.IR: -3.0}))
    assert plain[Modality.IR] is Movement.MOVED_FAR
    assert plain[Modality.DEPTH] is Movement.TOO_LITTLE


def test_a_modality_that_came_or_went_is_too_little_and_one_that_never_was_is_not_told() -> None:
    random = np.random.default_rng(1)
    before, now = drawn(random, 300), drawn(random, 300)
    del now[Modality.IR], before[Modality.RGB], now[Modality.RGB]
    found = shifts(before, now)
    assert [one.modality for one in found] == [Modality.DEPTH, Modality.IR]
    assert (found[1].movement, found[1].now) == (Movement.TOO_LITTLE, 0)
    assert shifts({}, {}) == []


def test_scores_that_are_all_alike_have_not_moved() -> None:
    found = shifts({Modality.RGB: [1.0] * 200}, {Modality.RGB: [1.0] * 200})
    assert (found[0].movement, found[0].moved) == (Movement.AS_BEFORE, 0.0)
    far = shifts({Modality.RGB: [0.0] * 200}, {Modality.RGB: [1.0] * 200})
    assert far[0].movement is Movement.MOVED_FAR


def test_the_same_scores_give_the_same_answer() -> None:
    assert compared(5) == compared(5)
