"""Presentation-attack instruments: what each species is made of, on top of the same renderer (scenes.md, "Attacks")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.scenes.head import EYE_X_MM, EYE_Y_MM, MOUTH_Y_MM, NEUTRAL, Expression, ProceduralHead, bump
from core.scenes.mesh import F32, Mesh, grid_mesh
from core.scenes.noise import Grain, noise
from core.scenes.paint import Paint, Person, paint_head, skin_ir, skin_rgb
from core.scenes.portrait import Portrait, displayed, ink_in_infrared, printed
from core.scenes.render import Finish

PRINTS = (Species.PRINT_FLAT, Species.PRINT_BENT, Species.PRINT_CUTOUT)
REPLAYS = (Species.REPLAY_PHONE, Species.REPLAY_TABLET, Species.REPLAY_MONITOR)
MASKS = (Species.MASK_RIGID, Species.MASK_FLEXIBLE, Species.MASK_PAPER, Species.PRINT_WORN, Species.PARTIAL)
SIMULATED_SPECIES = (*PRINTS, *REPLAYS, *MASKS, Species.MANNEQUIN)
"""The species that can be rendered; the others are made from real captures."""

_SCREEN_MM = {
    Species.REPLAY_PHONE: ((64, 74), (135, 160)),
    Species.REPLAY_TABLET: ((150, 170), (215, 250)),
    Species.REPLAY_MONITOR: ((300, 340), (380, 420)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A flat instrument, held: its mesh around the face's place, paint and finish. ``face_scale``: 1 = life size."""

    mesh: Mesh
    paint: Paint
    finish: Finish
    face_scale: float


def sheet_mesh(width: float, height: float, curvature: float = 0.0, tilt: float = 0.0, centre_y: float = 0.0) -> Mesh:
    """A rectangle (mm) bent about one axis: ``curvature`` 1/mm, axis turned by ``tilt`` radians from vertical."""
    count = 2 if curvature == 0 else 25
    x, y = np.meshgrid(
        np.linspace(-width / 2, width / 2, count), np.linspace(height / 2, -height / 2, count) + centre_y
    )
    along = x * np.cos(tilt) + y * np.sin(tilt)
    if curvature:
        bent, z = np.sin(along * curvature) / curvature, (np.cos(along * curvature) - 1) / curvature
    else:
        bent, z = along, np.zeros_like(x)
    move = bent - along
    points = np.stack([x + move * np.cos(tilt), y + move * np.sin(tilt), z], -1)
    return grid_mesh(points.astype(F32), np.stack([x, y], -1).astype(F32))


def make_sheet(species: Species, picture: Portrait, rng: np.random.Generator, holder: Person) -> Sheet:
    """A print or a screen that shows the picture."""
    if species in REPLAYS:
        return _screen(species, picture, rng)
    scale = float(rng.uniform(0.85, 1.1))
    width, height = float(rng.uniform(195, 260)), float(rng.uniform(260, 330))
    curvature = float(rng.choice([-1, 1]) * rng.uniform(1 / 420, 1 / 110)) if species is Species.PRINT_BENT else 0.0
    mesh = sheet_mesh(width, height, curvature, float(rng.normal(0, 0.35)), float(rng.uniform(-25, 5)))
    ink = printed(picture, rng)
    paint = _sheet_paint(ink, ink_in_infrared(ink, rng), picture.mm_per_px * scale)
    if species is Species.PRINT_CUTOUT:
        paint = _cut_eyes(paint, scale)
    _fingers(paint, holder, mesh, rng)
    finish = Finish(float(rng.uniform(0.0, 0.10)), float(rng.uniform(0.0, 0.08)), 25, 0.0, 0.01)
    return Sheet(mesh, paint, finish, scale)


def _screen(species: Species, picture: Portrait, rng: np.random.Generator) -> Sheet:
    (narrow, wide), (short, tall) = _SCREEN_MM[species]
    width, height = float(rng.uniform(narrow, wide)), float(rng.uniform(short, tall))
    scale = float(np.clip(width / 215, 0.3, 1.0) * rng.uniform(0.9, 1.1))
    bezel = float(rng.uniform(3, 12))
    light = displayed(picture, rng)
    glass = np.full(light.shape[:2], F32(rng.uniform(0.02, 0.06)))
    paint = _sheet_paint(light, glass, picture.mm_per_px * scale)
    x, y = paint.mesh()
    frame = (np.abs(x) > width / 2) | (np.abs(y) > height / 2)
    paint.rgb[frame] = F32(rng.uniform(0.0, 0.03))
    paint.ir[frame] = F32(rng.uniform(0.03, 0.12))
    mesh = sheet_mesh(width + 2 * bezel, height + 2 * bezel)
    finish = Finish(
        0.05, float(rng.uniform(0.3, 1.5)), 120, float(rng.uniform(0.75, 1.25)), float(rng.uniform(0.05, 0.5))
    )
    return Sheet(mesh, paint, finish, scale)


