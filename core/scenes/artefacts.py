"""The species of attack, and the instruments that are held before a face: prints and screens (scenes.md, "Attacks").

`core.scenes.worn` makes those that are worn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.scenes.head import EYE_X_MM, EYE_Y_MM, bump
from core.scenes.mesh import F32, Mesh, grid_mesh
from core.scenes.paint import Paint
from core.scenes.palette import ANY_PALETTE, Palette
from core.scenes.people import Person, skin_ir, skin_rgb
from core.scenes.portrait import Portrait, displayed, ink_in_infrared, printed
from core.scenes.render import Finish

PRINTS = (Species.PRINT_FLAT, Species.PRINT_BENT, Species.PRINT_CUTOUT)
REPLAYS = (Species.REPLAY_PHONE, Species.REPLAY_TABLET, Species.REPLAY_MONITOR)
MASKS = (
    Species.MASK_RIGID,
    Species.MASK_FLEXIBLE,
    Species.MASK_HALF,
    Species.MASK_PAPER,
    Species.PRINT_WORN,
    Species.PARTIAL,
)
SIMULATED_SPECIES = (*PRINTS, *REPLAYS, *MASKS, Species.MANNEQUIN)
"""The species that can be rendered and that some modality may tell by itself; hybrids are made from captures."""
JOINT_SPECIES = (Species.MAKEUP, Species.INFRARED_OVERLAY)
"""Species that only modalities together tell (evaluation.md, section 2, guarantee 4): in colour, or in infrared alone,
somebody else's face lies over the wearer's own; every modality by itself shows a face."""
RENDERED_SPECIES = (*SIMULATED_SPECIES, *JOINT_SPECIES)

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


def make_sheet(
    species: Species,
    picture: Portrait,
    rng: np.random.Generator,
    holder: Person,
    craft: float = 0.5,
    palette: Palette = ANY_PALETTE,
) -> Sheet:
    """A print or a screen that shows the picture, made with ``craft`` 0 (crude) to 1 of what ``palette`` has."""
    if species in REPLAYS:
        return _screen(species, picture, rng)
    scale = float(rng.uniform(0.85, 1.1))
    width, height = float(rng.uniform(195, 260)), float(rng.uniform(260, 330))
    curvature = float(rng.choice([-1, 1]) * rng.uniform(1 / 420, 1 / 110)) if species is Species.PRINT_BENT else 0.0
    mesh = sheet_mesh(width, height, curvature, float(rng.normal(0, 0.35)), float(rng.uniform(-25, 5)))
    ink = printed(picture, rng, craft)
    paint = _sheet_paint(ink, ink_in_infrared(ink, rng, craft, palette), picture.mm_per_px * scale)
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
