"""People as numbers: shape, colours and what they wear; nobody is stored anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.scenes.head import HeadModel, ProceduralHead, Shape
from core.scenes.scanned import Scan, ScannedHead

_FAIR, _DARK = np.array([0.68, 0.45, 0.345]), np.array([0.10, 0.058, 0.040])


@dataclass(frozen=True, slots=True)
class Looks:
    """One person's colours. ``melanin`` 0 fair to 1 dark; hair and iris are linear albedos."""

    melanin: float = 0.3
    redness: float = 0.5
    hair_rgb: tuple[float, float, float] = (0.05, 0.03, 0.02)
    hair_ir: float = 0.2
    iris_rgb: tuple[float, float, float] = (0.10, 0.06, 0.03)
    brow: float = 0.8
    beard: float = 0.0
    glasses: bool = False
    age: float = 0.3
    makeup: float = 0.0
    cloth_rgb: tuple[float, float, float] = (0.1, 0.1, 0.12)
    cloth_ir: float = 0.4
    oil: float = 0.4
    """How much the skin shines, 0 powdered to 1."""

    @classmethod
    def draw(cls, rng: np.random.Generator, melanin: tuple[float, float] = (0.0, 1.0)) -> Looks:
        """A person at random; hair and eyes follow the skin loosely."""
        tone = float(melanin[0] + (melanin[1] - melanin[0]) * rng.random() ** 1.8)
        blond = float(rng.beta(1.2, 3)) * (1 - tone) * float(rng.random() < 0.6)
        grey = float(rng.random() < 0.2) * float(rng.uniform(0.3, 1))
        hair = np.array([0.022, 0.017, 0.014]) * (1 - blond) + np.array([0.34, 0.22, 0.11]) * blond
        hair = hair * (1 - grey) + np.array([0.42, 0.42, 0.42]) * grey
        light_eyes = rng.random() < 0.7 * (1 - tone)
        iris = (
            rng.uniform([0.12, 0.16, 0.18], [0.2, 0.26, 0.33])
            if light_eyes
            else rng.uniform(0.02, 0.1) * np.array([1.2, 0.8, 0.5])
        )
        return cls(
            melanin=tone,
            redness=float(rng.uniform(0, 1)),
            hair_rgb=_triple(hair),
            hair_ir=float(rng.uniform(0.025, 0.11) + 0.25 * grey + 0.2 * blond),
            iris_rgb=_triple(iris),
            brow=float(rng.uniform(0.45, 1)),
            beard=float(rng.uniform(0.3, 1)) if rng.random() < 0.3 else 0.0,
            glasses=bool(rng.random() < 0.22),
            age=float(rng.uniform(0, 1)),
            makeup=float(rng.uniform(0.3, 1)) if rng.random() < 0.2 else 0.0,
            cloth_rgb=_triple(np.clip(rng.uniform(0.02, 0.55) * rng.uniform(0.5, 1.3, 3), 0.01, 0.8)),
            cloth_ir=float(rng.uniform(0.12, 0.75)),
            oil=float(rng.beta(1.6, 1.6)),
        )


@dataclass(frozen=True, slots=True)
class Person:
    """An identity: shape and looks, and the seed of skin and hair grain."""

    shape: Shape = field(default_factory=Shape)
    looks: Looks = field(default_factory=Looks)
    seed: int = 0
    scan: Scan | None = None
    """The head out of a file; ``None``: the procedural one of ``shape``."""

    @classmethod
    def draw(
        cls, rng: np.random.Generator, melanin: tuple[float, float] = (0.0, 1.0), scans: Path | None = None
    ) -> Person:
        """A person at random. Beards go with short hair. ``scans``: the file of a head model."""
        shape, looks = Shape.draw(rng), Looks.draw(rng, melanin)
        if shape.hair_length > 0.25 or shape.cover == "headscarf":
            looks = replace(looks, beard=0.0)
        full = rng.random() < 0.5
        shape = replace(shape, beard_mm=(9.0 if full else 1.5) * looks.beard)
        seed = int(rng.integers(0, 2**31))
        return cls(shape, looks, seed, None if scans is None else Scan.draw(scans, rng))


def head_of(person: Person, bare: bool = False) -> HeadModel:
    """The person's head, with hair and what is worn on it unless ``bare``."""
    if person.scan is not None:
        return ScannedHead(person.scan, person.shape, bare)
    return ProceduralHead(person.shape, bare)


def skin_rgb(melanin: float) -> NDArray[np.float64]:
    """Linear albedo of skin: geometric between fair and dark, as absorption adds up."""
    return np.asarray(_FAIR ** (1 - melanin) * _DARK**melanin)


def skin_ir(melanin: float) -> float:
    """Albedo of skin near 850 nm."""
    return 0.62 - 0.09 * melanin


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
