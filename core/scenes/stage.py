"""One presentation before one rig.

A presentation goes the way of a real one: native cameras, registration and cropping by `core.face.crop.cut`, the same
code that cuts live frames, so that nothing but the pixels' origin differs. What stands still (room, shoulders, the
holder of a print) is exposed once; each frame casts only what moves. Pictures of more pixels than a crop can hold are
rendered with as many as it holds, noise and blur scaled to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Framing, Species
from core.face.crop import FRAMING_FACTOR
from core.face.detect import Box as FaceBox
from core.frames import Frame, FrameSet, Intrinsics, Modality, ModalityMask, StreamProfile
from core.scenes.backdrop import Backdrop
from core.scenes.circumstances import Nuisance, draw_light
from core.scenes.domain import Domain
from core.scenes.head import Expression
from core.scenes.light import Light
from core.scenes.mesh import F32
from core.scenes.people import Person
from core.scenes.presenter import FACE_BEFORE_HEAD_MM, Motion, Presenter
from core.scenes.render import Body, Camera, Exposure, add_body, expose
from core.scenes.sensors import (
    SENSORS,
    RelativeCoding,
    Sensor,
    colour_counts,
    infrared_counts,
    measure_depth,
    metered_gain,
)

BOX_MM = 160.0
"""Width of the cascade's box on a rendered face (median; a test compares)."""
BOX_RISE_MM = 16.0
"""The box's middle lies that far above the head's origin."""
CROP_FACE_PX = 80.0
"""A face of more pixels than this is no sharper in a crop (74 of its 96): such pictures are rendered smaller."""
_SURROUNDINGS = 2.4
"""Side of a whole picture over the width of the face box."""
_PAINT_MM_PER_PX = (0.8, 1.9)
"""Fineness of the paint: for full pictures, and for crops (about 2.2 mm per pixel)."""
_STILL_MARGIN = 0.14
"""Still pictures are exposed that much wider on every side, so that windows which follow the face stay inside."""


