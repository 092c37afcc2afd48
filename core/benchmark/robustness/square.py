"""Attack without gradients: squares of pixels at the border of the budget (Andriushchenko et al. 2020).

It asks the product's own path only, physics evidence included, so that a gradient that is missing or masked somewhere
cannot make a model look strong.
"""

from __future__ import annotations

import numpy as np
import torch

from core.benchmark.robustness.pgd import Threat, allowed_images, level_of
from core.benchmark.robustness.pixels import Pixels
from core.frames import Modality
from core.model.inputs import normalise
from core.model.network import PadNetwork

_FIRST_SHARE = 0.3
"""Share of the picture that a square covers at first; it halves as the search goes on."""
_HALVINGS = (0.05, 0.15, 0.3, 0.5, 0.75)


def searched(
    network: PadNetwork, clean: Pixels, threat: Threat, queries: int, seed: int = 0, start: Pixels | None = None
) -> Pixels:
    """The worst pixels that ``queries`` questions found, row by row, from those of ``start`` where there are some."""
    random = np.random.default_rng(seed)
    room = {m: threat.levels * level_of(clean, m) for m in threat.modalities}
    best = dict((start or clean).images())
    worst = _asked(network, start or clean) * threat.towards
    stripes = {
        m: clean.images()[m] + room[m] * torch.from_numpy(random.choice([-1.0, 1.0], _stripes(best[m]))).float()
        for m in room
    }
    for query in range(queries):
        proposal = stripes if query == 0 else _with_square(clean, best, room, query / queries, random)
        tried = best | allowed_images(clean, proposal)
        logits = _asked(network, clean.with_images(tried)) * threat.towards
        better = logits > worst
        worst = torch.where(better, logits, worst)
        best = {m: torch.where(_wide(better, image), tried[m], image) for m, image in best.items()}
    return clean.with_images(best)


def _with_square(
    clean: Pixels,
    best: dict[Modality, torch.Tensor],
    room: dict[Modality, torch.Tensor],
    share_done: float,
    random: np.random.Generator,
) -> dict[Modality, torch.Tensor]:
    """One square of every attacked image at plus or minus the budget, the same place in all of them."""
    size = clean.depth.shape[-1]
    share = _FIRST_SHARE * 0.5 ** sum(share_done >= at for at in _HALVINGS)
    side = max(2, round(np.sqrt(share) * size))
    x, y = random.integers(0, size - side + 1, 2)
    found = {}
    for modality, step in room.items():
        image = best[modality].clone()
        original = clean.images()[modality][..., y : y + side, x : x + side]
        sign = torch.from_numpy(random.choice([-1.0, 1.0], (*image.shape[:-2], 1, 1))).float()
        image[..., y : y + side, x : x + side] = original + sign * step
        found[modality] = image
    return found


def _stripes(image: torch.Tensor) -> tuple[int, ...]:
    """Shape of vertical stripes over an image."""
    return (*image.shape[:-2], 1, image.shape[-1])


def _wide(chosen: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    return chosen.reshape(-1, *[1] * (image.dim() - 1))


def _asked(network: PadNetwork, pixels: Pixels) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = network(normalise(pixels.batch())).safe
        return logits
