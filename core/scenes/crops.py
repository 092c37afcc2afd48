"""Training presentations: face crops of simulated people and instruments.

A presentation goes the way of a real one: native cameras, registration and cropping by `core.face.crop.cut`, the same
code that cuts live frames, so that nothing but the pixels' origin differs. What is drawn of distance, pose, light,
background and image chain is drawn before, and independently of, what is presented: it cannot tell the class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Framing, Species
from core.face.crop import FRAMING_FACTOR, cut
from core.face.detect import Box as FaceBox
from core.frames import (
    ALL_MODALITIES,
    FaceCrop,
    Frame,
    FrameSet,
    Intrinsics,
    Modality,
    ModalityMask,
    StreamProfile,
)
from core.scenes.backdrop import Backdrop
from core.scenes.domain import Domain
from core.scenes.head import Expression
from core.scenes.light import Lamp, Light
from core.scenes.mesh import F32
from core.scenes.paint import Person
from core.scenes.presenter import FACE_BEFORE_HEAD_MM, Motion, Presenter
from core.scenes.render import Body, expose
from core.scenes.sensors import SENSORS, Sensor, colour_counts, infrared_counts, measure_depth
from core.scenes.spec import scene_species

BOX_MM = 160.0
"""Width of the cascade's box on a rendered face (median; a test compares)."""
BOX_RISE_MM = 16.0
"""The box's middle lies that far above the head's origin."""
_MARGIN = 1.12
_SURROUNDINGS = 2.4
"""Side of a whole picture over the width of the face box."""
_PAINT_MM_PER_PX = (0.8, 1.2, 1.8)
"""Few sizes of paint, so that the cache of painted people is hit."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenePresentation:
    """One simulated presentation. ``species`` is empty for bona fide; ``nuisance``: what must not tell the class."""

    id: str
    subject: str
    species: str
    crops: tuple[FaceCrop, ...]
    nuisance: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Nuisance:
    """The circumstances of one presentation, drawn without a look at what is presented."""

    distance_mm: float
    offset_x: float
    offset_y: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    face_px: float
    exposure: float
    ir_gain: float
    ambient_ir: float
    dots: float
    grain: float
    blur_px: float
    jpeg_quality: float
    registered: float
    registration_px: float
    extra_holes: float
    wall_mm: float
    lamp_azimuth_deg: float

    @classmethod
    def draw(cls, domain: Domain, rng: np.random.Generator) -> Nuisance:
        """Circumstances of the domain at random."""
        sensor = SENSORS[domain.sensor]
        blind = rng.random() < domain.blind_share
        near = sensor.near_mm + FACE_BEFORE_HEAD_MM
        distance = rng.uniform(0.75 * near, 0.98 * near) if blind else rng.uniform(*domain.distance_mm)
        jpeg = rng.uniform(*domain.jpeg_quality) if rng.random() < domain.jpeg_share else 0.0
        return cls(
            float(distance), float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.12, 0.12)),
            float(rng.uniform(*domain.yaw_deg)),
            float(rng.uniform(*domain.pitch_deg)), float(rng.uniform(*domain.roll_deg)),
            float(np.exp(rng.uniform(*np.log(domain.face_px)))), float(rng.uniform(*domain.exposure)),
            float(rng.uniform(*domain.ir_gain)), float(rng.uniform(*domain.ambient_ir)),
            float(rng.uniform(*domain.dots)),
            float(rng.uniform(*domain.grain)), float(rng.uniform(*domain.blur_px)), float(jpeg),
            float(rng.random() < domain.registered_share), float(rng.uniform(*domain.registration_px)),
            float(rng.uniform(*domain.hole_share)), float(rng.uniform(*domain.wall_mm)),
            float(rng.uniform(*domain.lamp_azimuth_deg)),
        )  # fmt: skip


def generate(domain: Domain, species: Sequence[str], n: int, seed: int) -> Iterator[ScenePresentation]:
    """Render ``n`` presentations, the species in turn (``bona_fide`` or empty is a person); deterministic by ``seed``.

    Presentation ``i`` depends on ``domain``, ``species``, ``seed`` and ``i`` only: parts can be made by several
    processes (`presentation`).

    Raises:
        UsageError: a species cannot be rendered.
    """
    kinds = [scene_species(name) for name in (species or domain.species)]
    for index in range(n):
        yield presentation(domain, kinds[index % len(kinds)], seed, index)


def presentation(domain: Domain, species: Species, seed: int, index: int) -> ScenePresentation:
    """Render one presentation."""
    stage = Stage(domain, species, seed, index)
    crops = []
    for _ in range(domain.frames):
        frame_set, box = stage.shoot()
        crops.append(cut(frame_set, ALL_MODALITIES, box))
    nuisance = {name: float(getattr(stage.nuisance, name)) for name in Nuisance.__slots__}
    return ScenePresentation(stage.id, stage.subject, str(species), tuple(crops), nuisance)


class Stage:
    """One presentation before one rig; each `shoot` gives the next frame set, cut to the face's surroundings."""

    def __init__(self, domain: Domain, species: Species, seed: int, index: int) -> None:
        number = int(np.random.default_rng((seed, index, 1)).integers(0, domain.people))
        self.id = f"{domain.name}-{seed}-{index:06d}"
        self.subject = f"{domain.name}-{seed}-s{number:04d}"
        self._rng = np.random.default_rng((seed, index, 2))
        self.nuisance = Nuisance.draw(domain, self._rng)
        self._light = _light(domain, self.nuisance, self._rng)
        self._room = Backdrop.draw(self._rng, (self.nuisance.wall_mm, self.nuisance.wall_mm))
        person = Person.draw(np.random.default_rng((seed, number, 3)), domain.melanin)
        victim = Person.draw(np.random.default_rng((seed, number, 4, index % 3)), domain.melanin)
        wanted = 0.75 * BOX_MM / self.nuisance.face_px
        fineness = max(mm for mm in _PAINT_MM_PER_PX if mm <= max(wanted, _PAINT_MM_PER_PX[0]))
        step = max(1, round(FRAMING_FACTOR * self.nuisance.face_px / 100))
        art = int(np.random.default_rng((seed, index, 5)).integers(0, 2**31))
        self._presenter = Presenter(species, person, victim, art, fineness, (step, 2 * step))
        self._sensor = SENSORS[domain.sensor]
        self._still = float(self._rng.uniform(0, 6.28)), float(self._rng.uniform(0.2, 1.0))
        self._shot = 0
        mouth = float(self._rng.uniform(0.2, 1)) if self._rng.random() < 0.3 else 0.0
        self._usual = Expression(mouth, 0.0, float(self._rng.choice([0.0, 0.0, 0.5, 1.0])))

    def shoot(self) -> tuple[FrameSet, FaceBox | None]:
        """The next frame set and the face's box in it; ``None`` where the images are face crops already."""
        bodies, centre, width_mm = self._next()
        if self.nuisance.registered:
            return self._registered(bodies, centre, width_mm, Framing.CROP), None
        return self._native(bodies, centre, width_mm)

    def shoot_registered(self, framing: Framing) -> FrameSet:
        """The next frame set as a registered collection has it, cut to the face or with its surroundings."""
        return self._registered(*self._next(), framing)

    def _next(self) -> tuple[list[Body], NDArray[np.float64], float]:
        """Bodies of the next instant; middle (rig frame, mm) and width (mm) of what a detector would call the face."""
        motion = self._motion()
        face = np.asarray(self._presenter.face_mm(motion))
        scale = self._presenter.face_scale
        centre = face - np.array([0.0, BOX_RISE_MM * scale, 0.0])
        width_mm = BOX_MM * scale * float(self._rng.uniform(0.93, 1.07))
        centre[:2] += self._rng.normal(0, 0.025 * width_mm, 2)
        return self._presenter.bodies(motion), centre, width_mm

    def _motion(self) -> Motion:
        q = self.nuisance
        phase, vigour = self._still
        self._shot += 1
        sway = vigour * np.sin(phase + 0.9 * self._shot + np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
        z = q.distance_mm + FACE_BEFORE_HEAD_MM + 8 * sway[0]
        return Motion(
            (q.offset_x * z + 6 * sway[1], q.offset_y * z + 5 * sway[2], z),
            q.yaw_deg + 4 * sway[3], q.pitch_deg + 3 * sway[4], q.roll_deg + 2 * sway[2],
            self._expression(),
        )  # fmt: skip

    def _expression(self) -> Expression:
        """The presentation's own expression, or a blink now and then (each costs an Embree scene)."""
        return replace(self._usual, blink=1.0) if self._rng.random() < 0.06 else self._usual

    def _native(self, bodies: Sequence[Body], centre: NDArray[np.float64], width_mm: float) -> tuple[FrameSet, FaceBox]:
        """Windows of the rig's own cameras; the colour camera's resolution follows the face's width in pixels."""
        sensor = self._sensor
        place = centre - np.asarray(sensor.colour_camera.origin_mm)
        focal = self.nuisance.face_px * centre[2] / width_mm
        side = round(FRAMING_FACTOR * self.nuisance.face_px) + 2
        colour = _window(focal, place, side, side)
        reach = _MARGIN * FRAMING_FACTOR * width_mm / centre[2] * sensor.depth.fx
        extra = 6 + sensor.depth.fx * sensor.beside_mm * abs(1 / centre[2] - 1 / (centre[2] + 80))
        depth_side = round(reach + extra)
        rig = sensor.cropped(_window(sensor.depth.fx, centre, depth_side, depth_side), colour)
        images = self._images(rig, bodies)
        box_side = round(self.nuisance.face_px)
        corner = (side - box_side) // 2
        return _frame_set(images, rig.profiles, Framing.FRAME), (corner, corner, box_side, box_side)

    def _registered(
        self, bodies: Sequence[Body], centre: NDArray[np.float64], width_mm: float, framing: Framing
    ) -> FrameSet:
        """One window for all modalities, each displaced by the registration error."""
        sensor = self._sensor
        focal = self.nuisance.face_px * centre[2] / width_mm
        side = round((FRAMING_FACTOR if framing is Framing.CROP else _SURROUNDINGS) * self.nuisance.face_px)
        lens = _window(focal, centre, side, side)
        off = self._rng.normal(0, 1, 2) * self.nuisance.registration_px * self.nuisance.face_px / 160
        moved = replace(lens, cx=lens.cx + float(off[0]), cy=lens.cy + float(off[1]))
        # The error in mm stays that of the sensor's own resolution.
        fair = replace(sensor, beside_mm=0.0, subpixel=sensor.subpixel * focal / sensor.depth.fx)
        images = self._images(fair.cropped(moved, lens), bodies)
        profiles = {m: replace(p, intrinsics=None, to_rgb=None) for m, p in fair.cropped(lens, lens).profiles.items()}
        return _frame_set(images, profiles, framing)

    def _images(self, rig: Sensor, bodies: Sequence[Body]) -> dict[Modality, NDArray[Any]]:
        q, rng = self.nuisance, self._rng
        seen = expose(rig.colour_camera, bodies, self._room, self._light, ir=False)
        felt = expose(rig.depth_camera, bodies, self._room, self._light, rgb=False)
        assert seen.rgb is not None
        assert felt.ir is not None
        blur = q.blur_px * q.face_px / 130
        rgb = colour_counts(seen.rgb, rng, q.exposure, q.grain, blur)
        if q.jpeg_quality:
            _, packed = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, int(q.jpeg_quality)])
            rgb = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
        return {
            Modality.RGB: rgb,
            Modality.DEPTH: measure_depth(felt.z_mm, felt.holes + F32(q.extra_holes), rig, rng),
            Modality.IR: infrared_counts(felt.ir, rig, rng, q.ir_gain, q.dots),
        }


