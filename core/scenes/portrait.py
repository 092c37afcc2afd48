"""Pictures that attackers use: a rendered face as it stands on paper or on a screen, recaptured by our camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import Intrinsics
from core.scenes.backdrop import Backdrop
from core.scenes.faces import paint_head, with_expression
from core.scenes.head import NEUTRAL, Expression
from core.scenes.light import Lamp, Light
from core.scenes.mesh import F32, Solid
from core.scenes.noise import Grain, noise
from core.scenes.palette import ANY_PALETTE, Ink, Palette
from core.scenes.people import Person, head_of
from core.scenes.render import Body, Camera, Pose, expose
from core.scenes.torso import torso_body

_DISTANCE_MM = 800.0


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture ``(H, W, 3)``, linear 0..1, and the size of its pixels on the person's face."""

    rgb: NDArray[np.float32]
    mm_per_px: float


@lru_cache(maxsize=64)
def portrait(person: Person, take: int, mm_per_px: float = 1.0, expression: Expression = NEUTRAL) -> Portrait:
    """Photograph a person, 300 mm by 380 mm around the face; ``take`` varies light and pose."""
    rng = np.random.default_rng((person.seed, take))
    width, height = round(300 / mm_per_px), round(380 / mm_per_px)
    focal = _DISTANCE_MM / mm_per_px
    camera = Camera(Intrinsics(width, height, focal, focal, width / 2 - 0.5, height / 2 - 0.5))
    paint = with_expression(paint_head(person, mm_per_px), person, expression)
    head_pose = Pose.facing((0, 0, _DISTANCE_MM + 85), *(float(a) for a in rng.normal(0, (4, 3, 2))))
    head = Body(Solid(head_of(person).mesh(expression)), paint, head_pose, step=2)
    wall = Backdrop(1800, (0.35, 0.4, 0.45), 0.5, 0.0, 0.04)
    light = Light((Lamp.at(float(rng.uniform(-50, 50)), 30, 0.75, 5200),), (0.4, 0.4, 0.4))
    torso = torso_body(head_pose.position_mm, rng, step=3)
    shot = expose(camera, [torso, head], wall, light, ir=False)
    assert shot.rgb is not None
    return Portrait(np.clip(shot.rgb, 0, 1), mm_per_px)


def printed(picture: Portrait, rng: np.random.Generator, craft: float = 0.5) -> NDArray[np.float32]:
    """As ink on paper: fewer colours, lifted blacks, a cast, some blur and the grain of the raster.

    The more ``craft`` (0..1), the less of each.
    """
    rgb, crude = picture.rgb, 1.3 - craft
    blurred = cv2.GaussianBlur(rgb, (0, 0), max(0.25, crude * float(rng.uniform(0.4, 1.1)) / picture.mm_per_px))
    grey = blurred.mean(axis=2, keepdims=True)
    flat = grey + F32(1 - crude * rng.uniform(-0.05, 0.25)) * (blurred - grey)
    cast = (1 + crude * rng.uniform(-0.12, 0.08, 3)).astype(F32)
    black, white = F32(crude * rng.uniform(0.012, 0.04)), F32(rng.uniform(0.72, 0.85))
    ink = black + (white - black) * np.clip(flat * cast * F32(rng.uniform(1.0, 1.4)), 0, 1)
    raster = F32(0.02 * crude) * noise(Grain.WHITE, rgb.shape[:2], rng)[..., None]
    return np.asarray(ink * (1 + raster), dtype=F32)


def displayed(picture: Portrait, rng: np.random.Generator) -> NDArray[np.float32]:
    """As light of a screen: colder, crushed at both ends, with moire where two rasters meet."""
    rgb = cv2.GaussianBlur(picture.rgb, (0, 0), float(rng.uniform(0.4, 1.0)) / picture.mm_per_px)
    white = np.array([rng.uniform(0.86, 1.0), rng.uniform(0.93, 1.0), rng.uniform(1.0, 1.15)], dtype=F32)
    shown = F32(0.008) + np.clip(rgb * F32(rng.uniform(0.9, 1.3)), 0, 1) ** F32(rng.uniform(0.9, 1.15)) * white
    height, width = rgb.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(F32)
    for _ in range(2):
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 22) / picture.mm_per_px
        bend = F32(rng.uniform(-4e-4, 4e-4)) * (x - width / 2) * (y - height / 2)
        phase = (x * F32(np.cos(angle)) + y * F32(np.sin(angle)) + bend) * F32(2 * np.pi / period)
        tint = 1 + rng.uniform(0.01, 0.06) * rng.uniform(0.4, 1, 3).astype(F32)[None, None] * np.sin(phase)[..., None]
        shown = shown * tint.astype(F32)
    return np.asarray(shown, dtype=F32)


def ink_in_infrared(
    printed_rgb: NDArray[np.float32], rng: np.random.Generator, craft: float = 0.5, palette: Palette = ANY_PALETTE
) -> NDArray[np.float32]:
    """The print at 850 nm: dye inks vanish, laser toner and carbon pigment stay dark and show the face.

    With ``craft`` the black plate alone is in carbon: brows, eyes and nostrils are dark, the skin's tone is not, as in
    a face (only shadows of the picture's own lamp are left to tell).
    """
    paper = F32(rng.uniform(0.55 + 0.2 * (1 - craft), 0.88))
    darkness = 1 - np.clip(printed_rgb.mean(axis=2) / F32(0.8), 0, 1)
    ink = _ink(float(rng.random()), craft, palette)
    if ink is Ink.DYE:
        return np.asarray(paper * (1 - F32(rng.uniform(0.0, 0.12)) * darkness), dtype=F32)
    if ink is Ink.CARBON:
        return np.asarray(paper * (1 - F32(rng.uniform(0.55, 0.95)) * darkness), dtype=F32)
    # The black plate: what is darker than the skin by itself.
    skin = np.float32(np.median(darkness))
    black = np.clip((darkness - skin) / max(1 - float(skin), 0.05), 0, 1)
    return np.asarray(paper * (1 - F32(rng.uniform(0.7, 0.95)) * black), dtype=F32)


def _ink(drawn: float, craft: float, palette: Palette) -> Ink:
    """The ink of ``drawn`` (0..1): of the palette's, or of all, carbon for what is crude."""
    if palette.inks:
        return palette.inks[min(int(drawn * len(palette.inks)), len(palette.inks) - 1)]
    return Ink.DYE if drawn < 0.3 else Ink.CARBON if drawn < 0.3 + 0.5 * (1 - craft) else Ink.BLACK_PLATE
