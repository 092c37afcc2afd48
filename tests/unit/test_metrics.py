"""Rates, rankings and BLOCK against hand-computed cases, published bounds and properties."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import Outcome, Reason
from core.frames import ModalityMask
from core.metrics.block import block_of
from core.metrics.ranking import auc, det_points, equal_error, error_curve, histogram
from core.metrics.rate import clopper_pearson, clustered_bounds, rate_of
from core.metrics.trial import Trial

FULL = ModalityMask(7)
DEPTH = ModalityMask.parse("depth")


def trial(
    name: str,
    species: str,
    score: float | None,
    *,
    subject: str = "",
    mask: ModalityMask = FULL,
    outcome: Outcome = Outcome.BONA_FIDE,
) -> Trial:
    if score is None:
        return Trial(name, subject, species, mask, None, Outcome.NON_RESPONSE, Reason.NO_FACE)
    return Trial(name, subject, species, mask, score, outcome)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        (0, 30, 0.0, 0.116),
        (0, 150, 0.0, 0.0243),
        (0, 300, 0.0, 0.0122),
        (1, 150, 0.0002, 0.0366),
        (15, 300, 0.028, 0.081),
    ],
)
def test_bounds_are_those_of_the_published_table(errors: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson(errors, trials) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(1, 400), st.data())
def test_bounds_hold_the_rate_and_mirror(trials: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, trials))
    low, high = clopper_pearson(errors, trials)
    assert 0.0 <= low <= errors / trials <= high <= 1.0
    mirrored = clopper_pearson(trials - errors, trials)
    assert mirrored == pytest.approx((1.0 - high, 1.0 - low), abs=1e-9)


def test_no_error_among_few_people_bounds_little() -> None:
    failed, subjects = [False] * 324, [f"s{i % 6}" for i in range(324)]
    assert clustered_bounds(failed, subjects) == clopper_pearson(0, 6)
    rate = rate_of(failed, subjects)
    assert rate is not None
    assert rate.high == pytest.approx(0.0113, abs=1e-3)
    assert rate.high_clustered == pytest.approx(0.459, abs=1e-3)


def test_one_person_who_always_fails_widens_the_clustered_bound() -> None:
    failed = [i % 10 == 0 for i in range(100)]
    alike, spread = [f"s{i % 10}" for i in range(100)], [f"s{i // 10}" for i in range(100)]
    clumped, even = rate_of(failed, alike), rate_of(failed, spread)
    assert clumped is not None
    assert even is not None
    assert clumped.high_clustered is not None
    assert even.high_clustered is not None
    assert clumped.high_clustered > 0.25 > even.high_clustered
    assert clumped.high == even.high


def test_a_rate_without_trials_is_none_and_without_subjects_has_no_clustered_bounds() -> None:
    assert rate_of([]) is None
    rate = rate_of([True, False], ["a", ""])
    assert rate is not None
    assert set(rate.as_json()) == {"value", "errors", "trials", "low", "high"}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_auc_is_the_share_of_ordered_pairs(bona_fide: list[float], attack: list[float]) -> None:
    pairs = [1.0 if b > a else 0.5 if b == a else 0.0 for b in bona_fide for a in attack]
    assert auc(bona_fide, attack) == pytest.approx(np.mean(pairs))


def test_equal_error_by_hand() -> None:
    assert equal_error([0.9, 0.8, 0.4], [0.6, 0.2, 0.1]) == pytest.approx((1 / 3, 0.6))
    assert equal_error([0.9, 0.8], [0.2, 0.1]) == (0.0, 0.8)
    assert equal_error([], [0.3]) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_error_curve_runs_from_lenient_to_strict(bona_fide: list[float], attack: list[float]) -> None:
    _, apcer, bpcer = error_curve(bona_fide, attack)
    assert np.all(np.diff(apcer) <= 0)
    assert np.all(np.diff(bpcer) >= 0)
    assert (apcer[-1], bpcer[-1]) == (0.0, 1.0)
    assert sum(histogram(attack)) == len(attack)
    assert len(det_points(bona_fide, attack, limit=5)) <= 5


def test_block_by_hand() -> None:
    trials = [
        trial("b1", "", 0.9),
        trial("b2", "", 0.7),
        trial("b3", "", 0.4, outcome=Outcome.ATTACK),
        trial("b4", "", None),
        trial("p1", "print_flat", 0.1, outcome=Outcome.ATTACK),
        trial("p2", "print_flat", 0.6),
        trial("m1", "mask_rigid", 0.2, outcome=Outcome.ATTACK),
        trial("m2", "mask_rigid", 0.3, outcome=Outcome.REFER),
        trial("m3", "mask_rigid", None),
    ]
    block = block_of(trials, lambda mask: 0.5, "dev")
    assert block.threshold == 0.5
    assert block.apcer["print_flat"].value == 0.5
    assert block.apcer["mask_rigid"].value == 0.0
    assert block.apcer["mask_rigid"].trials == 2
    assert block.apcer_max == 0.5
    assert block.bpcer is not None
    assert (block.bpcer.errors, block.bpcer.trials) == (1, 3)
    assert block.hter == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert block.macro_hter == pytest.approx((0.25 + 0.5) / 2)
    assert block.auc == pytest.approx((4 + 4 + 3 + 0) / 16)
    assert block.non_response.bona_fide is not None
    assert block.non_response.bona_fide.errors == 1
    assert block.refer.attack is not None
    assert (block.refer.attack.errors, block.refer.attack.trials) == (1, 5)
    assert set(block.as_json()) == {
        "threshold", "threshold_source", "auc", "eer", "hter", "macro_hter", "apcer", "apcer_max", "bpcer",
        "non_response", "refer",
    }  # fmt: skip


def test_a_score_on_the_threshold_is_accepted() -> None:
    block = block_of([trial("a", "print_flat", 0.5), trial("b", "", 0.5)], lambda mask: 0.5, "dev")
    assert block.apcer["print_flat"].value == 1.0
    assert block.bpcer is not None
    assert block.bpcer.value == 0.0


def test_absent_classes_are_null() -> None:
    only_bona_fide = block_of([trial("a", "", 0.9, mask=DEPTH)], lambda mask: 0.5, "dev").as_json()
    assert only_bona_fide["apcer"] == {}
    for name in ("auc", "eer", "hter", "macro_hter", "apcer_max"):
        assert only_bona_fide[name] is None
    assert only_bona_fide["non_response"]["attack"] is None
    only_attack = block_of([trial("a", "print_flat", None)], lambda mask: 0.5, "dev").as_json()
    assert only_attack["bpcer"] is None
    assert only_attack["apcer"] == {}
    assert only_attack["non_response"]["attack"]["value"] == 1.0


def test_a_mask_without_threshold_accepts_nothing_and_mixed_masks_share_none() -> None:
    thresholds = {FULL: 0.5}
    trials = [trial("a", "", 0.99), trial("b", "", 0.99, mask=DEPTH), trial("c", "mask_rigid", 0.99, mask=DEPTH)]
    block = block_of(trials, thresholds.get, "dev")
    assert block.threshold is None
    assert block.bpcer is not None
    assert block.bpcer.errors == 1
    assert block.apcer["mask_rigid"].errors == 0


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1])
def test_a_score_that_is_none_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="not within 0 and 1"):
        trial("a", "", score)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_a_det_curve_never_turns_back(bona_fide: list[int], attack: list[int]) -> None:
    points = det_points([float(x) for x in bona_fide], [float(x) for x in attack])
    for (apcer, bpcer), (next_apcer, next_bpcer) in itertools.pairwise(points):
        assert apcer <= next_apcer
        assert bpcer >= next_bpcer
