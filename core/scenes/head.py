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
        (135, 6, 5, 6),
        (128, 32, 30, 40),
        (112, 57, 53, 68),
        (95, 72, 64, 82),
        (75, 85, 71, 94),
        (55, 92, 74, 99),
        (40, 92, 74, 100),
        (28, 88, 73, 100),
        (10, 89, 71, 97),
        (-10, 91, 68, 90),
        (-20, 92.5, 66, 84),
        (-38, 93, 61, 74),
        (-55, 90, 55, 66),
        (-70, 91, 46, 60),
        (-82, 84, 38, 57),
        (-92, 62, 40, 56),
        (-106, 44, 47, 56),
        (-150, 40, 52, 58),
        (-210, 42, 60, 64),
    ]
)
_ROUNDNESS = 2.2


@dataclass(frozen=True, slots=True)
class Expression:
    """``mouth`` and ``blink`` from 0 (closed mouth, open eyes) to 1; ``smile`` from -1 to 1."""

    mouth: float = 0.0
    blink: float = 0.0
    smile: float = 0.0


NEUTRAL = Expression()


class HeadModel(Protocol):
    """Anything that gives heads on the common chart."""

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

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Shape:
        """A person at random."""
        spread = {
            "width": 0.05, "depth": 0.06, "height": 0.045, "jaw": 0.09, "nose_height": 0.2, "nose_width": 0.16,
            "brow": 0.5, "sockets": 0.22, "cheeks": 0.45, "lips": 0.4, "chin": 0.5, "ears": 0.25,
        }  # fmt: skip
        factors = {name: float(np.clip(rng.normal(1.0, s), 1 - 2.2 * s, 1 + 2.2 * s)) for name, s in spread.items()}
        return cls(
            **factors,
            nose_length_mm=float(np.clip(rng.normal(0, 3), -6, 6)),
            hair_mm=float(rng.uniform(4, 20)),
            hair_length=float(rng.choice([0.0, 0.0, 0.5, 1.0])),
            hairline_mm=float(rng.uniform(72, 96)),
            bald=bool(rng.random() < 0.12),
        )


def bump(
    x: NDArray[np.float32], y: NDArray[np.float32], cx: float, cy: float, sx: float, sy: float
) -> NDArray[np.float32]:
    """A Gaussian bump of height 1 at ``(cx, cy)``, on both sides of the face where ``cx`` is not 0."""
    side = np.abs(x) - abs(cx) if cx else x
    return np.exp(-0.5 * ((side / F32(sx)) ** 2 + ((y - F32(cy)) / F32(sy)) ** 2))


