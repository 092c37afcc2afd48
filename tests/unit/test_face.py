from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.codes import Framing, Hint, Reason
from core.data.images import read_image
from core.errors import InputError
from core.face.crop import face_region, scale_depth, whole_region
from core.face.detect import Box, CascadeDetector, Face, YunetDetector, default_detector, grey_picture
from core.face.finder import FULL_SEARCH_EVERY, FaceFinder, overlap
from core.face.sampler import FaceSampler
from core.frames import CROP_PX, Modality, ModalityMask
from core.scenes.live import LiveScene, SceneSpec
from tests.perception import D435_PROFILES, drawn_pixels, frame_set

WIDTH_PX = 110
"""Width of the face box of people drawn with ``size`` 1, about."""


@lru_cache
def person(seed: int) -> NDArray[np.uint8]:
    """A simulated person before a booth, 200x300 around the middle of the face."""
    pixels = LiveScene(SceneSpec.parse(f"booth,seed={seed}")).render(1.0)[Modality.RGB]
    (face, *_) = CascadeDetector().detect(pixels)
    x, y, width, height = face.box
    scale = WIDTH_PX / width
    whole = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = round(scale * (x + width / 2)) - 100, max(0, round(scale * (y + height / 2)) - 150)
    return np.asarray(whole[top : top + 300, left : left + 200])


