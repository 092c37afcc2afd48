"""How large a study is: presentations, resolution, epochs and tuning trials, in one frozen, hashable configuration."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict, Field


class SplitSize(BaseModel):
    """Presentations of one domain in one split, and the crops of each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    presentations: int = Field(ge=4, le=20_000)
    frames: int = Field(ge=1, le=16)


class Size(BaseModel):
    """One size of the study. Everything that changes a figure stands here; the digest names the work folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    train: SplitSize
    dev: SplitSize
    test: SplitSize
    variants: int = Field(ge=1, le=8, description="stored versions of a training crop: the crop itself, then augmented")
    pixels: int = Field(ge=16, le=96, description="side of the normalised planes that the trunk sees")
    widths: tuple[int, ...] = (16, 32, 64, 96)
    trunk_epochs: int = Field(ge=1)
    peer_epochs: int = Field(ge=1)
    batch: int = Field(ge=4)
    trials: int = Field(ge=1, description="tuning trials of every method, on source-dev, at the first seed of a fold")
    trial_epochs: int = Field(ge=1)
    seeds: int = Field(ge=1, description="seeds of a table when the command names none")

    def split(self, name: str) -> SplitSize:
        """The size of ``train``, ``dev`` or ``test``."""
        return {"train": self.train, "dev": self.dev, "test": self.test}[name]

    def digest(self) -> str:
        """Identity of the configuration."""
        return hashlib.sha256(self.model_dump_json(exclude={"seeds"}).encode()).hexdigest()


QUICK = Size(
    name="quick",
    train=SplitSize(presentations=240, frames=1),
    dev=SplitSize(presentations=66, frames=2),
    test=SplitSize(presentations=88, frames=5),
    variants=3,
    pixels=48,
    trunk_epochs=14,
    peer_epochs=4,
    batch=32,
    trials=1,
    trial_epochs=4,
    seeds=1,
)
"""Minutes on two cores: shows that everything runs, ranks nobody."""

FULL = Size(
    name="full",
    train=SplitSize(presentations=3000, frames=1),
    dev=SplitSize(presentations=160, frames=2),
    test=SplitSize(presentations=320, frames=5),
    variants=3,
    pixels=48,
    trunk_epochs=12,
    peer_epochs=3,
    batch=48,
    trials=2,
    trial_epochs=1,
    seeds=3,
)
"""The committed tables (docs/scenes-study.md)."""

EARLY = FULL.model_copy(
    update={
        "name": "early",
        "train": SplitSize(presentations=2400, frames=1),
        "dev": SplitSize(presentations=96, frames=2),
        "test": SplitSize(presentations=176, frames=5),
        "variants": 1,
        "trunk_epochs": 24,
    }
)
"""What only modalities together tell takes more people to find, and their crops as they were cut: with 600
presentations even a network that sees all planes at once stays a coin."""

EARLY_QUICK = QUICK.model_copy(
    update={"name": "early-quick", "train": SplitSize(presentations=600, frames=1), "variants": 1, "trunk_epochs": 12}
)

SIZES = {size.name: size for size in (QUICK, FULL, EARLY, EARLY_QUICK)}
