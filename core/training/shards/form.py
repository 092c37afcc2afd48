"""The form of shards: the index of a set, and one presentation as the two members of a sample."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.codes import Species
from core.frames import CROP_PX, FaceCrop
from core.model.inputs import CropBatch, stack
from core.training.scoring import crop_of
from core.training.table import LAYOUT, LabelledCrops
from core.untrusted import json_value

FORM: Literal["sallyport-shards-1"] = "sallyport-shards-1"
Split = Literal["train", "dev", "test"]
MAX_FRAMES = 64
"""Crops of one presentation."""
MAX_MEMBER_BYTES = 64 << 20
"""A member that claims more is refused before it is read."""
_TEXTS = ("id", "subject", "species", "domain")
_ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {**LAYOUT, "ir": ("float32", LAYOUT["ir"][1])}
"""As in a table, but infrared as it was cut: hybrids are made of it."""


class Shard(BaseModel):
    """One tar file of a set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,120}\.tar$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    split: Split
    presentations: int = Field(ge=1, le=1_000_000)
    crops: int = Field(ge=1, le=64_000_000)


class Count(BaseModel):
    """How many presentations of a species a split has from a domain, and in how many of them depth or infrared is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Split
    domain: str
    species: str = Field(description="empty for bona fide")
    presentations: int = Field(ge=1)
    beyond_colour: int = Field(ge=0, description="presentations with depth or infrared")


class Index(BaseModel):
    """``NAME.json``: what a finished set holds. ``of``: rendered scenes, or captures of a collection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal["sallyport-shards-1"] = FORM
    of: Literal["scenes", "captures"]
    crop_px: int = CROP_PX
    shards: tuple[Shard, ...]
    counts: tuple[Count, ...]


@dataclass
class Tally:
    """Counts while presentations go by."""

    presentations: Counter[tuple[Split, str, str]] = field(default_factory=Counter)
    beyond_colour: Counter[tuple[Split, str, str]] = field(default_factory=Counter)

    def add(self, split: Split, one: LabelledCrops) -> None:
        """One presentation more."""
        key = (split, one.domain, one.species)
        self.presentations[key] += 1
        self.beyond_colour[key] += any(crop.depth is not None or crop.ir is not None for crop in one.crops)

    def counts(self) -> tuple[Count, ...]:
        """As they stand in an index."""
        return tuple(
            Count(split=split, domain=domain, species=species, presentations=n, beyond_colour=self.beyond_colour[key])
            for key, n in sorted(self.presentations.items())
            for split, domain, species in (key,)
        )


def members_of(one: LabelledCrops) -> dict[str, bytes]:
    """The members of a presentation's sample, by extension.

    Raises:
        ValueError: it has no crop, or more than `MAX_FRAMES`.
    """
    if not 1 <= len(one.crops) <= MAX_FRAMES:
        raise ValueError(f"a presentation has 1 to {MAX_FRAMES} crops, not {len(one.crops)}")
    batch = stack(one.crops)
    texts = {name: getattr(one, name) for name in _TEXTS}
    return {
        "json": json.dumps(texts, ensure_ascii=False).encode(),
        "safetensors": save({name: np.ascontiguousarray(getattr(batch, name)) for name in _ARRAYS}),
    }


def presentation_of(texts: bytes, arrays: bytes) -> LabelledCrops:
    """The presentation of a sample; crops come back bit for bit.

    Raises:
        ValueError: it is not what `members_of` writes.
    """
    told = json_value(texts)
    if not isinstance(told, dict) or set(told) != set(_TEXTS) or not all(isinstance(v, str) for v in told.values()):
        raise ValueError("its description is not one of a presentation")
    if told["species"] == Species.BONA_FIDE.name.lower():
        raise ValueError("bona fide is an empty species")
    try:
        found = load(arrays)
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError("its crops cannot be read") from error
    batch = _batch(found)
    return LabelledCrops(
        told["id"],
        told["subject"],
        told["species"],
        told["domain"],
        tuple(_crop(batch, row) for row in range(len(batch))),
    )


def _batch(found: dict[str, NDArray[Any]]) -> CropBatch:
    if set(found) != set(_ARRAYS):
        raise ValueError("its crops are not those of a presentation")
    count = next(iter(found.values())).shape[:1]
    for name, (dtype, shape) in _ARRAYS.items():
        if found[name].dtype != dtype or found[name].shape != (*count, *shape):
            raise ValueError(f"its {name} has another shape or type")
    if not 1 <= count[0] <= MAX_FRAMES:
        raise ValueError(f"it has {count[0]} crops")
    floats = (found["depth"], found["ir"], found["face_mm"])
    if not all(np.isfinite(values).all() and (values >= 0).all() for values in floats):
        raise ValueError("it has values that no sensor gives")
    if not found["presence"].any(axis=1).all():
        raise ValueError("it has a crop without any modality")
    return CropBatch(**found)


def _crop(batch: CropBatch, row: int) -> FaceCrop:
    return crop_of(batch.at(slice(row, row + 1)))
