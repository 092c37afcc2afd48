"""Logits of samples under every mask, and what becomes of them: calibration, paired trials, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import Encoded
from core.adaptation.paired import PairedTrial, Stratum
from core.assessment import Thresholds, assess
from core.codes import Outcome
from core.frames import EVERY_MASK, ModalityMask
from core.metrics.trial import Trial
from core.model.features import joined
from core.model.folded import MaskedHeads, folded
from core.model.manifest import Manifest
from core.model.masks import mask_rows
from core.model.network import PadNetwork
from core.policy import SitePolicy
from core.training.calibration import Calibration
from core.verdict import Evidence, sigmoid

Scores = NDArray[np.float64]
_TOGETHER = 32
"""Samples that are judged at a time."""
_NEVER = -60.0
"""Log-odds below any threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One sample and its raw logit (mean over its crops) under each mask that it has and that tells its class."""

    presentation: str
    subject: str
    species: str
    stratum: Stratum
    logits: Mapping[ModalityMask, float]

    @property
    def mask(self) -> ModalityMask:
        """Its most complete mask."""
        return max(self.logits, key=len)


@dataclass(frozen=True, slots=True)
class Bars:
    """Temperatures and thresholds of a model per mask, as `core.assessment.Thresholds`."""

    sha256: str
    calibrations: Mapping[ModalityMask, Calibration]

    def may_accept(self, mask: ModalityMask) -> bool:
        """Wherever there is a threshold: figures are forced decisions, without the policy."""
        return self.threshold(mask) is not None

    def threshold(self, mask: ModalityMask) -> float | None:
        """Score threshold of a mask; ``None`` = never calibrated."""
        found = self.calibrations.get(mask)
        return None if found is None else found.threshold

    def score(self, mask: ModalityMask, logit: float) -> float:
        """Calibrated score of a raw pooled logit."""
        found = self.calibrations.get(mask)
        return sigmoid(logit / (1.0 if found is None else found.temperature))

    def margin(self, mask: ModalityMask, logit: float) -> float:
        """How far above the threshold the calibrated score lies, in log-odds; far below where there is no threshold."""
        found = self.calibrations.get(mask)
        return _NEVER if found is None else logit / found.temperature - _log_odds(found.threshold)

    def accepts(self, mask: ModalityMask, logit: float) -> bool:
        """The forced decision; never without a threshold."""
        threshold = self.threshold(mask)
        return threshold is not None and self.score(mask, logit) >= threshold


def bars_of(manifest: Manifest) -> Bars:
    """What a model's logits are held against; masks that it refers have none."""
    masks = [mask for mask in EVERY_MASK if manifest.threshold(mask) is not None]
    found = {m: Calibration(manifest.temperature_of(m), manifest.thresholds[str(m)]) for m in masks}
    return Bars(manifest.sha256, found)


def champion_levels(manifest: Manifest) -> dict[ModalityMask, float]:
    """The raw logit from which a model accepts, by mask."""
    return {
        mask: one.temperature * float(np.log(one.threshold / (1.0 - one.threshold)))
        for mask, one in bars_of(manifest).calibrations.items()
        if 0.0 < one.threshold < 1.0
    }


class Judge:
    """Several networks that share their early stages, judging one encoded sample after the other."""

    def __init__(self, networks: Sequence[PadNetwork]) -> None:
        self._folded = [folded(network) for network in networks]
        self._heads = [MaskedHeads(network) for network in self._folded]

    def __call__(self, sample: Encoded) -> list[Judged]:
        """What each network says of the sample, under every mask that tells its class."""
        return self.all([sample])[0]

    def each(self, samples: Iterable[Encoded]) -> Iterator[list[Judged]]:
        """`__call__` of each sample in order; some are taken at a time, and those alike judged in one batch."""
        order = iter(samples)
        while some := list(islice(order, _TOGETHER)):
            yield from self.all(some)

    @torch.inference_mode()
    def all(self, samples: Sequence[Encoded]) -> list[list[Judged]]:
        """`__call__` of each sample."""
        alike: dict[tuple[ModalityMask, ...], list[int]] = {}
        for number, sample in enumerate(samples):
            masks = tuple(m for m in EVERY_MASK if m & sample.mask == m and m & sample.telling)
            alike.setdefault(masks, []).append(number)
        found: list[list[Judged]] = [[] for _ in samples]
        for masks, numbers in alike.items():
            wanted = mask_rows(masks)
            cached = joined([samples[number].unvaried() for number in numbers])
            crops = [samples[number].crops for number in numbers]
            for network, heads in zip(self._folded, self._heads, strict=True):
                logits = torch.split(heads(network.encode_rest(cached), wanted)[1].double(), crops)
                for number, own in zip(numbers, logits, strict=True):
                    one, means = samples[number], own.mean(dim=0).tolist()
                    by_mask = dict(zip(masks, means, strict=True))
                    found[number].append(Judged(one.presentation, one.subject, one.species, one.stratum, by_mask))
        return found


def paired(
    champion: Iterable[Judged],
    champion_bars: Bars,
    candidate: Iterable[Judged],
    candidate_bars: Bars,
    artefacts: Mapping[str, str],
) -> list[PairedTrial]:
    """Both decisions on every presentation under every mask that the champion decides; both in the same order.

    ``artefacts``: what was presented, by presentation, where it is known.
    """
    trials = []
    for before, after in zip(champion, candidate, strict=True):
        for mask in before.logits:
            if champion_bars.threshold(mask) is None:
                continue
            old, new = before.logits[mask], after.logits[mask]
            trials.append(
                PairedTrial(
                    before.presentation,
                    before.subject,
                    before.species,
                    before.stratum,
                    mask,
                    champion_bars.accepts(mask, old),
                    candidate_bars.accepts(mask, new),
                    artefacts.get(before.presentation, ""),
                    (champion_bars.margin(mask, old), candidate_bars.margin(mask, new)),
                )
            )
    return trials


def trials_of(judged: Iterable[Judged], bars: Bars, mask: ModalityMask | None = None) -> list[Trial]:
    """Trials for a BLOCK: under ``mask``, or each presentation under its most complete one."""
    trials = []
    for found in judged:
        used = mask or found.mask
        if used in found.logits:
            evidence = evidence_of(found, used, bars)
            outcome = decided(evidence, bars)
            trials.append(Trial(found.presentation, found.subject, found.species, used, evidence.score, outcome))
    return trials


def evidence_of(found: Judged, mask: ModalityMask, bars: Bars) -> Evidence:
    """What was judged under ``mask`` as evidence."""
    score = bars.score(mask, found.logits[mask])
    return Evidence(mask=mask, logit=_log_odds(score), score=score)


def decided(evidence: Evidence, model: Thresholds) -> Outcome:
    """The decision that follows from this alone, under the default policy."""
    said = assess([evidence], SitePolicy(min_frame_sets=1), model)
    return Outcome.REFER if said is None else said.outcome


def _log_odds(score: float) -> float:
    inside = min(max(score, 1e-12), 1.0 - 1e-12)
    return float(np.log(inside) - np.log1p(-inside))
