"""What every adaptation method is to the study, and the loop that those which update share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.adaptation.early import late
from core.adaptation.losses import supervised_loss
from core.benchmark.methods.base import MASKS
from core.benchmark.streams.material import Material
from core.model.encoders import RunningNorm
from core.model.features import Features
from core.model.folded import MaskedHeads, folded
from core.model.masks import narrowed
from core.model.network import ModelOutput, PadNetwork

Answer = Callable[[Features], torch.Tensor]
"""Raw logits ``(N, 7)`` of cached rows under every mask; NaN where a row lacks a modality of the mask."""
Loss = Callable[[Features, ModelOutput], torch.Tensor | None]
"""Of an arriving batch and the network's output on it; ``None`` = nothing to learn from it."""

_CHUNK = 256
_NORM = 2.0


@dataclass(frozen=True, slots=True)
class AdaptationMethod:
    """A row of the tables. ``needs_labels``: it stands in the label-equal table only.

    ``bound``: its thresholds are the product's, in neither error worse than the champion's. Rows of the same ``adapt``
    are one adaptation under different thresholds.
    """

    name: str
    title: str
    adapt: Callable[[Material], Answer]
    needs_labels: bool = False
    bound: bool = False


def answer(network: PadNetwork) -> Answer:
    """The product's safe logits of a network."""
    inference = folded(network)
    heads = MaskedHeads(inference)

    @torch.inference_mode()
    def logits(early: Features) -> torch.Tensor:
        found = []
        for rows in chunks(len(early.presence)):
            features = inference.encode_rest(early.rows(rows))
            found.append(_where_complete(heads(features, MASKS)[1], early.presence[rows]))
        return torch.cat(found)

    return logits


def answer_by_features(network: PadNetwork, logit: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Answer:
    """Logits that ``logit`` makes of joint features ``(N, C)`` and the network's own logits ``(N,)``, mask by mask."""
    network.eval()

    @torch.inference_mode()
    def logits(early: Features) -> torch.Tensor:
        joint, own = [], []
        for rows in chunks(len(early.presence)):
            features = network.encode_rest(early.rows(rows))
            outputs = [network.from_features(features.restricted(mask.expand(len(rows), 3))) for mask in MASKS]
            joint.append(torch.stack([one.joint for one in outputs]))
            own.append(torch.stack([one.safe for one in outputs]))
        columns = [logit(j, o) for j, o in zip(torch.cat(joint, dim=1), torch.cat(own, dim=1), strict=True)]
        return _where_complete(torch.stack(columns, dim=1), early.presence)

    return logits


@torch.inference_mode()
def joint_features(network: PadNetwork, early: Features) -> tuple[torch.Tensor, torch.Tensor]:
    """Joint features ``(N, C)`` and fused logits ``(N,)`` of cached rows under their own masks."""
    network.eval()
    outputs = [late(network, early.rows(rows)) for rows in chunks(len(early.presence))]
    return torch.cat([one.joint for one in outputs]), torch.cat([one.fused for one in outputs])


def updated(
    material: Material,
    network: PadNetwork,
    parameters: Iterable[nn.Parameter],
    loss: Loss,
    rate: float,
    after: Callable[[], None] = lambda: None,
) -> PadNetwork:
    """Update ``parameters`` on the batches in order of arrival, again from the first until all steps are done.

    In the label-equal table every step also takes the supervised loss of drawn labelled rows, alike for every method.
    Norms keep the source's statistics: batches of ten people have none of their own (method.md section 5).

    Args:
        material: the stream.
        network: a copy that may change.
        parameters: what changes.
        loss: the method's own.
        rate: learning rate of Adam, before the factor of the material.
        after: is called after each update.
    """
    wanted = list(parameters)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in wanted:
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(wanted, lr=rate * material.rate)
    random = np.random.default_rng([material.seed, 41])
    torch.manual_seed(material.seed)
    network.eval()
    for step in range(material.steps):
        batch = material.stream.rows(material.arrival[step % len(material.arrival)])
        own = loss(batch, late(network, batch))
        total = torch.zeros(()) if own is None else own
        if material.labelled is not None:
            total = total + labelled_loss(material, network, random)
        if total.requires_grad:
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(total)
            nn.utils.clip_grad_norm_(wanted, _NORM)
            optimizer.step()
            after()
    return network


def labelled_loss(material: Material, network: PadNetwork, random: np.random.Generator) -> torch.Tensor:
    """The source's supervised loss on drawn labelled rows, the classes alike."""
    assert material.labelled is not None
    table = material.labelled.table
    bona_fide = table.bona_fide.numpy()
    classes = [np.flatnonzero(bona_fide == kind) for kind in (True, False) if (bona_fide == kind).any()]
    drawn = np.concatenate([random.choice(rows, size=material.rows // len(classes)) for rows in classes])
    rows = torch.from_numpy(drawn)
    cached = table.early.rows(rows)
    masks = MASKS[torch.from_numpy(random.integers(0, len(MASKS) - 1, len(rows)))]
    outputs = network.under_both(network.encode_rest(cached), narrowed(cached.presence, masks))
    return supervised_loss(*outputs, table.bona_fide[rows], table.evidence[rows])


def norm_affine(network: PadNetwork) -> list[nn.Parameter]:
    """Weights and biases of the norms that adapt."""
    names = set(network.late_parameters())
    return [
        parameter
        for prefix, module in network.named_modules()
        if isinstance(module, RunningNorm)
        for name, parameter in module.named_parameters()
        if f"{prefix}.{name}" in names
    ]


def late_parameters(network: PadNetwork) -> list[nn.Parameter]:
    """Last stages, complementary features, fusion and heads."""
    return list(network.late_parameters().values())


def chunks(count: int, size: int = _CHUNK) -> Iterator[torch.Tensor]:
    """Row numbers from 0 to ``count``, ``size`` at a time."""
    for start in range(0, count, size):
        yield torch.arange(start, min(start + size, count))


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Entropy of a Bernoulli logit in nats."""
    p = torch.sigmoid(logits)
    return -(p * nn.functional.logsigmoid(logits) + (1.0 - p) * nn.functional.logsigmoid(-logits))


def _where_complete(logits: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
    complete = (presence[:, None, :] | ~MASKS[None]).all(dim=2)
    return torch.where(complete, logits, torch.nan)
