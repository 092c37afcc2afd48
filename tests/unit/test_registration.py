from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.frames import Extrinsics, Intrinsics, Modality, ModalityMask
from core.geometry import between, move_rays, pixels, rays
from core.registration import Region, fill_holes, register, same_pixels
from tests.perception import D435_PROFILES, drawn_pixels, frame_set

SHAPE = (480, 640)


def scene(depth: Any, ir: Any = None) -> Any:
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    images = {Modality.RGB: rgb, Modality.DEPTH: depth}
    profiles = {m: D435_PROFILES[m] for m in images}
    if ir is not None:
        images[Modality.IR], profiles[Modality.IR] = ir, D435_PROFILES[Modality.IR]
    return frame_set(images, profiles=profiles)


def test_a_wall_fills_the_picture_without_cracks() -> None:
    registered = register(scene(np.full(SHAPE, 700, np.uint16)), ModalityMask(3))[Modality.DEPTH]
    assert registered.shape == SHAPE
    assert registered.dtype == np.uint16
    assert np.all(registered[20:-20, 20:-20] == 700)


def test_the_nearer_surface_hides_the_farther() -> None:
    depth = np.full(SHAPE, 2000, np.uint16)
    depth[200:280, 290:370] = 500
    registered = register(scene(depth), ModalityMask(3))[Modality.DEPTH]
    near = registered == 500
    rows, columns = np.nonzero(near)
    assert near[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()
    # 80 depth pixels at 390.4 px focal length are 125.7 colour pixels at 613.2.
    assert np.ptp(columns) + 1 == pytest.approx(126, abs=2)
    # The colour camera stands 14.3 mm beside the depth camera: 17.5 px of parallax at 0.5 m.
    assert columns.mean() == pytest.approx((330 - 331.4) / 390.4 * 613.2 + 319.9 + 0.0143 * 613.2 / 0.5, abs=1.5)


def test_a_region_holds_the_same_pixels_as_the_whole() -> None:
    rng = np.random.default_rng(1)
    depth = np.where(rng.random(SHAPE) < 0.1, 0, rng.integers(400, 1500, SHAPE)).astype(np.uint16)
    ir = rng.integers(0, 255, SHAPE).astype(np.uint8)
    region = Region(201, 133, 187, 140)
    smooth = np.full(SHAPE, 800, np.uint16)
    whole = register(scene(depth, ir), ModalityMask(7))
    part = register(scene(depth, ir), ModalityMask(7), region)
    np.testing.assert_array_equal(part[Modality.DEPTH], whole[Modality.DEPTH][region.slices])
    whole, part = register(scene(smooth, ir), ModalityMask(7)), register(scene(smooth, ir), ModalityMask(7), region)
    np.testing.assert_array_equal(part[Modality.IR], whole[Modality.IR][region.slices])


def test_infrared_lands_where_its_depth_lands() -> None:
    depth = np.full(SHAPE, 900, np.uint16)
    depth[180:300, 280:380] = 600
    ir = np.where(depth == 600, 200, 40).astype(np.uint8)
    registered = register(scene(depth, ir), ModalityMask(7))
    inside = registered[Modality.DEPTH] == 600
    inner = inside[8:-8, 8:-8] & inside[16:, 16:] & inside[:-16, :-16]
    assert np.mean(registered[Modality.IR][8:-8, 8:-8][inner] > 190) > 0.99
    outside = registered[Modality.DEPTH] == 900
    assert np.mean(registered[Modality.IR][outside] < 100) > 0.95


def test_infrared_without_depth_is_brought_to_the_assumed_distance() -> None:
    ir = np.zeros(SHAPE, np.uint8)
    ir[230:250, 320:340] = 255
    images = {Modality.RGB: np.zeros((*SHAPE, 3), np.uint8), Modality.IR: ir}
    frames = frame_set(images, profiles={m: D435_PROFILES[m] for m in images})
    near, far = (
        np.nonzero(register(frames, ModalityMask(5), assumed_distance_m=z)[Modality.IR])[1].mean() for z in (0.4, 4.0)
    )
    assert near - far == pytest.approx(0.0143 * 613.2 * (1 / 0.4 - 1 / 4.0), abs=1.0)


def test_registered_modalities_are_only_resampled() -> None:
    images = drawn_pixels(120)
    images[Modality.DEPTH] = images[Modality.DEPTH][::2, ::2]
    registered = register(frame_set(images), ModalityMask(7))
    assert {image.shape[:2] for image in registered.values()} == {(120, 120)}
    assert set(np.unique(registered[Modality.DEPTH])) <= set(np.unique(images[Modality.DEPTH]))


def test_without_colour_depth_is_the_reference() -> None:
    depth = np.full(SHAPE, 700, np.uint16)
    ir = np.arange(640 * 480, dtype=np.uint32).reshape(SHAPE).astype(np.uint8)
    registered = register(scene(depth, ir), ModalityMask.of([Modality.DEPTH, Modality.IR]))
    np.testing.assert_array_equal(registered[Modality.DEPTH], depth)
    np.testing.assert_array_equal(registered[Modality.IR], ir)


def test_what_cannot_be_registered_is_an_input_error() -> None:
    images = drawn_pixels(120)
    images[Modality.IR] = images[Modality.IR][:100]
    with pytest.raises(InputError, match="another aspect ratio"):
        register(frame_set(images), ModalityMask(7))
    relative = {**D435_PROFILES, Modality.DEPTH: replace(D435_PROFILES[Modality.DEPTH], depth_unit_m=None)}
    shots = scene(np.full(SHAPE, 700, np.uint16))
    with pytest.raises(InputError, match="Relative depth"):
        register(replace(shots, profiles=relative), ModalityMask(3))
    strange = Intrinsics(640, 480, 600, 600, 320, 240, "ftheta", (0.1, 0, 0, 0, 0))
    with pytest.raises(InputError, match="ftheta"):
        rays(strange, np.zeros(1, np.float32), np.zeros(1, np.float32))


def test_holes_take_the_nearest_value() -> None:
    depth = np.zeros((5, 7), np.float32)
    depth[:, 0], depth[:, 6] = 1.0, 2.0
    filled = fill_holes(depth)
    np.testing.assert_array_equal(filled[2], [1, 1, 1, filled[2, 3], 2, 2, 2])
    assert not fill_holes(np.zeros((3, 3), np.float32)).any()


coefficient = st.floats(-0.1, 0.1)


@given(
    st.sampled_from(["brown_conrady", "modified_brown_conrady", "inverse_brown_conrady", "distortion.brown_conrady"]),
    st.tuples(coefficient, coefficient, st.floats(-0.005, 0.005), st.floats(-0.005, 0.005), coefficient),
    st.floats(20, 620),
    st.floats(20, 460),
)
def test_projection_undoes_deprojection(model: str, coeffs: tuple[float, ...], u: float, v: float) -> None:
    camera = Intrinsics(640, 480, 613.2, 612.9, 319.9, 239.2, model, coeffs)
    there = rays(camera, np.array([u], np.float32), np.array([v], np.float32))
    back = pixels(camera, *there)
    assert back[0][0] == pytest.approx(u, abs=0.05)
    assert back[1][0] == pytest.approx(v, abs=0.05)


def test_the_way_to_another_camera_and_back_is_no_way() -> None:
    turn = np.deg2rad(3.0)
    rotation = (np.cos(turn), 0.0, np.sin(turn), 0.0, 1.0, 0.0, -np.sin(turn), 0.0, np.cos(turn))
    move = Extrinsics(tuple(float(r) for r in rotation), (0.05, -0.01, 0.002))
    np.testing.assert_allclose(between(move, None) @ between(None, move), np.eye(4), atol=1e-12)
    x, y, z = (np.array([value], np.float32) for value in (0.1, -0.2, 0.7))
    there = move_rays(between(move, None), x, y, z)
    np.testing.assert_allclose(move_rays(between(None, move), *there), [x, y, z], atol=1e-6)
    ir, depth = D435_PROFILES[Modality.IR], D435_PROFILES[Modality.DEPTH]
    assert same_pixels(ir, depth)
    assert not same_pixels(depth, D435_PROFILES[Modality.RGB])
