"""Light of a site: lamps and ambience in colour, the sensor's own projector and the sun at 850 nm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.scenes.mesh import F32


@dataclass(frozen=True, slots=True)
class Lamp:
    """A far lamp. ``towards``: unit vector from the scene to the lamp in the rig's frame; ``rgb``: linear strength."""

    towards: tuple[float, float, float]
    rgb: tuple[float, float, float]

    @classmethod
    def at(cls, azimuth_deg: float, elevation_deg: float, strength: float, kelvin: float) -> Lamp:
        """A lamp seen from the face: azimuth to the picture's right, elevation upwards; colour by temperature."""
        a, e = np.radians([azimuth_deg, elevation_deg])
        towards = (float(np.sin(a) * np.cos(e)), float(-np.sin(e)), float(-np.cos(a) * np.cos(e)))
        r, g, b = (strength * c for c in temperature_rgb(kelvin))
        return cls(towards, (r, g, b))


@dataclass(frozen=True, slots=True)
class Light:
    """All light of a scene.

    ``lamps`` and ``ambient_rgb`` act on colour. In infrared the projector gives ``projector`` / distance^2 (distance in
    m), to which ``ambient_ir`` adds whatever the distance (scenes.md, "Infrared").
    """

    lamps: tuple[Lamp, ...]
    ambient_rgb: tuple[float, float, float] = (0.35, 0.35, 0.36)
    projector: float = 0.40
    ambient_ir: float = 0.01

    def colour_on(self, normal: NDArray[np.float32], key_lit: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Irradiance ``(..., 3)`` on surfaces with these normals (rig frame), softened as by lamps of some size.

        ``key_lit (...)``: how much of the first lamp reaches them, if something stands before it.
        """
        up = F32(0.82) - F32(0.18) * normal[..., 1]
        total = up[..., None] * np.asarray(self.ambient_rgb, dtype=F32)
        for number, lamp in enumerate(self.lamps):
            cosine = normal @ np.asarray(lamp.towards, dtype=F32)
            level = np.clip((cosine + F32(0.18)) / F32(1.18), 0, None)
            if number == 0 and key_lit is not None:
                level = level * key_lit
            total += level[..., None] * np.asarray(lamp.rgb, dtype=F32)
        return np.asarray(total, dtype=F32)

    def highlight(self, normal: NDArray[np.float32], ray: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
        """Light of the lamps mirrored towards the camera, ``(..., 3)`` (half-vector model)."""
        away = ray / np.sqrt(np.einsum("...k,...k->...", ray, ray))[..., None]
        total = np.zeros(normal.shape, F32)
        for lamp in self.lamps:
            half = np.asarray(lamp.towards, dtype=F32) - away
            length = np.sqrt(np.einsum("...k,...k->...", half, half)) + F32(1e-6)
            cosine = np.clip(np.einsum("...k,...k->...", normal, half) / length, 0, 1)
            total += (cosine ** F32(sharpness))[..., None] * np.asarray(lamp.rgb, dtype=F32)
        return total

    def infrared_on(
        self, distance2_m2: NDArray[np.float32], cosine: NDArray[np.float32] | float
    ) -> NDArray[np.float32]:
        """Infrared irradiance: projector by distance squared and angle, ambient on everything."""
        return np.asarray(F32(self.projector) * cosine / np.maximum(distance2_m2, F32(0.01)) + F32(self.ambient_ir))


def temperature_rgb(kelvin: float) -> tuple[float, float, float]:
    """Linear colour of a black body relative to daylight, green = 1 (a fit that is good enough for lamps)."""
    x = (np.clip(kelvin, 2500, 9000) - 5500) / 3000
    return float(1 - 0.32 * x + 0.12 * x * x), 1.0, float(1 + 0.42 * x - 0.10 * x * x)