def _sheet_paint(rgb: NDArray[np.float32], infrared: NDArray[np.float32], mm_per_px: float) -> Paint:
    """A picture whose middle is the face's place, on a margin of its own border."""
    height, width = infrared.shape
    pad = 60
    wide = np.pad(rgb, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    wide_ir = np.pad(infrared, pad, mode="edge")
    return Paint(wide, wide_ir, -(width / 2 + pad) * mm_per_px, (height / 2 + pad) * mm_per_px, mm_per_px)


def _cut_eyes(paint: Paint, scale: float) -> Paint:
    x, y = paint.mesh()
    x, y = x / F32(scale), y / F32(scale)
    hole = np.clip(2.2 * bump(x, y, EYE_X_MM, EYE_Y_MM, 13, 8), 0, 1)
    return Paint(paint.rgb, paint.ir, paint.left_mm, paint.top_mm, paint.mm_per_px, (1 - (hole > 0.9)).astype(F32))


def _fingers(paint: Paint, holder: Person, mesh: Mesh, rng: np.random.Generator) -> None:
    """Thumbs that hold the lower corners."""
    x, y = paint.mesh()
    low, half = float(mesh.chart[:, 1].min()), float(mesh.chart[:, 0].max())
    for side in (-1, 1):
        if rng.random() < 0.3:
            continue
        cx, cy = side * (half - float(rng.uniform(0, 14))), low + float(rng.uniform(5, 120))
        thumb = np.clip(12 - np.hypot((x - cx) / 2.1, y - cy), 0, 1)[..., None]
        paint.rgb[:] = paint.rgb * (1 - thumb) + thumb * skin_rgb(holder.looks.melanin).astype(F32)
        paint.ir[:] = paint.ir * (1 - thumb[..., 0]) + thumb[..., 0] * F32(skin_ir(holder.looks.melanin))


def mask_region(species: Species, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the instrument covers the face, 0..1 on the chart."""
    if species is Species.PARTIAL:
        return np.asarray(
            np.clip((6 - y) / 3, 0, 1) * np.clip((y + 76) / 3, 0, 1) * np.clip((62 - np.abs(x)) / 3, 0, 1)
        )
    oval = 1 - np.hypot(x / 78, (y + 8) / 82)
    cover = np.clip(oval * 30, 0, 1)
    if species is Species.MASK_FLEXIBLE:
        return np.asarray(
            np.clip((112 - np.abs(x)) / 4, 0, 1) * np.clip((y + 112) / 4, 0, 1) * np.clip((96 - y) / 4, 0, 1)
        )
    return np.asarray(cover)


@dataclass(frozen=True, slots=True)
class MaskedHead:
    """`core.scenes.head.HeadModel` of somebody who wears a mask, a face print or a patch of the victim's face.

    ``relief``: how much of the victim's relief the instrument has (1 = a cast, 0 = a cylinder before the face).
    """

    wearer: Person
    victim: Person
    species: Species
    gap_mm: float = 4.0
    relief: float = 1.0

    def mesh(self, expression: Expression = NEUTRAL) -> Mesh:
        """The masked head. Rigid instruments keep their expression whatever the wearer does."""
        own, other = ProceduralHead(self.wearer.shape), ProceduralHead(self.victim.shape, bare=True)
        base = own.mesh(expression)
        x, y = base.chart[:, 0], base.chart[:, 1]
        still = self.species is not Species.MASK_FLEXIBLE
        points = other.surface(x, y, NEUTRAL if still else expression)
        if self.relief < 1:
            rolled = points.copy()
            rolled[:, 2] = 101 * np.sqrt(np.clip(1 - (points[:, 0] / 112) ** 2, 0.05, 1))
            points = rolled + F32(self.relief) * (points - rolled)
        points[:, 2] += F32(self.gap_mm)
        cover = mask_region(self.species, x, y)[:, None]
        if self.species is Species.MASK_RIGID:
            cover = cover * (1 - 0.8 * np.clip(2 * bump(x, y, EYE_X_MM, EYE_Y_MM, 8, 4) - 0.4, 0, 1))[:, None]
        vertices = base.vertices * (1 - cover) + points * cover
        return Mesh(vertices.astype(F32), base.faces, base.chart)


def make_mask(species: Species, wearer: Person, victim: Person, rng: np.random.Generator) -> tuple[MaskedHead, Finish]:
    """Geometry and finish of a worn instrument."""
    relief = {Species.PRINT_WORN: float(rng.uniform(0.25, 0.95)), Species.MASK_PAPER: float(rng.uniform(0.55, 1.0))}
    gap = float(rng.uniform(1.5, 4) if species in (Species.MASK_FLEXIBLE, Species.PARTIAL) else rng.uniform(3, 9))
    gloss = float(rng.uniform(0.02, 0.3) if species is Species.MASK_RIGID else rng.uniform(0.02, 0.1))
    head = MaskedHead(wearer, victim, species, gap, relief.get(species, 1.0))
    return head, Finish(gloss, 0.5 * gloss, float(rng.uniform(15, 40)))


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """The visible side of a worn instrument on the wearer's chart: ``cover`` 0..1 over the paint below."""

    cover: NDArray[np.float32]
    rgb: NDArray[np.float32]
    ir: NDArray[np.float32]

    def over(self, base: Paint) -> Paint:
        """The wearer's paint with the instrument on it; its edge casts a thin shadow."""
        edge = 1 - F32(0.5) * np.clip(4 * self.cover * (1 - self.cover), 0, 1)
        rgb = (base.rgb + self.cover[..., None] * (self.rgb - base.rgb)) * edge[..., None]
        infrared = base.ir + self.cover * (self.ir - base.ir)
        return Paint(rgb.astype(F32), infrared.astype(F32), base.left_mm, base.top_mm, base.mm_per_px)


def make_overlay(species: Species, victim: Person, mm_per_px: float, rng: np.random.Generator) -> Overlay:
    """Material and picture of one of `MASKS`; eyes and mouth stay open where the species leaves them."""
    face = paint_head(victim, mm_per_px, hair=False)
    x, y = face.mesh()
    cover = np.broadcast_to(mask_region(species, x, y), face.ir.shape).astype(F32)
    if species in (Species.PRINT_WORN, Species.MASK_PAPER, Species.PARTIAL):
        rgb = printed(Portrait(face.rgb, mm_per_px), rng)
        infrared = ink_in_infrared(rgb, rng)
    else:
        rgb, infrared = _cast_material(species, face.rgb, rng)
    eyes = np.clip(4 * bump(x, y, EYE_X_MM, EYE_Y_MM, 12, 6) - 1.6, 0, 1)
    open_eyes = species is Species.MASK_FLEXIBLE or rng.random() < 0.5
    if open_eyes and species is not Species.PARTIAL:
        cover = cover * (1 - eyes)
    if species is Species.MASK_FLEXIBLE:
        cover = cover * (1 - np.clip(2 * bump(x, y, 0, MOUTH_Y_MM, 14, 2.5) - 0.6, 0, 1))
    return Overlay(cover.astype(F32), rgb, infrared)


def _cast_material(
    species: Species, face: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Resin, plaster or silicone, more or less well painted."""
    shape = face.shape[:2]
    mean = face.mean(axis=(0, 1))
    painted = F32(rng.uniform(0.55, 1.0) if species is not Species.MANNEQUIN else rng.uniform(0.2, 0.95))
    plain = mean * rng.uniform(0.85, 1.35, 3).astype(F32)
    rgb = plain + painted * (face - plain)
    low, high = (0.4, 0.7) if species is Species.MASK_FLEXIBLE else (0.5, 0.9)
    grain = F32(rng.uniform(0.0, 0.03)) * noise(Grain.FRACTAL, shape, rng)
    contrast = F32(rng.uniform(0.0, 0.45))
    relative = face.mean(axis=2) / max(float(mean.mean()), 1e-3)
    infrared = F32(rng.uniform(low, high)) * (1 + grain + contrast * np.clip(relative - 1, -0.6, 0.2))
    return np.clip(rgb, 0, 1).astype(F32), infrared.astype(F32)


def paint_mannequin(victim: Person, rng: np.random.Generator, mm_per_px: float) -> Paint:
    """A bust in one material, painted like the victim."""
    base = paint_head(victim, mm_per_px)
    rgb, infrared = _cast_material(Species.MANNEQUIN, base.rgb, rng)
    return Paint(rgb, infrared, base.left_mm, base.top_mm, base.mm_per_px)
