"""A domain: where presentations are captured, as a configuration that is read from a file (evaluation.md, section 2).

Everything in it acts on bona fide and attack presentations alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.errors import InputError
from core.scenes.artefacts import RENDERED_SPECIES, SIMULATED_SPECIES
from core.scenes.missing import Missingness
from core.scenes.palette import Ink, Palette
from core.scenes.sensors import SENSORS
from core.untrusted import json_value, toml_table


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("the range begins above its end")
    return value


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Domain(BaseModel):
    """One site with its sensor, light, people and image chain. Ranges are ``(low, high)``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "site"
    sensor: str = "d435"
    species: tuple[str, ...] = ("bona_fide", *SIMULATED_SPECIES)
    """What is presented when the caller names nothing."""
    people: int = Field(default=60, ge=1, le=100_000)
    heads: str = ""
    """File of a scan-based head model (`core.scenes.scanned`); empty: the embedded procedural heads."""
    craft: Range = (0.0, 1.0)
    """How well instruments are made, 0 crude to 1 (`core.scenes.worn`)."""
    inks: tuple[Ink, ...] = ()
    """What prints are made with here, in equal shares; nothing: what craft has (`core.scenes.palette`)."""
    pigment: Range | None = None
    """How much of a paint's darkness is left in infrared; nothing: what craft has."""
    melanin: Range = (0.0, 1.0)
    frames: int = Field(default=5, ge=1, le=64)
    """Crops of one presentation."""

    distance_mm: Range = (420.0, 950.0)
    blind_share: Share = 0.06
    """Share of presentations nearer than the depth sensor can measure."""
    yaw_deg: Range = (-25.0, 25.0)
    pitch_deg: Range = (-14.0, 14.0)
    roll_deg: Range = (-9.0, 9.0)
    wall_mm: Range = (900.0, 2800.0)

    lamp_strength: Range = (0.35, 0.95)
    lamp_azimuth_deg: Range = (-65.0, 65.0)
    lamp_elevation_deg: Range = (5.0, 60.0)
    lamp_kelvin: Range = (2900.0, 7000.0)
    ambient: Range = (0.12, 0.42)
    exposure: Range = (0.7, 1.45)
    ambient_ir: Range = (0.0, 0.06)
    ir_gain: Range = (0.5, 1.1)
    dots: Range = (0.0, 0.35)
    """Contrast of the projector's pattern in infrared."""

    face_px: Range = (60.0, 260.0)
    """Width of the face in the colour picture."""
    grain: Range = (0.006, 0.03)
    blur_px: Range = (0.0, 1.1)
    jpeg_quality: Range = (60.0, 100.0)
    jpeg_share: Share = 0.5
    registered_share: Share = 0.3
    """Share of presentations that come as other people's data do: cropped and registered already, with some error."""
    registration_px: Range = (0.0, 3.0)
    framing: Range = (0.85, 1.35)
    """Side of such crops over that of our own: some are tight, some show hair and shoulders."""
    hole_share: Range = (0.0, 0.05)
    """Holes beyond the sensor's own."""
    missing: Missingness = Missingness()
    """Which modalities are lost or spoiled here. Rendering gives every modality; `core.scenes.missing` takes away."""

    @property
    def palette(self) -> Palette:
        """What instruments are made with."""
        return Palette(self.inks, self.pigment)

    @field_validator("sensor")
    @classmethod
    def _known_sensor(cls, value: str) -> str:
        if value not in SENSORS:
            raise ValueError(f"unknown sensor; one of {', '.join(SENSORS)}")
        return value

    @field_validator("species")
    @classmethod
    def _known_species(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        allowed = ("bona_fide", *RENDERED_SPECIES)
        for name in value:
            if name not in allowed:
                raise ValueError(f"unknown species {name!r}; some of {', '.join(allowed)}")
        return value


def load_domain(path: Path) -> Domain:
    """Read a domain from a TOML or JSON file.

    Raises:
        InputError: the file cannot be read or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values: Any = json_value(text) if path.suffix.lower() == ".json" else toml_table(text)
        return Domain.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"The domain file {path.name} is wrong at {place}: {first['msg']}.", "Correct it.") from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"The domain file {path.name} cannot be read: {error}.", "Give a TOML or JSON file."
        ) from error


DOMAINS: dict[str, Domain] = {
    "counter": Domain(name="counter"),
    "gate": Domain(
        name="gate", sensor="sr300", distance_mm=(350.0, 750.0), lamp_strength=(0.5, 1.2), ambient=(0.05, 0.25),
        ambient_ir=(0.02, 0.15), lamp_kelvin=(4800.0, 8500.0), dots=(0.0, 0.1), face_px=(90.0, 300.0),
    ),
    "kiosk": Domain(
        name="kiosk", sensor="kinect2", distance_mm=(640.0, 1100.0), face_px=(50.0, 140.0), dots=(0.0, 0.0),
        ir_gain=(0.8, 1.25), ambient=(0.2, 0.5), wall_mm=(1300.0, 3500.0),
    ),
    "archive": Domain(
        name="archive", sensor="relative", distance_mm=(350.0, 900.0), registered_share=1.0, face_px=(40.0, 200.0),
        registration_px=(0.0, 5.0), jpeg_share=0.9, jpeg_quality=(40.0, 95.0), grain=(0.01, 0.045), blur_px=(0.0, 1.8),
    ),
}  # fmt: skip
"""The sites of the frozen scenes benchmark and of the factory model's training."""
