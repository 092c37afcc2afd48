"""Faces as paint: skin, hair, brows, eyes, mouth, beard, cloth and glasses, drawn on the head's chart.

In infrared skin hardly depends on melanin, lips and brows lose contrast, hair is dark, oily skin shines (scenes.md,
"Infrared"; levels and contrasts are held against 324 real captures).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.scenes.head import (
    BOTTOM_MM,
    EYE_X_MM,
    EYE_Y_MM,
    MOUTH_Y_MM,
    NEUTRAL,
    TOP_MM,
    Expression,
    beard_cover,
    bump,
    cloth_cover,
    hair_cover,
)
from core.scenes.mesh import F32
from core.scenes.noise import Grain, noise
from core.scenes.paint import Paint, blend, step, window_of
from core.scenes.people import Looks, Person, skin_ir, skin_rgb

_LEFT_MM = -227.0


@lru_cache(maxsize=160)
def paint_head(person: Person, mm_per_px: float = 0.8, hair: bool = True) -> Paint:
    """A person with closed mouth and open eyes; shared, so do not draw on it: `with_expression` gives a copy."""
    width, height = round(-2 * _LEFT_MM / mm_per_px), round((TOP_MM - BOTTOM_MM + 4) / mm_per_px)
    paint = Paint(np.empty((height, width, 3), F32), np.empty((height, width), F32), _LEFT_MM, TOP_MM + 2, mm_per_px)
    rng = np.random.default_rng(person.seed)
    x, y = paint.mesh()
    _skin(paint, person.looks, x, y, rng)
    _wrinkles(paint, person.looks, x, y)
    _hair(paint, person, x, y, rng, hair)
    if hair and (person.shape.cover or person.shape.scarf):
        _cloth(paint, person, x, y, rng)
    if person.looks.glasses:
        paint = replace(paint, holes=_lens_holes(paint, rng))
    put_expression(paint, person, NEUTRAL)
    return paint


def put_expression(paint: Paint, person: Person, expression: Expression) -> None:
    """Draw eyes, mouth and (over the eyes) glasses into the paint, in place."""
    for side in (-1, 1):
        _eye(paint, person, side, expression.blink)
    _mouth(paint, person.looks, expression)
    if person.looks.glasses:
        _glasses(paint, person)


def with_expression(base: Paint, person: Person, expression: Expression) -> Paint:
    """A copy of the paint with that expression."""
    copy = replace(base, rgb=base.rgb.copy(), ir=base.ir.copy())
    put_expression(copy, person, expression)
    return copy


def _skin(paint: Paint, looks: Looks, x: Any, y: Any, rng: np.random.Generator) -> None:
    shape = paint.ir.shape
    mottle = noise(Grain.FRACTAL, shape, rng) * F32(0.045) + noise(Grain.DEMOSAICED, shape, rng) * F32(0.03)
    tone = skin_rgb(looks.melanin).astype(F32)
    flush = F32(looks.redness) * (
        0.16 * bump(x, y, 40, -4, 17, 14) + 0.14 * bump(x, y, 0, -8, 13, 12) + 0.08 * bump(x, y, 0, -66, 18, 10)
    )
    shade = 1 - 0.26 * bump(x, y, EYE_X_MM, EYE_Y_MM + 5, 14, 8) - 0.10 * bump(x, y, EYE_X_MM, EYE_Y_MM - 12, 13, 5)
    shade = shade - 0.30 * bump(x, y, 0, -23, 13, 3) - 0.14 * bump(x, y, 0, -55, 20, 4)
    neck = np.clip((-84 - y) / 16, 0, 1) * np.clip((100 - np.abs(x)) / 40, 0, 1)
    shade = shade - 0.45 * neck
    shade = shade - 0.6 * bump(x, y, 7.5, -19, 3.4, 2.0) - 0.3 * bump(x, y, 101, 6, 6, 14)
    freckle = F32(1) - F32(0.5 * looks.age * 0.3) * (noise(Grain.PATCHES, shape, rng) > F32(2.2))
    for channel, (gain, red) in enumerate(((0.8, 0.15), (1.0, -1.0), (1.15, -0.8))):
        paint.rgb[..., channel] = tone[channel] * (1 + gain * mottle) * shade * (1 + red * flush) * freckle
    veins = F32(0.025) * np.clip(noise(Grain.BLOCK_MATCHED, shape, rng) - F32(0.8), 0, 2)
    oily = looks.oil * (
        0.14 * bump(x, y, 0, 62, 24, 14) + 0.16 * bump(x, y, 0, 2, 5, 18) + 0.12 * bump(x, y, 36, 4, 12, 8)
    )
    oily = oily + looks.oil * 0.1 * bump(x, y, 0, -66, 9, 6)
    paint.ir[:] = (
        F32(skin_ir(looks.melanin))
        * (1 + F32(0.2) * mottle - veins + oily)
        * (F32(0.35) + F32(0.65) * shade - F32(0.25) * neck)
    )


def _wrinkles(paint: Paint, looks: Looks, x: Any, y: Any) -> None:
    fold = 18 + (np.clip(-8 - y, 0, 40)) * 0.42
    lines = (
        0.5 * np.exp(-(((np.abs(x) - fold) / 1.6) ** 2)) * np.clip((y + 48) / 10, 0, 1) * np.clip((-10 - y) / 8, 0, 1)
    )
    for height in (58, 66, 74):
        lines = lines + 0.25 * np.exp(-(((y - height - 0.002 * x * x) / 1.1) ** 2)) * np.exp(-((x / 32) ** 2))
    darken = (1 - F32(0.15 + 0.5 * looks.age) * lines).astype(F32)
    paint.rgb[:] = paint.rgb * darken[..., None]
    paint.ir[:] = paint.ir * (F32(0.6) + F32(0.4) * darken)


def _hair(paint: Paint, person: Person, x: Any, y: Any, rng: np.random.Generator, hair: bool) -> None:
    looks, shape = person.looks, paint.ir.shape
    coarse = noise(Grain.WHITE, (shape[0] // 6 + 2, shape[1] // 2 + 1), rng)
    strands = cv2.resize(np.ascontiguousarray(coarse), shape[::-1], interpolation=cv2.INTER_LINEAR)
    ragged = noise(Grain.BLOCK_MATCHED, shape, rng)
    colour = np.asarray(looks.hair_rgb, dtype=F32) * (1 + F32(0.45) * strands[..., None]).clip(0.3)
    glow = F32(looks.hair_ir) * (1 + F32(0.35) * strands).clip(0.3)
    if hair and not person.shape.bald:
        every = slice(None)
        locks = F32(1.7) * ragged
        blend(paint, hair_cover(person.shape, x + F32(0.5) * locks, y + locks[::-1]), colour, glow, every, every)
    rows, columns, bx, by = window_of(paint, -58, 58, 36, 62)
    at = rows, columns
    arch = 47 + 3.5 * np.exp(-(((np.abs(bx) - 34) / 11) ** 2)) - 0.02 * np.clip(np.abs(bx) - 36, 0, 30) ** 2
    thick = np.interp(np.abs(bx), [9, 13, 30, 50, 56], [0, 3.4, 3.2, 1.6, 0])
    brow = (
        np.exp(-(((by - arch) / np.maximum(thick, 0.2)) ** 4))
        * (thick > 0.1)
        * np.clip(0.75 + 0.25 * strands[at], 0, 1)
    )
    brow_rgb = np.minimum(colour[at] * F32(0.9), F32(0.12))
    blend(paint, (brow * looks.brow * 0.88).astype(F32), brow_rgb, np.minimum(glow[at] * F32(1.3), F32(0.34)), *at)
    if looks.beard:
        _beard(paint, looks, ragged, strands, colour, glow)


def _beard(paint: Paint, looks: Looks, ragged: Any, strands: Any, colour: Any, glow: Any) -> None:
    """Chin, cheeks and upper lip."""
    rows, columns, x, y = window_of(paint, -104, 104, -100, 18)
    at = rows, columns
    density = beard_cover(x, y + F32(2.8) * ragged[at]) * looks.beard * np.clip(0.7 + 0.3 * strands[at], 0, 1)
    blend(paint, density.astype(F32), colour[at], glow[at], *at)


def _cloth(paint: Paint, person: Person, x: Any, y: Any, rng: np.random.Generator) -> None:
    """What is worn on the head or around the neck: cloth with folds."""
    folds = F32(1) + F32(0.13) * noise(Grain.FRACTAL, paint.ir.shape, rng)
    colour = np.asarray(person.looks.cloth_rgb, dtype=F32) * folds[..., None]
    every = slice(None)
    where = cloth_cover(person.shape, x, y)
    blend(paint, where, colour, F32(person.looks.cloth_ir) * folds, every, every)


def _eye(paint: Paint, person: Person, side: int, blink: float) -> None:
    """One eye: opening, white, iris, pupil, glint, lashes and lid."""
    cx, cy = side * EYE_X_MM, EYE_Y_MM - 0.5
    rows, columns, x, y = window_of(paint, cx - 20, cx + 20, cy - 12, cy + 13)
    looks, soft = person.looks, 1.2 * paint.mm_per_px
    skin, warm = skin_rgb(looks.melanin).astype(F32), F32(skin_ir(looks.melanin))
    dx, dy = (x - cx) * side, y - cy
    span = np.clip(1 - (dx / 14.5) ** 2, 0, 1)
    upper, lower = 5.6 * span**0.75 * (1 - blink), -4.2 * span**0.8 * (1 - 0.4 * blink)
    lid = step(7.5 - np.abs(dy - 1.5), 5) * step(17 - np.abs(dx), 6)
    blend(paint, (lid * 0.85).astype(F32), skin * F32(0.80), warm * F32(0.86), rows, columns)
    opening = step(upper - dy, soft) * step(dy - lower, soft) * (span > 0)
    blend(paint, opening.astype(F32), (0.31, 0.28, 0.265), 0.4, rows, columns)
    radius = np.hypot(x - cx, dy - 0.8)
    iris = opening * step(5.9 - radius, soft)
    blend(paint, iris.astype(F32), looks.iris_rgb, 0.30, rows, columns)
    blend(paint, (opening * step(2.3 - radius, soft)).astype(F32), (0.004, 0.004, 0.004), 0.06, rows, columns)
    blend(
        paint,
        (0.55 * opening * np.clip(1 - (upper - dy) / 2.6, 0, 1)).astype(F32),
        (0.03, 0.02, 0.02),
        0.25,
        rows,
        columns,
    )
    blend(
        paint,
        (opening * step(1.0 - np.hypot(x - cx - 1.6, dy - 2.8), soft)).astype(F32),
        (1.0, 1.0, 1.0),
        1.0,
        rows,
        columns,
    )
    rim = np.exp(-(((dy - upper) / (1.1 + 0.4 * looks.makeup)) ** 2)) + (0.35 + 0.3 * looks.makeup) * np.exp(
        -(((dy - lower) / 0.9) ** 2)
    )
    lashes = np.clip(rim, 0, 1) * step(15.5 - np.abs(dx), 3)
    blend(paint, (lashes * 0.85).astype(F32), (0.02, 0.014, 0.012), 0.22, rows, columns)
    crease = np.exp(-(((dy - 9.2 + 0.022 * dx * dx) / 0.9) ** 2)) * step(15 - np.abs(dx), 6) * (1 - 0.6 * blink)
    blend(paint, (crease * 0.4).astype(F32), skin * F32(0.4), warm * F32(0.6), rows, columns)


def _mouth(paint: Paint, looks: Looks, expression: Expression) -> None:
    """Lips, and the dark between them with a row of teeth when the mouth is open."""
    rows, columns, x, y = window_of(paint, -38, 38, MOUTH_Y_MM - 20, MOUTH_Y_MM + 14)
    skin, warm, soft = skin_rgb(looks.melanin), skin_ir(looks.melanin), 1.5 * paint.mm_per_px
    half = 25.5 * (1 + 0.16 * expression.smile - 0.12 * expression.mouth)
    line = MOUTH_Y_MM + 3.5 * expression.smile * (np.abs(x) / half) ** 2
    span = np.clip(1 - (x / half) ** 2, 0, 1)
    gap = 4.5 * expression.mouth * span**0.7
    bow = 1 - 0.28 * np.exp(-((x / 4.5) ** 2))
    around = step(26 - np.hypot(x * 0.75, y - MOUTH_Y_MM), 10) * (1 - looks.beard)
    blend(paint, (0.6 * around).astype(F32), skin * 0.97, warm, rows, columns)
    lips = (
        step(line + gap + 7.2 * span**0.7 * bow - y, soft)
        * step(y - (line - gap - 9.0 * span**0.75), soft)
        * (span > 0)
    )
    red = skin * (0.82, 0.52, 0.55) * (1 - looks.makeup) + looks.makeup * np.array([0.34, 0.05, 0.06])
    shading = 1 - 0.2 * step(y - line, 4)
    blend(paint, (0.9 * lips).astype(F32), red * shading[..., None], 0.93 * warm, rows, columns)
    seam = np.exp(-(((y - line) / (1.0 + gap)) ** 4)) * (span > 0.02)
    blend(paint, (0.88 * seam).astype(F32), skin * 0.10, 0.20, rows, columns)
    if expression.mouth > 0.25:
        teeth = step(3.2 - np.abs(y - line - 0.45 * gap), soft) * (np.abs(x) < 0.62 * half) * (gap > 1)
        blend(paint, (0.75 * teeth).astype(F32), (0.5, 0.47, 0.4), 0.5, rows, columns)


def _lens(x: Any, y: Any) -> Any:
    """Signed distance (mm) outwards from the rim of the nearer lens."""
    dx, dy = (np.abs(x) - 33) / 25, (y - EYE_Y_MM + 2) / 18
    return ((np.abs(dx) ** 3 + np.abs(dy) ** 3) ** (1 / 3) - 1) * 20


def _lens_holes(paint: Paint, rng: np.random.Generator) -> NDArray[np.float32]:
    """Glass bends and mirrors the projector: more or less of the lenses has no depth."""
    x, y = paint.mesh()
    return np.asarray(F32(rng.uniform(0.02, 0.5)) * np.clip(-_lens(x, y) / 2, 0, 1), dtype=F32)


def _glasses(paint: Paint, person: Person) -> None:
    """A frame around both eyes, with its bridge and temples, and a glint on each lens."""
    rows, columns, x, y = window_of(paint, -92, 92, EYE_Y_MM - 28, EYE_Y_MM + 24)
    rng = np.random.default_rng((person.seed, 9))
    rim = _lens(x, y)
    bridge = np.maximum(np.abs(x) - 9, np.abs(y - EYE_Y_MM - 6) * 1.0)
    arms = np.maximum(np.abs(np.abs(x) - 75) - 17, np.abs(y - EYE_Y_MM - 6))
    thick = float(rng.uniform(0.9, 2.2))
    frame = np.maximum.reduce(
        [
            step(thick - np.abs(rim), 1.4),
            step(thick - bridge, 1.4) * (np.abs(x) < 9),
            step(thick - arms, 1.4),
        ]
    )
    tint = (rng.uniform(0.01, 0.12) * rng.uniform(0.5, 1.2, 3)).astype(F32)
    blend(paint, (0.93 * frame).astype(F32), tint, float(rng.uniform(0.06, 0.4)), rows, columns)
    glint = np.exp(-0.5 * (((np.abs(x) - 33 - rng.uniform(-9, 9)) / 4) ** 2 + ((y - EYE_Y_MM - 4) / 2.5) ** 2))
    strength = float(rng.uniform(0.0, 0.8))
    blend(paint, (strength * glint * (rim < 0)).astype(F32), (1.0, 1.0, 1.0), 1.2, rows, columns)
