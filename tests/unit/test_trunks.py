"""Trunks of timm in the place of the small one; where timm is not installed (it is no dependency) there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.adaptation.early import build_table
from core.adaptation.material import Sample
from core.adaptation.paired import Stratum
from core.adaptation.settings import TrainingSettings
from core.adaptation.trainer import AdaptationTrainer
from core.errors import UsageError
from core.frames import ModalityMask
from core.model.bundle import load_network, save_bundle
from core.model.encoders import learn_statistics
from core.model.folded import folded
from core.model.inputs import ModelInputs, to_tensors
from core.model.manifest import Manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork
from tests.unit.faces import head, sheet

timm = pytest.importorskip("timm", reason="timm is not installed, or not for this torch", exc_type=Exception)  # type: ignore[arg-type]

TRUNKS = ("vit_tiny_patch16_224", "resnet18", "mobilenetv4_conv_small", "convnext_atto")
"""Tokens, and maps with batch norms of two kinds and without any."""


@pytest.fixture(params=TRUNKS)
def network(request: pytest.FixtureRequest) -> PadNetwork:
    torch.manual_seed(0)
    return PadNetwork(NetworkConfig(trunk=request.param, pixels=48)).eval()


@pytest.fixture(scope="module")
def inputs() -> ModelInputs:
    return to_tensors([head(), sheet().restricted(ModalityMask.parse("depth"))])


def statistics(network: PadNetwork) -> list[torch.Tensor]:
    return [value.clone() for name, value in network.state_dict().items() if "running" in name and "encoders" in name]


@torch.no_grad()
def test_the_stem_and_the_rest_make_the_encoder_and_so_does_the_copy_for_inference(
    network: PadNetwork, inputs: ModelInputs
) -> None:
    whole = network.encode(inputs)
    assert torch.allclose(network.encode_rest(network.encode_stem(inputs)).maps, whole.maps, atol=1e-4)
    copy = folded(network)
    wanted = network.from_features(whole).safe
    assert torch.allclose(copy.from_features(copy.encode(inputs)).safe, wanted, atol=1e-4)


def test_the_first_layer_learns_and_statistics_only_when_they_are_to(network: PadNetwork, inputs: ModelInputs) -> None:
    before = statistics(network)
    network.train()
    torch.autograd.backward(network(inputs).fused.sum())
    assert all(torch.equal(a, b) for a, b in zip(before, statistics(network), strict=True))
    first = next(p for name, p in network.named_parameters() if name.startswith("encoders.depth.") and p.dim() == 4)
    assert first.grad is not None
    assert first.grad.abs().max() > 0.0
    learn_statistics(network, True)
    with torch.no_grad():
        network(inputs)
    learnt = [not torch.equal(a, b) for a, b in zip(before, statistics(network), strict=True)]
    assert not learnt or any(learnt)
    learn_statistics(network, False)
    network.eval()


def test_a_bundle_brings_its_trunk_along(network: PadNetwork, inputs: ModelInputs, tmp_path: Path) -> None:
    blank = Manifest(name="timm", sha256="0" * 64, architecture=ARCHITECTURE, thresholds={"rgb+depth+ir": 0.5})
    save_bundle(tmp_path, network, blank)
    again, _ = load_network(tmp_path)
    with torch.no_grad():
        assert torch.allclose(again(inputs).safe, network(inputs).safe, atol=1e-5)


def test_no_more_than_the_last_block_adapts(network: PadNetwork) -> None:
    late = [name for name in network.late_parameters() if name.startswith("encoders.")]
    tokens = network.config.trunk.startswith("vit")
    assert bool(late) is tokens
    assert all(".blocks.11." in name or ".norm." in name for name in late)
    with pytest.raises(UsageError, match="last block only"):
        network.let_adapt(2)


def test_a_trunk_that_timm_does_not_know_is_refused() -> None:
    with pytest.raises(UsageError, match="no trunk"):
        PadNetwork(NetworkConfig(trunk="vit_of_nobody"))


def test_a_pass_adapts_what_it_may(network: PadNetwork) -> None:
    faces = [("", (head(0), head(1))), ("print_flat", (sheet(0), sheet(1)))]
    samples = [Sample(f"p{n}", f"s{n}", kind, Stratum.SITE, crops) for n, (kind, crops) in enumerate(faces)]
    table = build_table(network, samples, copies=1, seed=0)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    teacher = PadNetwork(network.config)
    teacher.load_state_dict(start)
    trainer = AdaptationTrainer(network, teacher.eval(), table, table, TrainingSettings(steps=2, batch=4), seed=0)
    while not trainer.finished:
        trainer.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, start[name])}
    assert changed
    assert changed <= set(network.late_parameters())
