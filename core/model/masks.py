"""Masks as rows of booleans over the three modalities, as a batch is seen under them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.frames import MODALITIES, ModalityMask


def mask_rows(masks: Sequence[ModalityMask]) -> torch.Tensor:
    """``bool (R, 3)``: one row a mask, one column a modality."""
    return torch.tensor([mask.row for mask in masks], dtype=torch.bool).reshape(-1, len(MODALITIES))


def narrowed(presence: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """``presence bool (B, 3)`` without what ``wanted bool (B, 3)`` lacks; a row left with nothing stays whole."""
    kept = presence & wanted
    return torch.where(kept.any(dim=1, keepdim=True), kept, presence)
