"""The renderer: bodies before a backdrop, seen by a pinhole camera, as radiance in colour and at 850 nm, and as depth.

Each body is cast only inside its own box, if wished on every second or third pixel: charts, normals and depth are then
interpolated, the paint is still looked up in every pixel, so texture stays sharp (scenes.md, "Geometry and speed").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import Intrinsics
from core.scenes.backdrop import Backdrop
from core.scenes.light import Light
from core.scenes.mesh import F32, Solid
from core.scenes.paint import Paint

FLIP = np.diag([1.0, -1.0, -1.0])
"""From an object's frame (y up, z towards the camera) to a camera's (y down, z away)."""

_WEAK_RETURN, _WEAK_HOLES = 0.03, 0.35
"""Radiance below which depth begins to fail (dark hair, grazing light), and the share of holes where there is none."""
_SMALL_BOX = 2500
"""Boxes of fewer pixels are cast in every pixel."""


@dataclass(frozen=True, slots=True)
class Finish:
    """How a surface answers light beyond its albedo.

    ``gloss`` and ``gloss_ir``: strength of the highlight; ``sharpness``: its exponent; ``emits``: the paint's colour is
    light of its own (screens); ``sheen``: a highlight of the projector in proportion to the albedo (oily skin), as
    broad as ``breadth`` is small; ``hole_rate``: share of the surface that the depth sensor does not see.
    """

    gloss: float = 0.06
    gloss_ir: float = 0.04
    sharpness: float = 18.0
    emits: float = 0.0
    hole_rate: float = 0.01
    sheen: float = 0.0
    breadth: float = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Object to rig: ``rotation (3, 3)`` (flip included) and ``position_mm (3,)`` in the rig's frame."""

    rotation: NDArray[np.float64]
    position_mm: NDArray[np.float64]

    @classmethod
    def facing(
        cls, position_mm: Sequence[float], yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0
    ) -> Pose:
        """An object that faces the camera, then is turned (yaw to the picture's right, pitch up, roll)."""
        yaw, pitch, roll = np.radians([yaw_deg, -pitch_deg, roll_deg])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return cls(FLIP @ about_y @ about_x @ about_z, np.asarray(position_mm, dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Something in the scene. ``step``: cast one ray in that many pixels; ``shaded``: it throws the key lamp's shadow
    on itself.
    """

    solid: Solid
    paint: Paint
    pose: Pose
    finish: Finish = field(default_factory=Finish)
    step: int = 1
    shaded: bool = False


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera of the rig: its window of pixels and where it stands (mm; no rotation)."""

    intrinsics: Intrinsics
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(slots=True, eq=False)
class Exposure:
    """What reaches the sensor: linear ``rgb (H, W, 3)`` and ``ir (H, W)``; ``z_mm`` and hole rate ``holes (H, W)``."""

    rgb: NDArray[np.float32] | None
    ir: NDArray[np.float32] | None
    z_mm: NDArray[np.float32]
    holes: NDArray[np.float32]

    def part(self, x: int, y: int, width: int, height: int) -> Exposure:
        """A copy of a window."""
        at = slice(y, y + height), slice(x, x + width)
        rgb, ir = (None if p is None else p[at].copy() for p in (self.rgb, self.ir))
        return Exposure(rgb, ir, self.z_mm[at].copy(), self.holes[at].copy())


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels ``[x0, x1) x [y0, y1)``."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box in an image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.x1 <= self.x0 or self.y1 <= self.y0


def expose(
    camera: Camera, bodies: Sequence[Body], backdrop: Backdrop, light: Light, *, rgb: bool = True, ir: bool = True
) -> Exposure:
    """Render backdrop (coarsely) and bodies into one camera."""
    scene = backdrop_exposure(camera, backdrop, light, rgb=rgb, ir=ir, step=2)
    for body in bodies:
        add_body(scene, camera, body, light)
    return scene


def backdrop_exposure(
    camera: Camera, backdrop: Backdrop, light: Light, *, rgb: bool = True, ir: bool = True, step: int = 1
) -> Exposure:
    """The scene without bodies; ``step``: look up one pixel in that many."""
    lens = camera.intrinsics
    rows, columns = -(-lens.height // step), -(-lens.width // step)
    x = (((np.arange(columns, dtype=F32) + F32(0.5)) * step - F32(0.5 + lens.cx)) / F32(lens.fx))[None, :]
    y = (((np.arange(rows, dtype=F32) + F32(0.5)) * step - F32(0.5 + lens.cy)) / F32(lens.fy))[:, None]
    z, albedo, albedo_ir, cosine = backdrop.look(x, y, camera.origin_mm)
    facing = light.colour_on(np.array([0.0, 0.0, -1.0], dtype=F32))
    distance2 = (z * F32(1e-3)) ** 2 * (1 + x * x + y * y)
    size = columns * step, rows * step
    inside = slice(lens.height), slice(lens.width)

    def whole(picture: NDArray[np.float32], method: int = cv2.INTER_LINEAR) -> NDArray[np.float32]:
        return picture if step == 1 else np.ascontiguousarray(cv2.resize(picture, size, interpolation=method)[inside])

    felt = whole(albedo_ir * light.infrared_on(distance2, cosine)) if ir else None
    return Exposure(
        whole(albedo * facing) if rgb else None,
        felt,
        whole(z, cv2.INTER_NEAREST),
        np.full((lens.height, lens.width), 0.01, F32) if felt is None else F32(0.01) + _holes_of(felt),
    )


def _holes_of(radiance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of holes where little of the projector's light comes back."""
    weak = np.clip(F32(1) - radiance * F32(1 / _WEAK_RETURN), 0, 1)
    return np.asarray(F32(_WEAK_HOLES) * weak, dtype=F32)


def add_body(scene: Exposure, camera: Camera, body: Body, light: Light) -> Box:
    """Render one body over what is there (z-buffer, soft edges); returns the box that was touched."""
    box = body_box(camera, body)
    if box.empty:
        return box
    layer = _cast(camera, body, box, light, rgb=scene.rgb is not None, ir=scene.ir is not None)
    column, row = body.paint.places(layer.chart)
    cover = layer.cover * (layer.z < scene.z_mm[box.slices])
    if body.paint.alpha is not None:
        cover = cover * cv2.remap(body.paint.alpha, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if scene.rgb is not None and layer.colour is not None:
        albedo = cv2.remap(body.paint.rgb, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        under = scene.rgb[box.slices]
        under += cover[..., None] * (albedo * layer.colour[..., :3] + layer.colour[..., 3:] - under)
    if scene.ir is not None and layer.infrared is not None:
        albedo_ir = cv2.remap(body.paint.ir, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        below = scene.ir[box.slices]
        below += cover * (albedo_ir * layer.infrared[..., 0] + layer.infrared[..., 1] - below)
        holes = F32(body.finish.hole_rate) + _holes_of(albedo_ir * layer.infrared[..., 0])
    else:
        holes = np.full(cover.shape, F32(body.finish.hole_rate))
    if body.paint.holes is not None:
        holes = holes + cv2.remap(body.paint.holes, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    solid = cover > 0.5
    np.copyto(scene.z_mm[box.slices], layer.z, where=solid)
    np.copyto(scene.holes[box.slices], holes, where=solid)
    return box


def body_box(camera: Camera, body: Body) -> Box:
    """The pixels in which a body can appear; empty when it is behind or outside."""
    points = body.solid.mesh.vertices @ body.pose.rotation.T.astype(F32)
    points += (body.pose.position_mm - np.asarray(camera.origin_mm)).astype(F32)
    if points[:, 2].min() < 20:
        return (
            Box(0, 0, 0, 0) if points[:, 2].max() < 20 else Box(0, 0, camera.intrinsics.width, camera.intrinsics.height)
        )
    lens = camera.intrinsics
    u, v = points[:, 0] / points[:, 2] * lens.fx + lens.cx, points[:, 1] / points[:, 2] * lens.fy + lens.cy
    x0, x1 = (int(np.clip(c, 0, lens.width)) for c in (np.floor(u.min()) - 1, np.ceil(u.max()) + 2))
    y0, y1 = (int(np.clip(c, 0, lens.height)) for c in (np.floor(v.min()) - 1, np.ceil(v.max()) + 2))
    return Box(x0, y0, x1, y1)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One body in its box: cover 0..1, z (mm), chart; light as factors on the albedo followed by what is added to it.

    ``colour (H, W, 6)``: irradiance and highlight; ``infrared (H, W, 2)`` likewise.
    """

    cover: NDArray[np.float32]
    z: NDArray[np.float32]
    chart: NDArray[np.float32]
    colour: NDArray[np.float32] | None
    infrared: NDArray[np.float32] | None


def _cast(camera: Camera, body: Body, box: Box, light: Light, *, rgb: bool, ir: bool) -> _Layer:
    lens = camera.intrinsics
    height, width = box.y1 - box.y0, box.x1 - box.x0
    step = body.step if height * width > _SMALL_BOX else 1
    rows, columns = -(-height // step), -(-width // step)
    grid = np.ones((rows, columns, 3), F32)
    grid[..., 0] = (box.x0 + (np.arange(columns) + 0.5) * step - 0.5 - lens.cx)[None, :] / lens.fx
    grid[..., 1] = (box.y0 + (np.arange(rows) + 0.5) * step - 0.5 - lens.cy)[:, None] / lens.fy
    rotation = body.pose.rotation.astype(F32)
    origin = (np.asarray(camera.origin_mm) - body.pose.position_mm).astype(F32) @ rotation
    ray = grid.reshape(-1, 3)
    hits = body.solid.cast(origin, ray @ rotation)
    parts = [np.ones((len(hits.rays), 1), F32), hits.reach[:, None], hits.chart]
    normal, ray = hits.normal @ rotation.T, ray[hits.rays]
    if rgb:
        key_lit = None
        if body.shaded and light.lamps and not body.finish.emits:
            points = origin + (ray @ rotation) * hits.reach[:, None]
            key_lit = body.solid.lit(points, hits.normal, np.asarray(light.lamps[0].towards, F32) @ rotation)
        parts.extend(_colour_light(normal, ray, body.finish, light, key_lit))
    if ir:
        parts.extend(_infrared_light(normal, ray, hits.reach, body.finish, light))
    values: NDArray[Any] = np.zeros((rows * columns, sum(part.shape[1] for part in parts)), F32)
    values[hits.rays] = np.concatenate(parts, axis=1)
    layer = values.reshape(rows, columns, -1)
    if step > 1:
        # Misses are zero, so the quotient by the cover mixes hits only.
        layer = cv2.resize(layer, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)[:height, :width]
        layer[..., 1:] = layer[..., 1:] / np.maximum(layer[..., :1], F32(1e-3))
    z = np.where(layer[..., 0] > 0.05, layer[..., 1], F32(1e9))
    cover = layer[..., 0] if step == 1 else _smooth_edge(layer[..., 0], step)
    chart = np.ascontiguousarray(layer[..., 2:4])
    return _Layer(cover, z, chart, layer[..., 4:10] if rgb else None, layer[..., -2:] if ir else None)


def _smooth_edge(cover: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """An interpolated outline without the stairs of the coarse grid, about a pixel soft."""
    round_edge = cv2.GaussianBlur(cover, (0, 0), 0.8 * step)
    return np.asarray(np.clip((round_edge - F32(0.5)) * F32(1.5 * step) + F32(0.5), 0, 1), dtype=F32)


def _colour_light(
    normal: NDArray[np.float32],
    ray: NDArray[np.float32],
    finish: Finish,
    light: Light,
    key_lit: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor on the albedo and highlight, ``(N, 3)`` each."""
    factor = np.full(normal.shape, F32(finish.emits)) if finish.emits else light.colour_on(normal, key_lit)
    highlight = light.highlight(normal, ray, finish.sharpness) if finish.gloss else np.zeros_like(normal)
    return factor, highlight * F32(finish.gloss)


def _infrared_light(
    normal: NDArray[np.float32],
    ray: NDArray[np.float32],
    z_mm: NDArray[np.float32],
    finish: Finish,
    light: Light,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor on the albedo and glare of the projector, ``(N, 1)`` each."""
    squared = np.einsum("ij,ij->i", ray, ray)
    cosine = np.clip(-np.einsum("ij,ij->i", normal, ray) / np.sqrt(squared), 0, 1)
    distance2 = (z_mm * F32(1e-3)) ** 2 * squared
    glare = F32(finish.gloss_ir) * cosine ** F32(2 * finish.sharpness) * light.infrared_on(distance2, 1.0)
    shone = cosine * (1 + F32(finish.sheen) * cosine ** F32(finish.breadth)) if finish.sheen else cosine
    return light.infrared_on(distance2, shone)[:, None], glare[:, None]
