"""The attacker's differentiable input path is the product's own, and a gradient reaches every modality."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from core.benchmark.robustness.pgd import Threat, attacked, level_of
from core.benchmark.robustness.pixels import Pixels
from core.benchmark.robustness.square import searched
from core.codes import Species
from core.frames import ALL_MODALITIES, FaceCrop, Modality, ModalityMask
from core.model.inputs import CropBatch, normalise, stack
from core.model.network import NetworkConfig, PadNetwork
from core.scenes.crops import presentation
from core.scenes.domain import DOMAINS

torch.set_num_threads(1)
SMALL = NetworkConfig(widths=(4, 8, 8, 12), bottleneck=4, hidden=8)


@cache
def crops() -> tuple[FaceCrop, ...]:
    """Metric and relative depth, with their holes."""
    kinds = ((name, species) for name in DOMAINS for species in (Species.BONA_FIDE, Species.REPLAY_TABLET))
    return tuple(
        presentation(DOMAINS[name].model_copy(update={"frames": 1}), species, 5, i).crops[0]
        for i, (name, species) in enumerate(kinds)
    )


def batch(mask: ModalityMask = ALL_MODALITIES) -> CropBatch:
    return stack([crop.restricted(mask) for crop in crops()])


@cache
def network() -> PadNetwork:
    torch.manual_seed(3)
    return PadNetwork(SMALL).channels_last().eval()


@pytest.mark.parametrize("column", range(3))
def test_planes_are_those_of_the_product(column: int) -> None:
    expected = normalise(batch()).images[column]
    found = Pixels.of(batch()).planes()[column]
    assert found.shape == expected.shape
    off = (found - expected).abs()
    assert float(off.max()) < 2e-3
    assert float(off.mean()) < 1e-5


def test_pixels_become_the_same_arrays_again() -> None:
    again = Pixels.of(batch()).batch()
    for name in CropBatch.__slots__:
        np.testing.assert_array_equal(getattr(again, name), getattr(batch(), name))


def test_a_gradient_reaches_every_modality() -> None:
    pixels = Pixels.of(batch())
    leaves = {m: image.clone().requires_grad_() for m, image in pixels.images().items()}
    torch.autograd.backward(network()(pixels.with_images(leaves).inputs()).safe.sum())
    for modality, leaf in leaves.items():
        assert leaf.grad is not None, modality
        assert bool(torch.isfinite(leaf.grad).all())
        assert float(leaf.grad.abs().sum()) > 0


def smooth_noise(seed: int, shape: torch.Size) -> torch.Tensor:
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return 9.0 * torch.nn.functional.avg_pool2d(noise[:, None], 9, 1, 4)[:, 0]


def test_the_gradient_of_depth_points_where_the_planes_go() -> None:
    """Medians are not smooth: over a step of one level the gradient must tell the change, not to the last digit."""
    pixels = Pixels.of(batch())
    level, told, measured = level_of(pixels, Modality.DEPTH), [], []
    for seed in range(6):
        step = level * smooth_noise(seed, pixels.depth.shape) * (pixels.depth > 0)
        weights = smooth_noise(100 + seed, pixels.depth.shape)

        def value(depth: torch.Tensor, weights: torch.Tensor = weights) -> torch.Tensor:
            planes = pixels.with_images({Modality.DEPTH: depth}).planes()[1]
            return (planes[:, :3] * weights[:, None]).mean(dim=(1, 2, 3)).double()

        leaf = pixels.depth.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(value(leaf).sum(), [leaf])
        told.append((gradient * step).sum(dim=(1, 2)).double())
        measured.append((value(pixels.depth + step / 2) - value(pixels.depth - step / 2)).detach())
    rows = zip(torch.stack(told, 1), torch.stack(measured, 1), strict=True)
    agreement = [float(torch.corrcoef(torch.stack(row))[0, 1]) for row in rows]
    assert np.median(agreement) > 0.8


@pytest.mark.parametrize("modality", Modality)
@pytest.mark.parametrize("towards", [-1, 1])
def test_an_attack_stays_within_its_budget_and_moves_the_logit(modality: Modality, towards: int) -> None:
    clean = Pixels.of(batch())
    threat = Threat((modality,), 4.0, towards, steps=4)
    found = attacked(network(), clean, threat)
    before, after = (network()(pixels.inputs()).safe.detach() * towards for pixels in (clean, found))
    assert bool((after >= before - 1e-5).all())
    assert float((after - before).mean()) > 0
    for other in Modality:
        change = (found.images()[other] - clean.images()[other]).abs()
        allowed = threat.levels * level_of(clean, other) * 1.001 if other is modality else torch.zeros(())
        assert bool((change <= allowed + 1e-6).all()), other
    assert bool(((found.depth > 0) == (clean.depth > 0)).all()), "holes stay holes"
    assert bool((found.rgb >= 0).all())
    assert bool((found.rgb <= 255).all())
    assert bool((found.ir <= 1).all())


def test_an_absent_modality_gives_an_attacker_nothing() -> None:
    clean = Pixels.of(batch(ModalityMask.parse("rgb+ir")))
    found = attacked(network(), clean, Threat((Modality.DEPTH,), 8.0, steps=2))
    assert torch.equal(network()(found.inputs()).safe, network()(clean.inputs()).safe)


def test_a_search_without_gradients_stays_within_its_budget_and_never_loses() -> None:
    clean = Pixels.of(batch())
    found = searched(network(), clean, Threat((Modality.RGB, Modality.IR), 8.0), queries=12)
    with torch.no_grad():
        before, after = (network()(normalise(pixels.batch())).safe for pixels in (clean, found))
    assert bool((after >= before - 1e-6).all())
    assert float((after - before).sum()) > 0
    assert float((found.rgb - clean.rgb).abs().max()) <= 8.0 + 1e-4
    assert float((found.ir - clean.ir).abs().max()) <= 8.0 / 255.0 + 1e-6
    assert torch.equal(found.depth, clean.depth)
