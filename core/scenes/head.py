"""A procedural head: people as a few dozen numbers, no data file.

The skull is a stack of superellipses; nose, sockets, cheeks, lips, chin and ears are smooth bumps on it. The measures
are anthropometric means with their spread; the relief is held against 324 real captures by a test (scenes.md,
"Geometry and speed"). The chart is the same for everybody: ``X`` = 72 mm times the azimuth, ``Y`` = height over the
middle of the nose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from core.scenes.mesh import F32, Mesh, grid_mesh

CHART_RADIUS_MM = 72.0
EYE_X_MM, EYE_Y_MM, MOUTH_Y_MM = 31.0, 30.0, -38.0
TOP_MM, BOTTOM_MM = 135.0, -210.0

# height, front, half width, back: the skull and neck without features (mm)
_PROFILE = np.array(
    [
        (135, 5.5, 4.9, 5.8), (128, 36.4, 31.6, 43.3), (112, 64.1, 54, 70), (95, 81.1, 65.6, 83.5),
        (75, 92.8, 71.6, 94.8), (55, 97.3, 73.9, 98.8), (40, 97.9, 74.2, 100.4), (28, 94.6, 72.6, 99.6),
        (10, 93.9, 72.7, 94.9), (-10, 98.3, 71.1, 85.8), (-20, 101, 68.2, 78.2), (-38, 103.2, 63.2, 67),
        (-55, 99.8, 57.7, 62.8), (-70, 102.2, 48.6, 65.9), (-82, 91.9, 38.7, 74.4), (-92, 50.5, 33.3, 72.2),
        (-106, 42.3, 50, 60), (-150, 40, 59, 64), (-210, 44, 68, 70),
    ]
)  # fmt: skip
_ROUNDNESS = 2.2
# height over the tip, elevation of the ridge (mm); height over the tip, half breadth (mm)
_NOSE_RISE = np.array([(-14, 0), (-7, 15.1), (0, 24.8), (9, 23.4), (18, 18.3), (38, 6.8), (50, 0.6)], dtype=float)
_NOSE_BREADTH = np.array([(-8, 1.6), (0, 9.1), (18, 7.3), (38, 6.4)], dtype=float)
# elevation, place and widths of the features of the mean face (mm)
_FEATURES = {
    "wings": (9.7, 13.8, -11.4, 2.2, 2.8),
    "upper_lip": (5.1, 0.0, -30.6, 17.8, 7.4),
    "lower_lip": (6.3, 0.0, -44.9, 12.9, 4.5),
    "seam": (-5.5, 0.0, -41.0, 20.8, 3.2),
    "sockets": (-14.0, 22.1, 31.6, 14.3, 11.4),
    "eyeballs": (8.2, 31.4, 27.6, 8.3, 6.6),
    "brow": (6.5, 31.0, 45.0, 18.8, 9.8),
    "cheeks": (8.5, 72.8, -1.0, 24.1, 16.2),
    "hollows": (-0.7, 43.7, -37.0, 14.2, 13.6),
    "folds": (-4.1, 23.3, -20.5, 9.2, 17.1),
    "chin": (6.2, 0.0, -76.4, 20.8, 11.7),
    "dip": (-7.8, 0.0, -69.4, 22.8, 7.6),
    "muzzle": (0.8, 0.0, -35.9, 26.3, 17.3),
    "temples": (2.4, 76.3, 44.7, 18.3, 20.1),
    "jaws": (7.3, 88.1, -50.4, 22.0, 18.1),
    "forehead": (-1.2, 0.0, 72.6, 31.0, 12.8),
}


# place (signed X, so that faces are a little lopsided) and width of individual rises and hollows (mm)
_QUIRKS = (
    (0, 66, 24), (-36, 58, 20), (36, 58, 20), (-52, 12, 18), (52, 12, 18), (-30, -20, 15), (30, -20, 15), (0, -22, 12),
    (-46, -48, 20), (46, -48, 20), (0, -66, 18), (-22, 30, 13), (22, 30, 13), (0, 14, 9),
)  # fmt: skip
COVERS = ("cap", "beanie", "headscarf")


@dataclass(frozen=True, slots=True)
class Expression:
    """``mouth`` and ``blink`` from 0 (closed mouth, open eyes) to 1; ``smile`` from -1 to 1."""

    mouth: float = 0.0
    blink: float = 0.0
    smile: float = 0.0


NEUTRAL = Expression()


class HeadModel(Protocol):
    """Anything that gives heads on the common chart; equal models give equal heads."""

    def __hash__(self) -> int: ...

    def mesh(self, expression: Expression = NEUTRAL) -> Mesh:
        """The head with that expression."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """One person's head as factors (1 = mean) and offsets in mm (0 = mean)."""

    width: float = 1.0
    depth: float = 1.0
    height: float = 1.0
    jaw: float = 1.0
    nose_height: float = 1.0
    nose_width: float = 1.0
    nose_length_mm: float = 0.0
    brow: float = 1.0
    sockets: float = 1.0
    cheeks: float = 1.0
    lips: float = 1.0
    chin: float = 1.0
    ears: float = 1.0
    hair_mm: float = 10.0
    hair_length: float = 0.0
    """0 = short, 1 = over the shoulders."""
    hairline_mm: float = 86.0
    bald: bool = False
    cover: str = ""
    """What is worn on the head: one of `COVERS`, or nothing."""
    scarf: bool = False
    beard_mm: float = 0.0
    quirks: tuple[float, ...] = ()
    """Elevations (mm) at `_QUIRKS`: what makes a face nobody else's."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Shape:
        """A person at random."""
        spread = {
            "width": 0.05, "depth": 0.07, "height": 0.045, "jaw": 0.09, "nose_height": 0.22, "nose_width": 0.16,
            "brow": 0.5, "sockets": 0.22, "cheeks": 0.45, "lips": 0.4, "chin": 0.5, "ears": 0.25,
        }  # fmt: skip
        factors = {name: float(np.clip(rng.normal(1.0, s), 1 - 2.2 * s, 1 + 2.2 * s)) for name, s in spread.items()}
        factors["nose_height"] *= 1.1
        factors["sockets"] *= 1.15
        return cls(
            **factors,
            nose_length_mm=float(np.clip(rng.normal(0, 3), -6, 6)),
            hair_mm=float(rng.uniform(4, 20)),
            hair_length=float(rng.choice([0.0, 0.0, 0.5, 1.0])),
            hairline_mm=float(rng.uniform(52, 70) if rng.random() < 0.25 else rng.uniform(72, 96)),
            bald=bool(rng.random() < 0.1),
            cover=str(rng.choice(COVERS)) if rng.random() < 0.16 else "",
            scarf=bool(rng.random() < 0.08),
            quirks=tuple(float(q) for q in np.clip(rng.normal(0, 2.3, len(_QUIRKS)), -5, 5)),
        )


def bump(
    x: NDArray[np.float32], y: NDArray[np.float32], cx: float, cy: float, sx: float, sy: float
) -> NDArray[np.float32]:
    """A Gaussian bump of height 1 at ``(cx, cy)``, on both sides of the face where ``cx`` is not 0."""
    side = np.abs(x) - abs(cx) if cx else x
    # Rows and columns apart: on a grid that costs next to nothing.
    across, along = np.exp(F32(-0.5 / sx**2) * side**2), np.exp(F32(-0.5 / sy**2) * (y - F32(cy)) ** 2)
    return np.asarray(across * along, dtype=F32)


def hair_cover(shape: Shape, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far hair covers the chart point, 0..1 (shared by geometry and paint)."""
    if shape.bald or shape.cover == "headscarf":
        return np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=F32)
    aside = np.abs(x)
    line = shape.hairline_mm - np.interp(aside, [0, 25, 50, 64, 230], [0, 1, 9, 24, 24])
    above = y - line
    long = shape.hair_length
    if long > 0.25:
        edge = np.interp(
            y, [-40 - 150 * long - 25, -40 - 150 * long, -95, -50, 0, 35, 62], [300, 74, 58, 70, 79, 77, 64]
        )
    else:
        edge = np.interp(y, [-28, -12, 4, 22, 30, 44, 62], [300, 134, 128, 122, 98, 82, 64])
    return np.asarray(np.clip(np.maximum(above, aside - edge) / F32(9) + F32(0.5), 0, 1), dtype=F32)


