"""Pseudo-labels made reliable by uncertainty across the present modalities (method.md section 8.2).

A capture that nobody labelled trains only where the heads of its modalities agree with each other and with themselves
under dropout. A pseudo bona fide needs more: two present modalities that say so, and residuals as live faces have them;
what a single modality accepts could be the attack that fools this modality. So a session of colour alone gives none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch

from core.adaptation.early import FeatureTable, late
from core.frames import EVERY_MASK, ModalityMask
from core.model.features import Features
from core.model.masks import mask_rows
from core.model.network import PadNetwork
from core.model.uncertainty import Uncertainty, Vote

KEPT_BONA_FIDE, KEPT_ATTACK = 0.3, 0.5
"""Of each pseudo-class, the share that is least uncertain."""
MOST_DOUBT = 0.4
"""Hard cap on H(q) in bits: a vote of about .92."""
AGREEING = 2
_RESIDUAL_QUANTILE = 0.95
_BALANCE = (0.25, 4.0)
_CHUNK = 256
_MASKS = mask_rows(EVERY_MASK)
_BITS = torch.tensor([1, 2, 4])


@dataclass(frozen=True, slots=True, eq=False)
class PseudoLabels:
    """``bona_fide bool (N,)`` and ``weight float (N,)``, omega of method.md 8.2: 0 where nothing is to be learnt.

    ``agreement``: see `agreement_of`; ``None`` where it was not kept. It is shown to a person, and decides nothing.
    """

    bona_fide: torch.Tensor
    weight: torch.Tensor
    agreement: float | None = None

    @property
    def kept(self) -> torch.Tensor:
        """``bool (N,)``."""
        return self.weight > 0

    def counts(self) -> tuple[int, int]:
        """How many pseudo bona fide and how many pseudo attacks are kept."""
        bona_fide = int((self.kept & self.bona_fide).sum())
        return bona_fide, int(self.kept.sum()) - bona_fide


@dataclass(frozen=True, slots=True, eq=False)
class SourceLimits:
    """What the source says of each of the seven masks, in the order of `EVERY_MASK`.

    ``level (7,)``: the probability from which the uncalibrated fused head means bona fide (tau_s, never simply 0.5).
    ``residual (7, 3)``: the 95th percentile of each modality's residual among bona fide.
    """

    level: torch.Tensor
    residual: torch.Tensor


@torch.no_grad()
def source_limits(
    network: PadNetwork, source: FeatureTable, logit_thresholds: Mapping[ModalityMask, float]
) -> SourceLimits:
    """Limits from labelled source rows; a mask without a threshold never gives a bona fide.

    Args:
        network: the champion.
        source: replayed rows of both classes.
        logit_thresholds: raw fused logit from which the champion accepts, by mask.
    """
    network.eval()
    rows = torch.nonzero(source.bona_fide & source.early.presence.all(dim=1))[:, 0][:_CHUNK]
    features = network.encode_rest(source.early.rows(rows))
    residual = torch.zeros(len(EVERY_MASK), 3)
    for number, mask in enumerate(_MASKS):
        found = network.complement(features.restricted(mask.expand(len(rows), 3))).residual
        if len(rows):
            residual[number] = torch.quantile(found, _RESIDUAL_QUANTILE, dim=0)
    levels = [logit_thresholds.get(mask, float("inf")) for mask in EVERY_MASK]
    return SourceLimits(torch.sigmoid(torch.tensor(levels)), residual)


@torch.no_grad()
def label(network: PadNetwork, unlabelled: Unlabelled) -> PseudoLabels:
    """Pseudo-labels by ``network`` (the averaged teacher), which is left in evaluation mode."""
    network.eval()
    early = unlabelled.early
    judge = Uncertainty(network.config, torch.device("cpu"))
    votes, residuals = [], []
    for start in range(0, len(early.presence), _CHUNK):
        output = late(network, early.rows(torch.arange(start, min(start + _CHUNK, len(early.presence)))))
        votes.append(judge.vote(network, output))
        residuals.append(output.complemented.residual)
    vote = Vote(
        torch.cat([one.bona_fide for one in votes]),
        torch.cat([one.doubt for one in votes]),
        torch.cat([one.disagreement for one in votes]),
        torch.cat([one.heads for one in votes], dim=1),
    )
    labels = unlabelled.rule(vote, early.presence, torch.cat(residuals), unlabelled.limits)
    return replace(labels, agreement=agreement_of(vote, early.presence))


def agreement_of(vote: Vote, presence: torch.Tensor) -> float:
    """Share of the present modalities whose own head is on the side of the vote, over all rows."""
    same = (vote.heads[:3].T >= 0.5) == (vote.bona_fide >= 0.5)[:, None]
    return float((same & presence).sum() / presence.sum().clamp_min(1))


def select(
    vote: Vote, presence: torch.Tensor, residual: torch.Tensor, limits: SourceLimits, strict: bool = True
) -> PseudoLabels:
    """The rows whose vote is worth learning from, and how much each weighs.

    Args:
        vote: of N rows.
        presence: ``bool (N, 3)``.
        residual: ``(N, 3)``, 0 where it cannot be formed.
        limits: of the source.
        strict: whether a bona fide needs two modalities that say so, and a live face's residuals.
    """
    mask = (presence * _BITS).sum(dim=1) - 1
    bona_fide = vote.bona_fide >= limits.level[mask]
    says_so = presence & (vote.heads[:3].T >= 0.5)
    as_live = ((residual <= limits.residual[mask]) | ~presence).all(dim=1)
    agreed = (says_so.sum(dim=1) >= AGREEING) & as_live
    believed = agreed | ~bona_fide if strict else torch.ones_like(bona_fide)
    kept = torch.zeros_like(bona_fide)
    for of_class, share in ((bona_fide, KEPT_BONA_FIDE), (~bona_fide, KEPT_ATTACK)):
        if bool(of_class.any()):
            kept |= of_class & (vote.uncertainty <= torch.quantile(vote.uncertainty[of_class], share))
    kept &= believed & (vote.doubt <= MOST_DOUBT)
    weight = torch.exp(-vote.uncertainty) * kept
    for of_class in (bona_fide, ~bona_fide):
        balance = kept.sum() / (2.0 * (kept & of_class).sum().clamp_min(1))
        weight = torch.where(of_class, weight * balance.clamp(*_BALANCE), weight)
    return PseudoLabels(bona_fide, weight)


Select = Callable[[Vote, torch.Tensor, torch.Tensor, SourceLimits], PseudoLabels]
"""What `select` is; ablations have others."""


@dataclass(frozen=True, slots=True, eq=False)
class Unlabelled:
    """Cached rows of captures without a label, the limits that their pseudo-labels are held to, and the rule."""

    early: Features
    limits: SourceLimits
    rule: Select = select

    def __len__(self) -> int:
        return len(self.early.presence)
