"""The gate on synthetic pairs: what it promotes, what it refuses, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adaptation.gate import fixed_order, judge, refused, unstable
from core.adaptation.paired import PairedTrial, Stratum, difference, drift, smoothed_rise
from core.adaptation.report import GateReport, Holds
from core.adaptation.settings import GateSettings
from core.codes import GateReason, GateResult
from core.frames import EVERY_MASK, ModalityMask

FULL = ModalityMask(7)
SPECIES = ("print_flat", "print_bent", "replay_phone", "mask_rigid")


def pairs(
    generator: np.random.Generator,
    subjects: int,
    species: str,
    stratum: Stratum,
    rates: tuple[float, float],
    each: int,
    mask: ModalityMask = FULL,
) -> list[PairedTrial]:
    """``each`` presentations of every subject; errors of both models come from one draw, so that they overlap.

    Scores move as normal ones do where such rates stand.
    """
    made, noise = [], np.random.default_rng(subjects)
    before, after = (NormalDist().inv_cdf(min(max(rate, 0.001), 0.999)) for rate in rates)
    moved = before - after if species == "" else after - before
    for subject in range(subjects):
        for take in range(each):
            draw = generator.random()
            accepts = [not draw < rate if species == "" else bool(draw < rate) for rate in rates]
            name = f"{stratum}-{subject}-{species}-{take}"
            own = noise.normal()
            margins = (before + own, before + own + moved + 0.3 * noise.normal())
            who = f"{stratum}{subject}"
            trial = PairedTrial(name, who, species, stratum, mask, accepts[0], accepts[1], margins=margins)
            made.append(trial)
    return made


def site(
    seed: int,
    subjects: int,
    bpcer: tuple[float, float],
    apcer: tuple[float, float],
    hybrid: tuple[float, float] | None = None,
    mask: ModalityMask = FULL,
) -> list[PairedTrial]:
    generator = np.random.default_rng(seed)
    trials = pairs(generator, subjects, "", Stratum.SITE, bpcer, 6, mask)
    for species in SPECIES:
        trials += pairs(generator, subjects, species, Stratum.SITE, apcer, 3, mask)
        trials += pairs(generator, 60, species, Stratum.SOURCE, (0.02, 0.02), 1, mask)
    for species in ("hybrid_sheet", "hybrid_mask"):
        trials += pairs(generator, subjects, species, Stratum.HYBRID, hybrid or apcer, 3, mask)
    return trials + pairs(generator, 60, "", Stratum.SOURCE, (0.03, 0.03), 1, mask)


def test_a_benign_gain_with_thirty_subjects_is_passed() -> None:
    report = judge(site(1, 30, bpcer=(0.20, 0.05), apcer=(0.08, 0.04)), GateSettings())
    assert report.result is GateResult.PASSED
    assert [check.reason for check in report.reasons] == [GateReason.GAIN_SHOWN]
    assert report.masks[0].claimed
    assert report.judged["subjects"] == 30


def test_flipped_labels_are_worse() -> None:
    report = judge(site(2, 30, bpcer=(0.10, 0.60), apcer=(0.05, 0.50)), GateSettings())
    assert report.result is GateResult.WORSE
    assert {GateReason.APCER_RISES, GateReason.BPCER_RISES, GateReason.SPECIES_RISES} <= {
        check.reason for check in report.reasons
    }


def test_three_subjects_prove_nothing_and_it_says_how_many_would() -> None:
    report = judge(site(3, 3, bpcer=(0.20, 0.0), apcer=(0.05, 0.0)), GateSettings())
    assert report.result is GateResult.INSUFFICIENT_EVIDENCE
    few = next(check for check in report.reasons if check.reason is GateReason.TOO_FEW_SUBJECTS)
    assert (few.subjects, few.needs_subjects) == (3, 10)


def test_three_subjects_do_not_even_prove_harm_but_it_is_told() -> None:
    report = judge(site(3, 3, bpcer=(0.05, 0.0), apcer=(0.05, 0.9)), GateSettings())
    assert report.result is GateResult.INSUFFICIENT_EVIDENCE
    assert report.reasons[0].reason is GateReason.TOO_FEW_SUBJECTS
    assert any(check.holds is Holds.NO for check in report.reasons)


def test_what_attacks_let_in_may_cost_bona_fide_is_said_beforehand() -> None:
    """Attacks pass here: to stop them costs two people in a hundred, which only a plan with room for it allows."""
    trials = site(5, 100, bpcer=(0.0, 0.02), apcer=(0.60, 0.10))
    assert judge(trials, GateSettings()).result is not GateResult.PASSED
    assert judge(trials, GateSettings(bpcer_margin=0.05)).result is GateResult.PASSED
    traded = site(5, 100, bpcer=(0.60, 0.10), apcer=(0.0, 0.02))
    assert judge(traded, GateSettings(bpcer_margin=0.05)).result is not GateResult.PASSED, "attacks may never pay"


def test_bpcer_that_falls_while_hybrids_rise_is_a_failure() -> None:
    trials = site(4, 30, bpcer=(0.20, 0.0), apcer=(0.05, 0.04), hybrid=(0.02, 0.17))
    report = judge(trials, GateSettings())
    assert report.result is GateResult.WORSE
    assert GateReason.HYBRIDS_RISE in {check.reason for check in report.reasons}


def test_forgetting_a_source_species_is_a_failure() -> None:
    trials = [t for t in site(5, 30, (0.20, 0.05), (0.08, 0.04)) if t.stratum is not Stratum.SOURCE]
    trials += pairs(np.random.default_rng(5), 60, "mannequin", Stratum.SOURCE, (0.02, 0.40), 1)
    report = judge(trials, GateSettings())
    assert report.result is GateResult.WORSE
    assert any(c.species == "mannequin" and c.holds is Holds.NO for c in report.reasons)


def test_a_candidate_that_changes_nothing_is_not_better() -> None:
    report = judge(site(6, 60, bpcer=(0.02, 0.02), apcer=(0.02, 0.02)), GateSettings())
    assert report.result is GateResult.NOT_BETTER


def test_harm_on_a_later_mask_refuses_and_an_open_later_mask_only_ends_the_claims() -> None:
    depth, depth_ir = ModalityMask.parse("depth"), ModalityMask.parse("depth+ir")
    good = site(7, 30, (0.20, 0.05), (0.08, 0.04))
    harmed = judge(good + site(8, 30, (0.2, 0.2), (0.05, 0.5), mask=depth), GateSettings())
    assert harmed.result is GateResult.WORSE
    assert {check.mask for check in harmed.reasons} == {"depth"}
    thin = [t for t in site(9, 30, (0.1, 0.1), (0.05, 0.05), mask=depth_ir) if t.presentation.endswith("0")]
    report = judge(good + thin + site(10, 30, (0.20, 0.05), (0.08, 0.04), mask=depth), GateSettings())
    assert report.result is GateResult.PASSED
    assert [(f.mask, f.claimed) for f in report.masks] == [
        ("rgb+depth+ir", True),
        ("depth+ir", False),
        ("depth", False),
    ]


def test_one_instrument_that_was_presented_thousands_of_times_is_judged() -> None:
    """Its bound says nothing, and the sign test counts more changes than a float can count ways."""

    def presented(number: int) -> PairedTrial:
        accepts = (500 <= number < 1000, number < 500 or 1000 <= number < 1250)
        return PairedTrial(f"a{number}", f"p{number // 60}", "mask_rigid", Stratum.SITE, FULL, *accepts, "the mask")

    trials = [one for one in site(1, 50, (0.2, 0.05), (0.08, 0.04)) if one.species != "mask_rigid"]
    report = judge([*trials, *map(presented, range(3000))], GateSettings())
    open_checks = [one for one in report.masks[0].checks if one.reason is GateReason.SPECIES_OPEN]
    assert [(one.species, one.trials) for one in open_checks] == [("mask_rigid", 3000)]


def test_a_pass_that_gave_up_is_never_passed() -> None:
    passed = judge(site(1, 30, bpcer=(0.20, 0.05), apcer=(0.08, 0.04)), GateSettings())
    told = refused(passed, [unstable()])
    assert told.result is GateResult.NOT_BETTER
    assert told.reasons[0].reason is GateReason.PASS_UNSTABLE
    assert refused(passed, []) == passed
    worse = judge(site(2, 30, bpcer=(0.10, 0.60), apcer=(0.05, 0.50)), GateSettings())
    assert refused(worse, [unstable()]).result is GateResult.WORSE


def test_masks_come_in_an_order_that_results_cannot_change() -> None:
    trials = [PairedTrial("p", "s", "", Stratum.SITE, mask, True, True) for mask in reversed(EVERY_MASK)]
    assert [str(mask) for mask in fixed_order(trials)] == [
        "rgb+depth+ir", "rgb+depth", "rgb+ir", "depth+ir", "depth", "ir", "rgb",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([], GateReason.NO_BONA_FIDE),
        ([PairedTrial("p", "s", "", Stratum.SITE, FULL, True, True)], GateReason.NO_ATTACKS),
        ([PairedTrial("p", "s", "print_flat", Stratum.SITE, FULL, True, True)], GateReason.NO_BONA_FIDE),
    ],
)
def test_without_one_of_the_classes_there_is_no_evidence(trials: list[PairedTrial], reason: GateReason) -> None:
    report = judge(trials, GateSettings())
    assert report.result is GateResult.INSUFFICIENT_EVIDENCE
    assert report.reasons[0].reason is reason


def test_the_report_travels_as_json() -> None:
    report = judge(site(1, 12, (0.2, 0.05), (0.08, 0.04)), GateSettings())
    assert GateReport.model_validate_json(report.to_json()) == report
    assert json.loads(report.to_json())["judged"]["site_bona_fide"] == 72


def test_agreement_of_few_proves_nothing_and_of_many_proves_the_margin() -> None:
    def agreeing(subjects: int) -> list[PairedTrial]:
        return [PairedTrial(f"p{i}", f"s{i}", "print_flat", Stratum.SITE, FULL, False, False) for i in range(subjects)]

    few, many = difference(agreeing(100)), difference(agreeing(300))
    assert few is not None
    assert many is not None
    assert few.high(0.95) > 0.01 > many.high(0.95)
    needed = few.trials_to_show(0.01, 0.95)
    assert needed is not None
    assert 200 < needed < 700


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_difference_mirrors_when_the_models_change_places(draws: list[tuple[int, bool, bool]]) -> None:
    def paired(*, swapped: bool) -> list[PairedTrial]:
        return [
            PairedTrial(f"p{i}", f"s{s}", "print_flat", Stratum.SITE, FULL, b if swapped else a, a if swapped else b)
            for i, (s, a, b) in enumerate(draws)
        ]

    forth, back = difference(paired(swapped=False)), difference(paired(swapped=True))
    assert forth is not None
    assert back is not None
    assert forth.value == pytest.approx(-back.value)
    assert forth.low(0.95) == pytest.approx(-back.high(0.95))
    assert forth.low(0.95) < forth.value < forth.high(0.95)


@pytest.mark.parametrize(("worse_by", "at_most"), [(0.02, 0)])
def test_candidates_two_points_worse_never_pass(worse_by: float, at_most: int) -> None:
    passed = 0
    for seed in range(25):
        report = judge(site(seed, 40, bpcer=(0.05, 0.05), apcer=(0.05, 0.05 + worse_by)), GateSettings())
        passed += report.result is GateResult.PASSED
    assert passed <= at_most


def moved(by: Sequence[float], start: float = -0.3) -> list[PairedTrial]:
    """One trial of a simulated species for each shift; the champion's margins are spread around ``start``."""
    made = []
    for number, (shift, own) in enumerate(zip(by, np.linspace(-2.0, 2.0, len(by)), strict=True)):
        margins = (start + float(own), start + float(own) + shift)
        accepts = [margin > 0.0 for margin in margins]
        who = (f"p{number}", f"s{number}", "mask_half", Stratum.SOURCE, FULL)
        made.append(PairedTrial(*who, accepts[0], accepts[1], margins=margins))
    return made


def test_scores_that_all_moved_are_no_chance_and_scores_that_moved_both_ways_are() -> None:
    assert drift(moved([0.4, 0.5, 0.6] * 8)) < 1e-6
    assert drift(moved([0.6, -0.6] * 12)) == pytest.approx(0.5)
    assert drift(moved([-0.5] * 24)) == 1.0
    assert drift(moved([0.5] * 24)) == 0.0
    assert drift(moved([0.5])) == 1.0, "one person shows nothing"


def test_a_blurred_rise_follows_the_scores_where_a_count_steps() -> None:
    """None of these decisions flips, and each of them comes nearer to it."""
    near = moved([0.1] * 12)
    count = difference(near)
    assert count is not None
    assert count.value == 0.0 < smoothed_rise(near)
    assert smoothed_rise(moved([0.0] * 12)) == 0.0
    assert smoothed_rise(moved([1.0] * 12)) > 0.15
