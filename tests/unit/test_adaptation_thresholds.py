"""Thresholds of a candidate: the site is heard, and neither error may rise for the other's sake."""

from __future__ import annotations

import numpy as np
import pytest

from core.adaptation.judging import Bars, Deployed, Judged, paired
from core.adaptation.paired import Stratum
from core.adaptation.thresholds import bound, calibrated, lets_attacks_pass, misplaced, no_looser, no_stricter
from core.frames import EVERY_MASK, ModalityMask
from core.training.calibration import Calibration
from core.verdict import sigmoid

DEPTH_IR = ModalityMask.parse("depth+ir")


def test_thresholds_follow_the_site_and_not_only_the_many_simulated() -> None:
    def judged(species: str, stratum: Stratum, logit: float, name: str) -> Judged:
        return Judged(name, name, species, stratum, {DEPTH_IR: logit})

    rows = [judged("", Stratum.SOURCE, 4.0 + 0.01 * i, f"a{i}") for i in range(100)]
    rows += [judged("print_flat", Stratum.SOURCE, -4.0 - 0.01 * i, f"b{i}") for i in range(100)]
    rows += [judged("", Stratum.SITE, 8.0 + 0.01 * i, f"c{i}") for i in range(10)]
    rows += [judged("hybrid_sheet", Stratum.HYBRID, 2.0 + 0.01 * i, f"d{i}") for i in range(10)]
    found = calibrated(rows)
    assert set(found) == {DEPTH_IR}
    bars = Bars("", found)
    assert bars.accepts(DEPTH_IR, 4.5)
    assert not bars.accepts(DEPTH_IR, 2.05)


@pytest.mark.parametrize(("attacks", "least", "most"), [(0, 0.0, 0.04), (6, 0.05, 0.18), (60, 0.2, 0.4)])
def test_attacks_of_the_site_are_heard_by_their_number(attacks: int, least: float, most: float) -> None:
    """A few that score like people move the threshold little, many move it to where they are refused."""
    random = np.random.default_rng(7)

    def drawn(species: str, stratum: Stratum, mean: float, count: int) -> list[Judged]:
        names = [f"{species or 'live'}-{stratum}-{i}" for i in range(count)]
        scores = random.normal(mean, 1.0, count)
        return [Judged(n, n, species, stratum, {DEPTH_IR: float(x)}) for n, x in zip(names, scores, strict=True)]

    rows = drawn("", Stratum.SOURCE, 2.0, 200) + drawn("", Stratum.SITE, 2.0, 14)
    for kind in ("print_flat", "print_bent", "mask_rigid"):
        rows += drawn(kind, Stratum.SOURCE, -2.0, 60)
    rows += drawn("mask_paper", Stratum.SITE, 2.0, attacks)
    bars = Bars("", calibrated(rows))
    refused = np.mean([not bars.accepts(DEPTH_IR, row.logits[DEPTH_IR]) for row in rows if not row.species])
    assert least <= refused <= most


def test_a_mask_that_the_champion_refers_is_given_no_threshold() -> None:
    rows = [Judged("p", "s", "", Stratum.SITE, dict.fromkeys(EVERY_MASK, 9.0))]
    champion = Bars("", {DEPTH_IR: Calibration(1.0, 0.5)})
    every = dict.fromkeys(EVERY_MASK, Calibration(1.0, 0.4))
    assert not champion.accepts(ModalityMask(7), 9.0)
    assert set(no_looser(every, rows, rows, champion)) == {DEPTH_IR}


def test_a_mask_that_neither_decides_is_not_judged() -> None:
    rows = [Judged("p", "s", "", Stratum.SITE, dict.fromkeys(EVERY_MASK, 9.0))]
    champion = Deployed(Bars("", {DEPTH_IR: Calibration(1.0, 0.5)}))
    (raised,) = paired(rows, champion, rows, Deployed(Bars("", {DEPTH_IR: Calibration(2.0, 0.5)})), {})
    assert raised.mask == DEPTH_IR
    assert raised.margins == pytest.approx((9.0, 4.5), abs=1e-6), "each over its own threshold, calibrated"
    (never,) = paired(rows, champion, rows, Deployed(Bars("", {})), {})
    assert never.margins[1] < -50.0, "no threshold: far below any"


