"""The check without cached maps: the product's network trained from its pixels on, parts of it switched.

In the cached study every method starts from a trunk that has already been fitted to the same presentations; what a part
of the network would have taught the encoders cannot show there. Here nothing is shared: each variant trains alone, on
the same inputs, for the trunk's number of epochs, with `core.training.losses.source_loss`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.benchmark.hardware import has_bfloat16
from core.benchmark.inputs import mirrored, moved
from core.benchmark.methods.base import MASKS, SMOOTHING
from core.benchmark.people import People, Rows, balanced_rows
from core.benchmark.sizes import Size
from core.benchmark.work import Canceled, stop_if
from core.model.encoders import learn_statistics
from core.model.inputs import ModelInputs
from core.model.masks import narrowed
from core.model.network import NetworkConfig, PadNetwork
from core.training.losses import source_loss
from core.training.prepared import Joined
from core.training.sampling import MaskSampler

_RATE, _DECAY, _NORM, _WARM_UP, _BATCH = 3e-3, 0.02, 2.0, 30, 128


@dataclass(frozen=True, slots=True)
class Variant:
    """A network that is trained whole. ``crosses``: with the early cross-modal stage (`core.model.crossing`)."""

    name: str
    title: str
    kind: str
    complementary: str = "full"
    residuals: bool = True
    evidence: bool = True
    crosses: bool = False

    def network(self, size: Size) -> PadNetwork:
        """The untrained network."""
        config = NetworkConfig(
            widths=size.widths,
            complementary=self.complementary,
            residuals=self.residuals,
            evidence=self.evidence,
            crossing=size.widths[:3] if self.crosses else (),
        )
        return PadNetwork(config).channels_last()


VARIANTS = (
    Variant("ours", "ours, trained whole", "ours"),
    Variant("crossed", "ours with an early cross-modal stage", "control", crosses=True),
    Variant("none", "no complementary features", "control", complementary="none", residuals=False),
    Variant("without_evidence", "without physics evidence", "control", evidence=False),
    Variant(
        "neither", "neither complementary features nor evidence", "control", complementary="none", residuals=False,
        evidence=False,
    ),
)  # fmt: skip


def train_whole(
    variant: Variant, prepared: Joined, people: People, rows: Rows, size: Size, seed: int, canceled: Canceled
) -> PadNetwork:
    """Train a variant on ``rows``.

    Raises:
        CanceledError: the person asked to stop.
    """
    torch.manual_seed(seed)
    network = variant.network(size)
    learn_statistics(network, True)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, betas=(0.9, 0.98))
    masks, done = MaskSampler(), 0
    steps = size.trunk_epochs * max(1, len(balanced_rows(people, rows, 0, 0)) // size.batch)
    for epoch in range(size.trunk_epochs):
        random = np.random.default_rng([seed, epoch, 7])
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        order = balanced_rows(people, rows, seed, epoch)
        for i in range(len(order) // size.batch):
            stop_if(canceled)
            batch = np.sort(order[i * size.batch : (i + 1) * size.batch])
            inputs = prepared.inputs(batch, random.integers(0, prepared.versions, len(batch)))
            bona_fide = torch.from_numpy(people.bona_fide[people.owner[batch]])
            loss = _loss(network, moved(mirrored(inputs, random), random), bona_fide, masks, generator)
            share = done / steps
            for group in optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, (done + 1) / _WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * share))
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), _NORM)
            optimizer.step()
            done += 1
    learn_statistics(network, False)
    network.eval()
    return network


def whole_logits(network: PadNetwork, prepared: Joined, rows: Rows) -> NDArray[np.float32]:
    """Safe logits ``(N, 7)`` of ``rows``; NaN where a row lacks a modality of the mask."""
    found = np.empty((len(rows), len(MASKS)), dtype=np.float32)
    for start in range(0, len(rows), _BATCH):
        chunk = rows[start : start + _BATCH]
        inputs = prepared.inputs(chunk, np.zeros(len(chunk), dtype=np.int64)).to(torch.device("cpu"))
        with torch.inference_mode():
            features = network.encode(inputs)
            each = [network.from_features(features.restricted(mask.expand(len(chunk), 3))).safe for mask in MASKS]
            complete = (features.presence[:, None, :] | ~MASKS[None]).all(dim=2)
        found[start : start + len(chunk)] = torch.where(complete, torch.stack(each, dim=1), torch.nan).numpy()
    return found


def _loss(
    network: PadNetwork,
    inputs: ModelInputs,
    bona_fide: torch.Tensor,
    masks: MaskSampler,
    generator: torch.Generator,
) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16()):
        features = network.encode(inputs)
    drawn, chosen = masks.draw(len(bona_fide), generator)
    full, subset = network.under_both(features, narrowed(features.presence, drawn))
    parts = source_loss(full, subset, bona_fide, torch.ones(len(bona_fide), 3), SMOOTHING)
    masks.update(chosen, parts.subset)
    return parts.total
