"""ISO/IEC 30107-3 figures of a model on the test presentations, for the manifest and the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Outcome
from core.frames import ModalityMask
from core.metrics.block import block_of
from core.metrics.trial import Thresholds, Trial
from core.training.calibration import Calibration
from core.training.scoring import Pooled
from core.training.table import CropTable
from core.verdict import sigmoid

_DIGITS = 5


def scaled(logits: Pooled, calibration: Mapping[ModalityMask, Calibration]) -> Pooled:
    """Calibrated logits: the raw ones over each mask's temperature."""
    return {mask: values / calibration[mask].temperature for mask, values in logits.items()}


def by_mask(table: CropTable, logits: Pooled, thresholds: Thresholds, source: str) -> dict[str, Any]:
    """For every mask, the BLOCK of all presentations that can be reduced to it."""
    everyone = np.ones(len(table.presentations), dtype=bool)
    return {
        str(mask): _block(trials(table, {mask: values}, everyone, thresholds), thresholds, source)
        for mask, values in logits.items()
    }


def by_domain(table: CropTable, logits: Pooled, thresholds: Thresholds, source: str) -> dict[str, Any]:
    """For every domain, the BLOCK of its presentations as they were captured, each under its largest mask."""
    domains = np.asarray(table.domains)
    return {
        str(domain): _block(trials(table, logits, domains == domain, thresholds), thresholds, source)
        for domain in sorted(set(table.domains))
    }


def trials(table: CropTable, logits: Pooled, chosen: NDArray[np.bool_], thresholds: Thresholds) -> list[Trial]:
    """One trial for each chosen presentation, under the largest mask of ``logits`` that it has."""
    order = sorted(logits, key=len, reverse=True)
    made = []
    for number in np.flatnonzero(chosen):
        mask = next((mask for mask in order if np.isfinite(logits[mask][number])), None)
        if mask is None:
            continue
        score = sigmoid(float(logits[mask][number]))
        threshold = thresholds(mask)
        accepted = threshold is not None and score >= threshold
        made.append(
            Trial(
                presentation=table.presentations[number],
                subject=table.subjects[number],
                species=table.species[number],
                mask=mask,
                score=score,
                outcome=Outcome.BONA_FIDE if accepted else Outcome.ATTACK,
            )
        )
    return made


def _block(made: Sequence[Trial], thresholds: Thresholds, source: str) -> dict[str, Any]:
    block = block_of(made, thresholds, source).as_json()
    kept = {
        name: block[name] for name in ("threshold", "auc", "eer", "hter", "macro_hter", "apcer", "apcer_max", "bpcer")
    }
    return {name: _rounded(value) for name, value in kept.items()}


def _rounded(value: Any) -> Any:
    """Numbers short enough to read, in nested plain data."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return value
