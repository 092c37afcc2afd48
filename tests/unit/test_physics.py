"""Physics figures on surfaces whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import physics
from core.codes import Species
from core.frames import CROP_PX, FaceCrop, Modality, ModalityMask
from core.model.baseline import SheetScorer
from core.scenes.crops import presentation
from core.scenes.domain import DOMAINS
from core.surface import PLANE_TERMS, QUADRIC_TERMS, face_ellipse, sheet_residual
from tests.unit.faces import X, Y, head, sheet


def _depth(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> FaceCrop:
    return FaceCrop(depth=values.astype(np.float32), metric_depth=True, face_mm=220.0)


def test_a_tilted_plane_leaves_nothing() -> None:
    found = physics.figures(_depth(700.0 + 40.0 * X - 15.0 * Y))
    assert found["plane_residual_mm"] < 0.02
    assert found["quadric_residual_mm"] < 0.02
    assert found["relief_mm"] < 0.1
    assert found["distance_mm"] == pytest.approx(700.0, abs=1.0)


def test_bent_paper_leaves_its_bend_after_the_plane_but_nothing_after_the_quadric() -> None:
    found = physics.figures(_depth(600.0 + 30.0 * X**2 + 5.0 * X * Y))
    assert found["plane_residual_mm"] > 1.0
    assert found["quadric_residual_mm"] < 0.05


def test_a_nose_is_left_after_the_quadric() -> None:
    nose = 25.0 * np.exp(-(X**2) / 0.02 - Y**2 / 0.06)
    residual = sheet_residual((600.0 - nose).astype(np.float32)[None], np.ones((1, CROP_PX, CROP_PX), bool))[0]
    assert residual[CROP_PX // 2, CROP_PX // 2] == pytest.approx(-25.0, abs=5.0)


def test_noise_is_measured_not_taken_for_relief() -> None:
    random = np.random.default_rng(0)
    found = physics.figures(_depth(600.0 + random.normal(0.0, 2.0, X.shape)))
    assert found["depth_noise_mm"] == pytest.approx(2.0, rel=0.1)
    assert found["quadric_residual_over_noise"] < 1.0


def test_the_fit_ignores_holes_and_background() -> None:
    depth = 600.0 + 20.0 * X
    depth[:20] = 0.0
    depth[~face_ellipse(CROP_PX)] = 3000.0
    found = physics.figures(_depth(depth))
    assert found["quadric_residual_mm"] < 0.1
    assert 0.0 < found["depth_hole_share"] < 0.3


@pytest.mark.parametrize("terms", [PLANE_TERMS, QUADRIC_TERMS])
def test_depth_without_measurements_gives_zero_residual(terms: int) -> None:
    empty = np.zeros((2, CROP_PX, CROP_PX), np.float32)
    assert not sheet_residual(empty, empty > 0, terms).any()


def test_infrared_level_times_distance_squared_does_not_depend_on_distance() -> None:
    found = []
    for distance_mm in (500.0, 1000.0):
        level = 0.2 / (distance_mm / 1000.0) ** 2
        infrared = np.full((CROP_PX, CROP_PX), level, np.float32)
        crop = replace(_depth(np.full_like(X, distance_mm)), ir=infrared)
        found.append(physics.figures(crop)["ir_level_m2"])
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_relative_depth_has_no_millimetres() -> None:
    found = physics.figures(replace(head(), metric_depth=False, face_mm=None))
    assert not any(name.endswith(("_mm", "_m2", "_per_width")) for name in found)
    assert found["quadric_residual_over_noise"] > 0


class TestSheetBaseline:
    @pytest.mark.parametrize(
        ("species", "accepted"),
        [
            (Species.BONA_FIDE, True),
            (Species.PRINT_FLAT, False),
            (Species.PRINT_BENT, False),
            (Species.MASK_RIGID, True),
        ],
    )
    def test_it_tells_sheets_from_relief_and_no_more(self, species: Species, accepted: bool) -> None:
        site = DOMAINS["counter"].model_copy(update={"frames": 1, "blind_share": 0.0})
        crops = [presentation(site, species, 7, index).crops[0] for index in range(3)]
        scores = [evidence.score for evidence in SheetScorer().score(crops)]
        assert (np.median(scores) >= 0.5) == accepted

    def test_without_depth_it_neither_accepts_nor_has_a_threshold(self) -> None:
        scorer = SheetScorer()
        mask = ModalityMask.of([Modality.RGB, Modality.IR])
        assert scorer.score([head().restricted(mask)])[0].score < 0.01
        assert scorer.threshold(mask) is None
        assert scorer.threshold(ModalityMask.of([Modality.DEPTH])) == 0.5

    def test_bent_paper_without_scale_is_noise(self) -> None:
        relative = replace(sheet(), metric_depth=False, face_mm=None)
        assert SheetScorer().score([relative])[0].score < 0.5
