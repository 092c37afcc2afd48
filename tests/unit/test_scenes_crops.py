"""Training presentations and exported scenes: physics, determinism, no leaks, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.codes import Framing, Species
from core.data.manifest import load_frame_set, read_manifest
from core.errors import CanceledError, InputError, UsageError
from core.face.crop import FRAMING_FACTOR
from core.frames import ALL_MODALITIES, CROP_PX, FaceCrop, Intrinsics, Modality
from core.scenes.artefacts import MASKS, SIMULATED_SPECIES
from core.scenes.backdrop import Backdrop
from core.scenes.crops import BOX_MM, ScenePresentation, by_person, generate, presentations
from core.scenes.domain import DOMAINS, Domain, load_domain
from core.scenes.export import write_scenes
from core.scenes.light import Lamp, Light
from core.scenes.people import Person
from core.scenes.presenter import FACE_BEFORE_HEAD_MM, Motion, Presenter
from core.scenes.render import Camera, expose

SMALL = Domain(name="test", frames=2, people=6, face_px=(60.0, 110.0))


def _same(a: FaceCrop, b: FaceCrop) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("rgb", "depth", "ir"))


def test_crops_are_what_models_expect() -> None:
    made = list(generate(SMALL, ("bona_fide", "print_flat", "mask_rigid"), 6, 3))
    assert [p.species for p in made] == ["", "print_flat", "mask_rigid"] * 2
    for shown in made:
        assert len(shown.crops) == 2
        for crop in shown.crops:
            assert crop.mask == ALL_MODALITIES
            assert crop.rgb is not None
            assert crop.rgb.shape == (CROP_PX, CROP_PX, 3)
            assert crop.depth is not None
            assert crop.depth.dtype == np.float32
            assert crop.ir is not None
            assert 0 <= crop.ir.min() <= crop.ir.max() <= 1
            assert crop.metric_depth


def test_a_crop_is_framed_as_the_live_path_frames_it() -> None:
    domain = SMALL.model_copy(update={"registered_share": 0.0, "blind_share": 0.0})
    sides = [c.face_mm for p in generate(domain, ("bona_fide",), 6, 1) for c in p.crops if c.face_mm is not None]
    assert np.median(sides) == pytest.approx(FRAMING_FACTOR * BOX_MM, rel=0.12)


def test_presentations_depend_on_the_seed_alone() -> None:
    kinds = ("bona_fide", "replay_phone", "print_worn")
    one, again, other = (list(generate(SMALL, kinds, 3, seed)) for seed in (5, 5, 6))
    for a, b, c in zip(one, again, other, strict=True):
        assert a.nuisance == b.nuisance
        assert _same(a.crops[0], b.crops[0])
        assert not _same(a.crops[0], c.crops[0])
        assert not _same(a.crops[0], a.crops[1])


def test_a_presentation_is_the_same_in_any_order_and_company() -> None:
    """Kept people and ray-casting scenes must not show: parts can be made by several processes."""
    kinds = ("bona_fide", "print_flat", "mask_half", "mannequin")
    domain = SMALL.model_copy(update={"frames": 1})
    straight = {p.id: p for p in generate(domain, kinds, 8, 4)}
    order = by_person(domain, 4, range(8))
    assert sorted(order) == list(range(8))
    subjects = [p.subject for p in presentations(domain, kinds, 4, order)]
    assert subjects == sorted(subjects)
    for alone in presentations(domain, kinds, 4, [6, 3]):
        assert _same(alone.crops[0], straight[alone.id].crops[0])


def test_subjects_recur_under_pseudonyms() -> None:
    subjects = [p.subject for p in generate(SMALL.model_copy(update={"frames": 1}), ("bona_fide",), 14, 2)]
    assert 1 < len(set(subjects)) <= 6


def test_circumstances_do_not_depend_on_the_species() -> None:
    """The same index has the same circumstances whatever is presented: no nuisance can tell the class."""
    person, attack = (next(generate(SMALL, (kind,), 1, 9)) for kind in ("bona_fide", "mask_rigid"))
    assert person.nuisance == attack.nuisance


def test_a_classifier_on_nuisances_learns_nothing() -> None:
    domain = SMALL.model_copy(update={"frames": 1, "face_px": (50.0, 70.0)})
    made = list(generate(domain, ("bona_fide", "print_flat", "bona_fide", "mask_rigid"), 64, 21))
    values = np.array([list(p.nuisance.values()) for p in made])
    extra = np.array([_border(p) for p in made])
    label = np.array([p.species == "" for p in made], dtype=float)
    for table in (values, np.concatenate([values, extra], 1)):
        spread = table.std(axis=0)
        scaled = (table - table.mean(axis=0)) / np.where(spread > 1e-9, spread, 1)
        train, test = slice(0, 32), slice(32, 64)
        ridge = scaled[train].T @ scaled[train] + 20 * np.eye(scaled.shape[1])
        score = scaled[test] @ np.linalg.solve(ridge, scaled[train].T @ (label[train] - 0.5))
        # Chance plus two standard errors of 32 trials.
        assert abs(_auc(score, label[test]) - 0.5) <= 0.21


def _border(shown: ScenePresentation) -> list[float]:
    """Noise of the picture's four corners: metadata of the image chain, not of what is shown."""
    rgb = shown.crops[0].rgb
    assert rgb is not None
    grey = rgb[:4, :4].astype(float).mean(axis=2)
    return [float(grey.std())]


