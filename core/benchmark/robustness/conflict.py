"""Planted conflicts: one modality of a bona fide presentation is an instrument's; does the explanation name it?

Named is the modality with the most negative contribution (`core.explain.Explanation.accused`). Two controls: with
shuffled weights the explanation must change and name nobody in particular; moved by a pixel it must not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.benchmark.robustness.material import SEED, crop_of, exchanged
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import Species
from core.explain import Explanation, explain
from core.frames import ALL_MODALITIES, FaceCrop, Modality, ModalityMask
from core.metrics.rate import rate_of
from core.model.network import PadNetwork
from core.model.scorer import NetworkScorer
from core.scenes.domain import Domain
from core.stability import measure

DONORS: Mapping[Modality, tuple[Species, ...]] = {
    Modality.RGB: (Species.REPLAY_PHONE, Species.REPLAY_TABLET, Species.REPLAY_MONITOR),
    Modality.DEPTH: (Species.PRINT_FLAT, Species.PRINT_BENT, Species.REPLAY_TABLET, Species.REPLAY_MONITOR),
    Modality.IR: (Species.REPLAY_TABLET, Species.REPLAY_MONITOR, Species.PRINT_FLAT),
}
"""Instruments whose image in that modality is an instrument's beyond doubt: screens in colour, sheets in depth, screens
and paper in infrared."""
_SHUFFLES = 5
"""Shuffled models, the cases among them in turn: a single one may accuse a modality of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A bona fide crop with one modality of an instrument, and the crop before."""

    modality: Modality
    donor: Species
    crop: FaceCrop
    before: FaceCrop


def plant(
    domains: Sequence[Domain],
    count: int,
    report: Report,
    canceled: Canceled,
    seed: int = SEED + 7,
    modalities: Sequence[Modality] = tuple(Modality),
) -> list[Planted]:
    """``count`` conflicts for each of ``modalities``; domains and donors in turn.

    Raises:
        CanceledError: ``canceled``.
    """
    found: list[Planted] = []
    for number, modality in enumerate(modalities):
        index, have = 0, 0
        while have < count:
            stop_if(canceled)
            domain = domains[index % len(domains)]
            donor = DONORS[modality][index // len(domains) % len(DONORS[modality])]
            before = crop_of(domain, Species.BONA_FIDE, seed + number, index)
            other = crop_of(domain, donor, seed + number, index)
            if before.mask == other.mask == ALL_MODALITIES:
                found.append(Planted(modality, donor, exchanged(before, other, modality), before))
                have += 1
            index += 1
            report("planted conflicts", (number * count + have) / (len(modalities) * count))
    return found


def explained(scorer: NetworkScorer, crop: FaceCrop) -> Explanation:
    """The explanation of a crop."""
    return explain(scorer.mask_logits(crop))


def shuffled(scorer: NetworkScorer, seed: int = 0) -> NetworkScorer:
    """The same model with the numbers of every weight tensor in another order (Adebayo et al. 2018)."""
    random = torch.Generator().manual_seed(seed)
    network: PadNetwork = deepcopy(scorer.network)
    with torch.no_grad():
        for value in network.parameters():
            order = torch.randperm(value.numel(), generator=random)
            value.copy_(value.flatten()[order].reshape(value.shape))
    return NetworkScorer(network, scorer.manifest, torch.device("cpu"))


def report_conflicts(
    scorer: NetworkScorer, planted: Sequence[Planted], report: Report, canceled: Canceled
) -> dict[str, Any]:
    """How often the planted modality is named, with both controls.

    ``seen``: only the cases in which the model itself sees the conflict: alone the planted modality scores below even
    odds and did not before. The others tell of the model's eyes, not of its explanation; both are reported.
    """
    blind = [shuffled(scorer, seed) for seed in range(_SHUFFLES)]
    rows: list[dict[str, Any]] = []
    for number, case in enumerate(planted):
        stop_if(canceled)
        alone = ModalityMask.of([case.modality])
        values, before = scorer.mask_logits(case.crop), scorer.mask_logits(case.before)
        own, other = explain(values), explained(blind[number % _SHUFFLES], case.crop)
        stable = measure(scorer, case.crop, own)
        rows.append(
            {
                "modality": case.modality,
                "seen": values[alone] < 0 <= before[alone],
                "named": own.accused is case.modality,
                "blind_named": other.accused is case.modality,
                "own": [own.contributions[m] for m in Modality],
                "blind": [other.contributions[m] for m in Modality],
                "shuffle": number % _SHUFFLES,
                "kept": stable.kept,
                "spread": _relative(own, stable.spread),
                "residue": abs(own.base + sum(own.contributions.values()) - own.logit),
            }
        )
        report("explanations", (number + 1) / len(planted))
    return {
        "by_modality": {
            str(m): _told(chosen) for m in Modality if (chosen := [row for row in rows if row["modality"] is m])
        },
        "all": _told(rows),
        "largest_residue_logits": max(row["residue"] for row in rows),
    }


def _told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    seen = [row for row in rows if row["seen"]]
    return {
        "named": _rate([row["named"] for row in rows]),
        "named_where_seen": _rate([row["named"] for row in seen]),
        "named_with_shuffled_weights": _rate([row["blind_named"] for row in rows]),
        "correlation_with_shuffled_weights": _correlation(rows),
        "leader_kept_under_a_pixel": float(np.mean([row["kept"] for row in rows])),
        "spread_under_a_pixel": float(np.median([row["spread"] for row in rows])),
    }


def _correlation(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Mean correlation over the cases of a contribution and of the same one with shuffled weights; 0 = nothing left."""
    found = []
    for shuffle in range(_SHUFFLES):
        own, blind = (np.array([row[name] for row in rows if row["shuffle"] == shuffle]) for name in ("own", "blind"))
        for column in range(own.shape[1] if own.ndim == 2 else 0):
            if len(own) > 2 and own[:, column].std() > 0 and blind[:, column].std() > 0:
                found.append(np.corrcoef(own[:, column], blind[:, column])[0, 1])
    return float(np.mean(found)) if found else None


def _relative(own: Explanation, spread: Mapping[Modality, float]) -> float:
    """Spread under jitter over the size of the contributions."""
    size = float(np.linalg.norm(list(own.contributions.values())))
    return float(np.linalg.norm(list(spread.values()))) / max(size, 1e-9)


def _rate(said: Sequence[bool]) -> dict[str, float | int] | None:
    found = rate_of(list(said))
    return None if found is None else found.as_json()
