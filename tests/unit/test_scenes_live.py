"""The simulated camera: what it accepts, what it shows, and that it looks like a camera."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import Species
from core.errors import UsageError
from core.frames import Modality
from core.scenes.live import LiveScene, SceneSpec
from core.scenes.sensors import SENSORS, baseline_shadow, measure_depth
from core.scenes.spec import LIVE_SENSORS, SCENES

LIVE_SPECIES = ("print_flat", "print_bent", "print_worn", "replay_phone", "replay_tablet", "mask_rigid")


def test_the_empty_text_is_the_default_scene() -> None:
    assert SceneSpec.parse("") == SceneSpec("booth", 0, "d435", Species.BONA_FIDE)


def test_all_keys_are_read() -> None:
    spec = SceneSpec.parse("corridor,seed=3,sensor=kinect2,species=print_flat")
    assert spec == SceneSpec("corridor", 3, "kinect2", Species.PRINT_FLAT)
    assert SceneSpec.parse("seed=5") == SceneSpec(seed=5)
    assert SceneSpec.parse("booth,species=bona_fide").species is Species.BONA_FIDE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("street", "corridor"),
        ("booth,sensor=d999", "sr300"),
        ("booth,species=poster", "print_flat"),
        ("booth,seed=x", "seed=0"),
        ("booth,speed=3", "seed=N"),
        ("booth,corridor", "seed=N"),
        ("booth,species=hybrid_mask", "mask_rigid"),
    ],
)
def test_what_is_unknown_is_answered_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        SceneSpec.parse(text)
    assert told in caught.value.remedy


@given(
    st.builds(
        SceneSpec,
        st.sampled_from(SCENES),
        st.integers(0, 999_999_999),
        st.sampled_from(LIVE_SENSORS),
        st.sampled_from([Species.BONA_FIDE, *(Species(name) for name in LIVE_SPECIES)]),
    )
)
def test_text_of_a_spec_reads_back(spec: SceneSpec) -> None:
    assert SceneSpec.parse(str(spec)) == spec


@given(st.text(max_size=40))
def test_any_text_gives_a_spec_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert SceneSpec.parse(text).scene in SCENES


def test_images_are_those_of_the_profiles() -> None:
    scene = LiveScene(SceneSpec())
    images = scene.render(0.0)
    assert images[Modality.RGB].shape == (480, 640, 3)
    assert images[Modality.RGB].dtype == np.uint8
    assert images[Modality.DEPTH].shape == (480, 640)
    assert images[Modality.DEPTH].dtype == np.uint16
    assert images[Modality.IR].dtype == np.uint8
    depth = scene.profiles[Modality.DEPTH]
    assert depth.intrinsics is not None
    assert depth.intrinsics.fx == pytest.approx(390.4)
    assert depth.to_rgb is not None
    assert depth.to_rgb.translation_m[0] == pytest.approx(0.0143)
    assert depth.depth_unit_m == 0.001


def test_same_seed_same_film_and_fresh_noise_in_every_frame() -> None:
    one, again = (LiveScene(SceneSpec(seed=4)) for _ in range(2))
    first = one.render(1.0)
    for modality, pixels in again.render(1.0).items():
        assert np.array_equal(pixels, first[modality])
    second = one.render(1.0)
    for modality in first:
        corner = (slice(0, 100), slice(0, 100))
        changed = (first[modality][corner] != second[modality][corner]).mean()
        assert changed > 0.3, f"{modality} repeats itself although nothing moved"


def test_the_head_moves_blinks_and_speaks() -> None:
    scene = LiveScene(SceneSpec())
    motions = [scene.motion(k / 10) for k in range(300)]
    assert np.ptp([m.position_mm[0] for m in motions]) > 8
    assert np.ptp([m.yaw_deg for m in motions]) > 5
    assert max(m.expression.blink for m in motions) > 0.6
    assert max(m.expression.mouth for m in motions) > 0.2
    assert min(m.expression.mouth for m in motions) == 0


def test_depth_shows_the_person_before_the_wall() -> None:
    depth = LiveScene(SceneSpec()).render(0.5)[Modality.DEPTH]
    middle = depth[215:265, 315:345]
    assert 500 < np.median(middle[middle > 0]) < 760
    assert np.median(depth[5:40, 100:500]) > 1200
    assert 0.005 < (depth == 0).mean() < 0.2


def test_nobody_comes_to_the_empty_booth() -> None:
    depth = LiveScene(SceneSpec("empty")).render(3.0)[Modality.DEPTH]
    assert depth[depth > 0].min() > 1000


@pytest.mark.parametrize("scene", ["booth", "corridor"])
def test_the_cascade_finds_a_person(scene: str) -> None:
    found, frames = 0, 0
    for seed in range(4):
        film = LiveScene(SceneSpec(scene, seed))
        for k in range(5):
            found += _faces(film, 0.3 + 1.7 * k) == 1
            frames += 1
    assert found / frames >= 0.95


@pytest.mark.parametrize("species", LIVE_SPECIES)
def test_the_cascade_finds_the_face_of_an_instrument(species: str) -> None:
    found = [_faces(LiveScene(SceneSpec("booth", seed, "d435", Species(species))), 1.3) >= 1 for seed in range(4)]
    assert np.mean(found) >= 0.75


def _faces(film: LiveScene, t_s: float) -> int:
    cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"))
    grey = cv2.cvtColor(film.render(t_s)[Modality.RGB], cv2.COLOR_RGB2GRAY)
    return len(cascade.detectMultiScale(grey, 1.1, 5, minSize=(40, 40), maxSize=(260, 260)))


@pytest.mark.shared
def test_yunet_finds_a_person(shared_data: Path) -> None:
    film = LiveScene(SceneSpec(seed=2))
    network = cv2.FaceDetectorYN.create(str(shared_data / "yunet" / "yunet_n_320_320.onnx"), "", (320, 240), 0.6)
    for k in range(5):
        picture = cv2.cvtColor(film.render(2.0 * k)[Modality.RGB], cv2.COLOR_RGB2BGR)
        small = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)
        faces = network.detect(small)[1]
        assert faces is not None
        assert len(faces) == 1


def test_stereo_noise_grows_with_the_square_of_the_distance() -> None:
    sensor = SENSORS["d435"]
    spread = {}
    for z_mm in (500.0, 1000.0):
        plane = np.full((240, 320), z_mm, dtype=np.float32)
        counts = measure_depth(plane, np.zeros_like(plane), sensor, np.random.default_rng(1))
        spread[z_mm] = float(counts[counts > 0].astype(float).std())
    assert spread[500.0] == pytest.approx(500**2 * 0.037 / (390.4 * 50), rel=0.35)
    assert spread[1000.0] / spread[500.0] == pytest.approx(4, rel=0.3)


def test_time_of_flight_noise_is_that_of_the_real_captures() -> None:
    plane = np.full((200, 200), 900.0, dtype=np.float32)
    counts = measure_depth(plane, np.zeros_like(plane), SENSORS["kinect2"], np.random.default_rng(2))
    valid = counts[counts > 0].astype(float)
    assert 1.2 <= valid.std() <= 2.0
    assert (counts == 0).mean() < 0.02


def test_the_baseline_throws_its_shadow_to_the_left() -> None:
    z = np.full((20, 300), 2000.0, dtype=np.float32)
    z[:, 150:200] = 600.0
    shadow = baseline_shadow(z, 390.4, 50.0)[10]
    width = 390.4 * 50 * (1 / 600 - 1 / 2000)
    assert shadow[:150].sum() == pytest.approx(width, abs=2)
    assert shadow[150 - int(width) + 2 : 149].all()
    assert not shadow[150:].any()


def test_relative_depth_has_eight_bits_and_no_scale() -> None:
    sensor = SENSORS["relative"]
    plane = np.linspace(500, 700, 64 * 64, dtype=np.float32).reshape(64, 64)
    counts = measure_depth(plane, np.zeros_like(plane), sensor, np.random.default_rng(0))
    assert counts.max() <= 255
    assert sensor.profiles[Modality.DEPTH].depth_unit_m is None
    near, far = counts[:8][counts[:8] > 0], counts[-8:][counts[-8:] > 0]
    assert near.mean() < far.mean(), "larger is farther"