class Stage:
    """One presentation; each `shoot` gives the next frame set, cut to the face's surroundings.

    Args:
        domain: where it is.
        species: what is presented.
        seed, index: people, circumstances and noise follow from them.
        full: render every pixel that the camera has, not only those that a crop can show.
    """

    def __init__(self, domain: Domain, species: Species, seed: int, index: int, full: bool = False) -> None:
        number = person_number(domain, seed, index)
        self.id = f"{domain.name}-{seed}-{index:06d}"
        self.subject = f"{domain.name}-{seed}-s{number:04d}"
        self._rng = np.random.default_rng((seed, index, 2))
        self.nuisance = q = Nuisance.draw(domain, self._rng)
        self._light = draw_light(domain, q, self._rng)
        self._room = Backdrop.draw(self._rng, (q.wall_mm, q.wall_mm))
        scans = Path(domain.heads) if domain.heads else None
        person = Person.draw(np.random.default_rng((seed, number, 3)), domain.melanin, scans)
        victim = Person.draw(np.random.default_rng((seed, number, 4, index % 3)), domain.melanin, scans)
        self._face_px = q.face_px if full else min(q.face_px, CROP_FACE_PX)
        self._shrunk = self._face_px / q.face_px
        step = 2 if self._face_px > 75 else 1
        art = int(np.random.default_rng((seed, index, 5)).integers(0, 2**31))
        fineness = _PAINT_MM_PER_PX[0] if full else _PAINT_MM_PER_PX[1]
        self._presenter = Presenter(
            species, person, victim, art, fineness, (step, 2 * step), domain.craft, shaded=True, palette=domain.palette
        )
        self._sensor = SENSORS[domain.sensor]
        if self._sensor.relative is not None:
            self._sensor = replace(self._sensor, relative=RelativeCoding.draw(self._rng))
        self._phase, self._vigour = float(self._rng.uniform(0, 6.28)), float(self._rng.uniform(0.2, 1.0))
        self._shot = 0
        mouth = float(self._rng.uniform(0.2, 1)) if self._rng.random() < 0.3 else 0.0
        self._usual = Expression(mouth, 0.0, float(self._rng.choice([0.0, 0.0, 0.5, 1.0])))
        self._slip = np.rint(self._rng.normal(0, 1, 2) * q.registration_px * self._face_px / 160).astype(int)
        still = self._presenter.still_bodies(self._motion(0.0))
        self._colour = _View(self._room, self._light, still, rgb=True)
        self._depth = _View(self._room, self._light, still, ir=True)
        self._both = _View(self._room, self._light, still, rgb=True, ir=True)
        width_mm = BOX_MM * self._presenter.face_scale
        far = self._presenter.face_mm(self._motion(0.0))[2] / width_mm
        self._focal = self._face_px * far
        # A depth camera of many pixels is thinned out likewise; its error in mm stays.
        self._depth_focal = min(self._sensor.depth.fx, CROP_FACE_PX * far)

    def shoot(self) -> tuple[FrameSet, FaceBox | None]:
        """The next frame set and the face's box in it; ``None`` where the images are face crops already."""
        bodies, centre, width_mm = self._next()
        if self.nuisance.registered:
            centre = centre + np.array([0.0, 0.5 * self.nuisance.sunk * width_mm, 0.0])
            return self._registered(bodies, centre, FRAMING_FACTOR * self.nuisance.framing, Framing.CROP), None
        return self._native(bodies, centre, width_mm)

    def shoot_registered(self, framing: Framing) -> FrameSet:
        """The next frame set as a registered collection has it, cut to the face or with its surroundings."""
        bodies, centre, _ = self._next()
        return self._registered(bodies, centre, FRAMING_FACTOR if framing is Framing.CROP else _SURROUNDINGS, framing)

    def _next(self) -> tuple[list[Body], NDArray[np.float64], float]:
        """What moves; middle (rig frame, mm) and width (mm) of what a detector would call the face."""
        self._shot += 1
        motion = self._motion(self._vigour)
        face = np.asarray(self._presenter.face_mm(motion))
        scale = self._presenter.face_scale
        centre = face - np.array([0.0, BOX_RISE_MM * scale, 0.0])
        width_mm = BOX_MM * scale * float(self._rng.uniform(0.93, 1.07))
        centre[:2] += self._rng.normal(0, 0.025 * width_mm, 2)
        return self._presenter.moving_bodies(replace(motion, expression=self._expression())), centre, width_mm

    def _motion(self, vigour: float) -> Motion:
        q = self.nuisance
        sway = vigour * np.sin(self._phase + 0.9 * self._shot + np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
        z = q.distance_mm + FACE_BEFORE_HEAD_MM + 8 * sway[0]
        return Motion(
            (q.offset_x * z + 6 * sway[1], q.offset_y * z + 5 * sway[2], z),
            q.yaw_deg + 4 * sway[3], q.pitch_deg + 3 * sway[4], q.roll_deg + 2 * sway[2],
            self._usual,
        )  # fmt: skip

    def _expression(self) -> Expression:
        """The presentation's own expression, or a blink now and then (each costs an Embree scene)."""
        return replace(self._usual, blink=1.0) if self._rng.random() < 0.06 else self._usual

    def _native(self, bodies: Sequence[Body], centre: NDArray[np.float64], width_mm: float) -> tuple[FrameSet, FaceBox]:
        """Windows of the rig's own cameras; the colour camera's resolution follows the face's width in pixels."""
        sensor = self._sensor
        beside = np.asarray(sensor.colour_camera.origin_mm)
        box_px = self._focal * width_mm / centre[2]
        side = round(FRAMING_FACTOR * box_px) + 2
        colour = _window(self._focal, centre - beside, side)
        reach = FRAMING_FACTOR * width_mm / centre[2] * self._depth_focal
        extra = 8 + self._depth_focal * sensor.beside_mm * abs(1 / centre[2] - 1 / (centre[2] + 80))
        fair = replace(sensor, subpixel=sensor.subpixel * self._depth_focal / sensor.depth.fx)
        rig = fair.cropped(_window(self._depth_focal, centre, round(reach + extra)), colour)
        seen = self._colour.exposed(rig.colour_camera, bodies)
        felt = self._depth.exposed(rig.depth_camera, bodies)
        corner = (side - round(box_px)) // 2
        images = self._images(rig, seen, felt)
        return _frame_set(images, rig.profiles, Framing.FRAME), (corner, corner, round(box_px), round(box_px))

    def _registered(
        self, bodies: Sequence[Body], centre: NDArray[np.float64], factor: float, framing: Framing
    ) -> FrameSet:
        """One window for all modalities, each displaced by the registration error."""
        sensor = self._sensor
        side, far = round(factor * self._face_px), int(np.abs(self._slip).max())
        lens = _window(self._focal, centre, side)
        # The error in mm stays that of the sensor's own resolution.
        fair = replace(sensor, beside_mm=0.0, subpixel=sensor.subpixel * self._focal / sensor.depth.fx)
        rig = fair.cropped(lens, lens)
        wide = replace(lens, width=side + 2 * far, height=side + 2 * far, cx=lens.cx + far, cy=lens.cy + far)
        both = self._both.exposed(Camera(wide), bodies)
        seen = both.part(far, far, side, side)
        felt = both.part(far + int(self._slip[0]), far + int(self._slip[1]), side, side)
        profiles = {m: replace(p, intrinsics=None, to_rgb=None) for m, p in rig.profiles.items()}
        return _frame_set(self._images(rig, seen, felt), profiles, framing)

    def _images(self, rig: Sensor, seen: Exposure, felt: Exposure) -> dict[Modality, NDArray[Any]]:
        q, rng = self.nuisance, self._rng
        assert seen.rgb is not None
        assert felt.ir is not None
        rgb = colour_counts(seen.rgb, rng, q.exposure, q.grain * self._shrunk, q.blur_px * self._face_px / 130)
        if q.jpeg_quality:
            quality = 100 - (100 - q.jpeg_quality) * self._shrunk
            _, packed = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
            rgb = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
        # Eight bits need an exposure that follows the picture; sixteen do not.
        gain = q.ir_gain if rig.ir_bits > 8 or q.metered < 0 else metered_gain(felt.ir, rig, q.metered * q.ir_gain)
        return {
            Modality.RGB: rgb,
            Modality.DEPTH: measure_depth(felt.z_mm, felt.holes + F32(q.extra_holes), rig, rng),
            Modality.IR: infrared_counts(felt.ir, rig, rng, gain, q.dots),
        }


def person_number(domain: Domain, seed: int, index: int) -> int:
    """Which of the domain's people takes part in presentation ``index``."""
    return int(np.random.default_rng((seed, index, 1)).integers(0, domain.people))


@dataclass(slots=True, eq=False)
class _View:
    """One camera with what stands still already exposed, in windows that follow the face over its pixels."""

    room: Backdrop
    light: Light
    still: Sequence[Body]
    rgb: bool = False
    ir: bool = False
    wide: tuple[Camera, Exposure] | None = None

    def exposed(self, camera: Camera, moving: Sequence[Body]) -> Exposure:
        """What reaches the sensor through that window."""
        part = self._part(camera)
        if part is None:
            lens = camera.intrinsics
            margin = round(_STILL_MARGIN * lens.width) + 2
            wider = replace(
                lens, width=lens.width + 2 * margin, height=lens.height + 2 * margin,
                cx=lens.cx + margin, cy=lens.cy + margin,
            )  # fmt: skip
            whole = Camera(wider, camera.origin_mm)
            self.wide = whole, expose(whole, self.still, self.room, self.light, rgb=self.rgb, ir=self.ir)
            part = self._part(camera)
            assert part is not None
        for body in moving:
            add_body(part, camera, body, self.light)
        return part

    def _part(self, camera: Camera) -> Exposure | None:
        """A copy of the still picture in that window; ``None`` where it reaches over the border."""
        if self.wide is None:
            return None
        lens, (whole, picture) = camera.intrinsics, self.wide
        x, y = round(whole.intrinsics.cx - lens.cx), round(whole.intrinsics.cy - lens.cy)
        inside = 0 <= x <= whole.intrinsics.width - lens.width and 0 <= y <= whole.intrinsics.height - lens.height
        if lens.fx != whole.intrinsics.fx or not inside:
            return None
        return picture.part(x, y, lens.width, lens.height)


def _window(focal: float, centre_mm: NDArray[np.float64], side: int) -> Intrinsics:
    """A window of whole pixels of a camera, its middle at a point."""
    x, y = np.rint(focal * centre_mm[:2] / centre_mm[2] - (side - 1) / 2)
    return Intrinsics(side, side, focal, focal, float(-x), float(-y))


def _frame_set(
    images: Mapping[Modality, NDArray[Any]], profiles: Mapping[Modality, StreamProfile], framing: Framing
) -> FrameSet:
    frames = {modality: Frame(modality, pixels, 1, 0.0) for modality, pixels in images.items()}
    return FrameSet(1, 0.0, frames, ModalityMask.of(frames), profiles, framing=framing)