def scene(*people: tuple[int, int, float]) -> NDArray[np.uint8]:
    """Simulated people ``(seed, x, size)`` before a grey wall, 640x480; the middle of a face is at ``x``."""
    picture = np.full((480, 640, 3), 150, np.uint8)
    picture += np.random.default_rng(5).integers(0, 6, picture.shape, dtype=np.uint8)
    for seed, x, size in people:
        face = cv2.resize(person(seed), None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        left = x - face.shape[1] // 2
        picture[100 : 100 + face.shape[0], left : left + face.shape[1]] = face
    return picture


ONE = ((5, 320, 1.0),)


def rgb_set(picture: NDArray[np.uint8], **changes: Any) -> Any:
    return replace(frame_set({Modality.RGB: picture}, framing=Framing.FRAME), **changes)


class CountingDetector:
    """Finds what it is told to, and notes how it was asked."""

    def __init__(self, faces: list[Face]) -> None:
        self.faces = faces
        self.full_searches = 0

    def detect(self, picture: NDArray[np.uint8], width_px: tuple[float, float] | None = None) -> list[Face]:
        if picture.shape[1] == 640:
            self.full_searches += 1
            return self.faces
        x, y, width, height = self.faces[0].box
        return [Face((width // 2, height // 2, width, height), self.faces[0].confidence)] if x or y else []


def test_a_rendered_person_is_found_and_cut() -> None:
    sample = FaceSampler().sample(rgb_set(scene(*ONE)))
    assert sample.crop is not None
    assert sample.crop.rgb is not None
    assert sample.crop.rgb.shape == (CROP_PX, CROP_PX, 3)
    assert sample.box is not None
    x, _, width, _ = sample.box
    assert x + width / 2 == pytest.approx(320, abs=15)
    assert width == pytest.approx(WIDTH_PX, rel=0.2)
    assert sample.hints == ()


def test_an_empty_room_has_no_face() -> None:
    sample = FaceSampler().sample(rgb_set(scene()))
    assert (sample.crop, sample.reason, sample.hints) == (None, Reason.NO_FACE, (Hint.NO_FACE,))


def test_two_people_are_several_faces() -> None:
    sample = FaceSampler().sample(rgb_set(scene((5, 160, 1.0), (6, 480, 0.8))))
    assert (sample.crop, sample.reason, sample.hints) == (None, Reason.SEVERAL_FACES, (Hint.SEVERAL_FACES,))


def test_somebody_far_behind_is_no_second_face() -> None:
    sample = FaceSampler().sample(rgb_set(scene((5, 160, 1.0), (6, 480, 0.4))))
    assert sample.reason is Reason.NONE


def test_tracking_needs_to_see_a_second_face_twice() -> None:
    sampler = FaceSampler(tracking=True)
    reasons = [sampler.sample(rgb_set(scene((5, 160, 1.0), (6, 480, 0.8)))).reason for _ in range(3)]
    assert reasons == [Reason.NONE, Reason.SEVERAL_FACES, Reason.SEVERAL_FACES]


def test_tracking_searches_the_whole_picture_now_and_then() -> None:
    detector = CountingDetector([Face((200, 150, 100, 100), 1.0)])
    finder = FaceFinder(detector, tracking=True)
    for _ in range(3 * (FULL_SEARCH_EVERY + 1)):
        assert finder.find(np.zeros((480, 640), np.uint8)).face is not None
    assert detector.full_searches == 3
    detector.faces = []
    finder.reset()
    assert finder.find(np.zeros((480, 640), np.uint8)).reason is Reason.NO_FACE


def test_a_tracked_face_is_followed() -> None:
    sampler = FaceSampler(tracking=True)
    boxes = [sampler.sample(rgb_set(scene((5, x, 1.0)))).box for x in range(250, 350, 8)]
    moved = [box[0] for box in boxes if box is not None]
    assert len(moved) == len(boxes)
    assert moved[-1] - moved[0] == pytest.approx(96, abs=12)


@pytest.mark.parametrize("broken", [0, 255])
def test_a_blind_modality_leaves_the_mask(broken: int) -> None:
    pixels = drawn_pixels()
    pixels[Modality.IR] = np.full_like(pixels[Modality.IR], broken)
    sample = FaceSampler().sample(frame_set(pixels))
    assert sample.crop is not None
    assert str(sample.crop.mask) == "rgb+depth"
    assert Hint.MODALITY_MISSING in sample.hints


def test_nothing_usable_has_its_reason() -> None:
    blind = frame_set({modality: np.zeros_like(image) for modality, image in drawn_pixels().items()})
    assert FaceSampler().sample(blind).reason is Reason.INVALID_PIXELS
    assert FaceSampler().sample(frame_set(drawn_pixels(), mask=ModalityMask(0))).reason is Reason.NO_MODALITY
    not_finite = drawn_pixels()[Modality.IR].astype(np.float32)
    not_finite[3, 3] = np.nan
    assert FaceSampler().sample(frame_set({Modality.IR: not_finite})).reason is Reason.INVALID_PIXELS


@pytest.mark.parametrize("framing", list(Framing))
def test_colour_of_sixteen_bits_is_no_colour(framing: Framing) -> None:
    """No detector takes it: an error there would end the inference process."""
    pixels = {Modality.RGB: scene(*ONE).astype(np.uint16) * 257}
    assert FaceSampler().sample(frame_set(pixels, framing=framing)).reason is Reason.INVALID_PIXELS


def test_depth_without_measurements_in_the_face_is_no_depth() -> None:
    pixels = drawn_pixels()
    pixels[Modality.DEPTH][5:115] = 0
    sample = FaceSampler().sample(frame_set(pixels))
    assert sample.crop is not None
    assert sample.crop.depth is None
    assert sample.hints == (Hint.DEPTH_HOLES,)


def test_a_dark_picture_is_searched_in_infrared() -> None:
    picture = scene(*ONE)
    dark = (picture // 40).astype(np.uint8)
    images = {Modality.RGB: dark, Modality.IR: np.ascontiguousarray(picture[:, :, 1])}
    sample = FaceSampler().sample(frame_set(images, framing=Framing.FRAME))
    assert sample.box is not None
    assert Hint.DARK in sample.hints


def test_two_people_in_the_dark_are_several_faces_to_a_camera_too() -> None:
    """That colour shows nobody must not make the infrared picture's second face a first sight every time."""
    picture = scene((5, 160, 1.0), (6, 480, 0.8))
    images = {Modality.RGB: (picture // 40).astype(np.uint8), Modality.IR: np.ascontiguousarray(picture[:, :, 1])}
    sampler = FaceSampler(tracking=True)
    reasons = [sampler.sample(frame_set(images, framing=Framing.FRAME)).reason for _ in range(3)]
    assert reasons == [Reason.NONE, Reason.SEVERAL_FACES, Reason.SEVERAL_FACES]


def test_infrared_alone_and_sixteen_bit() -> None:
    counts = scene(*ONE)[:, :, 0].astype(np.uint16) * 30
    sample = FaceSampler().sample(frame_set({Modality.IR: counts}, framing=Framing.FRAME))
    assert sample.crop is not None
    assert sample.crop.ir is not None
    assert 0.0 < float(sample.crop.ir.max()) < 0.12


def head_before_wall(distance_mm: float, x: float) -> NDArray[np.uint16]:
    v, u = np.mgrid[0:480, 0:640].astype(np.float32)
    fx = 390.4
    half_px = np.array([75.0, 110.0]) * fx / distance_mm
    head = np.clip(1 - ((u - x) / half_px[0]) ** 2 - ((v - 200) / half_px[1]) ** 2, 0, None)
    shoulders = (np.abs(u - x) < 210 * fx / distance_mm) & (v > 200 + 100 * fx / distance_mm)
    depth = np.where(head > 0, distance_mm - 80 * np.sqrt(head), 2500.0)
    return np.where(shoulders & (head <= 0), distance_mm, depth).astype(np.uint16)


@pytest.mark.parametrize("distance_mm", [500.0, 900.0])
def test_depth_alone_finds_the_head_of_the_nearest_body(distance_mm: float) -> None:
    profiles = {Modality.DEPTH: D435_PROFILES[Modality.DEPTH]}
    images = {Modality.DEPTH: head_before_wall(distance_mm, 280)}
    sample = FaceSampler().sample(frame_set(images, framing=Framing.FRAME, profiles=profiles))
    assert sample.box is not None
    x, y, width, height = sample.box
    assert x + width / 2 == pytest.approx(280, abs=width / 6)
    assert y + height / 2 == pytest.approx(200, abs=height / 3)
    empty = {Modality.DEPTH: np.full((480, 640), 2400, np.uint16) + (np.arange(640, dtype=np.uint16) % 3)}
    assert FaceSampler().sample(frame_set(empty, framing=Framing.FRAME, profiles=profiles)).reason is Reason.NO_FACE


def test_a_far_face_carries_no_evidence() -> None:
    detector = CountingDetector([Face((300, 200, 30, 30), 1.0)])
    sample = FaceSampler(detector).sample(rgb_set(scene(*ONE)))
    assert (sample.crop, sample.reason) == (None, Reason.POOR_QUALITY)
    assert Hint.TOO_FAR in sample.hints


def test_the_region_stays_in_the_image() -> None:
    boxes: list[Box] = [(-20, -10, 100, 100), (600, 440, 100, 100), (0, 0, 640, 480), (300, 200, 50, 60)]
    for box in boxes:
        region = face_region(box, (480, 640, 3))
        assert region.width == region.height
        assert region.x >= 0
        assert region.y >= 0
        assert region.x + region.width <= 640
        assert region.y + region.height <= 480
    assert whole_region((111, 107)) == (whole_region((111, 107, 3)))
    assert (whole_region((111, 107)).width, whole_region((111, 107)).y) == (107, 2)


def test_shrinking_depth_mixes_no_holes_in() -> None:
    depth = np.full((192, 192), 700.0, np.float32)
    depth[::2, ::2] = 0.0
    np.testing.assert_allclose(scale_depth(depth), 700.0)
    depth[:96] = 0.0
    small = scale_depth(depth)
    assert not small[:48].any()
    np.testing.assert_allclose(small[48:], 700.0)


def test_the_same_box_gives_the_same_crop_again() -> None:
    images = {
        Modality.RGB: scene(*ONE),
        Modality.DEPTH: head_before_wall(600.0, 320),
        Modality.IR: scene(*ONE)[:, :, 0].copy(),
    }
    frames = frame_set(images, framing=Framing.FRAME, profiles=D435_PROFILES)
    sampler = FaceSampler(tracking=True)
    for _ in range(3):
        sample = sampler.sample(frames)
    again = FaceSampler().crop_at(frames, sample.box)
    assert sample.crop is not None
    assert again is not None
    for name in ("rgb", "depth", "ir"):
        np.testing.assert_array_equal(getattr(sample.crop, name), getattr(again, name))
    assert sample.crop.metric_depth
    assert sample.crop.face_mm == pytest.approx(again.face_mm)


def test_overlap() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1.0
    assert overlap((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (20, 0, 10, 10)) == 0.0


def test_a_detector_file_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "yunet.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(InputError, match=r"yunet\.onnx cannot be loaded"):
        default_detector(broken)
    assert isinstance(default_detector(), CascadeDetector)


@pytest.mark.shared
def test_yunet_and_the_cascade_frame_a_face_alike(shared_data: Path) -> None:
    yunet = YunetDetector(shared_data / "yunet" / "yunet_n_320_320.onnx")
    picture = scene(*ONE)
    (theirs, *_), (ours, *_) = yunet.detect(picture), CascadeDetector().detect(picture)
    assert overlap(theirs.box, ours.box) > 0.7
    assert theirs.yaw_deg is not None
    assert abs(theirs.yaw_deg) < 25.0


@pytest.mark.shared
def test_faces_of_real_people_are_found_in_infrared(shared_data: Path) -> None:
    detector, found, files = CascadeDetector(), 0, sorted((shared_data / "kinect2_bona_fide").glob("*/*infrared.png"))
    for path in files[::6]:
        found += bool(detector.detect(grey_picture(read_image(path, Modality.IR))))
    assert found >= 0.9 * len(files[::6])
