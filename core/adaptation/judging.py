"""Logits of samples under every mask, and what becomes of them: calibration, paired trials, figures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import Encoded
from core.adaptation.paired import PairedTrial, Stratum
from core.assessment import assess
from core.codes import Outcome
from core.frames import EVERY_MASK, ModalityMask
from core.metrics.trial import Trial
from core.model.features import joined
from core.model.folded import MaskedHeads, folded
from core.model.manifest import Manifest
from core.model.masks import mask_rows
from core.model.network import PadNetwork
from core.model.novelty import Limits, Novelty
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
    """One sample and its raw logit (mean over its crops) under each mask that it has and that tells its class.

    ``novelty``: how far it is from what the model was made with, by any of its modalities, mean over its crops; above 1
    it is unfamiliar.
    """

    presentation: str
    subject: str
    species: str
    stratum: Stratum
    logits: Mapping[ModalityMask, float]
    novelty: float = 0.0

    @property
    def mask(self) -> ModalityMask:
        """Its most complete mask."""
        return max(self.logits, key=len)


@dataclass(frozen=True, slots=True)
class Bars:
    """Temperatures and thresholds of a model per mask, as `core.assessment.Thresholds`."""

    sha256: str
    calibrations: Mapping[ModalityMask, Calibration]

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
    """Several networks that share their early stages, judging one encoded sample after the other.

    ``limits`` of the unfamiliar they share as well, as a candidate has its champion's.
    """

    def __init__(self, networks: Sequence[PadNetwork], limits: Limits | None = None) -> None:
        self._novelty = Novelty(limits or {})
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
            strange = self._novelty.of(cached.evidence.numpy(), cached.presence.numpy())
            novelty = [float(one.mean()) for one in np.split(strange, np.cumsum(crops)[:-1])]
            for network, heads in zip(self._folded, self._heads, strict=True):
                logits = torch.split(heads(network.encode_rest(cached), wanted)[1].double(), crops)
                for number, own, far in zip(numbers, logits, novelty, strict=True):
                    one, by_mask = samples[number], dict(zip(masks, own.mean(dim=0).tolist(), strict=True))
                    named = (one.presentation, one.subject, one.species, one.stratum)
                    found[number].append(Judged(*named, by_mask, far))
        return found


@dataclass(frozen=True, slots=True)
class Deployed:
    """A model as it decides at the door: other than its forced decisions it may be held back.

    It never accepts under the masks that its manifest withholds (M5), nor what is unfamiliar (M6).
    """

    bars: Bars
    withheld: Collection[str] = ()

    @property
    def sha256(self) -> str:
        """See `core.assessment.Thresholds`."""
        return self.bars.sha256

    def threshold(self, mask: ModalityMask) -> float | None:
        """See `core.assessment.Thresholds`."""
        return self.bars.threshold(mask)

    def may_accept(self, mask: ModalityMask) -> bool:
        """See `core.assessment.Thresholds`."""
        return str(mask) not in self.withheld

    def held_back(self, found: Judged, mask: ModalityMask) -> bool:
        """Whether it could not accept this under ``mask`` whatever its score."""
        return not self.may_accept(mask) or found.novelty > 1.0

    def trial(self, found: Judged, mask: ModalityMask) -> Trial:
        """The trial of a presentation under ``mask``, by the default policy."""
        score = self.bars.score(mask, found.logits[mask])
        evidence = Evidence(mask=mask, logit=_log_odds(score), score=score, novelty=found.novelty)
        said = assess([evidence], SitePolicy(min_frame_sets=1), self)
        outcome = Outcome.REFER if said is None else said.outcome
        return Trial(found.presentation, found.subject, found.species, mask, score, outcome)


def paired(
    champion: Iterable[Judged],
    champion_model: Deployed,
    candidate: Iterable[Judged],
    candidate_model: Deployed,
    artefacts: Mapping[str, str],
) -> list[PairedTrial]:
    """Both decisions on every presentation under every mask that either model decides; both in the same order.

    Decisions are forced. But where one model is held back and the other is not, the one that is accepts nothing: else a
    model from elsewhere would be as good as the champion under masks that it accepts under and the champion never does.

    ``artefacts``: what was presented, by presentation, where it is known.
    """
    models, trials = (champion_model, candidate_model), []
    for sides in zip(champion, candidate, strict=True):
        before = sides[0]
        for mask in before.logits:
            if all(model.threshold(mask) is None for model in models):
                continue
            held = [model.held_back(side, mask) for model, side in zip(models, sides, strict=True)]
            shut = [one and not all(held) for one in held]
            old, new = (
                (False, _NEVER)
                if closed
                else (model.bars.accepts(mask, side.logits[mask]), model.bars.margin(mask, side.logits[mask]))
                for model, side, closed in zip(models, sides, shut, strict=True)
            )
            trials.append(
                PairedTrial(
                    before.presentation,
                    before.subject,
                    before.species,
                    before.stratum,
                    mask,
                    old[0],
                    new[0],
                    artefacts.get(before.presentation, ""),
                    (old[1], new[1]),
                )
            )
    return trials


def deployed(manifest: Manifest) -> Deployed:
    """The model of a manifest, with its own thresholds."""
    return Deployed(bars_of(manifest), manifest.withheld)


def trials_of(judged: Iterable[Judged], model: Deployed, mask: ModalityMask | None = None) -> list[Trial]:
    """Trials for a BLOCK: under ``mask``, or each presentation under its most complete one."""
    return [model.trial(one, mask or one.mask) for one in judged if (mask or one.mask) in one.logits]


def _log_odds(score: float) -> float:
    inside = min(max(score, 1e-12), 1.0 - 1e-12)
    return float(np.log(inside) - np.log1p(-inside))
