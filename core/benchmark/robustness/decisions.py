"""The share of decisions that an attacker can flip: by mask, by what he may change, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.assessment import log_odds
from core.benchmark.robustness.material import Case, crops_of
from core.benchmark.robustness.pgd import Threat, attacked, names
from core.benchmark.robustness.pixels import Pixels
from core.benchmark.work import Canceled, Report, stop_if
from core.frames import ALL_MODALITIES, EVERY_MASK, Modality, ModalityMask
from core.metrics.rate import rate_of
from core.model.inputs import CropBatch, stack
from core.model.network import PadNetwork
from core.model.scorer import NetworkScorer

BATCH = 16
LEVELS = (2.0, 4.0, 8.0)
MAX_NOVELTY = 1.0
"""Above it a person or instrument is referred as unfamiliar (rule M6 of `core.assessment`)."""
Attack = Callable[[PadNetwork, Pixels, Threat, int], Pixels]


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the table: a mask, the modalities that are changed, the budget and the direction."""

    mask: ModalityMask
    threat: Threat


def single_and_joint(mask: ModalityMask) -> Iterator[tuple[Modality, ...]]:
    """Every present modality by itself, then all of them together."""
    for modality in mask:
        yield (modality,)
    if len(mask) > 1:
        yield tuple(mask)


def cells(levels: Sequence[float], masks: Sequence[ModalityMask] = EVERY_MASK) -> list[Cell]:
    """Every mask, single modalities and all together: every budget towards bona fide, the largest one away from it."""
    directions = [(budget, 1) for budget in levels] + [(max(levels), -1)]
    return [
        Cell(mask, Threat(changed, budget, towards))
        for mask in masks
        for changed in single_and_joint(mask)
        for budget, towards in directions
    ]


def accepted(scorer: NetworkScorer, batch: CropBatch, mask: ModalityMask) -> list[bool]:
    """Whether the model takes each row for bona fide, through the product's own path: score >= threshold and familiar.

    What the policy would refer all the same (colour alone, weak masks) counts: the model itself is measured. Without a
    threshold nobody is accepted.
    """
    threshold = scorer.threshold(mask)
    if threshold is None or not 0.0 < threshold < 1.0:
        return [False] * len(batch)
    bar = log_odds(threshold)
    return [e.logit >= bar and e.novelty <= MAX_NOVELTY for e in scorer.score(crops_of(batch))]


def flipped(
    scorer: NetworkScorer,
    cases: Sequence[Case],
    cell: Cell,
    attack: Attack,
    maker: PadNetwork | None = None,
    canceled: Canceled = lambda: False,
) -> list[bool]:
    """Of the cases whose clean decision is right: whether each is flipped.

    Args:
        scorer: the model that decides.
        cases: attack presentations for a threat towards bona fide, bona fide ones for the other.
        cell: what is done.
        attack: makes the pixels.
        maker: the network that the attacker has; the deciding one where there is none.
        canceled: looked at before each batch.
    """
    found: list[bool] = []
    for start in range(0, len(cases), BATCH):
        stop_if(canceled)
        crops = [case.crop.restricted(cell.mask) for case in cases[start : start + BATCH]]
        right = [said is (cell.threat.towards < 0) for said in accepted(scorer, stack(crops), cell.mask)]
        held = [crop for crop, ok in zip(crops, right, strict=True) if ok]
        if held:
            changed = attack(maker or scorer.network, Pixels.of(stack(held)), cell.threat, start)
            found += [said is (cell.threat.towards > 0) for said in accepted(scorer, changed.batch(), cell.mask)]
    return found


def table(
    scorer: NetworkScorer,
    bona_fide: Sequence[Case],
    attacks: Sequence[Case],
    wanted: Sequence[Cell],
    report: Report,
    canceled: Canceled,
    attack: Attack = attacked,
    maker: PadNetwork | None = None,
    what: str = "gradient attacks",
) -> list[dict[str, Any]]:
    """A row for each cell: how many right decisions there were, and the share that was flipped."""
    rows: list[dict[str, Any]] = []
    for number, cell in enumerate(wanted):
        cases = attacks if cell.threat.towards > 0 else bona_fide
        found = flipped(scorer, cases, cell, attack, maker, canceled)
        share = rate_of(found)
        rows.append(
            {
                "mask": str(cell.mask),
                "changed": names(cell.threat.modalities),
                "levels": cell.threat.levels,
                "of": "attack" if cell.threat.towards > 0 else "bona_fide",
                "may_accept": scorer.may_accept(cell.mask),
                "flipped": None if share is None else share.as_json(),
            }
        )
        report(what, (number + 1) / len(wanted))
    return rows


def clean_decisions(
    scorer: NetworkScorer, bona_fide: Sequence[Case], attacks: Sequence[Case]
) -> dict[str, dict[str, Any]]:
    """What is accepted of the untouched cases by mask: without it a share of flips says little."""
    found: dict[str, dict[str, Any]] = {}
    for mask in EVERY_MASK:
        said = [
            [
                one
                for chunk in _chunks(cases)
                for one in accepted(scorer, stack([c.crop.restricted(mask) for c in chunk]), mask)
            ]
            for cases in (bona_fide, attacks)
        ]
        refused, passed = rate_of([not one for one in said[0]]), rate_of(said[1])
        found[str(mask)] = {
            "bona_fide_not_accepted": None if refused is None else refused.as_json(),
            "attack_accepted": None if passed is None else passed.as_json(),
        }
    return found


def separation(scorer: NetworkScorer, bona_fide: Sequence[Case], attacks: Sequence[Case]) -> float:
    """AUC on the cases with every modality: how good a network is that attacks are transferred from."""
    logits = [
        np.array([evidence.logit for evidence in scorer.score([case.crop for case in cases])])
        for cases in (bona_fide, attacks)
    ]
    return float((logits[0][:, None] > logits[1][None]).mean() + 0.5 * (logits[0][:, None] == logits[1][None]).mean())


def _chunks(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    return (cases[start : start + BATCH] for start in range(0, len(cases), BATCH))


FULL_MASK = (ALL_MODALITIES,)
PARTIAL_MASKS = tuple(mask for mask in EVERY_MASK if mask != ALL_MODALITIES)
