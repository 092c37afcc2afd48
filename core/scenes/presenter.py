"""Who or what stands before the camera: one object for bona fide presentations and for every species of attack."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.codes import Species
from core.scenes.artefacts import (
    JOINT_SPECIES,
    MASKS,
    PRINTS,
    REPLAYS,
    make_sheet,
)
from core.scenes.faces import paint_head, with_expression
from core.scenes.head import NEUTRAL, Expression, HeadModel
from core.scenes.mesh import Solid
from core.scenes.paint import Paint
from core.scenes.palette import ANY_PALETTE, Palette
from core.scenes.people import Person, head_of
from core.scenes.portrait import portrait
from core.scenes.render import Body, Finish, Pose
from core.scenes.torso import torso_body
from core.scenes.worn import Cut, Overlay, make_mask, make_overlay, make_veil, paint_mannequin

FACE_BEFORE_HEAD_MM = 88.0
"""The face's surface stands that far before the head's origin."""
_CACHED_EXPRESSIONS = 24


@dataclass(frozen=True, slots=True)
class Motion:
    """Where the presented face is, at one instant: the head's origin in the rig's frame (mm), angles, expression."""

    position_mm: tuple[float, float, float]
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    expression: Expression = NEUTRAL


class Presenter:
    """Gives the bodies of a presentation for any motion.

    Args:
        species: what is presented.
        person: the bona fide subject, the wearer or the holder.
        victim: whose face an instrument shows.
        seed: draws the instrument and the clothes.
        mm_per_px: fineness of the paint.
        steps: pixels per ray on the face and on the shoulders.
        craft: how well an instrument is made, ``(low, high)`` from 0 to 1.
        shaded: heads throw the key lamp's shadow on themselves (a second ray for each).
        palette: inks and pigment of instruments.
    """

    def __init__(
        self,
        species: Species,
        person: Person,
        victim: Person,
        seed: int,
        mm_per_px: float = 0.8,
        steps: tuple[int, int] = (1, 3),
        craft: tuple[float, float] = (0.0, 1.0),
        shaded: bool = False,
        palette: Palette = ANY_PALETTE,
    ) -> None:
        rng = np.random.default_rng(seed)
        skill = float(rng.uniform(*craft))
        self.species = species
        self.person = person
        self._steps, self._mm_per_px = steps, mm_per_px
        self._shaded = shaded
        self._torso = torso_body(np.zeros(3), rng, steps[1])
        self._heads: OrderedDict[tuple[float, float, float], tuple[Solid, Paint]] = OrderedDict()
        self._sheet: Body | None = None
        self.face_scale = 1.0
        self._approach = 1.0
        self._overlay: Overlay | None = None
        self._finish = skin_finish(person)
        if species in PRINTS or species in REPLAYS:
            picture = portrait(victim, int(rng.integers(0, 3)), mm_per_px)
            sheet = make_sheet(species, picture, rng, person, skill, palette)
            self._sheet = Body(Solid(sheet.mesh), sheet.paint, Pose.facing((0, 0, 0)), sheet.finish, steps[0])
            self.face_scale = sheet.face_scale
            # A small screen is held nearer, so that the face on it is not small in the picture.
            self._approach = float(rng.uniform(max(0.4, min(1.0, 1.05 * sheet.face_scale)), 1.0))
            self._behind_mm = float(rng.uniform(60, 220))
            self._drop_mm = float(rng.uniform(-30, 60))
        self._model: HeadModel = head_of(person)
        if species in MASKS:
            victim = _alike(victim, person, rng)
            cut = Cut.draw(species, rng, skill)
            masked, self._finish = make_mask(cut, person, victim, rng, skill)
            self._model = masked
            self._overlay = make_overlay(cut, victim, mm_per_px, rng, skill, masked.own, palette)
        elif species in JOINT_SPECIES:
            self._overlay = make_veil(species, victim, person, mm_per_px, rng)
        elif species is Species.MANNEQUIN:
            self._model = head_of(victim)
            self._finish = Finish(float(rng.uniform(0.03, 0.3)), 0.05, 25, sheen=float(rng.uniform(0, 0.3)))
            self._base = paint_mannequin(victim, rng, mm_per_px, skill, palette)

    def bodies(self, motion: Motion) -> list[Body]:
        """Everything of the presentation at that instant."""
        return [*self.still_bodies(motion), *self.moving_bodies(motion)]

    def still_bodies(self, motion: Motion) -> list[Body]:
        """What hardly moves: the shoulders, and whoever holds an instrument."""
        if self._sheet is None:
            return [replace(self._torso, pose=Pose.facing(motion.position_mm))]
        x, y, z = motion.position_mm
        behind = (x, y + self._drop_mm, z + self._behind_mm)
        still = replace(motion, position_mm=behind, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, expression=NEUTRAL)
        # Little is seen of the holder: coarse rays will do.
        return [replace(self._torso, pose=Pose.facing(behind)), replace(self._head(still), step=self._steps[1])]

    def moving_bodies(self, motion: Motion) -> list[Body]:
        """The head, or the instrument that is held before it."""
        if self._sheet is None:
            return [self._head(motion)]
        pose = Pose.facing(self.face_mm(motion), motion.yaw_deg, motion.pitch_deg, motion.roll_deg)
        return [replace(self._sheet, pose=pose)]

    def face_mm(self, motion: Motion) -> tuple[float, float, float]:
        """Middle of the presented face's surface in the rig's frame (mm)."""
        x, y, z = motion.position_mm
        return self._approach * x, self._approach * y, self._approach * (z - FACE_BEFORE_HEAD_MM)

    def _head(self, motion: Motion) -> Body:
        solid, paint = self._with_expression(motion.expression)
        pose = Pose.facing(motion.position_mm, motion.yaw_deg, motion.pitch_deg, motion.roll_deg)
        return Body(solid, paint, pose, self._finish, self._steps[0], self._shaded)

    def _with_expression(self, expression: Expression) -> tuple[Solid, Paint]:
        """Geometry and paint, rounded to quarters of an expression so that few of them are ever built."""
        if self.species is Species.MANNEQUIN:
            expression = NEUTRAL
        key = (round(4 * expression.mouth) / 4, round(3 * expression.blink) / 3, round(2 * expression.smile) / 2)
        found = self._heads.pop(key, None)
        if found is None:
            found = self._make(Expression(*key))
            if len(self._heads) >= _CACHED_EXPRESSIONS:
                self._heads.popitem(last=False)
        self._heads[key] = found
        return found

    def _make(self, expression: Expression) -> tuple[Solid, Paint]:
        solid = head_solid(self._model, expression)
        if self.species is Species.MANNEQUIN:
            return solid, self._base
        paint = face_paint(self.person, self._mm_per_px, expression)
        return solid, paint if self._overlay is None else self._overlay.over(paint)


@lru_cache(maxsize=32)
def head_solid(model: HeadModel, expression: Expression) -> Solid:
    """The head ready for casting: one scene for all presentations of a person with that expression."""
    return Solid(model.mesh(expression))


@lru_cache(maxsize=24)
def face_paint(person: Person, mm_per_px: float, expression: Expression) -> Paint:
    """A person's paint with that expression; shared, so do not draw on it."""
    return with_expression(paint_head(person, mm_per_px), person, expression)


def skin_finish(person: Person) -> Finish:
    """How that person's skin shines, in colour and before the projector."""
    oil = person.looks.oil
    return Finish(0.03 + 0.09 * oil, 0.01 + 0.05 * oil, 12 + 14 * oil, sheen=0.04 + 0.32 * oil, breadth=3 + 5 * oil)


def _alike(victim: Person, wearer: Person, rng: np.random.Generator) -> Person:
    """The victim with a skin not far from the wearer's: nobody wears a face that his ears give away."""
    melanin = float(np.clip(wearer.looks.melanin + rng.normal(0, 0.08), 0, 1))
    return replace(victim, looks=replace(victim.looks, melanin=melanin))
