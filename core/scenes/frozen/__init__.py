"""The frozen domains of the scenes benchmark (`NAME`), one-factor variants of one of them, and their identity.

A change of a domain file, of the renderer or of the recipe changes `digest`; what was frozen stands in ``frozen.toml``.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from core.scenes.domain import Domain, load_domain
from core.scenes.frozen.identity import digest_of

NAME = "scenes-v3"
FOLDER = Path(__file__).parent
DOMAIN_NAMES = ("desk", "turnstile", "lobby", "archive")
"""Active stereo, coded light, time of flight, and relative depth out of a collection."""
JOINT_NAME = "couple"
"""The domain of the species that only modalities together tell. It takes no part in leaving domains out: late fusion,
which the difficulty of those is measured with, cannot tell its species by construction."""
BASE = "desk"
FACTORS = ("sensor", "site", "people", "species")
"""What differs from `BASE` in the files ``one_factor/FACTOR.toml``, each alone."""


@cache
def domains() -> dict[str, Domain]:
    """The four domains by name."""
    return {name: load_domain(FOLDER / f"{name}.toml") for name in DOMAIN_NAMES}


@cache
def joint_domain() -> Domain:
    """The domain of `JOINT_NAME`."""
    return load_domain(FOLDER / f"{JOINT_NAME}.toml")


@cache
def variants() -> dict[str, Domain]:
    """By factor: the base domain with that factor alone changed."""
    return {factor: load_domain(FOLDER / "one_factor" / f"{factor}.toml") for factor in FACTORS}


@cache
def digest() -> str:
    """Identity of the benchmark as it lies here; it stands in every result."""
    return digest_of(FOLDER)


def frozen_digest() -> str | None:
    """The identity that was frozen; ``None`` before that."""
    path = FOLDER / "frozen.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["digest"]) if path.is_file() else None


def is_frozen() -> bool:
    """Whether what lies here is what was frozen: where it is not, results are of some other benchmark."""
    return digest() == frozen_digest()
