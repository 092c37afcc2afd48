"""Instruments that are worn, and what is worn by everybody: materials, parts, craft, cloth, glasses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.codes import Species
from core.frames import Intrinsics
from core.scenes.artefacts import MASKS
from core.scenes.backdrop import Backdrop
from core.scenes.faces import paint_head
from core.scenes.head import COVERS, NEUTRAL, Expression, Shape
from core.scenes.light import Lamp, Light
from core.scenes.mesh import F32
from core.scenes.paint import Paint
from core.scenes.people import Person, head_of
from core.scenes.portrait import Portrait, ink_in_infrared, portrait, printed
from core.scenes.presenter import FACE_BEFORE_HEAD_MM, Motion, Presenter
from core.scenes.render import Camera, Exposure, expose
from core.scenes.sensors import SENSORS, RelativeCoding, measure_depth, metered_gain
from core.scenes.worn import HALVES, PATCHES, Cut, MaskedHead, make_mask, make_overlay


def _person(seed: int) -> Person:
    person = Person.draw(np.random.default_rng(seed))
    shape = replace(person.shape, cover="", scarf=False, hair_length=0.0, bald=False)
    return replace(person, shape=shape, looks=replace(person.looks, glasses=False))


def _at(paint: Paint, x_mm: float, y_mm: float) -> tuple[slice, slice]:
    column, row = (int(v) for v in paint.places(np.array([x_mm, y_mm], dtype=F32)))
    return slice(row - 2, row + 3), slice(column - 2, column + 3)


@pytest.mark.parametrize("part", [*HALVES, *PATCHES])
def test_part_masks_cover_their_part_only(part: str) -> None:
    cut = Cut(Species.MASK_HALF if part in HALVES else Species.PARTIAL, part)
    centre = {
        "lower": (0, -40),
        "mouth": (0, -40),
        "upper": (0, 40),
        "eyes": (31, 30),
        "nose": (0, 0),
        "tattoo": (30, 0),
    }
    outside = {"lower": 60, "mouth": 40, "upper": -40, "eyes": -30, "nose": -60, "tattoo": -90}
    x, y = (np.array([v], dtype=F32) for v in centre[part])
    assert cut.cover(x, y)[0] > 0.9
    assert cut.cover(x, np.array([outside[part]], dtype=F32))[0] < 0.1


@pytest.mark.parametrize("species", MASKS)
def test_every_worn_species_has_the_wearers_ears_and_its_own_face(species: Species) -> None:
    wearer, victim = _person(1), _person(2)
    cut = Cut.draw(species, np.random.default_rng(4))
    masked = make_mask(cut, wearer, victim, np.random.default_rng(5))[0].mesh()
    own = head_of(wearer).mesh()
    moved = np.linalg.norm(masked.vertices - own.vertices, axis=1)
    assert moved[np.abs(own.chart[:, 0]) > 125].max() < 1e-3
    assert moved.max() > 1 or cut.part == "tattoo"


def test_rigid_masks_do_not_speak_and_flexible_ones_do() -> None:
    wearer, victim = _person(1), _person(2)
    talking = Expression(mouth=1.0)
    moved = {}
    for species in (Species.MASK_RIGID, Species.MASK_FLEXIBLE):
        head = MaskedHead(wearer, victim, Cut(species))
        still = head.mesh(NEUTRAL)
        chin = (np.abs(still.chart[:, 0]) < 12) & (np.abs(still.chart[:, 1] + 66) < 8)
        moved[species] = np.abs(head.mesh(talking).vertices - still.vertices)[chin].max()
    assert moved[Species.MASK_RIGID] < 1
    assert moved[Species.MASK_FLEXIBLE] > 5


def test_craft_brings_a_masks_infrared_near_skins() -> None:
    victim = _person(3)
    skin = float(np.median(paint_head(victim, 1.9, hair=False).ir))
    gaps = {}
    for craft in (0.0, 1.0):
        made = [
            make_overlay(Cut(Species.MASK_RIGID), victim, 1.9, np.random.default_rng(seed), craft) for seed in range(12)
        ]
        gaps[craft] = np.mean([abs(float(np.median(o.ir[o.cover > 0.9])) - skin) for o in made if o.ir is not None])
    assert gaps[1.0] < 0.7 * gaps[0.0]


def test_pigment_darkens_both_bands_and_melanin_only_one() -> None:
    """What only colour and infrared together tell: a person's tone is hardly seen in infrared, a painted one is."""
    fair, dark = (replace(_person(5), looks=replace(_person(5).looks, melanin=m)) for m in (0.1, 0.9))

    def level(paint: NDArray[np.float32]) -> float:
        return float(np.median(paint))

    skin = level(paint_head(dark, 1.9, hair=False).ir) / level(paint_head(fair, 1.9, hair=False).ir)
    assert skin > 0.8
    face = paint_head(fair, 1.9, hair=False)
    cheeks = (slice(_at(face, 0, 10)[0].start, _at(face, 0, -50)[0].stop), slice(90, 150))
    slopes = []
    for seed in range(8):
        mask = make_overlay(Cut(Species.MASK_FLEXIBLE), fair, 1.9, np.random.default_rng(seed), 0.0)
        assert mask.ir is not None
        slopes.append(_slope(face.rgb[cheeks].mean(axis=2), mask.ir[cheeks]))
    assert np.median(slopes) > 0.1


