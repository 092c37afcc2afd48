"""Triangle meshes with a chart, and ray casting on them by Embree.

Objects live in millimetres in their own frame: x to the picture's right, y up, z towards the camera. Cameras look
along +z with y down. A chart gives every vertex a place, in millimetres, on the object's flat paint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

F32 = np.float32
_CLEARANCE_MM = 1.2
"""Shadow rays start that far off the surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """``vertices (V, 3)`` mm, ``faces (F, 3)``, ``chart (V, 2)`` mm on the paint."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    chart: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Which of the rays met the surface, and where.

    ``rays (M,)``: their indexes; ``reach (M,)``: the factor on the ray's direction; ``chart (M, 2)`` mm;
    ``normal (M, 3)`` of unit length, object frame.
    """

    rays: NDArray[np.intp]
    reach: NDArray[np.float32]
    chart: NDArray[np.float32]
    normal: NDArray[np.float32]


def grid_mesh(points: NDArray[np.float32], chart: NDArray[np.float32]) -> Mesh:
    """The mesh of a grid of points ``(rows, columns, 3)`` with its chart ``(rows, columns, 2)``."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return Mesh(points.reshape(-1, 3).astype(F32), faces.astype(np.int32), chart.reshape(-1, 2).astype(F32))


class Solid:
    """A mesh in an Embree scene of its own: built once, cast from any pose by moving the rays."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._scene = EmbreeScene()
        self._geometry = TriangleMesh(self._scene, mesh.vertices, mesh.faces)
        normals = _vertex_normals(mesh)
        self._corners = np.concatenate([mesh.chart, normals], axis=1)[mesh.faces]

    def cast(self, origin: NDArray[np.float32], directions: NDArray[np.float32]) -> Hits:
        """Send rays from ``origin (3,)`` along ``directions (N, 3)``, both in the object's frame."""
        origins = np.ascontiguousarray(np.broadcast_to(origin.astype(F32), directions.shape))
        found = self._scene.run(origins, np.ascontiguousarray(directions, dtype=F32), output=True)
        rays = np.flatnonzero(found["primID"] >= 0)
        corners = self._corners[found["primID"][rays]]
        u, v = found["u"][rays, None], found["v"][rays, None]
        values = corners[:, 0] * (1 - u - v)
        values += corners[:, 1] * u
        values += corners[:, 2] * v
        normal = values[:, 2:]
        normal /= np.maximum(np.sqrt(np.einsum("ij,ij->i", normal, normal)), F32(1e-6))[:, None]
        return Hits(rays, found["tfar"][rays], values[:, :2], normal)

    def lit(
        self, points: NDArray[np.float32], normal: NDArray[np.float32], towards: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """1 where nothing of the solid stands between ``points (N, 3)`` and a far lamp, else 0; object frame."""
        facing = np.flatnonzero(normal @ towards > 0)
        origins = np.ascontiguousarray(points[facing] + F32(_CLEARANCE_MM) * (normal[facing] + towards))
        directions = np.ascontiguousarray(np.broadcast_to(towards.astype(F32), origins.shape))
        lit = np.ones(len(points), F32)
        lit[facing] = self._scene.run(origins, directions) < 0
        return lit


def _vertex_normals(mesh: Mesh) -> NDArray[np.float32]:
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    face_normals = np.cross(b - a, c - a)
    normals = np.zeros_like(mesh.vertices)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(
                mesh.faces[:, corner], weights=face_normals[:, axis], minlength=len(normals)
            ).astype(F32)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), F32(1e-6)), dtype=F32)
