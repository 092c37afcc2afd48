"""Hybrid attacks: what they change, what they leave, and that the two families differ."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.codes import Species
from core.data.hybrids import Family, hybrids_of
from core.frames import CROP_PX, FaceCrop, Modality, ModalityMask
from core.surface import face_ellipse, sheet_residual


def head(seed: int = 0, *, metric: bool = True) -> FaceCrop:
    """A dome with a nose at 700 mm before a wall, with sensor noise and holes; infrared of shaded skin with eyes."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[-1.0 : 1.0 : CROP_PX * 1j, -1.0 : 1.0 : CROP_PX * 1j]
    dome = 60.0 * np.sqrt(np.clip(1.0 - (x / 0.75) ** 2 - (y / 0.9) ** 2, 0.0, 1.0))
    nose = 22.0 * np.exp(-((x / 0.1) ** 2) - ((y - 0.1) / 0.2) ** 2)
    inside = dome > 0
    depth = np.where(inside, 760.0 - dome - nose, 1500.0) + generator.normal(0.0, 0.5, x.shape)
    depth[generator.random(x.shape) < 0.03] = 0.0
    eyes = 0.5 * (
        np.exp(-(((x - 0.3) ** 2 + (y + 0.2) ** 2) / 0.01)) + np.exp(-(((x + 0.3) ** 2 + (y + 0.2) ** 2) / 0.01))
    )
    ir = np.where(inside, 0.2 + 0.004 * (dome + nose) * (1.0 - eyes), 0.02) + generator.normal(0.0, 0.004, x.shape)
    scale = 1.0 if metric else 0.01
    return FaceCrop(
        rgb=np.full((CROP_PX, CROP_PX, 3), 120, np.uint8),
        depth=(depth * scale).astype(np.float32),
        ir=np.clip(ir, 0, 1).astype(np.float32),
        metric_depth=metric,
        face_mm=220.0 if metric else None,
    )


def relief(depth: NDArray[np.float32] | None) -> float:
    assert depth is not None
    residual = sheet_residual(depth[None], depth[None] > 0)[0]
    return float(np.percentile(np.abs(residual[face_ellipse(CROP_PX) & (depth > 0)]), 95))


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("metric", [True, False])
def test_a_sheet_takes_the_relief_and_leaves_the_rest(family: Family, metric: bool) -> None:
    source = head(metric=metric)
    sheet, mask = hybrids_of([source], family, 1, "p")
    assert (sheet.species, sheet.changed) == (Species.HYBRID_SHEET, ModalityMask.of([Modality.DEPTH]))
    flattened = sheet.crops[0]
    assert relief(flattened.depth) < 0.4 * relief(source.depth)
    assert flattened.ir is source.ir
    assert flattened.rgb is source.rgb
    assert source.depth is not None
    assert flattened.depth is not None
    assert np.array_equal(flattened.depth == 0, source.depth == 0)
    assert mask.crops[0].depth is source.depth


@pytest.mark.parametrize("family", list(Family))
def test_a_sheet_keeps_the_noise_of_its_sensor(family: Family) -> None:
    source = head()
    depth = hybrids_of([source], family, 1, "p")[0].crops[0].depth
    assert depth is not None
    face = face_ellipse(CROP_PX, 0.6) & (depth > 0)
    rough = np.abs(np.diff(depth, axis=1))[face[:, 1:] & face[:, :-1]]
    assert 0.2 < float(np.median(rough)) < 1.0


@pytest.mark.parametrize("family", list(Family))
def test_a_mask_takes_the_contrast_of_the_eyes(family: Family) -> None:
    source = head()
    ir = hybrids_of([source], family, 3, "p")[1].crops[0].ir
    assert ir is not None
    assert source.ir is not None
    eye, cheek = (slice(36, 41), slice(60, 65)), (slice(60, 65), slice(60, 65))
    before = source.ir[eye].mean() / source.ir[cheek].mean()
    after = ir[eye].mean() / ir[cheek].mean()
    assert abs(np.log(after)) < 0.8 * abs(np.log(before))
    assert ir.dtype == np.float32
    assert ir.min() >= 0.0
    assert ir.max() <= 1.0


def test_equal_seeds_give_equal_pixels_and_families_and_presentations_differ() -> None:
    source = head()

    def sheet(family: Family, seed: int, presentation: str) -> NDArray[np.float32]:
        depth = hybrids_of([source], family, seed, presentation)[0].crops[0].depth
        assert depth is not None
        return depth

    first = sheet(Family.TRAINING, 1, "p")
    assert np.array_equal(first, sheet(Family.TRAINING, 1, "p"))
    for other in (sheet(Family.JUDGING, 1, "p"), sheet(Family.TRAINING, 2, "p"), sheet(Family.TRAINING, 1, "q")):
        assert not np.array_equal(first, other)


def test_frames_of_one_presentation_share_the_artefact() -> None:
    source = head()
    crops = hybrids_of([source, source], Family.TRAINING, 1, "p")[1].crops
    assert np.array_equal(np.asarray(crops[0].ir), np.asarray(crops[1].ir))


def test_without_the_modality_or_without_pixels_there_is_no_hybrid() -> None:
    source = head()
    only_rgb = source.restricted(ModalityMask.of([Modality.RGB]))
    assert hybrids_of([only_rgb], Family.TRAINING, 1, "p") == []
    only_ir = source.restricted(ModalityMask.of([Modality.IR]))
    assert [h.species for h in hybrids_of([only_ir], Family.JUDGING, 1, "p")] == [Species.HYBRID_MASK]
    empty = FaceCrop(depth=np.zeros((CROP_PX, CROP_PX), np.float32), ir=np.zeros((CROP_PX, CROP_PX), np.float32))
    assert hybrids_of([empty], Family.TRAINING, 1, "p") == []