def hair_cover(shape: Shape, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far hair covers the chart point, 0..1 (shared by geometry and paint)."""
    if shape.bald:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=F32)
    long = -40.0 - 150.0 * shape.hair_length
    side = 22.0 if shape.hair_length < 0.25 else long
    line = np.interp(np.abs(x), [0, 30, 55, 68, 82, 98, 122, 135, 230], [
        shape.hairline_mm, shape.hairline_mm - 1, shape.hairline_mm - 12, 58, side if shape.hair_length > 0.7 else 25,
        side, side, long, long,
    ])  # fmt: skip
    return np.asarray(np.clip((y - line.astype(F32)) / F32(9) + F32(0.5), 0, 1), dtype=F32)


@dataclass(frozen=True, slots=True)
class ProceduralHead:
    """`HeadModel` of a `Shape`; ``bare`` leaves the hair off (masks)."""

    shape: Shape = field(default_factory=Shape)
    bare: bool = False

    def mesh(self, expression: Expression = NEUTRAL) -> Mesh:
        """The head with that expression; 5,088 triangles."""
        x, y = _chart_grid()
        return grid_mesh(self.surface(x, y, expression), np.stack(np.broadcast_arrays(x, y), -1))

    def surface(
        self, x: NDArray[np.float32], y: NDArray[np.float32], expression: Expression = NEUTRAL
    ) -> NDArray[np.float32]:
        """Points ``(..., 3)`` in mm of chart coordinates."""
        shape = self.shape
        x, y = np.broadcast_arrays(x, y)
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
        px, py = px + np.sign(x) * ear, y.astype(F32).copy()
        if not self.bare:
            cover = hair_cover(shape, x, y) * F32(shape.hair_mm)
            length = np.maximum(np.sqrt(px**2 + pz**2 + np.maximum(y - 40, 0) ** 2), F32(1))
            px, pz = px + cover * px / length, pz + cover * pz / length
            py = py + cover * np.maximum(y - 40, 0) / length
            hanging = F32(shape.hair_length) * bump(x * 0, y, 0, -90, 1, 60) * hair_cover(shape, x, y)
            px = px + 26 * hanging * np.sign(x) * np.abs(sine)
        dropped = F32(13 * expression.mouth) * np.clip((MOUTH_Y_MM - y) / 14, 0, 1) * np.clip((y + 125) / 30, 0, 1)
        py = py * F32(shape.height) - dropped * np.clip(cosine * 1.5, 0, 1)
        return np.stack([px, py, pz], -1).astype(F32)

    def _relief(self, x: NDArray[np.float32], y: NDArray[np.float32], expression: Expression) -> NDArray[np.float32]:
        """Features in front of the skull, in mm along z."""
        s = self.shape
        tip = -8.0 - s.nose_length_mm
        rise = np.interp(y, [tip - 14, tip - 7, tip, tip + 9, 10, 30, 42], [0, 10, 29, 26, 17.5, 4.5, 0])
        breadth = np.interp(y, [tip - 8, tip, 10, 30], [12.0, 10.5, 6.5, 7.5]) * s.nose_width
        nose = s.nose_height * (rise * np.exp(-(np.abs(x / (1.35 * breadth)) ** 2.3)))
        nose = nose + s.nose_height * 6.5 * bump(x, y, 13.5 * s.nose_width, tip - 4, 4.5, 5)
        wide = 1 + 0.16 * expression.smile - 0.12 * expression.mouth
        lips = 5.5 * s.lips * (bump(x, y, 0, -32.5, 15 * wide, 3.4) + bump(x, y, 0, -44, 13 * wide, 4))
        lips = lips - 2.6 * bump(x, y, 0, MOUTH_Y_MM, 17 * wide, 1.7)
        lips = lips - 11 * expression.mouth * bump(x, y, 0, MOUTH_Y_MM - 2, 11, 4)
        eyes = -12 * s.sockets * bump(x, y, EYE_X_MM, EYE_Y_MM + 2, 12.5, 8.5) + 5 * bump(
            x, y, EYE_X_MM, EYE_Y_MM, 8.5, 6
        )
        brow = 2.6 * s.brow * bump(x, y, 26, 47, 17, 5.5)
        cheeks = 6.5 * s.cheeks * bump(x, y, 44, -2 + 4 * max(expression.smile, 0), 16, 15) - 2.5 * bump(
            x, y, 45, -38, 11, 13
        )
        chin = 4 * s.chin * bump(x, y, 0, -70, 15, 8) - 4 * bump(x, y, 0, -55, 20, 4.5)
        muzzle = 3 * bump(x, y, 0, -36, 26, 17)
        temples = -4 * bump(x, y, 70, 45, 14, 20)
        return np.asarray(nose + lips + eyes + brow + cheeks + chin + muzzle + temples, dtype=F32)


@lru_cache(maxsize=1)
def _profile() -> PchipInterpolator:
    table = _PROFILE[::-1]
    return PchipInterpolator(table[:, 0], table[:, 1:], extrapolate=True)


@lru_cache(maxsize=1)
def _chart_grid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Chart coordinates of the vertices: dense over the face, sparse behind."""
    columns = _knots([(-226.2, -120, 6), (-120, -55, 8), (-55, 55, 25), (55, 120, 8), (120, 226.2, 6)])
    rows = _knots([(BOTTOM_MM, -95, 6), (-95, 60, 34), (60, TOP_MM, 8)])[::-1]
    x, y = np.meshgrid(columns, rows)
    return x.astype(F32), y.astype(F32)


def _knots(parts: list[tuple[float, float, int]]) -> NDArray[np.float64]:
    pieces = [np.linspace(a, b, n, endpoint=False) for a, b, n in parts]
    return np.concatenate([*pieces, [parts[-1][1]]])
