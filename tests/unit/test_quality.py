from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core import quality
from core.codes import Hint
from core.frames import CROP_PX, FaceCrop
from core.inference.selftest import drawn_face

PICTURE = (480, 640)


def hints(crop: FaceCrop, face_px: float | None = 150.0) -> tuple[Hint, ...]:
    return quality.hints(quality.figures(crop, face_px, PICTURE, None))


def textured() -> FaceCrop:
    face = drawn_face()
    assert face.rgb is not None
    grain = np.random.default_rng(1).integers(-20, 20, face.rgb.shape)
    return replace(face, rgb=np.clip(face.rgb + grain, 0, 255).astype(np.uint8))


def test_a_good_picture_has_nothing_to_say() -> None:
    figures = quality.figures(textured(), 150.0, PICTURE, None)
    assert quality.hints(figures) == ()
    assert not quality.too_poor(figures)
    assert figures["distance_mm"] == pytest.approx(590.0, abs=30)
    assert figures["yaw_deg"] < 5.0
    assert figures["depth_holes"] == 0.0


@pytest.mark.parametrize(("face_px", "hint"), [(50.0, Hint.TOO_FAR), (400.0, Hint.TOO_NEAR)])
def test_distance(face_px: float, hint: Hint) -> None:
    assert hint in hints(textured(), face_px)


def test_a_face_in_the_blind_range_is_too_near() -> None:
    face = textured()
    assert face.depth is not None
    assert Hint.TOO_NEAR in hints(replace(face, depth=face.depth - 400.0))


def test_a_face_without_pixels_is_too_poor() -> None:
    assert quality.too_poor(quality.figures(textured(), 20.0, PICTURE, None))
    assert not quality.too_poor(quality.figures(textured(), None, PICTURE, None))


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_turned_head(side: float) -> None:
    face = textured()
    assert face.depth is not None
    slope = np.tan(np.deg2rad(35.0)) * 220.0 / CROP_PX * np.arange(CROP_PX, dtype=np.float32)
    assert Hint.TURNED in hints(replace(face, depth=face.depth + np.float32(side) * slope))
    assert Hint.TURNED in quality.hints(quality.figures(replace(face, depth=None), 150.0, PICTURE, side * 40.0))


def test_a_blurred_picture() -> None:
    face = textured()
    assert face.rgb is not None
    assert Hint.BLURRED in hints(replace(face, rgb=cv2.GaussianBlur(face.rgb, (0, 0), 3).astype(np.uint8)))


def test_a_dark_picture() -> None:
    face = textured()
    assert face.rgb is not None
    assert Hint.DARK in hints(replace(face, rgb=face.rgb // 6))


def test_flooded_infrared() -> None:
    face = textured()
    assert face.ir is not None
    assert Hint.IR_FLOODED in hints(replace(face, ir=np.minimum(face.ir * 6, np.float32(1.0))))


def test_holes_in_depth() -> None:
    face = textured()
    assert face.depth is not None
    holes = np.where(np.random.default_rng(0).random(face.depth.shape) < 0.4, 0, face.depth).astype(np.float32)
    assert Hint.DEPTH_HOLES in hints(replace(face, depth=holes))
    assert Hint.DEPTH_HOLES in hints(replace(face, depth=np.zeros_like(holes)))
