"""What a site's instruments are made with, and the veils that only modalities together tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.codes import Species
from core.frames import Modality
from core.scenes.artefacts import JOINT_SPECIES
from core.scenes.crops import presentation
from core.scenes.domain import Domain
from core.scenes.faces import paint_head
from core.scenes.palette import Ink, Palette
from core.scenes.people import Person
from core.scenes.portrait import ink_in_infrared, portrait, printed
from core.scenes.worn import cast_material


def _person(seed: int) -> Person:
    person = Person.draw(np.random.default_rng(seed))
    return replace(person, looks=replace(person.looks, glasses=False, beard=0.0))


def _contrast(image: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    low, high = np.percentile(image, (2, 98))
    return float(high / max(low, 1e-3))


def test_dye_leaves_the_paper_blank_and_carbon_leaves_the_face_on_it() -> None:
    ink = printed(portrait(_person(1), 0, 2.0), np.random.default_rng(2))
    seen = {kind: _contrast(ink_in_infrared(ink, np.random.default_rng(3), 0.0, Palette(inks=(kind,)))) for kind in Ink}
    assert seen[Ink.DYE] < 1.3
    assert seen[Ink.CARBON] > 2.0


def test_pigment_decides_how_much_of_a_paint_is_left_in_infrared() -> None:
    face = paint_head(_person(1), 2.0)
    blank, strong = (
        cast_material(Species.MANNEQUIN, face, np.random.default_rng(4), 0.0, Palette(pigment=(p, p)))[1]
        for p in (0.0, 1.2)
    )
    assert blank.std() / blank.mean() < 0.5 * strong.std() / strong.mean()


def test_without_a_palette_nothing_changes() -> None:
    plain, named = Domain(), Domain(inks=(), pigment=None)
    assert plain.palette == named.palette == Palette()


@pytest.mark.parametrize(("species", "band"), [*zip(JOINT_SPECIES, (Modality.RGB, Modality.IR), strict=True)])
def test_a_veil_changes_one_band_and_leaves_the_wearer_in_the_others(species: Species, band: Modality) -> None:
    site = Domain(frames=1, registered_share=0.0, jpeg_share=0.0)
    (own,) = presentation(site, Species.BONA_FIDE, 11, 2).crops
    (veiled,) = presentation(site, species, 11, 2).crops
    assert own.rgb is not None
    assert veiled.rgb is not None
    assert own.ir is not None
    assert veiled.ir is not None
    assert own.depth is not None
    assert veiled.depth is not None
    moved = {
        Modality.RGB: float(np.abs(own.rgb.astype(float) - veiled.rgb).mean()),
        Modality.IR: float(np.abs(own.ir - veiled.ir).mean() / own.ir.mean() * 100),
    }
    other = Modality.IR if band is Modality.RGB else Modality.RGB
    assert moved[band] > 4 * moved[other]
    measured = (own.depth > 0) & (veiled.depth > 0)
    assert np.abs(own.depth - veiled.depth)[measured].mean() < 3.0
