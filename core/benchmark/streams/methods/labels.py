"""Methods that live on labels, the product's own pass, and the oracle."""

from __future__ import annotations

import torch
from torch import nn

from core.adaptation.early import FeatureTable, late
from core.adaptation.pseudo import Unlabelled, source_limits
from core.adaptation.settings import TrainingSettings
from core.adaptation.trainer import AdaptationTrainer
from core.benchmark.streams.base import Answer, answer, answer_by_features, late_parameters, updated
from core.benchmark.streams.material import Cached, Material
from core.benchmark.work import Canceled
from core.frames import EVERY_MASK
from core.model.features import joined
from core.model.network import PadNetwork

RATE = 3e-4
PRODUCT_RATE = TrainingSettings().learning_rate
_PROBE_RATE, _PROBE_STEPS, _PROBE_L2 = 1e-2, 100, 1e-2
_ORACLE_STEPS = 6


def unadapted(material: Material) -> Answer:
    """The network as it came."""
    return answer(material.source.start())


def linear_probe(material: Material) -> Answer:
    """A linear correction of the logit from joint features, fitted on the labelled rows alone."""
    assert material.labelled is not None
    network, table = material.source.start(), material.labelled.table
    with torch.no_grad():
        output = late(network, table.early.rows(torch.arange(len(table))))
    probe = nn.Linear(output.joint.shape[1], 1)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    target = table.bona_fide.float()
    weight = torch.where(table.bona_fide, 0.5 / target.sum().clamp_min(1), 0.5 / (1 - target).sum().clamp_min(1))
    optimizer = torch.optim.Adam(probe.parameters(), lr=_PROBE_RATE * material.rate)
    for _ in range(_PROBE_STEPS):
        logits = output.fused + probe(output.joint)[:, 0]
        each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss = (weight * each).sum() + _PROBE_L2 * probe.weight.square().sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
    return answer_by_features(network, lambda features, own: own + probe(features)[:, 0])


def fine_tuning(material: Material) -> Answer:
    """Everything after the stem on the labelled rows, without replay and without anchor."""
    network = material.source.start()
    return answer(updated(material, network, late_parameters(network), lambda _, __: None, RATE))


def labels_and_replay(material: Material) -> Answer:
    """The product's pass without pseudo-labels."""
    assert material.labelled is not None
    return answer(passed(material, material.labelled.table, None))


def ours(material: Material) -> Answer:
    """The product's pass: labels where there are any, pseudo-labels of the rest, replay, anchor, adaptive weight."""
    return answer(ours_network(material))


def ours_network(material: Material) -> PadNetwork:
    """The candidate of `ours`."""
    site = None if material.labelled is None else material.labelled.table
    return passed(material, site, unlabelled_of(material))


def oracle(material: Material) -> Answer:
    """Every label of the stream, and six times the steps: what could be had at most of these people."""
    parts = [material.hidden] if material.labelled is None else [material.hidden, material.labelled]
    return answer(passed(material, all_labels(parts), None, _ORACLE_STEPS))


def unlabelled_of(material: Material) -> Unlabelled:
    """The stream as the product takes captures without labels."""
    levels = {mask: material.source.levels[str(mask)] for mask in EVERY_MASK if str(mask) in material.source.levels}
    return Unlabelled(material.stream, source_limits(material.source.network, material.source.replay, levels))


def passed(
    material: Material, site: FeatureTable | None, unlabelled: Unlabelled | None, longer: int = 1,
    watch: Canceled = lambda: False,
) -> PadNetwork:  # fmt: skip
    """The product's trainer on the material; ``watch`` is asked after each step and may end it."""
    trainer = trainer_of(material, site, unlabelled, longer)
    while not trainer.finished and not watch():
        trainer.step()
    return trainer.teacher.eval()


def trainer_of(
    material: Material, site: FeatureTable | None, unlabelled: Unlabelled | None, longer: int = 1
) -> AdaptationTrainer:
    """A pass of the product with the study's number of steps."""
    settings = TrainingSettings(
        steps=longer * material.steps, batch=material.rows, learning_rate=PRODUCT_RATE * material.rate
    )
    student, teacher = material.source.start(), material.source.start()
    return AdaptationTrainer(student, teacher, site, material.source.replay, settings, material.seed, unlabelled)


def all_labels(parts: list[Cached]) -> FeatureTable:
    """The rows of several sets with their labels."""
    tables = [part.table for part in parts]
    return FeatureTable(
        joined([table.early for table in tables]),
        torch.cat([table.bona_fide for table in tables]),
        torch.cat([table.evidence for table in tables]),
        torch.cat([table.cell for table in tables]),
    )
