"""The pass itself: it learns, replays, goes back when it runs off, and its parts agree with the whole network."""

from __future__ import annotations

import pytest
import torch

from core.adaptation.early import FeatureTable, build_table, encode, late, late_parameters
from core.adaptation.judging import Judge
from core.adaptation.material import Sample
from core.adaptation.paired import Stratum
from core.adaptation.settings import TrainingSettings
from core.adaptation.trainer import AdaptationTrainer
from core.frames import EVERY_MASK, Modality, ModalityMask
from core.model.inputs import to_tensors
from core.model.network import PadNetwork
from tests.unit.adaptation_site import face, simulate, tiny_network


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    """As in the worker: on busy cores two torch threads make a step many times slower (architecture.md section 3)."""
    torch.set_num_threads(1)


def tiny() -> PadNetwork:
    return tiny_network(seed=5)


def samples(count: int, seed: int = 0) -> list[Sample]:
    return list(simulate([], range(count), seed))


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    return build_table(tiny(), samples(18), copies=0, seed=1)


def make_trainer(table: FeatureTable, settings: TrainingSettings) -> AdaptationTrainer:
    return AdaptationTrainer(tiny(), tiny(), table, table, settings, seed=1)


def test_early_and_late_are_the_network() -> None:
    network, crops = tiny(), [face("", 1), face("print_flat", 2).restricted(ModalityMask.parse("depth+ir"))]
    with torch.inference_mode():
        whole = network(to_tensors(crops))
        parts = late(network, network.encode_stem(to_tensors(crops)))
    torch.testing.assert_close(parts.fused, whole.fused, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(parts.modality[:1], whole.modality[:1], atol=1e-4, rtol=1e-4)


def test_logits_under_a_mask_are_those_of_restricted_crops() -> None:
    network, sample = tiny(), samples(1)[0]
    judged = Judge([network])(encode(network, sample))[0]
    assert set(judged.logits) == set(EVERY_MASK)
    with torch.inference_mode():
        for mask in EVERY_MASK:
            alone = network(to_tensors([sample.crops[0].restricted(mask)])).safe
            assert judged.logits[mask] == pytest.approx(float(alone), abs=1e-4)


def test_a_hybrid_is_judged_only_where_it_differs() -> None:
    source = samples(1)[0]
    hybrid = Sample("h", "s", "hybrid_mask", Stratum.HYBRID, source.crops, ModalityMask.of([Modality.IR]))
    assert all(Modality.IR in mask for mask in Judge([tiny()])(encode(tiny(), hybrid))[0].logits)


def test_the_pass_learns(table: FeatureTable) -> None:
    trainer = make_trainer(table, TrainingSettings(steps=40, batch=8, learning_rate=1e-2))
    losses = []
    while not trainer.finished:
        losses.append(trainer.step()["replay_loss"])
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_a_seed_may_be_any_whole_number(table: FeatureTable) -> None:
    settings = TrainingSettings(steps=1, batch=8)
    steps = [
        AdaptationTrainer(tiny(), tiny(), table, table, settings, seed=seed).step() for seed in (20261127183000, 10**30)
    ]
    assert steps[0] != steps[1]


def test_statistics_and_early_weights_are_never_touched(table: FeatureTable) -> None:
    trainer = make_trainer(table, TrainingSettings(steps=3, batch=8))
    before = {name: value.clone() for name, value in trainer.student.state_dict().items()}
    while not trainer.finished:
        trainer.step()
    adapting = late_parameters(trainer.student)
    for network in (trainer.student, trainer.teacher):
        for name, value in network.state_dict().items():
            assert name in adapting or torch.equal(value, before[name]), name


def test_a_pass_that_runs_off_goes_back_and_gives_up(table: FeatureTable) -> None:
    flipped = FeatureTable(table.early, ~table.bona_fide, table.evidence, 1 - table.cell)
    settings = TrainingSettings(steps=120, batch=8, learning_rate=0.1, site_weight=50.0, anchor_l2=0.0)
    trainer = AdaptationTrainer(tiny(), tiny(), flipped, table, settings, seed=1)
    origin = {name: value.detach().clone() for name, value in late_parameters(trainer.student).items()}
    returned = 0
    while not trainer.finished:
        if trainer.step()["returned"]:
            returned += 1
            for name, value in late_parameters(trainer.student).items():
                torch.testing.assert_close(value, origin[name])
    assert returned == trainer.returns == 3
    assert trainer.steps_done < 120
