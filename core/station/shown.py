"""What the simulated camera is shown when a task asks for something to stand before it."""

from __future__ import annotations


def simulated_scene(source: str, scene: str, seed: int, species: str) -> str:
    """The simulated source that shows this with the sensor of ``source``."""
    sensor = next((part for part in source.split(",") if part.startswith("sensor=")), "sensor=d435")
    return f"simulated:{scene},seed={seed},{sensor},species={species or 'bona_fide'}"