def _auc(score: NDArray[np.float64], label: NDArray[np.float64]) -> float:
    positive, negative = score[label > 0.5], score[label < 0.5]
    return float((positive[:, None] > negative[None, :]).mean())


def test_much_of_the_attacks_has_a_faces_relief() -> None:
    with_relief = {*MASKS, Species.MANNEQUIN}
    assert len(with_relief) / len(SIMULATED_SPECIES) >= 0.4


def _exposed(
    species: Species, distance_mm: float, ambient_ir: float = 0.0, yaw_deg: float = 0.0
) -> tuple[float, NDArray[np.float32]]:
    """Mean infrared level of the face's middle and its depth, without noise."""
    rng = np.random.default_rng(0)
    presenter = Presenter(species, Person.draw(rng), Person.draw(rng), 1, 1.2)
    bodies = presenter.bodies(Motion((0.0, 0.0, distance_mm + FACE_BEFORE_HEAD_MM), yaw_deg))
    focal = 0.9 * distance_mm
    camera = Camera(Intrinsics(120, 120, focal, focal, 59.5, 59.5))
    light = Light((Lamp.at(0, 30, 0.6, 5000),), ambient_ir=ambient_ir)
    shot = expose(camera, bodies, Backdrop(3000, (0.5, 0.5, 0.5), 0.5), light, rgb=False)
    assert shot.ir is not None
    return float(np.median(shot.ir[40:80, 40:80])), shot.z_mm[20:100, 20:100]


def test_infrared_falls_with_the_square_of_the_distance() -> None:
    near, far = _exposed(Species.BONA_FIDE, 500)[0], _exposed(Species.BONA_FIDE, 1000)[0]
    assert near * 0.5**2 == pytest.approx(far * 1.0**2, rel=0.08)
    sunny = _exposed(Species.BONA_FIDE, 1000, ambient_ir=0.3)[0]
    assert sunny > 1.5 * far, "ambient light does not fall with the distance"


@pytest.mark.parametrize("species", [Species.PRINT_FLAT, Species.PRINT_BENT, Species.REPLAY_TABLET])
def test_a_quadric_tells_sheets_from_faces(species: Species) -> None:
    assert _sheet_residual(_exposed(species, 600)[1]) < 0.35 * _sheet_residual(_exposed(Species.BONA_FIDE, 600)[1])


def test_a_rigid_mask_has_the_relief_of_a_face() -> None:
    mask = _sheet_residual(_exposed(Species.MASK_RIGID, 600)[1])
    assert mask > 0.6 * _sheet_residual(_exposed(Species.BONA_FIDE, 600)[1])


