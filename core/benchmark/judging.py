"""From frame logits to judged presentations: temperature and threshold per mask on source-dev, then margins.

A frame is never a trial. A frame's margin is its calibrated logit minus the threshold's, both of the mask that the
frame really has; a presentation's margin is the mean over its frames. So a presentation whose modalities come and go is
judged by every frame's own bar, and scores of different masks can be ranked together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.benchmark.people import People
from core.frames import EVERY_MASK
from core.training.calibration import Calibration, calibrate

Array = NDArray[np.float64]
_NO_MASK = -1


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Presentations under one mask. ``margin (P,)`` >= 0 accepts, NaN without an answer; ``score (P,)`` in 0..1."""

    margin: Array
    score: Array
    people: People

    @property
    def answered(self) -> NDArray[np.bool_]:
        """``bool (P,)``."""
        found: NDArray[np.bool_] = np.isfinite(self.margin)
        return found


def calibrations(logits: NDArray[np.float32], people: People) -> list[Calibration]:
    """Temperature and threshold of each of the seven masks from source-dev logits ``(N, 7)``.

    A mask without both classes on dev accepts nothing: its threshold is 1.
    """
    found = []
    for column in range(len(EVERY_MASK)):
        pooled = _mean_of_frames(logits[:, column].astype(np.float64), people)
        usable = np.isfinite(pooled)
        known = people.bona_fide[usable]
        both = bool(known.any()) and not bool(known.all())
        found.append(calibrate(pooled[usable], people.species[usable]) if both else Calibration(1.0, 1.0))
    return found


def judge(
    logits: NDArray[np.float32],
    people: People,
    found: list[Calibration],
    columns: NDArray[np.int64],
) -> Judged:
    """Judge presentations whose frames are seen under the masks ``columns int64 (N,)`` (numbers of `EVERY_MASK`).

    A frame that lacks a modality of its mask, or whose column is negative, does not speak.
    """
    rows = np.arange(len(logits))
    temperature = np.array([one.temperature for one in found])[columns]
    level = np.array([_logit(one.threshold) for one in found])[columns]
    calibrated = np.where(columns > _NO_MASK, logits[rows, columns].astype(np.float64) / temperature, np.nan)
    margin, pooled = _mean_of_frames(calibrated - level, people), _mean_of_frames(calibrated, people)
    return Judged(margin, 1.0 / (1.0 + np.exp(-pooled)), people)


def columns_under(presence: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number in `EVERY_MASK` of what each row ``bool (N, 3)`` has of ``mask bool (3,)`` or ``(N, 3)``; -1: nothing."""
    bits: NDArray[np.int64] = ((presence & mask).astype(np.int64) * np.array([1, 2, 4])).sum(axis=1)
    return bits - 1


def _mean_of_frames(values: Array, people: People) -> Array:
    usable = np.isfinite(values)
    count = len(people)
    frames = np.bincount(people.owner[usable], minlength=count)
    total = np.bincount(people.owner[usable], weights=values[usable], minlength=count)
    return np.where(frames > 0, total / np.maximum(frames, 1), np.nan)


def _logit(threshold: float) -> float:
    return math.inf if threshold >= 1.0 else math.log(threshold / (1.0 - threshold))