def _light(domain: Domain, q: Nuisance, rng: np.random.Generator) -> Light:
    kelvin = float(rng.uniform(*domain.lamp_kelvin))
    key = Lamp.at(
        q.lamp_azimuth_deg,
        float(rng.uniform(*domain.lamp_elevation_deg)),
        float(rng.uniform(*domain.lamp_strength)),
        kelvin,
    )
    fill = Lamp.at(
        float(rng.uniform(-60, 60)), float(rng.uniform(0, 70)), 0.3 * float(rng.uniform(*domain.lamp_strength)), 5000
    )
    level = float(rng.uniform(*domain.ambient))
    tint = rng.uniform(0.9, 1.1, 3)
    ambient = (float(level * tint[0]), level, float(level * tint[2]))
    return Light((key, fill), ambient, ambient_ir=q.ambient_ir)


def _window(focal: float, centre_mm: NDArray[np.float64], width: int, height: int) -> Intrinsics:
    """A camera window whose middle looks at a point."""
    x, y = focal * centre_mm[:2] / centre_mm[2]
    return Intrinsics(width, height, focal, focal, float((width - 1) / 2 - x), float((height - 1) / 2 - y))


def _frame_set(
    images: Mapping[Modality, NDArray[Any]], profiles: Mapping[Modality, StreamProfile], framing: Framing
) -> FrameSet:
    frames = {modality: Frame(modality, pixels, 1, 0.0) for modality, pixels in images.items()}
    return FrameSet(1, 0.0, frames, ModalityMask.of(frames), profiles, framing=framing)