def _slope(colour: NDArray[np.float32], infrared: NDArray[np.float32]) -> float:
    """How much infrared follows colour, both as logarithms."""
    a, b = np.log(colour).ravel(), np.log(infrared).ravel()
    return float(np.cov(a, b)[0, 1] / np.var(a))


def test_dye_vanishes_in_infrared_and_the_black_plate_shows_a_face() -> None:
    picture: Portrait = portrait(_person(6), 0, 1.9)
    prints = [printed(picture, np.random.default_rng(seed), 0.8) for seed in range(24)]
    spreads = [float(np.std(ink_in_infrared(p, np.random.default_rng(100 + i), 0.8))) for i, p in enumerate(prints)]
    assert min(spreads) < 0.03
    assert max(spreads) > 0.08


def test_a_print_that_is_pulled_over_a_face_sits_beside_its_features() -> None:
    victim = _person(7)
    still, slipped = (
        make_overlay(Cut(Species.PRINT_WORN), victim, 1.9, np.random.default_rng(1), 1.0, slips)
        for slips in (False, True)
    )
    eye = _at(paint_head(victim, 1.9), 31, 29.5)
    assert still.rgb is not None
    assert slipped.rgb is not None
    assert abs(float(still.rgb[eye].mean() - slipped.rgb[eye].mean())) > 0.02


@pytest.mark.parametrize("cover", COVERS)
def test_cloth_on_the_head_covers_hair_and_has_thickness(cover: str) -> None:
    bare = _person(8)
    covered = replace(bare, shape=replace(bare.shape, cover=cover, bald=True))
    bald = replace(bare, shape=replace(bare.shape, bald=True))
    paint = paint_head(covered, 1.9)
    assert np.allclose(paint.ir[_at(paint, 0, 100)].mean(), covered.looks.cloth_ir, rtol=0.5)
    top = np.abs(head_of(bald).mesh().chart[:, 1] - 100) < 6
    grown = np.linalg.norm(head_of(covered).mesh().vertices - head_of(bald).mesh().vertices, axis=1)
    assert grown[top].max() > 3


def _exposed(person: Person, lamp_deg: float = 0.0, shaded: bool = False) -> Exposure:
    presenter = Presenter(Species.BONA_FIDE, person, person, 1, 1.2, shaded=shaded)
    camera = Camera(Intrinsics(120, 120, 540.0, 540.0, 59.5, 59.5))
    light = Light((Lamp.at(lamp_deg, 10, 0.8, 5500),), (0.1, 0.1, 0.1))
    return expose(
        camera, presenter.bodies(Motion((0.0, 0.0, 600 + FACE_BEFORE_HEAD_MM))), Backdrop(2000, (0.4,) * 3, 0.4), light
    )


def test_a_nose_throws_a_shadow() -> None:
    lit, shaded = (_exposed(_person(9), 60.0, shaded) for shaded in (False, True))
    assert lit.rgb is not None
    assert shaded.rgb is not None
    darker = (shaded.rgb[..., 1] < 0.75 * lit.rgb[..., 1])[30:100, 30:90]
    assert 0.01 < darker.mean() < 0.6
    assert (shaded.rgb <= lit.rgb + 1e-5).all()


def test_lenses_cost_depth() -> None:
    plain = _person(10)
    wearing = replace(plain, looks=replace(plain.looks, glasses=True))
    eyes = (slice(28, 48), slice(28, 92))
    assert _exposed(wearing).holes[eyes].mean() > _exposed(plain).holes[eyes].mean()


def test_relative_depth_comes_in_several_codings() -> None:
    plane = np.linspace(600, 760, 96 * 96, dtype=F32).reshape(96, 96)
    counts = {}
    for name, coding in {
        "own range": RelativeCoding(None),
        "fixed span": RelativeCoding(600.0),
        "share of the farthest": RelativeCoding(None, by_maximum=True),
        "jpeg": RelativeCoding(400.0, jpeg_quality=60),
    }.items():
        sensor = replace(SENSORS["relative"], relative=coding)
        image = measure_depth(plane, np.zeros_like(plane), sensor, np.random.default_rng(0))
        assert image.max() <= 255
        counts[name] = float(np.percentile(image[image > 0], 95)) - float(np.percentile(image[image > 0], 5))
    assert counts["own range"] > 1.5 * counts["fixed span"]
    assert counts["share of the farthest"] < 80


def test_auto_exposure_brings_near_and_far_to_one_level() -> None:
    sensor = SENSORS["d435"]
    levels = []
    for radiance in (0.2, 0.9):
        picture = np.full((40, 40), radiance, dtype=F32)
        levels.append(radiance * sensor.ir_gain * metered_gain(picture, sensor, 0.4))
    assert levels == pytest.approx([0.4, 0.4], rel=0.01)


def test_faces_are_lopsided_and_nobody_elses() -> None:
    shape = Shape.draw(np.random.default_rng(11))
    points = head_of(Person(shape=shape), bare=True).mesh()
    left, right = (np.abs(points.chart - np.array([side * 36, 58])).sum(axis=1).argmin() for side in (-1, 1))
    assert abs(float(points.vertices[left, 2] - points.vertices[right, 2])) > 0.05