def test_where_one_model_could_not_accept_at_the_door_it_accepts_nothing_before_the_gate() -> None:
    """A model from elsewhere may have thresholds that the champion lacks, fewer masks withheld, or no limits (M6)."""
    every = Bars("", dict.fromkeys(EVERY_MASK, Calibration(1.0, 0.5)))
    one, all_masks = Bars("", {DEPTH_IR: Calibration(1.0, 0.5)}), [str(mask) for mask in EVERY_MASK]

    def accepted(champion: Deployed, candidate: Deployed, novelty: tuple[float, float] = (0.5, 0.5)) -> tuple[int, int]:
        sides = [[Judged("p", "s", "print_flat", Stratum.SITE, dict.fromkeys(EVERY_MASK, 3.0), far)] for far in novelty]
        trials = paired(sides[0], champion, sides[1], candidate, {})
        return sum(t.champion_accepts for t in trials), sum(t.candidate_accepts for t in trials)

    assert accepted(Deployed(every), Deployed(every)) == (7, 7)
    assert accepted(Deployed(one), Deployed(every)) == (1, 7)
    assert accepted(Deployed(every, ["ir", "rgb"]), Deployed(every)) == (5, 7)
    assert accepted(Deployed(every), Deployed(every, ["ir"])) == (7, 6)
    assert accepted(Deployed(every), Deployed(every), (1.5, 0.0)) == (0, 7)
    assert accepted(Deployed(every, all_masks), Deployed(every, all_masks)) == (7, 7), "forced where both are held back"
    assert accepted(Deployed(every), Deployed(every), (1.5, 1.5)) == (7, 7)


def test_a_new_threshold_lets_no_more_attacks_pass_than_the_champion() -> None:
    def rows(logits: dict[str, float]) -> list[Judged]:
        return [
            Judged(name, name, "" if name[0] == "b" else "print_flat", Stratum.SITE, {DEPTH_IR: logit})
            for name, logit in logits.items()
        ]

    before = rows({"b1": 2.0, "b2": -1.0, "a1": 1.0, "a2": -2.0, "a3": -3.0})
    after = rows({"b1": 3.0, "b2": 2.5, "a1": 2.0, "a2": 1.0, "a3": -3.0})
    champion = Bars("", {DEPTH_IR: Calibration(1.0, 0.5)})
    loose = {DEPTH_IR: Calibration(1.0, 0.5)}
    bars = Bars("", no_looser(loose, after, before, champion))
    accepted = {row.presentation for row in after if bars.accepts(DEPTH_IR, row.logits[DEPTH_IR])}
    assert accepted == {"b1", "b2", "a1"}
    assert no_looser(loose, before, before, champion) == loose


def test_better_ranking_is_not_spent_on_refusing_more_people() -> None:
    """A champion that lets most attacks through and hardly refuses anybody: balance alone would refuse many more."""
    random = np.random.default_rng(4)

    def judged(gap: float) -> list[Judged]:
        live = [
            Judged(f"b{i}", f"p{i}", "", Stratum.SITE, {DEPTH_IR: x}) for i, x in enumerate(random.normal(gap, 1, 90))
        ]
        hostile = random.normal(0.0, 1.0, 90)
        return live + [
            Judged(f"a{i}", f"q{i}", "print_flat", Stratum.SITE, {DEPTH_IR: x}) for i, x in enumerate(hostile)
        ]

    def refused(rows: list[Judged], bars: Bars) -> int:
        return sum(not bars.accepts(DEPTH_IR, row.logits[DEPTH_IR]) for row in rows if not row.species)

    def let_in(rows: list[Judged], bars: Bars) -> int:
        return sum(bars.accepts(DEPTH_IR, row.logits[DEPTH_IR]) for row in rows if row.species)

    before, after = judged(1.0), judged(2.0)
    champion = Bars("", {DEPTH_IR: Calibration(1.0, sigmoid(-0.8))})
    balanced = calibrated(after)
    assert refused(after, Bars("", balanced)) > refused(before, champion)
    given = Bars("", bound(after, before, champion, misplaced(before, champion)))
    assert refused(after, given) <= refused(before, champion)
    assert let_in(after, given) < let_in(before, champion)
    assert no_stricter({DEPTH_IR: Calibration(1.0, 0.01)}, after, before, champion)[DEPTH_IR].threshold == 0.01