def _sheet_residual(z: NDArray[np.float32]) -> float:
    v, u = np.mgrid[-1 : 1 : z.shape[0] * 1j, -1 : 1 : z.shape[1] * 1j]
    design = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], -1).reshape(-1, 6)
    flat = z.reshape(-1).astype(float)
    return float(np.median(np.abs(flat - design @ np.linalg.lstsq(design, flat, rcond=None)[0])))


def test_screens_are_dark_in_infrared_but_for_the_projectors_mirror_image() -> None:
    turned = _exposed(Species.REPLAY_MONITOR, 600, yaw_deg=20)[0]
    assert turned < 0.35 * _exposed(Species.BONA_FIDE, 600, yaw_deg=20)[0]
    assert _exposed(Species.REPLAY_MONITOR, 600)[0] > 3 * turned


def test_every_species_and_every_embedded_domain_renders() -> None:
    for domain in DOMAINS.values():
        short = domain.model_copy(update={"frames": 1, "face_px": (60.0, 80.0)})
        made = list(generate(short, (), 1 + len(SIMULATED_SPECIES), 7))
        assert {p.species for p in made} == {"", *SIMULATED_SPECIES}


def test_a_domain_is_read_from_toml_and_json(tmp_path: Path) -> None:
    toml, plain = tmp_path / "site.toml", tmp_path / "site.json"
    toml.write_text('name = "dock"\nsensor = "kinect2"\ndistance_mm = [700, 900]\n', encoding="utf-8")
    plain.write_text(json.dumps({"name": "dock", "sensor": "kinect2", "distance_mm": [700, 900]}), encoding="utf-8")
    assert load_domain(toml) == load_domain(plain) == Domain(name="dock", sensor="kinect2", distance_mm=(700, 900))


@pytest.mark.parametrize(
    "text", ['sensor = "sonar"', "distance = [1, 2]", "exposure = [2.0, 1.0]", 'species = ["poster"]', "name = ["]
)
def test_a_wrong_domain_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"site\.toml"):
        load_domain(path)


@pytest.mark.parametrize("framing", list(Framing))
def test_exported_scenes_read_back(tmp_path: Path, framing: Framing) -> None:
    told: list[tuple[int, int]] = []
    manifest = write_scenes(
        tmp_path / "out", ["bona_fide", "print_flat"], "kinect2", 4, 3, SMALL, framing, lambda a, b: told.append((a, b))
    )
    read = read_manifest(manifest)
    assert not read.left_out
    shown = read.presentations()
    assert [rows[0].species for rows in shown] == ["", "print_flat", "", "print_flat"]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for rows in shown:
        assert len(rows) == SMALL.frames
        frame_set = load_frame_set(rows[0])
        assert frame_set.framing is framing
        assert frame_set.mask == ALL_MODALITIES
        assert frame_set[Modality.IR].pixels.dtype == np.uint16
        assert rows[0].depth_unit_m == 0.001


def test_relative_depth_is_exported_without_a_scale(tmp_path: Path) -> None:
    manifest = write_scenes(tmp_path, ["bona_fide"], "relative", 1, 0, SMALL)
    assert read_manifest(manifest).rows[0].depth_unit_m is None


def test_a_canceled_export_lists_what_it_finished(tmp_path: Path) -> None:
    asked = iter([False, True])
    with pytest.raises(CanceledError):
        write_scenes(tmp_path, ["bona_fide"], "d435", 5, 0, SMALL, cancel=lambda: next(asked))
    assert len(read_manifest(tmp_path / "manifest.csv").presentations()) == 1


def test_an_export_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    for species, sensor in ((["poster"], "d435"), (["bona_fide"], "sonar"), ([], "d435")):
        with pytest.raises(UsageError):
            write_scenes(tmp_path / "none", species, sensor, 1, 0)
    write_scenes(tmp_path, ["bona_fide"], "d435", 1, 0, SMALL)
    with pytest.raises(UsageError, match="already"):
        write_scenes(tmp_path, ["bona_fide"], "d435", 1, 0, SMALL)
