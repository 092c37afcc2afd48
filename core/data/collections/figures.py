"""The figures that papers report beside ours, from scored presentations (method.md section 2.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.frames import ModalityMask
from core.metrics.block import Block, block_of
from core.metrics.ranking import equal_error, error_curve
from core.metrics.trial import Thresholds, Trial

DEV_BPCER = 0.01
"""BPCER on the dev split at which the WMCA papers set their threshold."""


def equal_error_thresholds(trials: Sequence[Trial]) -> dict[ModalityMask, float]:
    """Threshold of each mask at which APCER and BPCER of ``trials`` are equal; none for a mask with one class."""
    found = {}
    for mask, of_mask in _by_mask(trials).items():
        equal = equal_error(*_ranks(of_mask))
        if equal is not None:
            found[mask] = equal[1]
    return found


def bpcer_thresholds(trials: Sequence[Trial], bpcer: float = DEV_BPCER) -> dict[ModalityMask, float]:
    """The highest threshold of each mask at which at most ``bpcer`` of the bona fide ``trials`` are refused."""
    found = {}
    for mask, of_mask in _by_mask(trials).items():
        bona_fide, attacks = _ranks(of_mask)
        if not bona_fide:
            continue
        thresholds, _, refused = error_curve(bona_fide, attacks)
        allowed = np.flatnonzero(refused <= bpcer)
        if allowed.size:
            found[mask] = float(thresholds[allowed[-1]])
    return found


def column(trials: Sequence[Trial], thresholds: Thresholds, source: str) -> dict[str, Any]:
    """A BLOCK at fixed thresholds, and the two ACERs that papers print."""
    block = block_of(trials, thresholds, source)
    return {**block.as_json(), **_acers(block, trials, thresholds)}


def oracle(trials: Sequence[Trial]) -> dict[str, Any]:
    """The literature's HTER: at the threshold where the errors **on these very trials** are equal, all masks as one."""
    equal = equal_error(*_ranks(trials))
    if equal is None:
        return {"hter": None, "eer": None, "threshold": None}
    threshold = equal[1]
    block = block_of(trials, lambda _: threshold, "the test set itself")
    return {"hter": block.hter, "eer": block.eer, "threshold": threshold, **_acers(block, trials, lambda _: threshold)}


def true_positives(trials: Sequence[Trial], rates: Sequence[float]) -> list[dict[str, Any]]:
    """Share of bona fide that is accepted where at most a share of attacks is, at thresholds of these very trials.

    ``resolved`` is false where there are fewer attacks than one over the rate: then it is the share at no error at all.
    """
    bona_fide, attacks = _ranks(trials)
    found = []
    for rate in rates:
        value = None
        if bona_fide and attacks:
            _, accepted, refused = error_curve(bona_fide, attacks)
            value = float(1.0 - refused[accepted <= rate].min())
        found.append({"fpr": rate, "tpr": value, "resolved": len(attacks) * rate >= 1.0})
    return found


def _acers(block: Block, trials: Sequence[Trial], thresholds: Thresholds) -> dict[str, float | None]:
    """``acer`` pools all attacks (as most papers), ``acer_max`` takes the worst species (ISO/IEC 30107-3)."""
    answered = [trial for trial in trials if not trial.bona_fide and trial.answered]
    if block.bpcer is None or not answered:
        return {"acer": None, "acer_max": None}
    pooled = sum(trial.accepted(thresholds) for trial in answered) / len(answered)
    worst = None if block.apcer_max is None else (block.apcer_max + block.bpcer.value) / 2.0
    return {"acer": (pooled + block.bpcer.value) / 2.0, "acer_max": worst}


def _ranks(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    """Bona fide without an answer rank below everything; attacks without one are no error and left aside."""
    bona_fide = [trial.rank for trial in trials if trial.bona_fide]
    return bona_fide, [trial.rank for trial in trials if not trial.bona_fide and trial.answered]


def _by_mask(trials: Sequence[Trial]) -> dict[ModalityMask, list[Trial]]:
    groups: dict[ModalityMask, list[Trial]] = {}
    for trial in trials:
        if trial.answered:
            groups.setdefault(trial.mask, []).append(trial)
    return groups
