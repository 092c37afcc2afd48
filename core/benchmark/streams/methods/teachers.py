"""Methods that teach themselves: naive pseudo-labels, CoTTA, RoTTA, 3A-TTA, PMC, on cached maps (method.md 1, 4, 5)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

import torch
from torch.nn import functional

from core.adaptation.early import late
from core.benchmark.streams.base import Answer, answer, joint_features, late_parameters, norm_affine, updated
from core.benchmark.streams.material import Material
from core.benchmark.streams.methods.norms import learnt_from_stream
from core.model.encoders import RunningNorm
from core.model.features import Features, joined
from core.model.network import ModelOutput, PadNetwork

RATE = 3e-4
NORM_RATE = 1e-3
ANCHOR_CONFIDENCE = 0.92
"""CoTTA averages over noise below this; the published .1 can never be with two classes."""
RESTORED = 0.001
COTTA_KEPT, ROTTA_KEPT = 0.999, 0.99
MEMORY = 64
_NOISE, _VIEWS = 0.1, 8
_FIRST_SHARE, _SHARE_STEP = 0.2, 0.02
_ACCURACY_KEPT = 0.98


def naive(material: Material) -> Answer:
    """Every row with the network's own decision as its label."""
    network = material.source.start()
    return answer(updated(material, network, late_parameters(network), _own_decision, RATE))


def _own_decision(_: Features, output: ModelOutput) -> torch.Tensor:
    target = (output.fused.detach() >= 0).float()
    return functional.binary_cross_entropy_with_logits(output.fused, target)


def cotta(material: Material) -> Answer:
    """An averaged teacher, noise where the anchor is unsure, and weights that now and then fall back (CVPR 2022)."""
    network = material.source.start()
    anchor, teacher = material.source.start(), material.source.start()
    parameters, slow = late_parameters(network), late_parameters(teacher)
    origin = [p.detach().clone() for p in parameters]
    generator = torch.Generator().manual_seed(material.seed)

    @torch.no_grad()
    def taught(batch: Features) -> torch.Tensor:
        sure = torch.sigmoid(late(anchor, batch).fused.abs()).mean()
        if sure >= ANCHOR_CONFIDENCE:
            return torch.sigmoid(late(teacher, batch).fused)
        views = [torch.sigmoid(late(teacher, _noised(batch, generator)).fused) for _ in range(_VIEWS)]
        return torch.stack(views).mean(dim=0)

    @torch.no_grad()
    def after() -> None:
        for p, average, first in zip(parameters, slow, origin, strict=True):
            average.lerp_(p, 1.0 - COTTA_KEPT)
            back = torch.rand(p.shape, generator=generator) < RESTORED
            p.copy_(torch.where(back, first, p))

    def loss(batch: Features, output: ModelOutput) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(output.fused, taught(batch))

    updated(material, network, parameters, loss, RATE, after)
    return answer(network if material.labelled is not None else teacher)


def rotta(material: Material) -> Answer:
    """A memory balanced by class, robust norms and a slow teacher (RoTTA, CVPR 2023)."""
    network = material.source.start()
    norms = [m for m in network.modules() if isinstance(m, RunningNorm) and m.weight.requires_grad]
    late_norms = [m for m in norms if any(m.weight is p for p in norm_affine(network))]
    _robust(network, late_norms, material.stream)
    teacher = copy.deepcopy(network)
    parameters, slow = norm_affine(network), norm_affine(teacher)
    memory, generator = Memory(), torch.Generator().manual_seed(material.seed)

    @torch.no_grad()
    def after() -> None:
        for p, average in zip(parameters, slow, strict=True):
            average.lerp_(p, 1.0 - ROTTA_KEPT)

    def loss(batch: Features, output: ModelOutput) -> torch.Tensor:
        memory.add(batch, output.fused.detach())
        rows, age = memory.rows, memory.age
        with torch.no_grad():
            target = torch.sigmoid(late(teacher, rows).fused)
        weight = torch.exp(-age) / (1.0 + torch.exp(-age))
        each = functional.binary_cross_entropy_with_logits(
            late(network, _noised(rows, generator)).fused, target, reduction="none"
        )
        return (weight * each).mean()

    updated(material, network, parameters, loss, NORM_RATE, after)
    return answer(network if material.labelled is not None else teacher)