def beard_cover(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where a beard grows, 0..1: cheeks, chin and upper lip, not the lips."""
    line = np.interp(np.abs(x), [0, 20, 45, 70, 88, 100], [-43, -36, -30, -14, 6, 10])
    area = np.clip((line - y) / 10 + 0.5, 0, 1) * np.clip((y + 96) / 12, 0, 1) * np.clip((100 - np.abs(x)) / 12, 0, 1)
    area = np.maximum(area, 0.9 * bump(x, y, 0, -24, 17, 4.2))
    return np.asarray(area * (1 - bump(x, y, 0, MOUTH_Y_MM, 19, 6.5)), dtype=F32)


def cloth_cover(shape: Shape, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where cap, beanie, headscarf or neck scarf cover the chart point, 0..1."""
    found = np.full(np.broadcast_shapes(x.shape, y.shape), F32(-99))
    aside = np.abs(x)
    if shape.cover == "headscarf":
        found = np.maximum(
            found, np.maximum(y - 72 + 0.004 * x * x, aside - np.interp(y, [-86, -40, 20, 60], [20, 66, 78, 62]))
        )
        found = np.maximum(found, -86 - y)
    elif shape.cover:
        low = 62 if shape.cover == "cap" else 54
        found = np.maximum(found, y - (low + (0.0 if shape.cover == "cap" else -26) * np.clip((aside - 60) / 60, 0, 1)))
    if shape.scarf:
        found = np.maximum(found, -92 - y + 0.05 * aside)
    return np.asarray(np.clip(found / F32(3) + F32(0.5), 0, 1), dtype=F32)


def with_hair(
    points: NDArray[np.float32], shape: Shape, x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The surface ``(..., 3)`` with hair, beard and cloth on it, by their thickness and length."""
    covered, cloth = hair_cover(shape, x, y), cloth_cover(shape, x, y)
    px, py, pz = points[..., 0], points[..., 1], points[..., 2]
    press = 1 - 0.5 * cloth * (y > 0)
    thick = covered * F32(shape.hair_mm) * press + cloth * (7 + 12 * (y < -80)) + beard_cover(x, y) * shape.beard_mm
    above = np.maximum(py - 40, 0)
    length = np.maximum(np.sqrt(px**2 + pz**2 + above**2), F32(1))
    hanging = F32(shape.hair_length) * bump(x * 0, y, 0, -90, 1, 60) * covered
    wide = px + thick * px / length + 22 * hanging * np.sin(x / F32(CHART_RADIUS_MM))
    deep = pz + thick * pz / length
    if shape.cover == "cap":
        deep = deep + 58 * np.exp(-(((y - 65) / 4.5) ** 4)) * np.clip(1.2 - (x / 62) ** 2, 0, 1)
    return np.stack([wide, py + thick * above / length, deep], -1).astype(F32)


def skull_azimuth(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    """Angle about the vertical axis (radians, 0 = forwards) at which the mean skull has these chart coordinates."""
    front, half, back = np.moveaxis(_profile()(y), -1, 0)
    sine, cosine = np.sin(x / CHART_RADIUS_MM), np.cos(x / CHART_RADIUS_MM)
    power = 2 / _ROUNDNESS
    px = half * np.sign(sine) * np.abs(sine) ** power
    return np.asarray(np.arctan2(px, np.where(cosine > 0, front, back) * np.sign(cosine) * np.abs(cosine) ** power))


@dataclass(frozen=True, slots=True)
class ProceduralHead:
    """`HeadModel` of a `Shape`; ``bare`` leaves the hair off (masks)."""

    shape: Shape = field(default_factory=Shape)
    bare: bool = False

    def mesh(self, expression: Expression = NEUTRAL) -> Mesh:
        """The head with that expression; 5,088 triangles."""
        x, y = chart_grid()
        return grid_mesh(self.surface(x, y, expression), np.stack(np.broadcast_arrays(x, y), -1))

    def surface(
        self, x: NDArray[np.float32], y: NDArray[np.float32], expression: Expression = NEUTRAL
    ) -> NDArray[np.float32]:
        """Points ``(..., 3)`` in mm of chart coordinates."""
        shape = self.shape
        front, half, back = (c.astype(F32) for c in np.moveaxis(_profile()(y), -1, 0))
        jaw = bump(x * 0, y, 0, -68, 1, 26)
        half = half * F32(shape.width) * (1 + F32(shape.jaw - 1) * jaw)
        azimuth = x / F32(CHART_RADIUS_MM)
        power = F32(2 / _ROUNDNESS)
        sine, cosine = np.sin(azimuth), np.cos(azimuth)
        px = half * np.sign(sine) * np.abs(sine) ** power
        pz = np.where(cosine > 0, front * F32(shape.depth), back) * np.sign(cosine) * np.abs(cosine) ** power
        pz = pz + self._relief(x, y, expression) * np.clip(cosine * 1.6, 0, 1)
        ear = F32(17 * shape.ears) * bump(x, y, 113, 10, 5.5, 19)
        px, py = px + np.sign(x) * ear, np.broadcast_to(y.astype(F32), px.shape)
        dropped = F32(13 * expression.mouth) * np.clip((MOUTH_Y_MM - y) / 14, 0, 1) * np.clip((y + 125) / 30, 0, 1)
        py = py * F32(shape.height) - dropped * np.clip(cosine * 1.5, 0, 1)
        points = np.stack([px, py, pz], -1).astype(F32)
        return points if self.bare else with_hair(points, shape, x, y)

    def _relief(self, x: NDArray[np.float32], y: NDArray[np.float32], expression: Expression) -> NDArray[np.float32]:
        """Features in front of the skull, in mm along z."""
        s = self.shape
        tip = -8.0 - s.nose_length_mm
        rise = np.interp(y, tip + _NOSE_RISE[:, 0], _NOSE_RISE[:, 1])
        breadth = np.interp(y, tip + _NOSE_BREADTH[:, 0], _NOSE_BREADTH[:, 1]) * s.nose_width
        nose = s.nose_height * (rise * np.exp(-(np.abs(x / (1.35 * breadth)) ** 2.3)))
        wide = 1 + 0.16 * expression.smile - 0.12 * expression.mouth
        lift = 4 * max(expression.smile, 0)
        parts = [nose, s.nose_height * _feature("wings", x, y, s.nose_width, dy=-s.nose_length_mm)]
        parts += [s.lips * _feature(name, x, y, wide) for name in ("upper_lip", "lower_lip")]
        parts += [_feature("seam", x, y, wide), -11 * expression.mouth * bump(x, y, 0, MOUTH_Y_MM - 2, 11, 4)]
        parts += [s.sockets * _feature("sockets", x, y), _feature("eyeballs", x, y), s.brow * _feature("brow", x, y)]
        parts += [s.cheeks * _feature("cheeks", x, y, dy=lift), _feature("hollows", x, y), _feature("folds", x, y)]
        parts += [s.chin * _feature("chin", x, y), _feature("dip", x, y), _feature("muzzle", x, y)]
        parts += [F32(h) * _one_bump(x, y, *at) for h, at in zip(s.quirks, _QUIRKS, strict=False)]
        parts += [_feature("temples", x, y), _feature("jaws", x, y), _feature("forehead", x, y)]
        return np.asarray(sum(parts), dtype=F32)


def _one_bump(x: NDArray[np.float32], y: NDArray[np.float32], cx: float, cy: float, size: float) -> NDArray[np.float32]:
    """A round bump on one side only."""
    narrow = F32(-0.5 / size**2)
    return np.asarray(np.exp(narrow * (x - F32(cx)) ** 2) * np.exp(narrow * (y - F32(cy)) ** 2), dtype=F32)


def _feature(
    name: str, x: NDArray[np.float32], y: NDArray[np.float32], wide: float = 1.0, dy: float = 0.0
) -> NDArray[np.float32]:
    """One feature of the mean face in mm, made wider or moved up."""
    height, cx, cy, sx, sy = _FEATURES[name]
    return F32(height) * bump(x, y, cx * (wide if cx else 1.0), cy + dy, sx * wide, sy)


@lru_cache(maxsize=1)
def _profile() -> PchipInterpolator:
    table = _PROFILE[::-1]
    return PchipInterpolator(table[:, 0], table[:, 1:], extrapolate=True)


@lru_cache(maxsize=1)
def chart_grid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Chart coordinates of the vertices, ``x (1, C)`` and ``y (R, 1)``: dense over the face, sparse behind."""
    columns = _knots([(-226.2, -120, 6), (-120, -55, 8), (-55, 55, 25), (55, 120, 8), (120, 226.2, 6)])
    rows = _knots([(BOTTOM_MM, -95, 6), (-95, 60, 34), (60, TOP_MM, 8)])[::-1]
    return columns[None, :].astype(F32), rows[:, None].astype(F32)


def _knots(parts: list[tuple[float, float, int]]) -> NDArray[np.float64]:
    pieces = [np.linspace(a, b, n, endpoint=False) for a, b, n in parts]
    return np.concatenate([*pieces, [parts[-1][1]]])
