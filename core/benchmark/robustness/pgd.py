"""Projected gradient descent on pixels (Madry et al. 2018), per modality or jointly: what a white-box attacker reaches.

A level is one of 255: one count of colour, 1/255 of the infrared range, and for depth one millimetre where it is
metric (255 levels over 255 mm, as 8-bit depth around a face has), else 1/255 of the crop's own range. Holes stay
holes. Budgets are 2, 4 and 8 levels (issue: L_inf of 2, 4, 8 of 255).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.benchmark.robustness.pixels import Pixels
from core.frames import Modality
from core.model.network import PadNetwork

STEPS = 10
_STRIDE = 2.5
"""Steps together reach that many budgets, so that the border can be reached from anywhere and walked along."""

_START = 0.1
"""Share of the budget within which the search starts: noise of the whole budget alone often hides the way."""


@dataclass(frozen=True, slots=True)
class Threat:
    """What the attacker may change, by how many levels, and whether towards bona fide (+1) or away from it (-1)."""

    modalities: tuple[Modality, ...]
    levels: float
    towards: int = 1
    steps: int = STEPS


def attacked(network: PadNetwork, clean: Pixels, threat: Threat, seed: int = 0) -> Pixels:
    """The worst pixels found within the budget, row by row, for the mask that ``clean`` holds.

    Args:
        network: in evaluation mode.
        clean: the batch; its presence is the mask.
        threat: the attacker.
        seed: of the random start.
    """
    random = torch.Generator().manual_seed(seed)
    budget = {m: threat.levels * level_of(clean, m) for m in threat.modalities}
    now = {}
    for modality, room in budget.items():
        image = clean.images()[modality]
        start = _START * (2.0 * torch.rand(image.shape, generator=random) - 1.0) * room
        now[modality] = _allowed(clean, modality, image + start)
    best, worst = dict(clean.images()), _logits(network, clean) * threat.towards
    stride = _STRIDE / threat.steps
    for step in range(threat.steps + 1):
        tried = {m: image.detach().requires_grad_(step < threat.steps) for m, image in now.items()}
        pixels = clean.with_images(tried)
        logits = network(pixels.inputs()).safe * threat.towards
        better = logits.detach() > worst
        worst = torch.where(better, logits.detach(), worst)
        best = {m: _rows(better, tried[m].detach() if m in tried else image, image) for m, image in best.items()}
        if step == threat.steps:
            break
        gradients = torch.autograd.grad(logits.sum(), list(tried.values()), materialize_grads=True)
        for (modality, image), gradient in zip(tried.items(), gradients, strict=True):
            original, room = clean.images()[modality], budget[modality]
            moved = image.detach() + stride * room * gradient.sign()
            moved = torch.maximum(torch.minimum(moved, original + room), original - room)
            now[modality] = _allowed(clean, modality, moved)
    return clean.with_images(best)


def level_of(pixels: Pixels, modality: Modality) -> torch.Tensor:
    """One of 255 levels for each row, broadcast over its pixels."""
    if modality is Modality.RGB:
        return torch.ones(len(pixels.rgb), 1, 1, 1)
    if modality is Modality.IR:
        return torch.full((len(pixels.ir), 1, 1), 1.0 / 255.0)
    measured = pixels.depth > 0
    high = torch.where(measured, pixels.depth, 0.0).amax(dim=(1, 2))
    low = torch.where(measured, pixels.depth, torch.inf).amin(dim=(1, 2))
    own = torch.where(measured.any(dim=2).any(dim=1), high - low, 0.0) / 255.0
    return torch.where(torch.from_numpy(pixels.like.metric), 1.0, own)[:, None, None]


def allowed_images(clean: Pixels, images: dict[Modality, torch.Tensor]) -> dict[Modality, torch.Tensor]:
    """The images brought back to what a sensor can give."""
    return {m: _allowed(clean, m, image) for m, image in images.items()}


def _allowed(clean: Pixels, modality: Modality, image: torch.Tensor) -> torch.Tensor:
    if modality is Modality.RGB:
        return image.clamp(0.0, 255.0)
    if modality is Modality.IR:
        return torch.where(clean.ir > 0, image.clamp(1e-4, 1.0), 0.0)
    least = torch.where(clean.depth > 0, clean.depth, torch.inf).amin(dim=(1, 2), keepdim=True) * 0.5
    return torch.where(clean.depth > 0, torch.maximum(image, least), 0.0)


def _rows(chosen: torch.Tensor, new: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
    return torch.where(chosen.reshape(-1, *[1] * (new.dim() - 1)), new, old)


def _logits(network: PadNetwork, pixels: Pixels) -> torch.Tensor:
    with torch.no_grad():
        output: torch.Tensor = network(pixels.inputs()).safe
        return output


def names(modalities: Sequence[Modality]) -> str:
    """``rgb+ir``."""
    return "+".join(modalities)
