"""The one property of each adaptation method that only it has, on a tiny stream (evaluation.md 5, method.md 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.adaptation.early import late
from core.adaptation.judging import Bars, Judged
from core.adaptation.paired import Stratum
from core.adaptation.stability import Signals, StabilityWeight
from core.benchmark.people import People
from core.benchmark.streams.base import Answer, answer, entropy, joint_features, late_parameters, norm_affine
from core.benchmark.streams.judging import Champion, presented, thresholds
from core.benchmark.streams.material import Cached, Material, Source
from core.benchmark.streams.methods import free, norms, teachers
from core.benchmark.streams.methods.ablation import Constant, Recorded
from core.benchmark.streams.methods.labels import oracle, ours, unadapted
from core.benchmark.streams.methods.registry import METHODS, NONE, table
from core.frames import EVERY_MASK, ModalityMask
from core.model.features import Features
from core.model.network import PadNetwork
from core.training.calibration import Calibration
from tests.unit.stream_material import cached, source_of, stream


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def source() -> Source:
    return source_of()


def changed_by(method: Callable[[Material], object], material: Material, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the weights and statistics of the adapted network that differ from the start."""
    seen: list[PadNetwork] = []

    def watched(network: PadNetwork) -> Answer:
        seen.append(network)
        return answer(network)

    for module in (norms, teachers):
        monkeypatch.setattr(module, "answer", watched)
    method(material)
    before = material.source.network.state_dict()
    return {name for name, value in seen[-1].state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_answers_under_every_mask_and_never_reads_a_hidden_label(source: Source, method) -> None:  # type: ignore[no-untyped-def]
    material = stream(source, labels=12 if method.needs_labels else 0)
    test = cached(12, "test", 9).early
    logits = method.adapt(material)(test)
    assert logits.shape == (12, 7)
    assert bool(torch.isfinite(logits).all())
    if method.adapt is oracle:
        return
    other = stream(source, labels=12 if method.needs_labels else 0)
    who = other.hidden.people
    turned = People(who.owner, who.ids, who.subjects, np.where(who.bona_fide, "print_flat", ""), who.domains)
    hidden = Cached(other.hidden.early, turned)
    blind = Material(
        other.source, other.stream, other.arrival, other.labelled, hidden, other.seed, other.steps, other.rows
    )
    torch.testing.assert_close(method.adapt(blind)(test), logits, atol=1e-5, rtol=1e-4)


def test_tent_changes_norm_weights_only_and_lowers_entropy(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    material = stream(source, steps=20)
    allowed = {name for name, value in source.start().named_parameters() if name.endswith(("norm.weight", "norm.bias"))}
    changed = changed_by(norms.tent, material, monkeypatch)
    assert changed
    assert changed <= allowed
    before = entropy(joint_features(source.start(), material.stream)[1]).mean()
    after = entropy(torch.nan_to_num(norms.tent(material)(material.stream))[:, -1]).mean()
    assert after < before


def test_the_redundancy_filter_of_the_paper_would_keep_nothing_of_two_classes() -> None:
    p = torch.rand(200)
    both = torch.stack([p, 1 - p], dim=1)
    cosine = torch.nn.functional.cosine_similarity(both, torch.tensor([[0.5, 0.5]]))
    assert not bool((cosine < norms.REDUNDANCY).any())
    assert bool(((p - 0.5).abs() > norms.REDUNDANCY).any())


def test_reads_gradient_changes_its_sign_at_gamma() -> None:
    def slope(p: float) -> float:
        logits = torch.logit(torch.tensor([p, 1.0 - p])).requires_grad_()  # the mean stays one half
        torch.autograd.backward(norms.read_loss(logits))
        assert logits.grad is not None
        return float(logits.grad[0] - logits.grad[1])

    assert slope(norms.GAMMA - 0.1) * slope(norms.GAMMA + 0.1) < 0


def test_adabn_changes_statistics_only(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = changed_by(norms.adabn, stream(source), monkeypatch)
    assert changed
    assert all("running" in name or "num_batches" in name for name in changed)


def test_lame_pulls_neighbours_together_and_keeps_far_ones_apart() -> None:
    features = torch.cat([torch.eye(2)[[0]].repeat(6, 1), torch.eye(2)[[1]].repeat(6, 1)])
    logits = torch.tensor([2.0] * 5 + [-0.5] + [-2.0] * 6)
    smoothed = free.laplacian(features, logits)
    assert smoothed[5] > 0
    assert bool((smoothed[6:] < 0).all())


def test_transport_moves_prototypes_to_the_labelled_rows() -> None:
    centres, rows = torch.tensor([[1.0, 0.0], [0.8, 0.2]]), torch.tensor([[0.0, 1.0], [0.1, 0.9]])
    moved = free.transported(centres, rows)
    assert float(torch.cdist(moved, rows).min(dim=1).values.max()) < float(torch.cdist(centres, rows).min())


def test_t3a_takes_the_surest_rows_into_its_centres(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free, "SUPPORTS", 0)
    test, material = cached(12, "test", 9).early, stream(source, shift=1.0)
    without = free.t3a(material)(test)
    monkeypatch.setattr(free, "SUPPORTS", 20)
    assert not torch.allclose(free.t3a(material)(test), without)


def test_cottas_weights_fall_back_now_and_then(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachers, "RESTORED", 1.0)
    assert not changed_by(teachers.cotta, stream(source, labels=12), monkeypatch)


def test_rottas_memory_is_balanced_by_class() -> None:
    memory = teachers.Memory()
    for seed in range(20):
        logits = torch.full((10,), 3.0)
        logits[0] = -3.0
        memory.add(cached(10, "m", seed).early.rows(torch.arange(10)), logits)
    decided = [bona_fide for *_, bona_fide in memory.kept]
    assert sum(decided) == teachers.MEMORY // 2
    assert len(decided) - sum(decided) == 20


def test_pmcs_share_grows_only_while_the_source_holds(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    quantile = torch.quantile

    def watched(values: torch.Tensor, q: float) -> torch.Tensor:
        shares.append(1.0 - q)
        return quantile(values, q)

    monkeypatch.setattr(torch, "quantile", watched)
    teachers.pmc(stream(source, steps=5))
    assert shares[-1] > shares[0]
    shares.clear()
    monkeypatch.setattr(teachers, "_ACCURACY_KEPT", 2.0)
    teachers.pmc(stream(source, steps=5))
    assert shares[-1] == shares[0]


def test_activation_labels_follow_the_heads(source: Source) -> None:
    network = source.start()
    output = late(network, cached(30, "test", 9).early.rows(torch.arange(30)))
    agreed = teachers.activation_label(network, output) == (output.fused >= 0)
    assert float(agreed.float().mean()) > 0.8


def test_a_constant_weight_stays_and_a_recorded_one_repeats() -> None:
    signals = Signals(loss=5.0, flips=0.9, mean_score=0.5, anchor=0.0)
    kept: StabilityWeight = Constant(weight=1.0)
    repeated: StabilityWeight = Recorded(weight=0.3, past=(0.3, 0.7))
    kept_weights, repeated_weights = [], []
    for _ in range(4):
        kept, repeated = kept.after(signals), repeated.after(signals)
        kept_weights.append(kept.weight)
        repeated_weights.append(repeated.weight)
    assert kept_weights == [1.0] * 4
    assert repeated_weights == [0.7, 0.3] * 2
    assert kept.returned().weight == 1.0
    assert repeated.returned().after(signals).weight == 0.7


def test_ours_does_not_forget_the_source_and_the_oracle_is_no_worse_than_nothing(source: Source) -> None:
    material = stream(source, labels=12, shift=0.6, steps=30)
    test = cached(60, "test", 11, 0.6)
    truth = torch.from_numpy(test.people.bona_fide)

    def right(method: Callable[[Material], Callable[[Features], torch.Tensor]]) -> float:
        return float(((method(material)(test.early)[:, -1] >= 0) == truth).float().mean())

    assert right(oracle) >= right(unadapted)
    assert right(ours) >= right(unadapted)


def test_the_unlabelled_table_has_no_method_that_needs_labels() -> None:
    assert all(not method.needs_labels for method in table(labelled=False))
    assert {method.name for method in table(labelled=False)} < {method.name for method in table(labelled=True)}
    assert NONE in {method.name for method in table(labelled=False)}


def test_bound_thresholds_accept_no_more_attacks_on_the_calibrating_data_than_the_champion(source: Source) -> None:
    """Source-dev is hard, so that the champion errs there; thresholds that are not bound let more attacks in."""
    hard = replace(source, dev=cached(80, "dev", 5, gap=0.5))
    champion, material = Champion.of(answer(hard.start()), hard.dev), stream(hard, labels=30, shift=0.15, steps=20)
    looser = False
    for adapt in (ours, unadapted):
        after, before = (presented(net, hard.dev, material.labelled) for net in (adapt(material), champion.answer))
        bound, free = bars(champion.binds(after, material.labelled)), bars(thresholds(after))
        for mask in EVERY_MASK:
            for stratum in (Stratum.SITE, Stratum.SOURCE):
                allowed = let_in(before, stratum, champion.bars, mask)
                assert let_in(after, stratum, bound, mask) <= allowed
                looser |= let_in(after, stratum, free, mask) > allowed
    assert looser


def bars(found: list[Calibration]) -> Bars:
    return Bars("", dict(zip(EVERY_MASK, found, strict=True)))


def let_in(told: list[Judged], stratum: Stratum, held: Bars, mask: ModalityMask) -> int:
    return sum(held.accepts(mask, one.logits[mask]) for one in told if one.species and one.stratum is stratum)


def test_only_what_adapts_is_named(source: Source) -> None:
    network = source.start()
    late_ids = {id(parameter) for parameter in late_parameters(network)}
    assert {id(parameter) for parameter in norm_affine(network)} < late_ids
    assert all(id(p) not in late_ids for name, p in network.named_parameters() if ".stages.0." in name)
