"""Losses of source training (method.md section 8.1).

L = CE(fused) + CE(fused under a random proper mask) + 0.5 sum_m CE(h_m) + 0.5 L_cf + 0.5 L_miss, each CE with label
smoothing. The transition-consistency term of method.md is left out until an ablation earns it; the target of the
complementary loss is the network's own encoder behind a stop-gradient, not a frozen teacher.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from core.model.complement import Complemented, relative_distance
from core.model.network import ModelOutput

MODALITY_WEIGHT = 0.5
COMPLEMENT_WEIGHT = 0.5
MISSING_WEIGHT = 0.5
ERROR_WEIGHT = 0.1
_L1_SHARE = 0.1
_EPS = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class LossParts:
    """One step's terms; ``total`` is minimised, ``subset (B,)`` is the cross-entropy under each row's drawn mask."""

    total: torch.Tensor
    fused: torch.Tensor
    complement: torch.Tensor
    missing: torch.Tensor
    subset: torch.Tensor


def source_loss(
    full: ModelOutput, subset: ModelOutput, bona_fide: torch.Tensor, telling: torch.Tensor, smoothing: float
) -> LossParts:
    """Loss of a batch seen under its own masks (``full``) and under random proper masks (``subset``).

    Args:
        full: output under each row's own mask.
        subset: output on the same features under fewer modalities.
        bona_fide: ``bool (B,)``.
        telling: ``float (B, 3)``, how much each modality tells of the row's class (`core.training.telling`); a row
            counts under a mask as much as the most telling modality in it.
        smoothing: label smoothing eps.
    """
    target = bona_fide.to(full.fused.dtype)
    whole, weight = _most(telling, full.features.presence), _most(telling, subset.features.presence)
    fused = _mean(cross_entropy(full.fused, target, smoothing), whole)
    each = 0.5 * (cross_entropy(subset.fused, target, smoothing) + cross_entropy(subset.present, target, smoothing))
    modality = modality_loss(full, target, telling, smoothing)
    complement = complementary_loss(full.complemented, full.features.maps, full.features.presence, bona_fide)
    missing = _mean(divergence(full.fused.detach(), subset.fused), weight)
    error = expected_error_loss(full)
    total = (
        fused
        + _mean(each, weight)
        + MODALITY_WEIGHT * modality
        + COMPLEMENT_WEIGHT * complement
        + MISSING_WEIGHT * missing
        + ERROR_WEIGHT * error
    )
    return LossParts(total, fused.detach(), complement.detach(), missing.detach(), each.detach())


def cross_entropy(logit: torch.Tensor, target: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Binary cross-entropy per row against labels pulled ``smoothing`` towards one half."""
    soft = target * (1.0 - smoothing) + 0.5 * smoothing
    return functional.binary_cross_entropy_with_logits(logit, soft, reduction="none")


def modality_loss(output: ModelOutput, target: torch.Tensor, telling: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Sum over modalities of the heads' cross-entropy, over the rows whose class the modality tells."""
    losses = cross_entropy(output.modality, target[:, None].expand_as(output.modality), smoothing)
    shares = telling * output.features.presence
    return ((losses * shares).sum(dim=0) / shares.sum(dim=0).clamp_min(1e-6)).sum()


def complementary_loss(
    complemented: Complemented, maps: torch.Tensor, presence: torch.Tensor, bona_fide: torch.Tensor
) -> torch.Tensor:
    """L_cf with kappa = 1 for bona fide and 0 for attacks, which leaves the residual free to be a cue."""
    wanted = maps.detach().flatten(2)
    given = complemented.predicted.flatten(2)
    lengths = torch.linalg.vector_norm(given, dim=2) * torch.linalg.vector_norm(wanted, dim=2)
    cosine = (given * wanted).sum(dim=2) / lengths.clamp_min(_EPS)
    distance = 1.0 - cosine + _L1_SHARE * (given - wanted).abs().mean(dim=2)
    counts = (presence & complemented.predictable & bona_fide[:, None]).to(distance.dtype)
    return torch.as_tensor((distance * counts).sum() / counts.sum().clamp_min(1.0))


def expected_error_loss(output: ModelOutput) -> torch.Tensor:
    """The prediction's expected error learns the true one, wherever the modality is there to compare with."""
    complemented = output.complemented
    counts = (output.features.presence & complemented.predictable).to(output.fused.dtype)
    actual = relative_distance(output.features.maps, complemented.predicted).detach()
    return ((complemented.expected_error - actual).square() * counts).sum() / counts.sum().clamp_min(1.0)


def divergence(teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
    """KL(teacher || student) of two Bernoulli logits, per row."""
    p = torch.sigmoid(teacher)
    return p * (functional.logsigmoid(teacher) - functional.logsigmoid(student)) + (1.0 - p) * (
        functional.logsigmoid(-teacher) - functional.logsigmoid(-student)
    )


def _most(telling: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
    return (telling * presence).amax(dim=1)


def _mean(losses: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (losses * weight).sum() / weight.sum().clamp_min(1e-6)
