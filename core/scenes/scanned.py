"""Heads of a scan-based morphable model, read from a file: ICT-FaceKit, as one ``.npz`` or as its folder of OBJ files.

The model is brought onto the chart of the procedural head once: rays from outside towards the head's axis meet the
neutral scan at the place of every chart vertex, and each later head is interpolated at those places. So every paint
fits every head, and a head costs no more triangles than the procedural one (scenes.md, "Geometry and speed").
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from core.errors import InputError
from core.scenes.head import NEUTRAL, Expression, Shape, chart_grid, skull_azimuth, with_hair
from core.scenes.mesh import F32, Mesh, grid_mesh

COMPONENTS = 40
"""Principal components of identity that are used."""
SPREAD = 0.8
"""Standard deviation of the weights: neighbours in the street (scenes.md)."""
_MM = 10.0
_SURFACES = ("M_Face", "M_BackHead", "M_ScleraLeft", "M_ScleraRight", "M_IrisLeft", "M_IrisRight")
_HEIGHTS = (
    (-210, -192), (-150, -144), (-106, -100), (-88, -82), (-70, -64), (-38, -33), (-8, 1), (30, 36), (47, 53),
    (135, 144),
)  # fmt: skip
"""Height on the chart and on the scan (mm): throat, chin, mouth, tip of the nose, eyes, brows, crown."""
_BACK_MM = 10.0
"""The scan's axis lies that far before its origin."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One head of the model in a file: hashable, so that what is built of it can be kept."""

    file: Path
    weights: tuple[float, ...]

    @classmethod
    def draw(cls, file: Path, rng: np.random.Generator) -> Scan:
        """A head at random."""
        return cls(file, tuple(float(w) for w in np.clip(rng.normal(0, SPREAD, COMPONENTS), -2.2, 2.2)))


@dataclass(frozen=True, slots=True)
class ScannedHead:
    """`core.scenes.head.HeadModel` of a `Scan`, with the hair of a `Shape` unless ``bare``."""

    scan: Scan
    shape: Shape
    bare: bool = False

    def mesh(self, expression: Expression = NEUTRAL) -> Mesh:
        """The head with that expression, on the common chart."""
        x, y = chart_grid()
        points = read_scans(self.scan.file).points(self.scan.weights, expression)
        if not self.bare:
            points = with_hair(points, self.shape, x, y)
        return grid_mesh(points, np.stack(np.broadcast_arrays(x, y), -1))


@dataclass(frozen=True, slots=True, eq=False)
class ScannedModel:
    """The model at the chart's vertices: ``neutral (R, C, 3)`` mm, ``identity (K, R, C, 3)``, expressions by name."""

    neutral: NDArray[np.float32]
    identity: NDArray[np.float32]
    expressions: Mapping[str, NDArray[np.float32]]

    def points(self, weights: tuple[float, ...], expression: Expression = NEUTRAL) -> NDArray[np.float32]:
        """Vertices ``(R, C, 3)`` in mm."""
        count = min(len(weights), len(self.identity))
        points = self.neutral + np.tensordot(np.asarray(weights[:count], F32), self.identity[:count], 1)
        strength = {
            "jawOpen": 0.55 * expression.mouth,
            "mouthPucker": -0.4 * min(expression.smile, 0.0),
            "browDown_L": -0.5 * min(expression.smile, 0.0),
            **{name: 0.8 * max(expression.smile, 0.0) for name in ("mouthSmile_L", "mouthSmile_R")},
            **dict.fromkeys(("eyeBlink_L", "eyeBlink_R"), expression.blink),
        }
        for name, value in strength.items():
            if value and name in self.expressions:
                points = points + F32(value) * self.expressions[name]
        return np.asarray(points, dtype=F32)


@lru_cache(maxsize=2)
def read_scans(file: Path) -> ScannedModel:
    """Read the model from ``ict_facekit.npz`` or from the folder ``FaceXModel`` of ICT-FaceKit.

    Raises:
        InputError: it cannot be read or holds something else.
    """
    try:
        raw = _read_folder(file) if file.is_dir() else _read_archive(file)
    except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise InputError(
            f"The head model {file.name} cannot be read: {error}.",
            "Give ict_facekit.npz or the folder FaceXModel of ICT-FaceKit.",
        ) from error
    return _bind(raw)


@dataclass(frozen=True, slots=True, eq=False)
class _Raw:
    """The file's content: ``vertices (V, 3)`` mm, ``triangles (T, 3)`` of the outer surface, deltas in mm."""

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    identity: NDArray[np.float32]
    expressions: Mapping[str, NDArray[np.float32]]


def _read_archive(file: Path) -> _Raw:
    with np.load(file) as data:
        names = [str(name) for name in data["material_names"]]
        outer = np.isin(data["face_material"], [names.index(name) for name in _SURFACES if name in names])
        return _Raw(
            data["neutral"].astype(F32) * F32(_MM),
            _triangles(data["faces"][outer]),
            data["identity_deltas"][:COMPONENTS].astype(F32) * F32(_MM),
            {
                str(name): delta.astype(F32) * F32(_MM)
                for name, delta in zip(data["expression_names"], data["expression_deltas"], strict=True)
            },
        )


