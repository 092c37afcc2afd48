"""Physics evidence: what it tells apart, what cannot change it, and that what is absent says nothing."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from core.frames import CROP_PX, EVERY_MASK, MODALITIES, FaceCrop, Modality, ModalityMask
from core.model.evidence import EVIDENCE, FIGURES, LIMIT, REQUIRED, columns_of
from core.model.features import evidence_under
from core.model.inputs import to_tensors
from tests.unit.faces import X, Y, head, sheet


def _evidence(*crops: FaceCrop) -> list[dict[str, float]]:
    return [dict(zip(EVIDENCE, row.tolist(), strict=True)) for row in to_tensors(crops).evidence]


def _relative(crop: FaceCrop, scale: float = 1.0) -> FaceCrop:
    assert crop.depth is not None
    return replace(crop, depth=crop.depth * np.float32(scale), metric_depth=False, face_mm=None)


def test_a_head_and_a_bent_sheet_differ_whatever_the_scale() -> None:
    for person, paper in (_evidence(head(), sheet()), _evidence(_relative(head(), 0.1), _relative(sheet(), 0.1))):
        assert person["nose"] > paper["nose"] + 1.0
        assert person["quadric_structure"] > paper["quadric_structure"] + 1.0
        assert person["depth_symmetry"] > paper["depth_symmetry"] + 0.5
        assert person["dome"] > paper["dome"] + 0.5


def test_metric_depth_also_knows_the_size_of_what_is_left() -> None:
    person, paper = _evidence(head(), sheet())
    assert person["knows_width"] == paper["knows_width"] == 1.0
    assert person["quadric_per_width"] > paper["quadric_per_width"]
    unknown = _evidence(_relative(head()))[0]
    assert all(unknown[figure.name] == 0.0 for figure in FIGURES if figure.name.endswith("_per_width"))
    assert unknown["knows_width"] == 0.0


@pytest.mark.parametrize("factor", [0.01, 0.37, 40.0])
def test_a_constant_factor_of_relative_depth_changes_nothing(factor: float) -> None:
    one, other = to_tensors([_relative(head())]).evidence, to_tensors([_relative(head(), factor)]).evidence
    assert torch.allclose(one, other, atol=2e-2)


def test_an_offset_of_relative_depth_changes_only_what_is_told_by_its_level() -> None:
    crop = _relative(head())
    assert crop.depth is not None
    moved = replace(crop, depth=np.where(crop.depth > 0, crop.depth + 500.0, 0.0).astype(np.float32))
    one, other = _evidence(crop, moved)
    assert all(one[name] == pytest.approx(other[name], abs=2e-2) for name in EVIDENCE if name != "quadric_over_level")


@pytest.mark.parametrize("gain", [0.3, 0.7])
def test_the_gain_of_the_infrared_camera_changes_nothing(gain: float) -> None:
    crop = head()
    assert crop.ir is not None
    one, other = _evidence(crop, replace(crop, ir=crop.ir * np.float32(gain)))
    compared = [name for name in EVIDENCE if name not in ("ir_dark", "ir_saturated")]
    assert all(one[name] == pytest.approx(other[name], abs=0.05) for name in compared)


def test_infrared_falls_off_with_the_slope_of_a_lit_surface_only() -> None:
    relief = 60.0 * np.sqrt(np.clip(1.0 - (X / 0.8) ** 2 - (Y / 1.0) ** 2, 0.05, None))
    slope = np.hypot(*np.gradient(relief))
    lit = np.clip(0.6 / np.sqrt(1.0 + (slope / 2.3) ** 2), 0.01, 1.0).astype(np.float32)
    flat = np.clip(0.6 + 0.02 * np.random.default_rng(1).normal(size=X.shape), 0.01, 1.0).astype(np.float32)
    depth = (700.0 - relief).astype(np.float32)
    shaded, printed = _evidence(FaceCrop(depth=depth, ir=lit), FaceCrop(depth=depth, ir=flat))
    assert shaded["ir_on_slope"] > printed["ir_on_slope"] + 1.0
    assert shaded["ir_by_relief"] > printed["ir_by_relief"] + 1.0


def test_ink_that_infrared_does_not_see_is_unlike_colour() -> None:
    person, paper = _evidence(head(), sheet())
    assert person["ir_like_luma"] > paper["ir_like_luma"] + 1.0


@pytest.mark.parametrize("mask", EVERY_MASK, ids=str)
def test_what_is_absent_says_nothing(mask: ModalityMask) -> None:
    cut = to_tensors([head().restricted(mask)]).evidence
    presence = torch.tensor([[modality in mask for modality in MODALITIES]])
    shown = evidence_under(to_tensors([head()]).evidence, presence)
    assert torch.allclose(cut, shown, atol=1e-5)
    missing = ~torch.from_numpy((presence.numpy() | ~REQUIRED).all(axis=1))
    assert not cut[0, missing].any()
    assert cut[0].any()


def test_every_column_belongs_to_a_head_or_to_a_pair() -> None:
    alone = [set(columns_of(modality).tolist()) for modality in Modality]
    assert sum(map(len, alone)) == len(set().union(*alone))
    pairs = set(range(len(EVIDENCE))) - set().union(*alone)
    assert all(REQUIRED[column].sum() == 2 for column in pairs)


def test_a_face_of_40_px_gives_what_a_large_one_gives() -> None:
    crop = _relative(head())
    assert crop.depth is not None
    assert crop.rgb is not None
    small = cv2.resize(crop.depth, (40, 40), interpolation=cv2.INTER_AREA)
    large_again = cv2.resize(small, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)
    coarse = replace(crop, depth=large_again.astype(np.float32))
    large, little = _evidence(crop, coarse)
    for name in ("nose", "dome", "depth_symmetry", "quadric_structure"):
        assert little[name] == pytest.approx(large[name], abs=0.8)


def test_nothing_measured_is_nothing_known() -> None:
    blank = FaceCrop(
        rgb=np.zeros((CROP_PX, CROP_PX, 3), np.uint8),
        depth=np.zeros((CROP_PX, CROP_PX), np.float32),
        ir=np.zeros((CROP_PX, CROP_PX), np.float32),
    )
    assert not to_tensors([blank]).evidence.any()


def test_evidence_is_finite_and_clipped_on_noise() -> None:
    random = np.random.default_rng(5)
    shape = (CROP_PX, CROP_PX)
    crops = [
        FaceCrop(
            rgb=random.integers(0, 256, (*shape, 3)).astype(np.uint8),
            depth=(random.uniform(0, 65535, shape) * (random.random(shape) > 0.4)).astype(np.float32),
            ir=random.uniform(0, 1, shape).astype(np.float32),
            metric_depth=bool(number % 2),
        )
        for number in range(4)
    ]
    evidence = to_tensors(crops).evidence
    assert torch.isfinite(evidence).all()
    assert evidence.abs().max() <= LIMIT


def test_the_neighbours_in_a_batch_do_not_matter() -> None:
    together = to_tensors([head(), sheet(), head(3)]).evidence
    alone = torch.cat([to_tensors([crop]).evidence for crop in (head(), sheet(), head(3))])
    assert torch.allclose(together, alone, atol=5e-3)