@dataclass(slots=True)
class Memory:
    """RoTTA's CSTU memory: as many rows of each decided class; the old and the doubtful leave first."""

    kept: list[tuple[Features, float, float, bool]] = field(default_factory=list)

    def add(self, batch: Features, logits: torch.Tensor) -> None:
        """Take a batch; every kept row grows older."""
        self.kept = [(one, age + 1.0, doubt, cls) for one, age, doubt, cls in self.kept]
        for row in range(len(logits)):
            p = float(torch.sigmoid(logits[row].abs()))
            self.kept.append((batch.rows(torch.tensor([row])), 0.0, 1.0 - p, bool(logits[row] >= 0)))
        for of_class in (True, False):
            mine = [entry for entry in self.kept if entry[3] is of_class]
            mine.sort(key=lambda entry: 1.0 / (1.0 + 2.718 ** (-entry[1] / MEMORY)) + entry[2])
            self.kept = [entry for entry in self.kept if entry[3] is not of_class] + mine[: MEMORY // 2]

    @property
    def rows(self) -> Features:
        """All kept rows."""
        return joined([one for one, *_ in self.kept])

    @property
    def age(self) -> torch.Tensor:
        """Of each kept row, by the capacity."""
        return torch.tensor([age / MEMORY for _, age, *_ in self.kept])


def _robust(network: PadNetwork, norms: list[RunningNorm], stream: Features) -> None:
    """Statistics a twentieth of the way from the source's to the stream's."""
    before = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]  # type: ignore[union-attr]
    learnt_from_stream(network, norms, stream)
    for norm, (mean, variance) in zip(norms, before, strict=True):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(torch.lerp(mean, norm.running_mean, 0.05))
        norm.running_var.copy_(torch.lerp(variance, norm.running_var, 0.05))


def three_a(material: Material) -> Answer:
    """Pseudo-labels from where the activation lies, kept where they agree with the decision (3A-TTA on maps)."""
    network = material.source.start()

    def loss(_: Features, output: ModelOutput) -> torch.Tensor | None:
        by_place = activation_label(network, output)
        decided = output.fused.detach() >= 0
        kept = by_place == decided
        if not bool(kept.any()):
            return None
        each = functional.binary_cross_entropy_with_logits(output.fused, decided.float(), reduction="none")
        return (each * kept).sum() / kept.sum()

    return answer(updated(material, network, norm_affine(network), loss, NORM_RATE))


@torch.no_grad()
def activation_label(network: PadNetwork, output: ModelOutput) -> torch.Tensor:
    """``bool (B,)``: bona fide where the modalities' heads, asked at the most active half of the places, say so."""
    maps, presence = output.features.maps, output.features.presence
    places = maps.flatten(3).transpose(2, 3)
    energy = places.norm(dim=3)
    active = energy >= energy.median(dim=2, keepdim=True).values
    votes = []
    for m, head in enumerate(network.head.by_modality()):
        evidence = network.head.own_evidence(output.features.evidence, m)
        count = places.shape[2]
        flat = head(places[:, m].flatten(0, 1), evidence.repeat_interleave(count, dim=0)).reshape(-1, count)
        votes.append((flat * active[:, m]).sum(dim=1) / active[:, m].sum(dim=1))
    together = (torch.stack(votes, dim=1) * presence).sum(dim=1)
    return together >= 0


def pmc(material: Material) -> Answer:
    """The surest share of the stream teaches, weighted by confidence; the share grows while the source holds (PMC)."""
    network = material.source.start()
    share = [_FIRST_SHARE]
    first = _source_accuracy(material, network)

    def after() -> None:
        if _source_accuracy(material, network) >= _ACCURACY_KEPT * first:
            share[0] = min(1.0, share[0] + _SHARE_STEP)

    def loss(_: Features, output: ModelOutput) -> torch.Tensor:
        confidence = output.fused.detach().abs()
        kept = confidence >= torch.quantile(confidence, 1.0 - share[0])
        each = functional.binary_cross_entropy_with_logits(
            output.fused, (output.fused.detach() >= 0).float(), reduction="none"
        )
        weight = torch.sigmoid(confidence) * kept
        return (each * weight).sum() / weight.sum()

    return answer(updated(material, network, late_parameters(network), loss, RATE, after))


def _source_accuracy(material: Material, network: PadNetwork) -> float:
    replay = material.source.replay
    _, logits = joint_features(network, replay.early.rows(torch.arange(min(96, len(replay)))))
    return float(((logits >= 0) == replay.bona_fide[: len(logits)]).float().mean())


def _noised(batch: Features, generator: torch.Generator) -> Features:
    """Maps under multiplicative noise: what stands for augmentation behind the stem."""
    noise = 1.0 + _NOISE * torch.randn(batch.maps.shape, generator=generator)
    return replace(batch, maps=batch.maps * noise)
