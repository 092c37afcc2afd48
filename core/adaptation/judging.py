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
from core.model.manifest import Manifest
from core.model.network import PadNetwork
from core.policy import SitePolicy
from core.training.calibration import Calibration, at_logit, balanced_threshold, fit_temperature, tellable
from core.verdict import Evidence, sigmoid

Scores = NDArray[np.float64]

_STRICTEST = 1.0 - 1e-6
_HALF_TRUST = 5
"""Bona fide of the site that count as much as the simulated ones together."""
_NONE: Scores = np.empty(0)


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

    The threshold is where APCER equals BPCER. Bona fide of the site count the more, the more there are. APCER is the
    mean over three groups, each macro over its species: attacks presented on site, hybrids of its people, and those
    simulated species that the mask can tell (`core.training.calibration.tellable`); a site has few of the first, and
    among a dozen simulated species they would not be heard.
    """
    found = {}
    for mask in EVERY_MASK:
        rows = _Scores.of(judged, mask)
        if not rows.bona_fide.size or not rows.attacks.size:
            continue
        told = tellable(rows.source.get("", rows.bona_fide), _attacks(rows.source))
        groups = [_attacks(rows.site), _attacks(rows.hybrid), {k: rows.source[k] for k in told if k in rows.source}]
        of_site = rows.site.get("", _NONE)
        share = of_site.size / (of_site.size + _HALF_TRUST)
        threshold = balanced_threshold([(share, of_site), (1.0 - share, rows.source.get("", _NONE))], groups)
        found[mask] = at_logit(threshold, rows.temperature())
    return found


def no_looser(
    found: Mapping[ModalityMask, Calibration], judged: Sequence[Judged], before: Sequence[Judged], champion: Bars
) -> dict[ModalityMask, Calibration]:
    """Raise thresholds until no more attacks pass than the champion lets pass, on site and in simulation each.

    An operating point is a trade: a new one that accepts more bona fide by accepting more attacks is no adaptation. In
    simulation it is the species that the champion can tell under the mask: which of the others pass is chance. A mask
    for which the champion has no threshold is referred; it gets none here either, having nothing to be held to.
    ``judged`` and ``before`` are the same presentations in the same order, by the new weights and by the champion's.
    """
    raised = {}
    for mask, calibration in found.items():
        if champion.threshold(mask) is None:
            continue
        bars = Bars("", {mask: calibration})
        rows = [(new, old) for new, old in zip(judged, before, strict=True) if mask in new.logits]
        scores = np.sort([bars.score(mask, new.logits[mask]) for new, _ in rows])
        source = _Scores.of(before, mask).source
        told = tellable(source.get("", _NONE), _attacks(source))
        threshold = calibration.threshold
        for simulated in (True, False):
            attacks = [
                (new, old)
                for new, old in rows
                if new.species
                and (new.stratum is Stratum.SOURCE) is simulated
                and (not simulated or new.species in told)
            ]
            allowed = sum(champion.accepts(mask, old.logits[mask]) for _, old in attacks)
            if allowed < len(attacks):
                passing = sorted((bars.score(mask, new.logits[mask]) for new, _ in attacks), reverse=True)[allowed]
                threshold = max(threshold, _above(passing, scores))
        raised[mask] = Calibration(calibration.temperature, min(threshold, _STRICTEST))
    return raised


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Logits under one mask by species (empty = bona fide), for each stratum."""

    site: dict[str, Scores]
    hybrid: dict[str, Scores]
    source: dict[str, Scores]

    @classmethod
    def of(cls, judged: Iterable[Judged], mask: ModalityMask) -> _Scores:
        found: dict[Stratum, dict[str, list[float]]] = {stratum: {} for stratum in Stratum}
        for one in judged:
            if mask in one.logits:
                found[one.stratum].setdefault(one.species, []).append(one.logits[mask])
        by = {stratum: {k: np.array(v, np.float64) for k, v in each.items()} for stratum, each in found.items()}
        return cls(by[Stratum.SITE], by[Stratum.HYBRID], by[Stratum.SOURCE])

    @property
    def bona_fide(self) -> Scores:
        """Of the site and simulated."""
        return np.concatenate([self.site.get("", _NONE), self.source.get("", _NONE)])

    @property
    def attacks(self) -> Scores:
        """Of every stratum."""
        parts = [_attacks(stratum) for stratum in (self.site, self.hybrid, self.source)]
        return np.concatenate([_NONE, *(scores for part in parts for scores in part.values())])

    def temperature(self) -> float:
        """Site presentations count as often as it takes to weigh as much as the simulated ones."""
        of_site = [*self.site.items(), *self.hybrid.items()]
        count = sum(scores.size for _, scores in of_site)
        weight = max(1, round(sum(scores.size for scores in self.source.values()) / count)) if count else 1
        repeated = [*self.source.items(), *((kind, np.repeat(scores, weight)) for kind, scores in of_site)]
        bona_fide = np.concatenate([np.full(scores.size, kind == "") for kind, scores in repeated])
        return fit_temperature(np.concatenate([scores for _, scores in repeated]), bona_fide)


def _attacks(by_species: Mapping[str, Scores]) -> dict[str, Scores]:
    return {kind: scores for kind, scores in by_species.items() if kind}


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
            trials.append(
                PairedTrial(
                    before.presentation,
                    before.subject,
                    before.species,
                    before.stratum,
                    mask,
                    champion_bars.accepts(mask, before.logits[mask]),
                    candidate_bars.accepts(mask, after.logits[mask]),
                    artefacts.get(before.presentation, ""),
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