def _read_folder(folder: Path) -> _Raw:
    neutral, faces = _read_obj(folder / "generic_neutral_mesh.obj", faces=True)
    identity = [
        _read_obj(path)[0] - neutral for path in sorted(folder.glob("identity[0-9][0-9][0-9].obj"))[:COMPONENTS]
    ]
    if not identity:
        raise ValueError("there is no identity000.obj")
    wanted = ("jawOpen", "mouthPucker", "browDown_L", "mouthSmile_L", "mouthSmile_R", "eyeBlink_L", "eyeBlink_R")
    paths = {name: folder / f"{name}.obj" for name in wanted}
    expressions = {name: _read_obj(path)[0] - neutral for name, path in paths.items() if path.is_file()}
    return _Raw(neutral, _triangles(faces), np.stack(identity), expressions)


def _read_obj(path: Path, faces: bool = False) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vertices in mm and, if wanted, quads of the outer surfaces (-1 in the fourth place of triangles)."""
    vertices: list[list[float]] = []
    quads: list[list[int]] = []
    outer = True
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("v "):
            vertices.append([float(value) for value in line.split()[1:4]])
        elif faces and line.startswith("usemtl "):
            outer = line.split()[1] in _SURFACES
        elif faces and outer and line.startswith("f "):
            corners = [int(part.split("/")[0]) - 1 for part in line.split()[1:5]]
            quads.append([*corners, *[-1] * (4 - len(corners))])
    return np.asarray(vertices, F32) * F32(_MM), np.asarray(quads, np.int64).reshape(-1, 4)


def _triangles(quads: NDArray[Any]) -> NDArray[np.int32]:
    halves = quads[quads[:, 3] >= 0][:, [0, 2, 3]]
    return np.concatenate([quads[:, :3], halves]).astype(np.int32)


def _bind(raw: _Raw) -> ScannedModel:
    """Where rays towards the axis meet the neutral scan, for every vertex of the chart."""
    x, y = np.broadcast_arrays(*chart_grid())
    heights = np.asarray(_HEIGHTS, dtype=np.float64)
    level = np.interp(y, heights[:, 0], heights[:, 1])
    azimuth = skull_azimuth(x, y)
    azimuth = azimuth * np.interp(np.abs(azimuth), [0, 0.6, 2.4, np.pi], [0.9, 0.93, 1, 1])
    towards = np.stack([-np.sin(azimuth), np.zeros_like(azimuth), -np.cos(azimuth)], -1).astype(F32)
    middle = np.stack([np.zeros_like(level), level, np.full_like(level, _BACK_MM)], -1)
    origins = (middle - 300.0 * towards).astype(F32)
    scene = EmbreeScene()
    geometry = TriangleMesh(scene, raw.vertices, raw.triangles)
    found = scene.run(
        np.ascontiguousarray(origins.reshape(-1, 3)), np.ascontiguousarray(towards.reshape(-1, 3)), output=True
    )
    del geometry
    met = found["primID"].reshape(x.shape) >= 0
    if met.mean() < 0.9:
        raise InputError("The head model has no closed head.", "Give the whole model, face and back of the head.")
    corners = raw.triangles[found["primID"]].reshape(*x.shape, 3)
    u, v = (found[name].reshape(x.shape).astype(F32) for name in ("u", "v"))
    shares = np.stack([1 - u - v, u, v], -1)

    # Few vertices stand on ears and shoulders: there the surface is smoothed.
    rough = np.clip(np.maximum((np.abs(x) - 84) / 12, (-112 - y) / 10), 0, 1)[..., None].astype(F32)

    def at_chart(values: NDArray[np.float32]) -> NDArray[np.float32]:
        picked = _filled(np.asarray(np.einsum("rcik,rci->rck", values[corners], shares), dtype=F32), met)
        smooth = cv2.blur(cv2.blur(picked, (3, 3)), (3, 3))
        return np.asarray(picked + rough * (smooth - picked), dtype=F32)

    centred = raw.vertices - np.array([0, 7, _BACK_MM], F32)
    return ScannedModel(
        at_chart(centred),
        np.stack([at_chart(delta) for delta in raw.identity]),
        {name: at_chart(delta) for name, delta in raw.expressions.items()},
    )


def _filled(values: NDArray[np.float32], met: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Rows where rays missed (over the crown, below the neck) take the nearest row that was met."""
    rows = np.arange(len(values))
    result = values.copy()
    for column in range(values.shape[1]):
        known = np.flatnonzero(met[:, column])
        nearest = known[np.abs(rows[:, None] - known[None]).argmin(axis=1)]
        result[:, column] = values[nearest, column]
    return result
