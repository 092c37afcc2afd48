from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.benchmark.methods import (
    ctnet_style,
    dadm_style,
    flexible_modal_style,
    mma_fas_style,
    mmdg_style,
    vp_fas_style,
)
from core.benchmark.methods.base import MASKS, Entry, Knobs, Schedule, Step
from core.benchmark.methods.if_mmin_style import IfMminStyle
from core.benchmark.methods.ours import Ours
from core.benchmark.methods.registry import ABLATION, ENTRIES
from core.benchmark.methods.switched import OwnFeatures, ShuffledSources
from tests.unit.study_bench import base, maps

EVERY = {entry.name: entry for entry in (*ENTRIES, *ABLATION)}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def schedule(epochs: int = 1, knobs: Knobs | None = None) -> Schedule:
    return Schedule(epochs, 8, 0, knobs or Knobs(), lambda: False)


@pytest.mark.parametrize("name", EVERY)
def test_every_method_answers_every_mask_and_ignores_what_is_absent(name: str) -> None:
    """Other pixels, quality and figures of a modality change nothing under the masks that lack it."""
    method = EVERY[name].make(base(), Knobs())
    train = maps()
    method.fit(train, train, schedule())
    assert method.parameters > 0
    seen = method.logits(train)
    assert seen.shape == (len(train), 7)
    assert np.isfinite(seen).all()
    for m in range(3):
        stems, quality = train.stems.copy(), train.quality.copy()
        stems[:, :, m], quality[:, :, m] = 3.0, 0.1
        without = ~MASKS[:, m].numpy()
        other = method.logits(replace(train, stems=stems, quality=quality))
        np.testing.assert_array_equal(other[:, without], seen[:, without])


@pytest.mark.parametrize("name", ["ours", "physics_only", "late_fusion"])
def test_a_row_without_a_modality_has_no_answer_under_its_masks(name: str) -> None:
    train = maps()
    method = EVERY[name].make(base(), Knobs())
    method.fit(train, train, schedule())
    presence = train.presence.copy()
    presence[0, 0, 1] = False
    seen = method.logits(replace(train, presence=presence))
    np.testing.assert_array_equal(np.isnan(seen[0]), MASKS[:, 1].numpy())
    assert np.isfinite(seen[1:]).all()


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.kind != "control"], ids=lambda e: e.name)
def test_every_method_learns_a_plain_signal(entry: Entry) -> None:
    train = maps(32)
    method = entry.make(base(), Knobs(learning_rate=1e-2))
    method.fit(train, train, schedule(epochs=60 if entry.name == "vp_fas_style" else 12))
    logits = method.logits(train)[:, 6]
    assert logits[train.people.bona_fide].min() > logits[~train.people.bona_fide].max()


def test_mmdg_adapters_start_as_identity_and_gates_fall_with_doubt() -> None:
    peer = mmdg_style.MmdgStyle(base(), Knobs()).eval()
    given = torch.rand(4, 3, 12, 2, 2)
    torch.testing.assert_close(peer.adapted(given, torch.ones(4, 3, dtype=torch.bool)), given)
    assert not any(p.requires_grad for p in peer.last.parameters())
    sure, unsure = mmdg_style.certainty(torch.full((1, 12, 1, 1), 0.1)), mmdg_style.certainty(torch.ones(1, 12, 1, 1))
    assert 0.0 < float(unsure) < float(sure) < 1.0


def test_mmdg_removes_the_conflicting_part_of_a_gradient() -> None:
    one, two = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    kept = mmdg_style.without_conflicts([one, two])
    torch.testing.assert_close(kept[0], torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(kept[1], torch.tensor([0.0, 1.0]))
    agreeing = [torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])]
    assert all(torch.equal(a, b) for a, b in zip(mmdg_style.without_conflicts(agreeing), agreeing, strict=True))


