"""Instruments that are worn: face prints, paper, rigid, flexible and half masks, patches; and mannequins.

Geometry is the wearer's head, covered where the instrument lies by the victim's. ``craft`` from 0 (crude) to 1 says
how well it is made: painted with all tones, of a material whose infrared is near skin's, with the face's own contrast.
What no craft removes: pigment that colours also darkens in infrared, a rigid face does not move, a print that is pulled
over a face does not sit on its features, two materials meet at a seam.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.scenes.faces import paint_head
from core.scenes.head import EYE_X_MM, EYE_Y_MM, MOUTH_Y_MM, NEUTRAL, Expression, bump
from core.scenes.mesh import F32, Mesh
from core.scenes.noise import Grain, noise
from core.scenes.paint import Paint
from core.scenes.palette import ANY_PALETTE, Palette
from core.scenes.people import Person, head_of
from core.scenes.portrait import Portrait, ink_in_infrared, printed
from core.scenes.render import Finish

RIGID_MATERIALS = {"resin": (0.7, 0.9), "plaster": (0.72, 0.88), "painted_latex": (0.42, 0.68), "wood": (0.5, 0.7)}
"""Albedo near 850 nm (scenes.md, "Infrared")."""
PATCHES = ("mouth", "eyes", "nose", "tattoo")
HALVES = ("lower", "upper")
VEIL_SLIP_MM = (12.0, 19.0)
"""How far the features of a veil lie from the wearer's."""
VEIL_EDGE = 5.0
"""One over the share of its radius in which a veil runs out."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What an instrument covers. ``part``: one of `PATCHES` or `HALVES`, or nothing for the whole face."""

    species: Species
    part: str = ""

    @classmethod
    def draw(cls, species: Species, rng: np.random.Generator, craft: float = 0.5) -> Cut:
        """An instrument of that species at random; with little ``craft`` a patch is a large one."""
        patches = PATCHES if rng.random() < craft else PATCHES[:2]
        parts = {Species.PARTIAL: patches, Species.MASK_HALF: HALVES}.get(species)
        return cls(species, str(rng.choice(parts)) if parts else "")

    def cover(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where the instrument lies on the face, 0..1 on the chart."""
        if self.part in ("mouth", "lower"):
            wide, top = (62, 6) if self.part == "mouth" else (88, 17)
            return _box(x, y, wide, -80, top)
        if self.part in ("eyes", "upper"):
            low, top = (12, 54) if self.part == "eyes" else (-14, 84)
            return _box(x, y, 64 if self.part == "eyes" else 84, low, top)
        if self.part == "nose":
            return np.asarray(np.clip(3 * bump(x, y, 0, 2, 13, 17) - 0.9, 0, 1), dtype=F32)
        if self.part == "tattoo":
            return _box(x, y, 70, -60, 70)
        if self.species is Species.MASK_FLEXIBLE:
            return _box(x, y, 112, -112, 96)
        return np.asarray(np.clip((1 - np.hypot(x / 78, (y + 8) / 82)) * 30, 0, 1))


def _box(x: NDArray[np.float32], y: NDArray[np.float32], wide: float, low: float, top: float) -> NDArray[np.float32]:
    inside = np.clip((top - y) / 3, 0, 1) * np.clip((y - low) / 3, 0, 1) * np.clip((wide - np.abs(x)) / 3, 0, 1)
    return np.asarray(inside, dtype=F32)


@dataclass(frozen=True, slots=True)
class MaskedHead:
    """`core.scenes.head.HeadModel` of somebody who wears an instrument.

    ``relief``: how much of the victim's relief the instrument has (1 = a cast, 0 = a cylinder before the face);
    ``own``: it is thin and follows the wearer's face instead.
    """

    wearer: Person
    victim: Person
    cut: Cut
    gap_mm: float = 4.0
    relief: float = 1.0
    own: bool = False

    def mesh(self, expression: Expression = NEUTRAL) -> Mesh:
        """The masked head. Rigid instruments keep their expression whatever the wearer does."""
        base = head_of(self.wearer).mesh(expression)
        if self.cut.part == "tattoo":
            return base
        x, y = base.chart[:, 0], base.chart[:, 1]
        still = self.cut.species is not Species.MASK_FLEXIBLE
        shown = self.wearer if self.own else self.victim
        points = head_of(shown, bare=True).mesh(NEUTRAL if still and not self.own else expression).vertices.copy()
        if self.relief < 1:
            rolled = points.copy()
            rolled[:, 2] = 108 * np.sqrt(np.clip(1 - (points[:, 0] / 112) ** 2, 0.05, 1))
            points = rolled + F32(self.relief) * (points - rolled)
        points[:, 2] += F32(self.gap_mm)
        cover = self.cut.cover(x, y)[:, None]
        if self.cut.species is Species.MASK_RIGID:
            cover = cover * (1 - 0.8 * np.clip(2 * bump(x, y, EYE_X_MM, EYE_Y_MM, 8, 4) - 0.4, 0, 1))[:, None]
        vertices = base.vertices * (1 - cover) + points * cover
        return Mesh(vertices.astype(F32), base.faces, base.chart)


def make_mask(
    cut: Cut, wearer: Person, victim: Person, rng: np.random.Generator, craft: float = 0.5
) -> tuple[MaskedHead, Finish]:
    """Geometry and finish of a worn instrument."""
    species = cut.species
    relief = {Species.PRINT_WORN: float(rng.uniform(0.25, 0.95)), Species.MASK_PAPER: float(rng.uniform(0.55, 1.0))}
    close = species in (Species.MASK_FLEXIBLE, Species.PARTIAL)
    gap = float(rng.uniform(1.5, 4) if close else rng.uniform(3, 9 - 4 * craft))
    own = species is Species.PRINT_WORN and bool(rng.random() < 0.35 + 0.4 * craft)
    gloss = float(rng.uniform(0.02, 0.3 - 0.18 * craft) if species is Species.MASK_RIGID else rng.uniform(0.02, 0.1))
    sheen = float(rng.uniform(0, 0.3))
    head = MaskedHead(wearer, victim, cut, 1.5 if own else gap, 1.0 if own else relief.get(species, 1.0), own)
    return head, Finish(gloss, 0.5 * gloss, float(rng.uniform(12, 40)), sheen=sheen, breadth=float(rng.uniform(3, 8)))


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """The visible side of a worn instrument on the wearer's chart: ``cover`` 0..1 over the paint below.

    ``seam``: how dark the shadow at its edge is. A band that is ``None`` shows what lies below.
    """

    cover: NDArray[np.float32]
    rgb: NDArray[np.float32] | None
    ir: NDArray[np.float32] | None
    seam: float = 0.5

    def over(self, base: Paint) -> Paint:
        """The wearer's paint with the instrument on it."""
        edge = 1 - F32(self.seam) * np.clip(4 * self.cover * (1 - self.cover), 0, 1)
        rgb, infrared = base.rgb, base.ir
        if self.rgb is not None:
            rgb = rgb + self.cover[..., None] * (self.rgb - rgb)
        if self.ir is not None:
            infrared = infrared + self.cover * (self.ir - infrared)
        rgb = rgb * edge[..., None]
        holes = None if base.holes is None else base.holes * (1 - self.cover)
        return replace(base, rgb=rgb.astype(F32), ir=infrared.astype(F32), holes=holes)


def make_overlay(
    cut: Cut,
    victim: Person,
    mm_per_px: float,
    rng: np.random.Generator,
    craft: float = 0.5,
    slips: bool = False,
    palette: Palette = ANY_PALETTE,
) -> Overlay:
    """Material and picture of a worn instrument; eyes and mouth stay open where the species leaves them.

    ``slips``: the picture is pulled over the face and sits beside its features.
    """
    face = paint_head(victim, mm_per_px, hair=False)
    if slips:
        face = _slipped(face, rng)
    x, y = face.mesh()
    species = cut.species
    cover = np.broadcast_to(cut.cover(x, y), face.ir.shape).astype(F32)
    if cut.part == "tattoo":
        lines = noise(Grain.BLOCK_MATCHED, face.ir.shape, rng)
        ink = cover * (np.abs(lines) < rng.uniform(0.15, 0.4))
        colour = (rng.uniform(0.02, 0.2) * rng.uniform(0.4, 1.2, 3)).astype(F32)
        carbon = F32(rng.uniform(0.08, 0.35))
        return Overlay(ink.astype(F32), np.broadcast_to(colour, face.rgb.shape), np.full(face.ir.shape, carbon), 0.0)
    if species in (Species.PRINT_WORN, Species.MASK_PAPER) or cut.part in ("mouth", "eyes"):
        rgb = printed(Portrait(face.rgb, mm_per_px), rng, craft)
        infrared = ink_in_infrared(rgb, rng, craft, palette)
    else:
        rgb, infrared = cast_material(species, face, rng, craft, palette)
    if species not in (Species.PARTIAL, Species.MASK_HALF):
        eyes = np.clip(4 * bump(x, y, EYE_X_MM, EYE_Y_MM, 12, 6) - 1.6, 0, 1)
        if species is Species.MASK_FLEXIBLE or (rng.random() < 0.5 and not slips):
            cover = cover * (1 - eyes)
    if species is Species.MASK_FLEXIBLE:
        cover = cover * (1 - np.clip(2 * bump(x, y, 0, MOUTH_Y_MM, 14, 2.5) - 0.6, 0, 1))
    return Overlay(cover.astype(F32), rgb, infrared, float(rng.uniform(0.1, 0.9)) * (1.1 - craft))


def _slipped(face: Paint, rng: np.random.Generator, slip_mm: tuple[float, float] = (8, 20)) -> Paint:
    """The picture moved by so many mm and turned a little on the chart."""
    height, width = face.ir.shape
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(*slip_mm) / face.mm_per_px
    turn = cv2.getRotationMatrix2D((width / 2, height * 0.4), float(rng.normal(0, 4)), float(rng.uniform(0.92, 1.08)))
    turn[:, 2] += far * np.cos(angle), far * np.sin(angle)
    rgb, infrared = (
        cv2.warpAffine(p, turn, (width, height), borderMode=cv2.BORDER_REPLICATE) for p in (face.rgb, face.ir)
    )
    return replace(face, rgb=np.asarray(rgb, F32), ir=np.asarray(infrared, F32))


def make_veil(species: Species, victim: Person, wearer: Person, mm_per_px: float, rng: np.random.Generator) -> Overlay:
    """Somebody else's features in one band over the wearer's own, on a skin like the wearer's.

    Make-up of dyes that vanish in infrared, or light and dyes that only infrared sees. It does not sit on the wearer's
    features and runs out softly; relief and the other band stay the wearer's.
    """
    looks, own = victim.looks, wearer.looks
    skin = replace(looks, melanin=own.melanin, redness=own.redness, age=own.age, oil=own.oil, glasses=False)
    face = _slipped(paint_head(replace(victim, looks=skin), mm_per_px, hair=False), rng, VEIL_SLIP_MM)
    x, y = face.mesh()
    inside = np.clip((1 - np.hypot(x / 66, (y + 10) / 66)) * VEIL_EDGE, 0, 1)
    cover = np.broadcast_to(inside, face.ir.shape).astype(F32)
    veil = Overlay(cover, face.rgb, face.ir, 0.0)
    return replace(veil, ir=None) if species is Species.MAKEUP else replace(veil, rgb=None)


def cast_material(
    species: Species, face: Paint, rng: np.random.Generator, craft: float = 0.5, palette: Palette = ANY_PALETTE
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Resin, plaster, latex, wood or silicone, more or less well painted: colour and infrared albedo."""
    shape = face.ir.shape
    mean = face.rgb.mean(axis=(0, 1))
    painted = F32(craft + (1 - craft) * rng.uniform(0.3 if species is Species.MANNEQUIN else 0.55, 1.0))
    plain = mean * (1 + (1 - craft) * rng.uniform(-0.15, 0.35, 3)).astype(F32)
    rgb = plain + painted * (face.rgb - plain)
    soft = species is Species.MASK_FLEXIBLE or (species is Species.MASK_HALF and rng.random() < 0.5)
    low, high = (0.4, 0.7) if soft else RIGID_MATERIALS[str(rng.choice(list(RIGID_MATERIALS)))]
    level = float(rng.uniform(low, high))
    skin = float(np.median(face.ir))
    level += 0.5 * craft * (skin - level) + (1 - craft) * (0.16 if level >= skin else -0.16)
    grain = F32(rng.uniform(0.0, 0.03)) * noise(Grain.FRACTAL, shape, rng)
    # Pigment absorbs in both bands: the darker the paint, the darker in infrared, which skin is not.
    pigment = F32(rng.uniform(*palette.pigment) if palette.pigment else rng.uniform(0.15, 0.6) + 0.3 * (1 - craft))
    relative = np.clip(face.rgb.mean(axis=2) / max(float(mean.mean()), 1e-3) - 1, -0.7, 0.3)
    crude = F32(level) * (1 + grain + pigment * relative)
    natural = face.ir * F32(level / max(float(np.median(face.ir)), 1e-3)) * (1 + F32(0.5) * pigment * relative)
    share = F32(craft * rng.uniform(0.4, 1.0))
    return np.clip(rgb, 0, 1).astype(F32), (crude + share * (natural - crude)).astype(F32)


def paint_mannequin(
    victim: Person, rng: np.random.Generator, mm_per_px: float, craft: float = 0.5, palette: Palette = ANY_PALETTE
) -> Paint:
    """A bust in one material, painted like the victim."""
    base = paint_head(victim, mm_per_px)
    rgb, infrared = cast_material(Species.MANNEQUIN, base, rng, craft, palette)
    return Paint(rgb, infrared, base.left_mm, base.top_mm, base.mm_per_px)