@pytest.mark.parametrize(("accepted", "shown"), [(6, True), (3, True), (2, False), (0, False)])
def test_a_site_whose_attacks_pass_is_given_a_threshold_of_its_own(accepted: int, shown: bool) -> None:
    """Its scores lie higher than the simulated ones: held to those, no threshold would reach its attacks."""

    def row(name: str, species: str, stratum: Stratum, logit: float) -> Judged:
        return Judged(name, name, species, stratum, {DEPTH_IR: logit})

    rows = [row(f"s{i}", "", Stratum.SOURCE, i / 20.0 - 0.5) for i in range(100)]
    rows += [row(f"t{i}", "print_flat", Stratum.SOURCE, -1.0 - i / 50.0) for i in range(100)]
    rows += [row(f"b{i}", "", Stratum.SITE, 8.0 + i / 10.0) for i in range(14)]
    rows += [row(f"a{i}", "replay_phone", Stratum.SITE, 5.0 if i < accepted else -3.0) for i in range(6)]
    champion = Bars("", {DEPTH_IR: Calibration(1.0, sigmoid(0.0))})
    assert lets_attacks_pass(rows, champion, DEPTH_IR) is shown
    bars = Bars("", bound(rows, rows, champion, misplaced(rows, champion)))
    assert all(bars.accepts(DEPTH_IR, 8.0 + i / 10.0) for i in range(14))
    assert bars.accepts(DEPTH_IR, 5.0) is not shown


def test_people_whom_a_pass_has_learned_do_not_set_the_bar_for_all_others() -> None:
    """The candidate knows the labelled people by heart; of those whom it has not met it would refuse nearly all."""

    def rows(live: float, attack: float) -> list[Judged]:
        found = [Judged(f"s{i}", f"s{i}", "", Stratum.SOURCE, {DEPTH_IR: i / 10.0}) for i in range(100)]
        found += [Judged(f"t{i}", f"t{i}", "mask", Stratum.SOURCE, {DEPTH_IR: -1.0 - i / 50.0}) for i in range(100)]
        found += [Judged(f"b{i}", f"b{i}", "", Stratum.SITE, {DEPTH_IR: live + i / 10.0}) for i in range(14)]
        return found + [Judged(f"a{i}", f"a{i}", "mask", Stratum.SITE, {DEPTH_IR: attack}) for i in range(6)]

    def refused(side: list[Judged], bars: Bars) -> int:
        return sum(not bars.accepts(DEPTH_IR, one.logits[DEPTH_IR]) for one in side[:100])

    champion = Bars("", {DEPTH_IR: Calibration(1.0, sigmoid(0.0))})
    before, after = rows(4.0, 3.0), rows(8.0, 7.9)
    untrained, candidate = (
        Bars("", bound(side, before, champion, misplaced(before, champion))) for side in (before, after)
    )
    assert 30 <= refused(before, untrained) <= 40
    assert refused(after, candidate) <= refused(before, untrained)


def test_attacks_that_no_threshold_stops_are_no_reason_to_refuse_people() -> None:
    """Half of the people score below them: nobody can tell these attacks, and the champion's threshold stays."""

    def row(name: str, species: str, stratum: Stratum, logit: float) -> Judged:
        return Judged(name, name, species, stratum, {DEPTH_IR: logit})

    rows = [row(f"s{i}", "", Stratum.SOURCE, i / 20.0 - 0.5) for i in range(100)]
    rows += [row(f"t{i}", "print_flat", Stratum.SOURCE, -1.0 - i / 50.0) for i in range(100)]
    rows += [row(f"b{i}", "", Stratum.SITE, 4.0 + i / 2.0) for i in range(14)]
    rows += [row(f"a{i}", "mask_rigid", Stratum.SITE, 6.0 + i / 2.0) for i in range(6)]
    champion = Bars("", {DEPTH_IR: Calibration(1.0, sigmoid(0.0))})
    assert lets_attacks_pass(rows, champion, DEPTH_IR)
    assert misplaced(rows, champion) == []
    bars = Bars("", bound(rows, rows, champion, misplaced(rows, champion)))
    assert all(bars.accepts(DEPTH_IR, 4.0 + i / 2.0) for i in range(14))
