"""Logits of samples under every mask, and what becomes of them: calibration, paired trials, figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import Encoded
from core.adaptation.paired import PairedTrial, Stratum
from core.assessment import assess
from core.codes import Outcome
from core.frames import EVERY_MASK, MODALITIES, ModalityMask
from core.metrics.trial import Trial
from core.model.folded import MaskedHeads, folded
from core.model.network import PadNetwork
from core.policy import SitePolicy
from core.training.calibration import Calibration, calibrate
from core.verdict import Evidence, sigmoid

_STRICTEST = 1.0 - 1e-6


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

    def accepts(self, mask: ModalityMask, logit: float) -> bool:
        """The forced decision; never without a threshold."""
        threshold = self.threshold(mask)
        return threshold is not None and self.score(mask, logit) >= threshold


class Judge:
    """Several networks that share their early stages, judging one encoded sample after the other."""

    def __init__(self, networks: Sequence[PadNetwork]) -> None:
        self._folded = [folded(network) for network in networks]
        self._heads = [MaskedHeads(network) for network in self._folded]

    @torch.inference_mode()
    def __call__(self, sample: Encoded) -> list[Judged]:
        """What each network says of the sample, under every mask that tells its class."""
        cached = sample.unvaried()
        masks = [m for m in EVERY_MASK if m & sample.mask == m and m & sample.telling]
        wanted = torch.tensor([[modality in mask for modality in MODALITIES] for mask in masks])
        found = []
        for network, heads in zip(self._folded, self._heads, strict=True):
            logits = heads(network.encode_rest(cached), wanted)[1].double().mean(dim=0).tolist()
            by_mask = dict(zip(masks, logits, strict=True))
            found.append(Judged(sample.presentation, sample.subject, sample.species, sample.stratum, by_mask))
        return found


def calibrated(judged: Sequence[Judged]) -> dict[ModalityMask, Calibration]:
    """Temperature and threshold of every mask for which both classes are there.

    Site presentations are counted as often as it takes to weigh as much as the simulated ones: they are the few that
    the thresholds are for. A species is one cell, whether simulated or presented on site.
    """
    found = {}
    for mask in EVERY_MASK:
        rows = [j for j in judged if mask in j.logits]
        source = sum(j.stratum is Stratum.SOURCE for j in rows)
        site = len(rows) - source
        weight = max(1, round(source / site)) if site else 1
        repeats = [1 if j.stratum is Stratum.SOURCE else weight for j in rows]
        species = np.repeat(np.array([j.species for j in rows], dtype=np.str_), repeats)
        if (species == "").any() and (species != "").any():
            found[mask] = calibrate(np.repeat(np.array([j.logits[mask] for j in rows], np.float64), repeats), species)
    return found


def no_looser(
    found: Mapping[ModalityMask, Calibration], judged: Sequence[Judged], before: Sequence[Judged], champion: Bars
) -> dict[ModalityMask, Calibration]:
    """Raise thresholds until no more attacks pass than the champion lets pass, on site and in simulation each.

    An operating point is a trade: a new one that accepts more bona fide by accepting more attacks is no adaptation. A
    mask for which the champion has no threshold is referred; it gets none here either, having nothing to be held to.
    ``judged`` and ``before`` are the same presentations in the same order, by the new weights and by the champion's.
    """
    raised = {}
    for mask, calibration in found.items():
        if champion.threshold(mask) is None:
            continue
        bars = Bars("", {mask: calibration})
        rows = [(new, old) for new, old in zip(judged, before, strict=True) if mask in new.logits]
        scores = np.sort([bars.score(mask, new.logits[mask]) for new, _ in rows])
        threshold = calibration.threshold
        for simulated in (True, False):
            attacks = [(n, o) for n, o in rows if n.species and (n.stratum is Stratum.SOURCE) is simulated]
            allowed = sum(champion.accepts(mask, old.logits[mask]) for _, old in attacks)
            if allowed < len(attacks):
                passing = sorted((bars.score(mask, new.logits[mask]) for new, _ in attacks), reverse=True)[allowed]
                threshold = max(threshold, _above(passing, scores))
        raised[mask] = Calibration(calibration.temperature, min(threshold, _STRICTEST))
    return raised


def paired(
    champion: Iterable[Judged], champion_bars: Bars, candidate: Iterable[Judged], candidate_bars: Bars
) -> list[PairedTrial]:
    """Both decisions on every presentation under every mask that the champion decides; both in the same order."""
    trials = []
    for before, after in zip(champion, candidate, strict=True):
        for mask in before.logits:
            if champion_bars.threshold(mask) is None:
                continue
            trials.append(
                PairedTrial(
                    before.presentation,
                    before.subject,
                    before.species,
                    before.stratum,
                    mask,
                    champion_bars.accepts(mask, before.logits[mask]),
                    candidate_bars.accepts(mask, after.logits[mask]),
                )
            )
    return trials


def trials_of(judged: Iterable[Judged], bars: Bars, mask: ModalityMask | None = None) -> list[Trial]:
    """Trials for a BLOCK: under ``mask``, or each presentation under its most complete one."""
    policy = SitePolicy(min_frame_sets=1)
    trials = []
    for found in judged:
        used = mask or found.mask
        if used not in found.logits:
            continue
        score = bars.score(used, found.logits[used])
        evidence = Evidence(mask=used, logit=_log_odds(score), score=score)
        said = assess([evidence], policy, bars)
        outcome = Outcome.REFER if said is None else said.outcome
        trials.append(Trial(found.presentation, found.subject, found.species, used, score, outcome))
    return trials


def _above(score: float, scores: NDArray[np.float64]) -> float:
    """Half-way from ``score`` to the next higher of ``scores``."""
    higher = scores[scores > score]
    return (score + (float(higher[0]) if higher.size else 1.0)) / 2.0


def _log_odds(score: float) -> float:
    inside = min(max(score, 1e-12), 1.0 - 1e-12)
    return float(np.log(inside) - np.log1p(-inside))
