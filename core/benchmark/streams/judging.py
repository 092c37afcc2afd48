"""From an answer to figures: thresholds of every mask by one rule for all, errors on people never adapted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.adaptation.judging import Bars
from core.adaptation.judging import Judged as Calibrating
from core.adaptation.paired import Stratum
from core.adaptation.thresholds import bound, calibrated, misplaced
from core.benchmark.judging import Judged, columns_under, judge
from core.benchmark.methods.base import MASKS
from core.benchmark.scores import figures
from core.benchmark.streams.base import Answer
from core.benchmark.streams.material import Cached
from core.frames import EVERY_MASK, ModalityMask
from core.training.calibration import Calibration

COMPLETE = len(EVERY_MASK) - 1
FIGURES = ("macro_hter", "auc", "oracle_hter", "ece", "bpcer", "apcer_max")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Figures ``(7,)`` of each name, in the order of `EVERY_MASK`, and the judged presentations of each mask."""

    figures: dict[str, NDArray[np.float64]]
    judged: tuple[Judged, ...]

    def mean(self, name: str) -> float:
        """Mean over the seven masks."""
        return float(np.nanmean(self.figures[name]))

    def complete(self, name: str) -> float:
        """Under the complete mask."""
        return float(self.figures[name][COMPLETE])


@dataclass(frozen=True, slots=True, eq=False)
class Champion:
    """The network that nobody adapted: what it says of source-dev, and the thresholds that it has from there."""

    answer: Answer
    dev: list[Calibrating]
    bars: Bars

    @classmethod
    def of(cls, answer: Answer, dev: Cached) -> Champion:
        """Judge source-dev and calibrate on it."""
        told = presented(answer, dev, None)
        return cls(answer, told, Bars("", calibrated(told)))

    @property
    def levels(self) -> dict[str, float]:
        """The raw logit of each mask's threshold, by the mask's name."""
        return {
            str(mask): one.temperature * float(np.log(one.threshold / (1.0 - one.threshold)))
            for mask, one in self.bars.calibrations.items()
        }

    def binds(self, after: list[Calibrating], labelled: Cached | None) -> list[Calibration]:
        """The product's thresholds of a candidate (`core.adaptation.candidate.write_candidate`).

        ``after``: what the candidate says of source-dev and the labelled presentations. No more attacks are accepted
        there than here, and where that allows it no more bona fide refused. A mask without a threshold here accepts
        nothing.
        """
        before = self.dev + ([] if labelled is None else _of_site(self.answer, labelled))
        return _every_mask(bound(after, before, self.bars, misplaced(before, self.bars)))


def presented(answer: Answer, dev: Cached, labelled: Cached | None) -> list[Calibrating]:
    """What thresholds are found on: source-dev, and in the label-equal table the labelled presentations as well."""
    told = presentations_of(answer(dev.early).numpy(), dev, Stratum.SOURCE)
    return told + ([] if labelled is None else _of_site(answer, labelled))


def thresholds(told: list[Calibrating]) -> list[Calibration]:
    """Temperature and threshold of every mask from what a method says of the presentations of `presented`.

    It is the product's own rule (`core.adaptation.thresholds.calibrated`) before it binds: the few of the site weigh as
    much as the simulated many. A mask without both classes accepts nothing.
    """
    return _every_mask(calibrated(told))


def outcome(logits: NDArray[np.float32], test: Cached, found: list[Calibration]) -> Outcome:
    """Every figure under every mask of what a method says of ``test``."""
    presence = test.early.presence.numpy()
    judged = tuple(judge(logits, test.people, found, columns_under(presence, mask)) for mask in MASKS.numpy())
    each = [figures(one) for one in judged]
    return Outcome({name: np.array([one[name] for one in each]) for name in FIGURES}, judged)


def presentations_of(logits: NDArray[np.float32], cached: Cached, stratum: Stratum) -> list[Calibrating]:
    """Mean logits of each presentation under each mask that all its crops have."""
    people = cached.people
    found = []
    for number in range(len(people)):
        mean = logits[people.owner == number].mean(axis=0)
        by_mask = {m: float(v) for m, v in zip(EVERY_MASK, mean, strict=True) if np.isfinite(v)}
        if by_mask:
            found.append(
                Calibrating(
                    str(people.ids[number]), str(people.subjects[number]), str(people.species[number]), stratum, by_mask
                )
            )
    return found


def _of_site(answer: Answer, labelled: Cached) -> list[Calibrating]:
    return presentations_of(answer(labelled.early).numpy(), labelled, Stratum.SITE)


def _every_mask(found: Mapping[ModalityMask, Calibration]) -> list[Calibration]:
    return [found.get(mask, Calibration(1.0, 1.0)) for mask in EVERY_MASK]
