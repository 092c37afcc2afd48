"""How much the guarantees command renders and trains: one frozen, hashable configuration."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict, Field


class Plan(BaseModel):
    """Sizes of one run of the guarantees. Everything that changes a figure stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    train: int = Field(ge=8, le=20_000, description="presentations of a domain to train on")
    train_frames: int = Field(ge=1, le=16, description="crops of a presentation that trains")
    dev: int = Field(ge=8, le=20_000, description="presentations of a domain that set thresholds")
    test: int = Field(ge=8, le=20_000, description="presentations of a domain to judge")
    factor: int = Field(ge=8, le=20_000, description="presentations of a one-factor variant to judge")
    frames: int = Field(ge=1, le=16, description="crops of a presentation that is judged or sets a threshold")
    pixels: int = Field(ge=16, le=96, description="side of the planes that the reference sees")
    widths: tuple[int, ...] = (16, 32, 64, 96)
    epochs: int = Field(ge=1, description="passes over the presentations of one domain")
    epochs_together: int = Field(ge=1, description="passes where several domains train together")
    batch: int = Field(default=48, ge=4)
    learning_rate: float = Field(default=3e-3, gt=0)
    seeds: tuple[int, ...]

    def digest(self) -> str:
        """Identity of the sizes that tables and trained references depend on."""
        return hashlib.sha256(self.model_dump_json(exclude={"seeds"}).encode()).hexdigest()


QUICK = Plan(
    name="quick",
    train=800,
    train_frames=1,
    dev=160,
    test=240,
    factor=96,
    frames=1,
    pixels=48,
    epochs=24,
    epochs_together=16,
    seeds=(1,),
)
"""Under ten minutes on two cores: wide bounds, and less to learn from than the full run."""

FULL = Plan(
    name="full", train=3000, train_frames=2, dev=300, test=500, factor=300, frames=5, pixels=48, epochs=30,
    epochs_together=20, seeds=(1, 2, 3),
)  # fmt: skip
"""Three seeds, and as many presentations as the design asks for (evaluation.md, section 7)."""
