"""What a simulated camera films, as text: ``booth,seed=3,sensor=d435,species=print_flat`` (formats.md, Sources)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.codes import Species
from core.errors import UsageError
from core.scenes.artefacts import RENDERED_SPECIES
from core.scenes.sensors import SENSORS, DepthKind, Sensor

SCENES = ("booth", "corridor", "empty", "wall_near", "wall_far")
"""A counter with even light; a corridor with daylight from one side; a booth where nobody comes; a plain wall before
the camera, at two distances, for the measurements of a qualification."""
WALLS_MM = {"wall_near": 700.0, "wall_far": 1150.0}
LIVE_SENSORS = tuple(name for name, sensor in SENSORS.items() if sensor.kind is not DepthKind.RELATIVE)


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """A live scene. ``seed`` chooses person, clothes and instrument; ``species`` empty = bona fide."""

    scene: str = "booth"
    seed: int = 0
    sensor: str = "d435"
    species: Species = Species.BONA_FIDE

    @classmethod
    def parse(cls, text: str) -> SceneSpec:
        """Read ``SCENE[,seed=N][,sensor=S][,species=P]``; the empty text is the default scene.

        Raises:
            UsageError: an unknown scene, key or value; the remedy names what is allowed.
        """
        scene, seed, sensor, species = "booth", 0, "d435", Species.BONA_FIDE
        for position, part in enumerate(piece.strip() for piece in text.split(",")) if text.strip() else ():
            key, equals, value = part.partition("=")
            if not equals and position == 0:
                scene = _one_of("scene", part, SCENES)
            elif key == "seed" and value.isdecimal() and len(value) < 10:
                seed = int(value)
            elif key == "seed":
                raise UsageError(f"The seed {value!r} is not a whole number.", "Use seed=0 to seed=999999999.")
            elif key == "sensor" and equals:
                sensor = _one_of("sensor", value, LIVE_SENSORS)
            elif key == "species" and equals:
                species = scene_species(value)
            else:
                raise UsageError(f"A simulated scene has no {part!r}.", "Use SCENE,seed=N,sensor=S,species=P.")
        return cls(scene, seed, sensor, species)

    @property
    def rig(self) -> Sensor:
        """The sensor's description."""
        return SENSORS[self.sensor]

    def __str__(self) -> str:
        species = self.species or "bona_fide"
        return f"{self.scene},seed={self.seed},sensor={self.sensor},species={species}"


def scene_species(name: str) -> Species:
    """The species of that name that can be rendered; ``bona_fide`` or empty for a person.

    Raises:
        UsageError: there is no such species.
    """
    if name in ("", "bona_fide"):
        return Species.BONA_FIDE
    return Species(_one_of("species", name, [str(species) for species in RENDERED_SPECIES], "bona_fide"))


def _one_of(what: str, value: str, allowed: Iterable[str], *more: str) -> str:
    names = [*more, *allowed]
    if value not in names:
        raise UsageError(f"There is no simulated {what} {value!r}.", f"Choose one of: {', '.join(names)}.")
    return value
