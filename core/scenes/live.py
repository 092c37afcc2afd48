"""The scene before the simulated camera: a fixed room, a presentation that moves, fresh noise in every image.

Thirty frame sets a second on one core: the room is exposed once, bodies are cast in their own boxes and on every second
or third pixel, and only the box that changed is developed anew; everywhere else the image is the developed room plus
new noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.frames import Modality, StreamProfile
from core.scenes.backdrop import Backdrop, Panel
from core.scenes.head import Expression
from core.scenes.light import Lamp, Light
from core.scenes.mesh import F32
from core.scenes.noise import Grain, noise
from core.scenes.people import Person
from core.scenes.presenter import FACE_BEFORE_HEAD_MM, Motion, Presenter
from core.scenes.render import Body, Box, Camera, Exposure, add_body, backdrop_exposure, body_box
from core.scenes.sensors import DepthKind, colour_counts, infrared_counts, infrared_level, infrared_read, measure_depth
from core.scenes.spec import WALLS_MM, SceneSpec

__all__ = ["LiveScene", "SceneSpec"]

_DISTANCE_MM = {"kinect2": 850.0}
_USUAL_DISTANCE_MM = 640.0
_METERED_LEVEL = 0.24
_ROOM_HOLES = 1.75
"""Normal quantile beyond which a patch of the room has no depth: 4 %."""
_UNLIT_HOLES = {DepthKind.STEREO: 0.55, DepthKind.STRUCTURED: 1.0}
"""Share of holes that the pattern's absence adds: matching lives on what texture there is, structured light on nothing.
A sensor that is not here has no projector that can be switched."""
_UNLIT_ROOM = -0.15
"""The same for the developed room, as a normal quantile: 56 %."""
_MARGIN_PX = 40
"""Depth errors reach that far around a body: edges that bleed, and the shadow of the baseline."""


class LiveScene:
    """Renders the frame sets of a `SceneSpec` at any camera time."""

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        self.sensor = spec.rig
        self._room, self._light = _site(spec.scene, np.random.default_rng((spec.seed, 5)))
        self._noise = np.random.default_rng((spec.seed, 77))
        rng = np.random.default_rng((spec.seed, 11))
        nominal = _DISTANCE_MM.get(self.sensor.name, _USUAL_DISTANCE_MM)
        self._distance_mm = nominal + FACE_BEFORE_HEAD_MM + float(rng.uniform(-60, 60))
        self._phases = rng.uniform(0, 2 * np.pi, 12)
        self._presenter = None
        if spec.scene != "empty" and spec.scene not in WALLS_MM:
            person, victim = Person.draw(rng), Person.draw(rng)
            seed = int(rng.integers(0, 2**31))
            self._presenter = Presenter(spec.species, person, victim, seed, 0.8, (2, 4))
        self._colour = _Still(self.sensor.colour_camera, self._room, self._light, rgb=True)
        self._depth = _Still(self.sensor.depth_camera, self._room, self._light, rgb=False)
        self.emitter: bool | None = True if self.sensor.kind in _UNLIT_HOLES else None
        """Whether the projector shines; ``None`` where it cannot be switched."""
        self._exposure = self._meter()
        self._developed = self._develop_room()
        self._unlit = self._without_projector() if self.emitter is not None else None

    @property
    def profiles(self) -> Mapping[Modality, StreamProfile]:
        """The three streams as the SDK would describe them."""
        return self.sensor.profiles

    def render(self, t_s: float) -> Mapping[Modality, NDArray[Any]]:
        """The three images at camera time ``t_s``: rgb uint8 (H, W, 3), depth uint16 (mm), ir uint8 or uint16."""
        bodies = self._presenter.bodies(self.motion(t_s)) if self._presenter is not None else []
        return {
            Modality.RGB: self._colour_image(bodies),
            Modality.DEPTH: (pair := self._depth_images(bodies))[0],
            Modality.IR: pair[1],
        }

    def motion(self, t_s: float) -> Motion:
        """Place and expression at ``t_s``: swaying, looking around, blinking, now and then speaking; never a loop."""
        p = self._phases

        def wave(index: int, *periods_s: float) -> float:
            return float(np.mean([np.sin(2 * np.pi * t_s / s + (k + 1) * p[index]) for k, s in enumerate(periods_s)]))

        place = (14 * wave(0, 5.3, 2.9, 11.7), 12 + 6 * wave(1, 4.1, 7.3), self._distance_mm + 14 * wave(2, 6.7, 13.1))
        talking = max(0.0, wave(3, 9.7, 4.7) - 0.1) * 2
        mouth = min(1.0, talking * abs(wave(4, 0.31, 0.47, 0.73)) * 1.6)
        since_blink = (t_s + 0.7 * wave(5, 7.9) + p[5]) % 3.4
        blink = max(0.0, 1 - abs(since_blink - 0.12) / 0.12)
        return Motion(
            place, 7 * wave(6, 3.7, 8.3), 4 * wave(7, 5.9, 3.1), 3 * wave(8, 7.1, 4.3),
            Expression(mouth, blink, max(0.0, wave(9, 17.0))),
        )  # fmt: skip

    def _meter(self) -> float:
        """Exposure that the colour camera settles on: half the picture's mean counts, half its middle."""
        bodies = self._presenter.bodies(self.motion(0.0)) if self._presenter is not None else []
        box, shot = self._colour.with_bodies(bodies, self._light)
        whole = self._colour.exposure.rgb
        assert whole is not None
        level = float(whole[..., 1].mean())
        if not box.empty and shot.rgb is not None:
            height, width = shot.rgb.shape[:2]
            level = 0.4 * level + 0.6 * float(shot.rgb[: height // 2, width // 4 : 3 * width // 4, 1].mean())
        return float(np.clip(_METERED_LEVEL / max(level, 1e-3), 0.6, 2.2))

    def _develop_room(self) -> _Developed:
        lit, room, sensor = self._colour.exposure.rgb, self._depth.exposure, self.sensor
        assert lit is not None
        assert room.ir is not None
        z = room.z_mm
        sigma = sensor.noise_mm + z * z * F32(sensor.subpixel / (sensor.depth.fx * sensor.baseline_mm))
        picture = colour_counts(lit, np.random.default_rng(5), self._exposure, 0.0)
        return _Developed(picture.astype(np.int16), z, sigma, *infrared_level(room.ir, sensor))

    def _without_projector(self) -> _Unlit:
        light = replace(self._light, projector=0.0)
        depth = _Still(self.sensor.depth_camera, self._room, light, rgb=False)
        assert depth.exposure.ir is not None
        return _Unlit(light, depth, *infrared_level(depth.exposure.ir, self.sensor))

    def _colour_image(self, bodies: Sequence[Body]) -> NDArray[np.uint8]:
        box, shot = self._colour.with_bodies(bodies, self._light)
        rng, still = self._noise, self._developed.rgb
        height, width = still.shape[:2]
        grain = _rgb_grain()
        y, x = (int(rng.integers(0, room - need)) for room, need in zip(grain.shape[:2], (height, width), strict=True))
        image = np.asarray(cv2.add(still, grain[y : y + height, x : x + width], dtype=cv2.CV_8U), dtype=np.uint8)
        if not box.empty and shot.rgb is not None:
            image[box.slices] = colour_counts(shot.rgb, rng, self._exposure, 0.012)
        return image

    def _depth_images(self, bodies: Sequence[Body]) -> tuple[NDArray[np.uint16], NDArray[Any]]:
        unlit = self._unlit if self.emitter is False else None
        light, view = (self._light, self._depth) if unlit is None else (unlit.light, unlit.view)
        box, shot = view.with_bodies(bodies, light, _MARGIN_PX)
        sensor, rng, still = self.sensor, self._noise, self._developed
        shape = still.z_mm.shape[:2]
        z = still.z_mm + still.sigma_mm * noise(Grain.BLOCK_MATCHED, shape, rng)
        lost = _ROOM_HOLES if unlit is None else _UNLIT_ROOM if sensor.kind is DepthKind.STEREO else -math.inf
        z[noise(Grain.BLOCK_MATCHED, shape, rng) > lost] = 0
        depth = z.astype(np.uint16)
        level, spread = (still.ir_level, still.ir_spread) if unlit is None else (unlit.ir_level, unlit.ir_spread)
        infrared = infrared_read(level, spread, sensor, rng)
        if not box.empty and shot.ir is not None:
            holes = shot.holes if unlit is None else shot.holes + F32(_UNLIT_HOLES[sensor.kind])
            depth[box.slices] = measure_depth(shot.z_mm, holes, sensor, rng)
            infrared[box.slices] = infrared_counts(shot.ir, sensor, rng)
        return depth, infrared


@dataclass(frozen=True, slots=True, eq=False)
class _Developed:
    """The empty room as counts, without the noise that each frame adds."""

    rgb: NDArray[np.int16]
    z_mm: NDArray[np.float32]
    sigma_mm: NDArray[np.float32]
    ir_level: NDArray[np.float32]
    ir_spread: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Unlit:
    """The room as the depth and infrared camera sees it while the projector is off."""

    light: Light
    view: _Still
    ir_level: NDArray[np.float32]
    ir_spread: NDArray[np.float32]


class _Still:
    """The empty room as one camera sees it, and bodies put before it."""

    def __init__(self, camera: Camera, room: Backdrop, light: Light, *, rgb: bool) -> None:
        self.camera = camera
        self.exposure = backdrop_exposure(camera, room, light, rgb=rgb, ir=not rgb)

    def with_bodies(self, bodies: Sequence[Body], light: Light, margin_px: int = 2) -> tuple[Box, Exposure]:
        """The box that the bodies touch, and what reaches the sensor inside it."""
        boxes = [box for body in bodies if not (box := body_box(self.camera, body)).empty]
        if not boxes:
            return Box(0, 0, 0, 0), self.exposure
        lens, still = self.camera.intrinsics, self.exposure
        right, bottom = max(b.x1 for b in boxes) + margin_px, max(b.y1 for b in boxes) + margin_px
        box = Box(
            max(0, min(b.x0 for b in boxes) - margin_px), max(0, min(b.y0 for b in boxes) - margin_px),
            min(lens.width, right), min(lens.height, bottom),
        )  # fmt: skip
        part = Exposure(
            None if still.rgb is None else still.rgb[box.slices].copy(),
            None if still.ir is None else still.ir[box.slices].copy(),
            still.z_mm[box.slices].copy(), still.holes[box.slices].copy(),
        )  # fmt: skip
        window = windowed(self.camera, box)
        for body in bodies:
            add_body(part, window, body, light)
        return box, part


def windowed(camera: Camera, box: Box) -> Camera:
    """The camera of which only ``box`` is read out."""
    lens = camera.intrinsics
    inner = type(lens)(
        box.x1 - box.x0, box.y1 - box.y0, lens.fx, lens.fy, lens.cx - box.x0, lens.cy - box.y0, lens.model, lens.coeffs
    )
    return Camera(inner, camera.origin_mm)


def _site(scene: str, rng: np.random.Generator) -> tuple[Backdrop, Light]:
    """The room, and its light on one day: lamps and ambience differ somewhat from seed to seed."""
    turn, rise = (float(v) for v in rng.normal(0, (9, 6)))
    level, sun = float(rng.uniform(0.85, 1.15)), float(rng.uniform(0.5, 1.5))
    if scene in WALLS_MM:
        wall = Backdrop(WALLS_MM[scene], (0.62, 0.62, 0.60), 0.5, 0.02, 0.02)
        lamps = Lamp.at(-25 + turn, 40 + rise, 0.62 * level, 4800), Lamp.at(40, 25, 0.28, 5200)
        return wall, Light(lamps, (0.32, 0.32, 0.32), ambient_ir=0.012 * sun)
    if scene == "corridor":
        room = Backdrop(2900, (0.50, 0.48, 0.43), 0.5, 0.18, 0.05, (
            Panel(-1500, -620, -1200, 2000, 2300, (0.30, 0.36, 0.42), 0.3),
            Panel(350, 900, -900, 2000, 2500, (0.22, 0.14, 0.09), 0.45, 0.12),
            Panel(420, 830, -780, 100, 2480, (0.55, 0.60, 0.62), 0.2),
        ))  # fmt: skip
        lamps = Lamp.at(-50 + turn, 20 + rise, 0.75 * level, 6500), Lamp.at(30, 60, 0.25, 3500)
        return room, Light(lamps, (0.28, 0.29, 0.31), ambient_ir=0.035 * sun)
    room = Backdrop(1450, (0.44, 0.47, 0.48), 0.55, 0.06, 0.03, (
        Panel(260, 700, -800, 1000, 1400, (0.12, 0.20, 0.30), 0.35, 0.04),
        Panel(-620, -280, -520, -120, 1420, (0.62, 0.60, 0.55), 0.7, 0.03),
        Panel(-590, -310, -490, -150, 1415, (0.25, 0.33, 0.20), 0.4, 0.25),
    ))  # fmt: skip
    lamps = Lamp.at(-25 + turn, 40 + rise, 0.62 * level, 4800), Lamp.at(40, 25, 0.28, 5200)
    return room, Light(lamps, (0.32, 0.32, 0.32), ambient_ir=0.012 * sun)


@lru_cache(maxsize=1)
def _rgb_grain() -> NDArray[np.int16]:
    """Noise of the developed room, 8-bit counts."""
    tile = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (800, 1000, 3)).astype(F32), (0, 0), 0.7)
    return np.asarray(np.rint(1.6 * tile / tile.std()), dtype=np.int16)
