"""The loss of a batch when some rows tell their class only in some modalities (hybrids)."""

from __future__ import annotations

import torch

from core.model.network import ModelOutput
from core.training.losses import (
    COMPLEMENT_WEIGHT,
    ERROR_WEIGHT,
    MISSING_WEIGHT,
    MODALITY_WEIGHT,
    complementary_loss,
    cross_entropy,
    divergence,
    expected_error_loss,
)

SMOOTHING = 0.05
_SITE_COMPLEMENT_WEIGHT = 0.2


def supervised_loss(
    full: ModelOutput, subset: ModelOutput, bona_fide: torch.Tensor, evidence: torch.Tensor
) -> torch.Tensor:
    """The source loss (`core.training.losses.source_loss`) over rows and heads that carry evidence.

    Args:
        full: output under each row's own mask.
        subset: output on the same features under fewer modalities.
        bona_fide: ``bool (B,)``.
        evidence: ``bool (B, 3)``: the modalities that tell the class of each row.
    """
    target = bona_fide.to(full.fused.dtype)
    telling = (subset.features.presence & evidence).any(dim=1)
    each = 0.5 * (cross_entropy(subset.fused, target, SMOOTHING) + cross_entropy(subset.present, target, SMOOTHING))
    heads = cross_entropy(full.modality, target[:, None].expand_as(full.modality), SMOOTHING)
    shown = full.features.presence & evidence
    modality = ((heads * shown).sum(dim=0) / shown.sum(dim=0).clamp_min(1)).sum()
    return (
        anchor_loss(full, bona_fide)
        + _mean(each, telling)
        + MODALITY_WEIGHT * modality
        + COMPLEMENT_WEIGHT
        * complementary_loss(full.complemented, full.features.maps, full.features.presence, bona_fide)
        + MISSING_WEIGHT * _mean(divergence(full.fused.detach(), subset.fused), telling)
        + ERROR_WEIGHT * expected_error_loss(full)
    )


def pseudo_loss(full: ModelOutput, subset: ModelOutput, bona_fide: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """L_pl + 0.5 L_miss + 0.2 L_cf of method.md 8.2 and 8.3 on unlabelled rows.

    Args:
        full: output under each row's own mask.
        subset: output on the same features under fewer modalities; consistency needs no label, so every row counts.
        bona_fide: ``bool (B,)``, the pseudo-label.
        weight: ``(B,)``, 0 where the pseudo-label is not believed.
    """
    target = bona_fide.to(full.fused.dtype)
    heads = cross_entropy(full.modality, target[:, None].expand_as(full.modality), SMOOTHING) * full.features.presence
    each = cross_entropy(full.fused, target, SMOOTHING) + MODALITY_WEIGHT * heads.sum(dim=1)
    believed = bona_fide & (weight > 0)
    generated = complementary_loss(full.complemented, full.features.maps, full.features.presence, believed)
    return (
        (each * weight).sum() / weight.sum().clamp_min(1e-6)
        + MISSING_WEIGHT * divergence(full.fused.detach(), subset.fused).mean()
        + _SITE_COMPLEMENT_WEIGHT * generated
    )


def anchor_loss(output: ModelOutput, bona_fide: torch.Tensor) -> torch.Tensor:
    """Mean smoothed cross-entropy of the fused head."""
    return cross_entropy(output.fused, bona_fide.to(output.fused.dtype), SMOOTHING).mean()


def _mean(losses: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    return (losses * counted).sum() / counted.sum().clamp_min(1)
