"""The inference copy of the network says what the network says, under every mask, mode and switch."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from core.frames import EVERY_MASK, MODALITIES, FaceCrop
from core.model.complement import MODES, Complemented
from core.model.encoders import RunningNorm
from core.model.folded import MaskedHeads, folded
from core.model.inputs import to_tensors
from core.model.network import ModelOutput, NetworkConfig, PadNetwork
from tests.unit.faces import head, sheet

MASKS = torch.tensor([[modality in mask for modality in MODALITIES] for mask in EVERY_MASK])
SMALL = NetworkConfig(widths=(8, 12, 16, 24), bottleneck=10, hidden=12)


def trained(config: NetworkConfig) -> PadNetwork:
    """Random weights, biases and statistics, as unlike fresh ones as training could make them."""
    torch.manual_seed(5)
    network = PadNetwork(config).eval()
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    for module in network.modules():
        if isinstance(module, RunningNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.3, 3.0)
    return network


def crops() -> list[FaceCrop]:
    """Both kinds of face under every mask."""
    return [make(seed).restricted(mask) for seed, mask in enumerate(EVERY_MASK) for make in (head, sheet)]


def assert_same(ours: ModelOutput, theirs: ModelOutput) -> None:
    for name in ("fused", "present", "modality", "pooled", "joint"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), atol=1e-4, rtol=1e-4)
    for field in fields(Complemented):
        pair = getattr(ours.complemented, field.name), getattr(theirs.complemented, field.name)
        torch.testing.assert_close(*pair, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        *(replace(SMALL, complementary=mode) for mode in MODES),
        replace(SMALL, residuals=False, evidence=False),
        replace(SMALL, crossing=(8, 16, 24), pixels=48),
    ],
    ids=[*MODES, "neither residuals nor evidence", "small planes that cross early"],
)
@torch.inference_mode()
def test_the_copy_says_what_the_network_says_under_every_mask(config: NetworkConfig) -> None:
    network, inputs = trained(config), to_tensors(crops())
    copy = folded(network)
    ours, safe = MaskedHeads(copy)(copy.encode(inputs), MASKS)
    theirs = network(inputs)
    assert_same(ours, theirs)
    for column, mask in enumerate(MASKS):
        rows = (inputs.presence & mask).any(dim=1)
        alone = network.from_features(theirs.features.restricted(mask.expand(len(rows), -1)))
        torch.testing.assert_close(safe[rows, column], alone.safe[rows], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_original_keeps_its_norms() -> None:
    network, inputs = trained(SMALL), to_tensors([head()])
    before = network(inputs).fused
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    copy = folded(network)
    assert not any(isinstance(module, RunningNorm) for module in copy.modules())
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert torch.equal(network(inputs).fused, before)
