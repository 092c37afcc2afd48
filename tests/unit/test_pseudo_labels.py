"""Which captures without a label are believed, and that a pass with them stays itself over a kill."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.adaptation.pseudo import (
    KEPT_ATTACK,
    KEPT_BONA_FIDE,
    SourceLimits,
    Unlabelled,
    agreement_of,
    label,
    select,
    source_limits,
)
from core.adaptation.settings import TrainingSettings
from core.adaptation.trainer import AdaptationTrainer
from core.frames import EVERY_MASK
from core.model.uncertainty import Vote, binary_entropy
from tests.unit.stream_material import cached, source_of

ALL, RGB, RGB_DEPTH = (True, True, True), (True, False, False), (True, True, False)
LIMITS = SourceLimits(torch.full((7,), 0.5), torch.full((7, 3), 0.4))


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def vote(*rows: float, heads: tuple[float, float, float] | None = None) -> Vote:
    """Votes of these probabilities; all heads agree unless told otherwise."""
    q = torch.tensor(rows)
    own = (
        torch.stack([q, q, q, q]) if heads is None else torch.cat([torch.tensor([heads]).T.expand(3, len(q)), q[None]])
    )
    return Vote(q, binary_entropy(q), torch.zeros_like(q), own)


def kept(of: Vote, presence: tuple[bool, bool, bool], residual: float = 0.1) -> list[bool]:
    count = len(of.bona_fide)
    found = select(of, torch.tensor([presence] * count), torch.full((count, 3), residual), LIMITS)
    return [bool(one) for one in found.kept]


def test_sure_rows_are_kept_and_doubtful_ones_never() -> None:
    assert kept(vote(0.99), ALL) == [True]
    assert kept(vote(0.01), ALL) == [True]
    assert kept(vote(0.85), ALL) == [False]


def test_colour_alone_gives_no_bona_fide_but_attacks() -> None:
    assert kept(vote(0.99), RGB) == [False]
    assert kept(vote(0.01), RGB) == [True]


def test_a_bona_fide_needs_two_modalities_that_say_so() -> None:
    assert kept(vote(0.99, heads=(0.9, 0.9, 0.1)), RGB_DEPTH) == [True]
    assert kept(vote(0.99, heads=(0.9, 0.2, 0.9)), RGB_DEPTH) == [False]


def test_a_bona_fide_needs_the_residuals_of_live_faces() -> None:
    assert kept(vote(0.99), ALL, residual=0.5) == [False]
    assert kept(vote(0.01), ALL, residual=0.5) == [True]


def test_the_label_is_by_the_source_threshold_of_the_mask() -> None:
    strict = SourceLimits(torch.full((7,), 0.995), LIMITS.residual)
    found = select(vote(0.99), torch.tensor([ALL]), torch.zeros(1, 3), strict)
    assert not bool(found.bona_fide[0])


def test_a_mask_that_the_champion_never_accepts_gives_no_bona_fide() -> None:
    source = source_of()
    limits = source_limits(source.network, source.replay, {EVERY_MASK[-1]: 0.0})
    assert limits.level.tolist() == [1.0] * 6 + [0.5]
    assert bool((limits.residual[-1] > 0).all())


@given(st.lists(st.floats(0.001, 0.999), min_size=4, max_size=60))
def test_shares_caps_and_balance_hold(rows: list[float]) -> None:
    of = vote(*rows)
    found = select(of, torch.tensor([ALL] * len(rows)), torch.zeros(len(rows), 3), LIMITS)
    for pseudo, share in ((found.bona_fide, KEPT_BONA_FIDE), (~found.bona_fide, KEPT_ATTACK)):
        chosen = found.kept & pseudo
        worst = of.uncertainty[chosen].max() if bool(chosen.any()) else torch.tensor(0.0)
        surer = (of.uncertainty[pseudo] < worst).sum()
        assert int(surer) <= share * int(pseudo.sum()) + 1
    assert bool((of.doubt[found.kept] <= 0.4).all())
    assert bool((found.weight <= 4.0).all())


def test_agreement_is_of_the_modalities_that_are_there() -> None:
    split = vote(0.99, 0.99, heads=(0.9, 0.2, 0.1))
    assert agreement_of(split, torch.tensor([ALL, RGB])) == pytest.approx(2 / 4)
    assert agreement_of(split, torch.tensor([RGB_DEPTH, RGB])) == pytest.approx(2 / 3)
    assert agreement_of(vote(0.01, 0.99), torch.tensor([ALL, ALL])) == 1.0


def test_a_pass_with_unlabelled_rows_tells_what_it_believes_and_goes_on_as_it_would_have() -> None:
    source = source_of()
    limits = source_limits(source.network, source.replay, dict.fromkeys(EVERY_MASK, 0.0))
    unlabelled = Unlabelled(cached(40, "site", 3, 0.2).early, limits)
    assert sum(label(source.start(), unlabelled).counts()) > 0

    def begun() -> AdaptationTrainer:
        settings = TrainingSettings(steps=30, batch=8)
        return AdaptationTrainer(source.start(), source.start(), source.replay, source.replay, settings, 1, unlabelled)

    straight, killed = begun(), begun()
    told = [straight.step() for _ in range(30)]
    assert all(0.0 < step["coverage"] <= 1.0 for step in told)
    assert all(0.0 < step["pseudo_agreement"] <= 1.0 for step in told)
    for _ in range(25):
        killed.step()
    resumed = begun()
    resumed.restore(*killed.state())
    after = []
    while not resumed.finished:
        after.append(resumed.step())
    assert [step["pseudo_agreement"] for step in after] == [step["pseudo_agreement"] for step in told[25:]]
    for name, value in resumed.teacher.state_dict().items():
        torch.testing.assert_close(value, straight.teacher.state_dict()[name], atol=1e-6, rtol=0)
