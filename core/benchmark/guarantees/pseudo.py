"""Guarantee 5: pseudo-labels at the source threshold are wrong often enough, and confidently, and in more than one way.

Pseudo-label of a target presentation: fused logit against source-dev's threshold; its confidence: the calibrated
probability of the label that was given (temperature from source-dev). A wrong one is wrong *for a common cause* where
at least two modalities are wrong by their own thresholds; that they share a cause is shown by their errors coinciding
more often, within a species, than independent errors would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.benchmark.guarantees.figures import Bounded, bounded, threshold_of
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.study import Floats, Scored, Study
from core.training.calibration import fit_temperature

WRONG, MIN_CONFIDENT, MIN_COMMON = (0.10, 0.30), 0.20, 1 / 3
CONFIDENT = 0.92
MIN_LIFT = 1.0
_FEW_WRONG = 5


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Per presentation: is its pseudo-label ``wrong``, its ``confidence``, which ``modalities (P, 3)`` are wrong."""

    wrong: NDArray[np.bool_]
    confidence: Floats
    modalities: NDArray[np.bool_]
    species: NDArray[np.str_]
    subjects: NDArray[np.str_]


def pseudo_findings(study: Study, names: Sequence[str]) -> list[Finding]:
    """The three shares over all targets of the first seed, and the coincidence of errors."""
    found = []
    for name in names:
        others = [other for other in names if other != name]
        seed = study.plan.seeds[0]
        dev, target = study.scored(others, seed, others, "dev"), study.scored(others, seed, [name], "test")
        found.append(pseudo_labels(dev, target))
    return findings_of(
        joined(found), {name: round(float(one.wrong.mean()), 3) for name, one in zip(names, found, strict=True)}
    )


def findings_of(labels: Labels, by_target: dict[str, float]) -> list[Finding]:
    """The findings on labels of one or more targets."""
    wrong = np.flatnonzero(labels.wrong)
    share = bounded(lambda at: float(labels.wrong[at].mean()), labels.subjects)
    found = [Finding(5, "pseudo_label/wrong", share, WRONG, details={"by_target": by_target})]
    if len(wrong) < _FEW_WRONG:
        none = Bounded(float("nan"), float("nan"), float("nan"))
        return [
            *found,
            Finding(5, "pseudo_label/confident", none, (MIN_CONFIDENT, None)),
            Finding(5, "pseudo_label/common_cause", none, (MIN_COMMON, None)),
        ]
    subjects = labels.subjects[wrong]
    sure = labels.confidence[wrong] > CONFIDENT
    several = labels.modalities[wrong].sum(axis=1) >= 2
    lift = coincidence(labels)
    return [
        *found,
        Finding(
            5, "pseudo_label/confident", bounded(lambda at: float(sure[at].mean()), subjects), (MIN_CONFIDENT, None)
        ),
        Finding(
            5, "pseudo_label/common_cause", bounded(lambda at: float(several[at].mean()), subjects), (MIN_COMMON, None)
        ),
        Finding(5, "pseudo_label/coincidence", Bounded(lift, lift, lift), (MIN_LIFT, None)),
    ]


def pseudo_labels(dev: Scored, target: Scored) -> Labels:
    """Labels of the target by thresholds and temperature of dev."""
    usable = np.isfinite(dev.fused)
    temperature = fit_temperature(dev.fused[usable], dev.species[usable] == "")
    threshold = threshold_of(dev.fused, dev.species)
    people = target.species == ""
    scaled = np.nan_to_num((target.fused - threshold) / temperature, nan=-math.inf)
    given = scaled >= 0
    modalities = np.zeros(target.alone.shape, dtype=bool)
    for column in range(target.alone.shape[1]):
        own = threshold_of(dev.alone[:, column], dev.species)
        here = np.isfinite(target.alone[:, column])
        modalities[:, column] = here & ((np.nan_to_num(target.alone[:, column]) >= own) != people)
    probability = 1.0 / (1.0 + np.exp(-np.abs(np.clip(scaled, -60, 60))))
    return Labels(given != people, probability, modalities, target.species, target.subjects)


def coincidence(labels: Labels) -> float:
    """How many times more often two modalities are wrong together than if independent within each species.

    Averaged over the pairs of modalities, weighted by what independence expects.
    """
    together = expected = 0.0
    for species in np.unique(labels.species):
        wrong = labels.modalities[labels.species == species].astype(np.float64)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            together += float((wrong[:, a] * wrong[:, b]).sum())
            expected += float(wrong[:, a].mean() * wrong[:, b].mean() * len(wrong))
    return together / expected if expected else float("nan")


def joined(many: Sequence[Labels]) -> Labels:
    """Labels of several targets."""
    return Labels(*(np.concatenate([getattr(one, name) for one in many]) for name in Labels.__slots__))
