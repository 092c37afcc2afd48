"""Power of the gate: it grows with people and with the gain, never promotes harm, and says how many would do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.adaptation.paired import PairedTrial, Stratum, difference
from core.adaptation.plan import make_plan
from core.adaptation.power import Design, drawn_trials, people_for, power
from core.adaptation.settings import GateSettings
from core.codes import GateResult
from core.frames import ModalityMask
from tests.unit.adaptation_site import SiteStore

FOUR = dict.fromkeys(("print_flat", "print_bent", "replay_phone", "mask_rigid"), 60)
SITE = Design(people=60, takes=3, attacks=FOUR)
GATE = GateSettings()


def test_power_grows_with_the_gain_and_with_the_people() -> None:
    small = replace(SITE, people=12, attacks=dict.fromkeys(FOUR, 12))
    passed = [power(design, GATE, 40).passed.value for design in (small, SITE)]
    assert passed[0] < passed[1]
    assert power(replace(SITE, cut=0.0), GATE, 40).passed.value < 0.2 < power(SITE, GATE, 40).passed.value


def test_what_is_worse_by_a_fifth_is_never_promoted() -> None:
    told = power(replace(SITE, cut=-0.2), GATE, 60)
    assert told.answers[GateResult.PASSED] == 0
    assert told.passed.high < 0.06


@pytest.mark.parametrize("people", [25, 60])
def test_a_candidate_that_forgot_one_species_is_not_promoted_however_much_the_rest_gained(people: int) -> None:
    """Three artefacts bound next to nothing: it is the presentations that tell."""
    forgotten = replace(SITE, people=people, attacks=dict.fromkeys(FOUR, people), cut_of={"mask_rigid": -2.0})
    assert power(forgotten, GATE, 40).answers[GateResult.PASSED] <= 1


def test_churn_among_simulated_species_that_pass_anyway_keeps_no_gain_back() -> None:
    """A dozen species of which half pass: some of their decisions flip both ways under any candidate."""
    design = replace(SITE, people=100, attacks=dict.fromkeys(FOUR, 100))
    assert power(design, GATE, 30).answers[GateResult.PASSED] >= 26


@pytest.mark.parametrize(("species", "cut"), [("print_flat", -4.0), ("mask_half", -0.31)])
def test_a_simulated_species_that_was_forgotten_is_found_by_its_scores(species: str, cut: float) -> None:
    """Twenty points of two dozen presentations are five decisions, and may be one; the scores tell."""
    design = replace(SITE, people=100, attacks=dict.fromkeys(FOUR, 100), simulated_cut={species: cut})
    assert power(design, GATE, 30).answers[GateResult.PASSED] == 0


def test_the_number_of_people_that_would_do_is_found_by_asking_the_gate() -> None:
    tried: list[int] = []
    small = replace(SITE, people=6, attacks=dict.fromkeys(FOUR, 6))
    found = people_for(small, GATE, 0.8, 40, tried=lambda design, _: tried.append(design.people))
    assert found is not None
    assert found.people == tried[-1] > GATE.min_subjects == tried[0]
    assert power(found, GATE, 40).passed.value >= 0.8
    assert people_for(replace(SITE, cut=0.0), GateSettings(min_subjects=1500), 0.8, 1) is None


def test_rates_of_drawn_sites_are_those_that_were_assumed() -> None:
    trials = [
        trial
        for seed in range(20)
        for trial in drawn_trials(replace(SITE, cut=0.4), np.random.default_rng(seed))
        if trial.bona_fide
    ]
    found = difference(trials)
    assert found is not None
    assert found.before == pytest.approx(SITE.bpcer, abs=0.03)
    assert found.after == pytest.approx(0.6 * found.before, abs=0.02)


def test_a_plan_is_read_as_the_design_of_its_judging_half() -> None:
    store = SiteStore(subjects=24)
    plan = make_plan(store, store.sessions, "a" * 64, "factory", 1)
    design = Design.of(plan, 0.3, 0.2, 0.1)
    assert (design.people, design.takes, dict(design.attacks)) == (12, 2, {"print_flat": 12})


def test_one_mask_that_many_people_wear_is_one_instrument() -> None:
    """Twelve people, one artefact: whether it passes is one fact, and its bound says so."""

    def worn(artefact: str) -> list[PairedTrial]:
        return [
            PairedTrial(
                f"p{i}", f"s{i}", "mask_rigid", Stratum.SITE, ModalityMask(7), False, i % 2 == 0,
                artefact and f"{artefact}{i % 2}",
            )
            for i in range(12)
        ]  # fmt: skip

    unknown, two = difference(worn("")), difference(worn("mask-"))
    assert unknown is not None
    assert two is not None
    assert two.degrees == 1 < unknown.degrees
    assert two.high(0.95) > unknown.high(0.95)
