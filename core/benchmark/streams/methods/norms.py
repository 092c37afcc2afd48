"""Test-time methods that touch norms or attention: AdaBN, TENT, EATA, READ; constants for two classes (method.md 5)."""

from __future__ import annotations

import math

import torch

from core.adaptation.early import late
from core.adaptation.losses import anchor_loss
from core.benchmark.streams.base import Answer, answer, chunks, entropy, norm_affine, updated
from core.benchmark.streams.material import Material
from core.model.encoders import RunningNorm, learn_statistics
from core.model.features import Features
from core.model.network import ModelOutput, PadNetwork

TENT_RATE = 1e-3
ENTROPY_GATE = 0.4 * math.log(2.0)
"""E0 of EATA for two classes: a probability of about .92."""
REDUNDANCY = 0.05
FISHER = 2000.0
GAMMA = 0.8
"""READ's gamma; the published e^-1 lies below 1/2, where every sample of two classes is made surer."""
READ_RATE = 1e-4


def adabn(material: Material) -> Answer:
    """The late norms' statistics are those of the stream (AdaBN, arXiv 1603.04779)."""
    network = material.source.start()
    norms = [m for m in network.modules() if isinstance(m, RunningNorm) and _is_late(network, m)]
    learnt_from_stream(network, norms, material.stream)
    return _with_labels(material, network)


@torch.no_grad()
def learnt_from_stream(network: PadNetwork, norms: list[RunningNorm], stream: Features) -> None:
    """Cumulative statistics over one pass."""
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average over batches
        learn_statistics(norm, True)
    for rows in chunks(len(stream.presence), 64):
        late(network, stream.rows(rows))
    for norm in norms:
        learn_statistics(norm, False)
        norm.eval()


def tent(material: Material) -> Answer:
    """Entropy of the fused head falls through the norms' weights and biases (TENT, ICLR 2021)."""
    network = material.source.start()
    return answer(
        updated(material, network, norm_affine(network), lambda _, output: entropy(output.fused).mean(), TENT_RATE)
    )


def eata(material: Material) -> Answer:
    """TENT on sure and not redundant rows, held to what the source needs by its Fisher information (ICML 2022).

    The published filter takes rows whose prediction has a cosine below .05 to the running mean: of two classes there is
    no such row. Here a row counts whose probability is farther than .05 from it.
    """
    network = material.source.start()
    parameters = norm_affine(network)
    origin = [p.detach().clone() for p in parameters]
    fisher = _fisher(material, network, parameters)
    running: list[torch.Tensor] = []

    def loss(_: Features, output: ModelOutput) -> torch.Tensor | None:
        doubt, p = entropy(output.fused), torch.sigmoid(output.fused.detach())
        kept = doubt.detach() < ENTROPY_GATE
        if running:
            kept &= (p - running[0]).abs() > REDUNDANCY
        if bool(kept.any()):
            mean = p[kept].mean()
            running[:] = [0.9 * running[0] + 0.1 * mean if running else mean]
        held = sum((f * (q - o).square()).sum() for f, q, o in zip(fisher, parameters, origin, strict=True))
        weighted = (doubt * torch.exp(ENTROPY_GATE - doubt.detach()) * kept).sum() / kept.sum().clamp_min(1)
        return torch.as_tensor(weighted + FISHER * held)

    return answer(updated(material, network, parameters, loss, TENT_RATE))


def _fisher(material: Material, network: PadNetwork, parameters: list[torch.nn.Parameter]) -> list[torch.Tensor]:
    """Mean squared gradient of the source's loss by batches of replayed rows."""
    network.requires_grad_(False)
    for parameter in parameters:
        parameter.requires_grad_(True)
    found = [torch.zeros_like(p) for p in parameters]
    batches = list(chunks(min(512, len(material.source.replay)), 32))
    for rows in batches:
        loss = anchor_loss(
            late(network, material.source.replay.early.rows(rows)), material.source.replay.bona_fide[rows]
        )
        for total, gradient in zip(found, torch.autograd.grad(loss, parameters), strict=True):
            total += gradient.square() / len(batches)
    return found


def read(material: Material) -> Answer:
    """Confidence-aware loss on the fusion alone, the batch kept diverse (READ, ICLR 2024).

    Its query, key and value weights are this network's source scores, gates and fusion.
    """
    network = material.source.start()
    complementary = network.complementary
    parameters = [
        *complementary.source_score.parameters(),
        *complementary.gates.parameters(),
        *network.fusion.parameters(),
    ]
    return answer(updated(material, network, parameters, lambda _, output: read_loss(output.fused), READ_RATE))


def read_loss(logits: torch.Tensor) -> torch.Tensor:
    """P (1 - log p + log gamma) of the likelier class, less the entropy of the batch's mean."""
    p = torch.sigmoid(logits.abs())
    mean = torch.sigmoid(logits).mean().clamp(1e-6, 1.0 - 1e-6)
    spread = -(mean * mean.log() + (1.0 - mean) * (1.0 - mean).log())
    return (p * (1.0 - p.log() + math.log(GAMMA))).mean() - spread


def _with_labels(material: Material, network: PadNetwork) -> Answer:
    """Nothing more without labels; the labels' loss through the norms with them."""
    if material.labelled is None:
        return answer(network)
    return answer(updated(material, network, norm_affine(network), lambda _, __: None, TENT_RATE))


def _is_late(network: PadNetwork, norm: RunningNorm) -> bool:
    late_names = network.late_parameters()
    return any(value is norm.weight for value in late_names.values())
