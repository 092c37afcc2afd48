"""Ours with one thing changed (method.md 8.2, 8.3): what selects pseudo-labels, and what weighs the site's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.adaptation.pseudo import PseudoLabels, Select, SourceLimits, Unlabelled, select
from core.adaptation.settings import TrainingSettings
from core.adaptation.stability import Signals, StabilityWeight
from core.adaptation.trainer import AdaptationTrainer
from core.benchmark.streams.base import AdaptationMethod, Answer, answer
from core.benchmark.streams.material import Material
from core.benchmark.streams.methods.labels import PRODUCT_RATE, unlabelled_of
from core.model.uncertainty import Vote, binary_entropy


@dataclass(frozen=True, slots=True)
class Constant(StabilityWeight):
    """A weight that stays where it began; signals are followed for the guards all the same."""

    def after(self, signals: Signals) -> StabilityWeight:
        """See `StabilityWeight.after`."""
        moved = StabilityWeight.after(self, signals)
        return replace(moved, weight=self.weight, at_floor=0)

    def returned(self) -> StabilityWeight:
        """See `StabilityWeight.returned`."""
        return replace(self, anchor_high=0)


@dataclass(frozen=True, slots=True)
class Recorded(Constant):
    """Weights that an earlier run had, in another order; going back does not change them either."""

    past: tuple[float, ...] = ()

    def after(self, signals: Signals) -> StabilityWeight:
        """See `StabilityWeight.after`."""
        moved = StabilityWeight.after(self, signals)
        return replace(moved, weight=self.past[moved.steps % len(self.past)], at_floor=0)


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed: the rule that selects, the weight, the learning rate's factor, the anchor's pull."""

    rule: Select = select
    weigh: Callable[[tuple[float, ...]], StabilityWeight] | None = None
    rate: float = 1.0
    anchor_l2: float = TrainingSettings().anchor_l2


def changed(change: Change) -> Callable[[Material], Answer]:
    """Ours under a change. A change of the weight first runs ours, to have the weights that it would have had."""

    def adapt(material: Material) -> Answer:
        past: tuple[float, ...] = ()
        if change.weigh is not None:
            past = tuple(step["weight"] for step in _steps(material, Change(), None))
        trainer = _trainer(material, change, None if change.weigh is None else change.weigh(past))
        while not trainer.finished:
            trainer.step()
        return answer(trainer.teacher.eval())

    return adapt


def _steps(material: Material, change: Change, weight: StabilityWeight | None) -> list[dict[str, float]]:
    trainer = _trainer(material, change, weight)
    found = []
    while not trainer.finished:
        found.append(trainer.step())
    return found


def _trainer(material: Material, change: Change, weight: StabilityWeight | None) -> AdaptationTrainer:
    settings = TrainingSettings(
        steps=material.steps, batch=material.rows, learning_rate=change.rate * PRODUCT_RATE * material.rate,
        anchor_l2=change.anchor_l2,
    )  # fmt: skip
    told = unlabelled_of(material)
    site = None if material.labelled is None else material.labelled.table
    return AdaptationTrainer(
        material.source.start(), material.source.start(), site, material.source.replay, settings, material.seed,
        Unlabelled(told.early, told.limits, change.rule), weight,
    )  # fmt: skip


def by_fused_entropy(vote: Vote, presence: torch.Tensor, residual: torch.Tensor, limits: SourceLimits) -> PseudoLabels:
    """The fused head alone says what, and its own entropy how surely."""
    fused = vote.heads[3]
    doubt = binary_entropy(fused)
    return select(Vote(fused, doubt, torch.zeros_like(doubt), vote.heads), presence, residual, limits)


def symmetric(vote: Vote, presence: torch.Tensor, residual: torch.Tensor, limits: SourceLimits) -> PseudoLabels:
    """Bona fide are believed as attacks are: no second modality, no residual is asked for."""
    return select(vote, presence, residual, limits, strict=False)


def at_one_half(vote: Vote, presence: torch.Tensor, residual: torch.Tensor, limits: SourceLimits) -> PseudoLabels:
    """The label by one half instead of the source's threshold."""
    return select(vote, presence, residual, replace(limits, level=torch.full_like(limits.level, 0.5)))


def everything(vote: Vote, presence: torch.Tensor, residual: torch.Tensor, limits: SourceLimits) -> PseudoLabels:
    """Every row, whatever its uncertainty."""
    del presence, residual, limits
    bona_fide = vote.bona_fide >= 0.5
    return PseudoLabels(bona_fide, torch.ones_like(vote.bona_fide))


def at_random(vote: Vote, presence: torch.Tensor, residual: torch.Tensor, limits: SourceLimits) -> PseudoLabels:
    """The same shares of each pseudo-class, drawn."""
    drawn = torch.rand(len(presence), generator=torch.Generator().manual_seed(len(presence)))
    return select(Vote(vote.bona_fide, torch.zeros_like(drawn), drawn, vote.heads), presence, residual, limits, False)


def _constant_of_mean(past: tuple[float, ...]) -> StabilityWeight:
    return Constant(weight=float(np.mean(past)))


def _shuffled(past: tuple[float, ...]) -> StabilityWeight:
    order = np.random.default_rng(len(past)).permutation(len(past))
    mixed = tuple(past[i] for i in order)
    return Recorded(weight=mixed[0], past=mixed)


ABLATIONS = (
    AdaptationMethod("a_entropy", "selection by fused entropy alone", changed(Change(by_fused_entropy))),
    AdaptationMethod("a_symmetric", "bona fide believed as attacks are", changed(Change(symmetric))),
    AdaptationMethod(
        "a_half", "pseudo-labels at one half, not at the source's threshold", changed(Change(at_one_half))
    ),
    AdaptationMethod("a_everything", "every row is a pseudo-label", changed(Change(everything))),
    AdaptationMethod("a_random", "pseudo-labels kept at random", changed(Change(at_random))),
    AdaptationMethod("a_one", "weight constantly 1", changed(Change(weigh=lambda _: Constant(weight=1.0)))),
    AdaptationMethod("a_mean", "constant weight of the same mean", changed(Change(weigh=_constant_of_mean))),
    AdaptationMethod("a_shuffled", "the same weights in shuffled order", changed(Change(weigh=_shuffled))),
    AdaptationMethod("a_halved", "halved learning rate", changed(Change(rate=0.5))),
    AdaptationMethod("a_no_pull", "no pull towards the champion's weights", changed(Change(anchor_l2=0.0))),
)