def test_dadm_information_loss_falls_on_paired_and_not_on_shuffled_codes() -> None:
    torch.manual_seed(0)
    codes = torch.nn.functional.normalize(torch.randn(64, 16), dim=1)
    other = torch.nn.functional.normalize(torch.randn(64, 16), dim=1)
    assert float(dadm_style.information_loss(codes, codes)) < float(dadm_style.information_loss(codes, other)) - 1.0

    def learned(shuffled: bool) -> float:
        torch.manual_seed(1)
        left, right = torch.nn.Linear(16, 8), torch.nn.Linear(16, 8)
        optimizer = torch.optim.Adam([*left.parameters(), *right.parameters()], 0.02)
        loss = torch.zeros(())
        for _ in range(60):
            seen = torch.randn(64, 16)
            partner = seen[torch.randperm(64)] if shuffled else seen
            loss = dadm_style.information_loss(
                torch.nn.functional.normalize(left(seen), dim=1), torch.nn.functional.normalize(right(partner), dim=1)
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        return float(loss.detach())

    assert learned(shuffled=False) < -0.5
    assert learned(shuffled=True) > -0.3


def test_flexible_modal_drops_depth_and_infrared_independently_and_rgb_never() -> None:
    kept = flexible_modal_style.flexible_drop(4000, torch.Generator().manual_seed(0)).float()
    assert bool((kept[:, 0] == 1).all())
    assert kept[:, 1:].mean(dim=0).tolist() == pytest.approx([0.5, 0.5], abs=0.04)
    assert float((kept[:, 1] * kept[:, 2]).mean()) == pytest.approx(0.25, abs=0.04)


def test_mma_fas_parts_add_up_and_hard_subsets_are_drawn_more_often() -> None:
    given = torch.rand(2, 3, 5, 4, 4)
    low, high = mma_fas_style.disentangled(given)
    torch.testing.assert_close(low + high, given)
    flat = mma_fas_style.disentangled(torch.ones(1, 3, 5, 4, 4))[1]
    torch.testing.assert_close(flat, torch.zeros_like(flat))
    sampler = mma_fas_style.MmaFasStyle(base(), Knobs()).sampler
    sampler.loss[:] = 0.1
    sampler.loss[2] = 1.0
    _, chosen = sampler.draw(2000, torch.Generator().manual_seed(0))
    assert int((chosen == 2).sum()) > 1000


def test_ctnet_pulls_bona_fide_transitions_together_and_pushes_attacks_away() -> None:
    peer = ctnet_style.CtnetStyle(base(), Knobs()).eval()
    usual = torch.zeros(2, 2, 12)
    unusual = usual + 1.0
    live, usable = torch.ones(2, dtype=torch.bool), torch.ones(2, 2)
    assert float(peer.transition_loss(usual, live, usable)) == 0.0
    assert float(peer.transition_loss(unusual, live, usable)) > 1.0
    assert float(peer.transition_loss(usual, ~live, usable)) == pytest.approx(0.25)
    assert float(peer.transition_loss(unusual, ~live, usable)) == 0.0


def test_if_mmin_freezes_its_teacher_for_the_second_part() -> None:
    peer = IfMminStyle(base(), Knobs())
    peer.begin()
    batch, generator = maps().batch(np.arange(8)), torch.Generator().manual_seed(0)
    torch.autograd.backward(peer.loss(batch, Step(generator, 0.0)))
    teacher = [p for module in peer.teacher() for p in module.parameters()]
    assert any(p.grad is not None for p in teacher)
    torch.autograd.backward(peer.loss(batch, Step(generator, 0.9)))
    assert all(p.grad is None and not p.requires_grad for p in teacher)


def test_vp_fas_learns_few_numbers_and_its_regulariser_is_zero_where_nothing_is_dropped() -> None:
    peer = vp_fas_style.VpFasStyle(base(), Knobs())
    learned = sum(p.numel() for p in peer.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in peer.last.parameters())
    assert learned < frozen
    given = torch.rand(4, 12)
    assert float(vp_fas_style.missing_consistency(given, given)) == pytest.approx(0.0, abs=1e-6)


def test_the_controls_take_the_point_out_of_complementary_features() -> None:
    """Own features do not look at others; shuffled ones look at another sample's."""
    given, everyone = torch.rand(4, 3, 12, 2, 2), torch.ones(4, 3, dtype=torch.bool)
    quality = torch.ones(4, 3)
    changed = given.clone()
    changed[:, 1:] = torch.rand(4, 2, 12, 2, 2)
    own = OwnFeatures(12, 64)
    seen, other = own(given, everyone, quality).predicted, own(changed, everyone, quality).predicted
    torch.testing.assert_close(seen[:, 0], other[:, 0])
    assert not torch.allclose(seen[:, 1], other[:, 1])
    shuffled = ShuffledSources(12, 64)
    moved = given.clone()
    moved[0] = torch.rand(3, 12, 2, 2)
    seen, other = shuffled(given, everyone, quality).predicted, shuffled(moved, everyone, quality).predicted
    changed_rows = [i for i in range(4) if not torch.allclose(seen[i], other[i])]
    assert changed_rows == [2]


def test_an_imputed_modality_never_raises_our_score() -> None:
    peer = Ours(base(), Knobs()).eval()
    batch = maps().batch(np.arange(8))
    features = peer.features(batch)
    for mask in MASKS:
        out = peer.output(features.restricted(mask.expand(8, 3)))
        assert bool((out.safe <= out.present).all())
