from __future__ import annotations

import numpy as np
import pytest

from core.benchmark.judging import Judged, calibrations, columns_under, judge
from core.benchmark.people import People
from core.benchmark.scores import aurc, ece, figures, oracle_hter
from core.benchmark.statistics import Cells, Counts, Sample, compare, counts_of, estimate, holm
from core.frames import EVERY_MASK

SUBJECTS, TRIALS = 60, 4


def drawn(rate: float, seed: int, subjects: int = SUBJECTS) -> Counts:
    """Counts with the error rate ``rate`` in two species and bona fide."""
    random = np.random.default_rng(seed)
    trials = np.full((subjects, 3), float(TRIALS))
    errors = random.binomial(TRIALS, rate, trials.shape).astype(float)
    return Counts(errors, trials, tuple(f"s{i}" for i in range(subjects)))


def cells(rate: float, seed: int) -> Cells:
    return {(target, s): drawn(rate, 100 * seed + 10 * t + s) for t, target in enumerate("abcd") for s in range(3)}


def sample(rate: float, seed: int) -> Sample:
    return Sample.of(cells(rate, seed))


def test_a_planted_difference_is_found_and_none_is_not() -> None:
    ours = [sample(0.10, 1)]
    found = compare(ours, {"worse": [sample(0.20, 2)], "same": [sample(0.10, 3)]})
    worse, same = found
    assert worse.verdict == "ours better"
    assert worse.gain.value == pytest.approx(0.10, abs=0.02)
    assert worse.gain.low > 0.05
    assert worse.wins > worse.losses
    assert same.verdict == "not told apart"
    assert same.gain.low < 0.0 < same.gain.high


def test_the_comparison_is_paired() -> None:
    """A peer that errs wherever ours does, and once more, is told apart though both rates spread widely."""
    ours = cells(0.3, 5)
    more = {
        key: Counts(np.minimum(c.errors + (np.arange(SUBJECTS) % 4 == 0)[:, None], TRIALS), c.trials, c.subjects)
        for key, c in ours.items()
    }
    (found,) = compare([Sample.of(ours)], {"more": [Sample.of(more)]})
    assert found.verdict == "ours better"
    assert found.gain.high - found.gain.low < estimate(Sample.of(ours)).high - estimate(Sample.of(ours)).low


def test_what_could_not_be_judged_at_a_target_tells_nobody_apart() -> None:
    """Without any attack there the mean over targets has no value; that is no difference."""

    def without_attacks(found: Cells) -> Cells:
        blind = np.array([0.0, 0.0, 1.0])
        return {
            key: Counts(c.errors * blind, c.trials * blind, c.subjects) if key[0] == "d" else c
            for key, c in found.items()
        }

    ours, other = (Sample.of(without_attacks(cells(rate, seed))) for rate, seed in ((0.1, 1), (0.3, 2)))
    (found,) = compare([ours], {"other": [other]})
    assert (found.verdict, found.p) == ("not told apart", 1.0)
    assert np.isnan(found.gain.value)
    assert np.isnan(estimate(ours).value)


def test_a_method_against_itself_ties_everywhere() -> None:
    ours = [sample(0.2, 7)]
    (found,) = compare(ours, {"itself": ours})
    assert (found.gain.value, found.p, found.wins, found.losses) == (0.0, 1.0, 0, 0)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def people(species: list[str], frames: int = 1) -> People:
    count = len(species)
    names = np.array([f"p{i}" for i in range(count)])
    owner = np.repeat(np.arange(count), frames)
    return People(owner, names, names, np.array(species), np.array(["d"] * count))


def test_macro_hter_weighs_species_and_not_presentations() -> None:
    who = people(["", "", "a", "a", "a", "a", "b"])
    judged = Judged(np.array([1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0]), np.full(7, 0.5), who)
    found = figures(judged)
    assert found["macro_hter"] == pytest.approx((0.5 + 0.5) / 2)
    assert found["pooled_hter"] == pytest.approx((0.2 + 0.5) / 2)
    assert found["apcer_max"] == 1.0
    assert counts_of(judged).value == pytest.approx(found["macro_hter"])


def test_an_answer_that_is_missing_is_an_error_of_bona_fide_only() -> None:
    judged = Judged(np.array([np.nan, 1.0, np.nan, -1.0]), np.full(4, 0.5), people(["", "", "a", "a"]))
    found = figures(judged)
    assert (found["bpcer"], found["apcer_max"], found["non_response"]) == (0.5, 0.0, 0.5)


def test_calibration_error_and_risk_coverage_by_hand() -> None:
    live = np.array([True] * 4 + [False] * 4)
    assert ece(np.where(live, 1.0, 0.0), live) == pytest.approx(0.0)
    assert ece(np.full(8, 0.5), live) == pytest.approx(0.0, abs=1e-9)
    assert ece(np.where(live, 0.0, 1.0), live) == pytest.approx(1.0)
    assert aurc(np.array([3.0, -2.0, -1.0]), np.array([True, True, False])) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert oracle_hter(np.array([1.0, 2.0]), np.array([0.0, 1.5])) == pytest.approx(0.25)


def test_every_frame_is_judged_by_the_bar_of_its_own_mask() -> None:
    """The dev logits of a mask are shifted by ten: so is its threshold, and a mixed presentation is judged alike."""
    random = np.random.default_rng(0)
    who = people([""] * 40 + ["a"] * 40, frames=2)
    truth = np.where(who.bona_fide[who.owner], 2.0, -2.0) + random.normal(0.0, 0.5, 160)
    logits = np.stack([truth + 10.0 * (column == 0) for column in range(7)], axis=1).astype(np.float32)
    found = calibrations(logits, who)
    columns = np.where(np.arange(160) % 2 == 0, 0, 6)
    mixed = judge(logits, who, found, columns)
    assert figures(mixed)["macro_hter"] == 0.0
    presence = np.tile([True, False, True], (160, 1))
    assert str(EVERY_MASK[columns_under(presence, np.array([True, True, False]))[0]]) == "rgb"
    assert columns_under(presence, np.array([False, True, False]))[0] == -1
