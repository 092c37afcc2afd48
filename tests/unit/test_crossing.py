"""The early cross-modal stage: a pair is heard only while both are there, and it finds what no modality alone holds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.model.crossing import PAIRS, EarlyCrossing
from core.model.encoders import learn_statistics
from core.model.features import Features
from core.model.inputs import CHANNELS, to_tensors
from core.model.network import NetworkConfig, PadNetwork
from tests.unit.faces import head, sheet

CONFIG = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8, pixels=48, crossing=(8, 16))


@pytest.fixture
def network() -> PadNetwork:
    torch.manual_seed(3)
    return PadNetwork(CONFIG).eval()


@torch.inference_mode()
def test_a_pair_says_nothing_without_both(network: PadNetwork) -> None:
    features = network.encode(to_tensors([head(), sheet()]))
    for missing in range(3):
        kept = torch.ones(2, 3, dtype=torch.bool)
        kept[:, missing] = False
        crossed = features.restricted(kept).crossed
        for number, pair in enumerate(PAIRS):
            assert bool((crossed[:, number] == 0).all()) == (missing in pair)


@torch.inference_mode()
def test_what_an_absent_modality_holds_changes_nothing(network: PadNetwork) -> None:
    inputs = to_tensors([head(), sheet()])
    without = torch.tensor([[True, False, True]] * 2)
    spoiled = to_tensors([head(), sheet()])
    spoiled.images[1].fill_(1e6)
    ours, theirs = (network(x.with_presence(without)) for x in (inputs, spoiled))
    torch.testing.assert_close(ours.safe, theirs.safe)


@torch.inference_mode()
def test_the_cached_stem_keeps_what_pairs_show(network: PadNetwork) -> None:
    inputs = to_tensors([head(), sheet()])
    rest = network.encode_rest(network.encode_stem(inputs))
    torch.testing.assert_close(rest.crossed, network.encode(inputs).crossed)
    assert not any(name.startswith("crossing.") for name in network.late_parameters())


def test_it_tells_what_only_two_modalities_together_tell() -> None:
    """One bit in colour, one in infrared, each alone a coin; an attack is where they differ."""
    torch.manual_seed(0)
    crossing, out = EarlyCrossing((8, 16)), nn.Linear(16, 1)
    learn_statistics(crossing, True)
    optimizer = torch.optim.Adam([*crossing.parameters(), *out.parameters()], lr=1e-2)
    presence = torch.tensor([[True, False, True]]).expand(64, 3)
    for _ in range(60):
        images, same = _bits(64)
        logit = out(crossing(images, presence)[:, PAIRS.index((0, 2))])[:, 0]
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.binary_cross_entropy_with_logits(logit, same.float()))
        optimizer.step()
    learn_statistics(crossing.eval(), False)
    images, same = _bits(64)
    with torch.inference_mode():
        right = (out(crossing(images, presence)[:, PAIRS.index((0, 2))])[:, 0] > 0) == same
    assert right.float().mean() > 0.95


def _bits(count: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    images = [0.1 * torch.randn(count, channels, 16, 16) for channels in CHANNELS.values()]
    bits = torch.rand(count, 2) < 0.5
    images[0][bits[:, 0], :, 4:12, 4:12] += 1.0
    images[2][bits[:, 1], :, 4:12, 4:12] += 1.0
    return images, bits[:, 0] == bits[:, 1]


def test_rows_are_taken_with_everything(network: PadNetwork) -> None:
    with torch.inference_mode():
        features: Features = network.encode(to_tensors([head(), sheet(), head()]))
    some = features.at(torch.tensor([2, 0]))
    assert torch.equal(some.crossed, features.crossed[[2, 0]])
    assert torch.equal(some.maps, features.maps[[2, 0]])
