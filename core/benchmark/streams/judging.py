"""From an answer to figures: thresholds of every mask by one rule for all, errors on people never adapted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.adaptation.judging import Judged as Calibrating
from core.adaptation.paired import Stratum
from core.adaptation.thresholds import calibrated
from core.benchmark.judging import Judged, columns_under, judge
from core.benchmark.methods.base import MASKS
from core.benchmark.scores import figures
from core.benchmark.streams.base import Answer
from core.benchmark.streams.material import Cached
from core.frames import EVERY_MASK
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


def thresholds(answer: Answer, dev: Cached, labelled: Cached | None) -> list[Calibration]:
    """Temperature and threshold of every mask: source-dev, and in the label-equal table the labels as well.

    It is the product's own rule (`core.adaptation.thresholds.calibrated`): the few of the site weigh as much as the
    simulated many. A mask without both classes accepts nothing.
    """
    told = presentations_of(answer(dev.early).numpy(), dev, Stratum.SOURCE)
    if labelled is not None:
        told += presentations_of(answer(labelled.early).numpy(), labelled, Stratum.SITE)
    found = calibrated(told)
    return [found.get(mask, Calibration(1.0, 1.0)) for mask in EVERY_MASK]


def outcome(answer: Answer, test: Cached, found: list[Calibration]) -> Outcome:
    """Every figure under every mask."""
    logits, presence = answer(test.early).numpy(), test.early.presence.numpy()
    judged = tuple(judge(logits, test.people, found, columns_under(presence, mask)) for mask in MASKS.numpy())
    each = [figures(one) for one in judged]
    return Outcome({name: np.array([one[name] for one in each]) for name in FIGURES}, judged)


def levels(answer: Answer, dev: Cached) -> dict[str, float]:
    """The raw logit of each mask's threshold on source-dev, by the mask's name."""
    found = zip(EVERY_MASK, thresholds(answer, dev, None), strict=True)
    return {
        str(mask): one.temperature * float(np.log(one.threshold / (1.0 - one.threshold)))
        for mask, one in found
        if one.threshold < 1.0
    }


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
