"""The circumstances of a presentation: distance, pose, light, background and image chain.

They are drawn before, and independently of, what is presented, so that they cannot tell the class (evaluation.md,
section 2, guarantee 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.scenes.domain import Domain
from core.scenes.light import Lamp, Light
from core.scenes.presenter import FACE_BEFORE_HEAD_MM
from core.scenes.sensors import SENSORS


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
    metered: float
    ambient_ir: float
    dots: float
    grain: float
    blur_px: float
    jpeg_quality: float
    registered: float
    registration_px: float
    framing: float
    sunk: float
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
        # Where the infrared exposure aims at; below 0: it is fixed.
        metered = float(rng.uniform(0.25, 0.6)) if rng.random() < 0.6 else -1.0
        registered = bool(rng.random() < domain.registered_share)
        framing = float(rng.uniform(*domain.framing))
        # Loose crops show the neck as often as the hair: their middle lies lower, or not.
        sunk = float(rng.uniform(-0.05, 0.12 + max(framing - 1.0, 0.0)))
        return cls(
            float(distance), float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.12, 0.12)),
            float(rng.uniform(*domain.yaw_deg)),
            float(rng.uniform(*domain.pitch_deg)), float(rng.uniform(*domain.roll_deg)),
            float(np.exp(rng.uniform(*np.log(domain.face_px)))), float(rng.uniform(*domain.exposure)),
            float(rng.uniform(*domain.ir_gain)), metered, float(rng.uniform(*domain.ambient_ir)),
            float(rng.uniform(*domain.dots)),
            float(rng.uniform(*domain.grain)), float(rng.uniform(*domain.blur_px)), float(jpeg),
            float(registered), float(rng.uniform(*domain.registration_px)),
            framing if registered else 1.0, sunk if registered else 0.0,
            float(rng.uniform(*domain.hole_share)), float(rng.uniform(*domain.wall_mm)),
            float(rng.uniform(*domain.lamp_azimuth_deg)),
        )  # fmt: skip

    def figures(self) -> Mapping[str, float]:
        """Every circumstance by name."""
        return {name: float(getattr(self, name)) for name in self.__slots__}


def draw_light(domain: Domain, nuisance: Nuisance, rng: np.random.Generator) -> Light:
    """A key lamp, a weaker one and ambience, as the domain has them."""
    kelvin = float(rng.uniform(*domain.lamp_kelvin))
    elevation = float(rng.uniform(*domain.lamp_elevation_deg))
    key = Lamp.at(nuisance.lamp_azimuth_deg, elevation, float(rng.uniform(*domain.lamp_strength)), kelvin)
    weak = 0.3 * float(rng.uniform(*domain.lamp_strength))
    fill = Lamp.at(float(rng.uniform(-60, 60)), float(rng.uniform(0, 70)), weak, 5000)
    level = float(rng.uniform(*domain.ambient))
    tint = rng.uniform(0.9, 1.1, 3)
    ambient = (float(level * tint[0]), level, float(level * tint[2]))
    return Light((key, fill), ambient, ambient_ir=nuisance.ambient_ir)
