"""Masks as rows: one column a modality, and no row is ever left without any."""

from __future__ import annotations

import torch

from core.frames import EVERY_MASK, MODALITIES, Modality, ModalityMask
from core.model.masks import mask_rows, narrowed


def test_a_row_says_of_each_modality_whether_the_mask_holds_it() -> None:
    depth_ir = ModalityMask.of([Modality.DEPTH, Modality.IR])
    assert depth_ir.row == (False, True, True)
    rows = mask_rows(EVERY_MASK)
    assert (rows.dtype, tuple(rows.shape)) == (torch.bool, (7, 3))
    assert [ModalityMask.of(m for m, there in zip(MODALITIES, row, strict=True) if there) for row in rows] == [
        *EVERY_MASK
    ]
    assert tuple(mask_rows([]).shape) == (0, 3)


def test_what_is_wanted_is_kept_and_a_row_with_nothing_of_it_stays_whole() -> None:
    for there in EVERY_MASK:
        for wanted in EVERY_MASK:
            found = narrowed(mask_rows([there]), mask_rows([wanted]))
            assert torch.equal(found, mask_rows([there & wanted or there]))
