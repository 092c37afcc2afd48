"""What a training run is made of: one frozen, hashable configuration."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class TrainConfig(BaseModel):
    """One training run on simulated scenes. Presentations are counted per domain; subjects of the splits are disjoint.

    ``seed`` fixes people, scenes, order, augmentation and initial weights: the same configuration on the same machine
    gives the same model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "source"
    seed: int = Field(default=1, ge=0)
    domains: tuple[str, ...] = Field(default=(), description="names of core.scenes domains; empty = all embedded ones")
    presentations: int = Field(default=1200, ge=8, description="for training, per domain")
    dev_presentations: int = Field(default=320, ge=8, description="for temperature and thresholds, per domain")
    test_presentations: int = Field(default=400, ge=8, description="for the figures, per domain")
    epochs: int = Field(default=14, ge=1, le=500)
    batch: int = Field(default=48, ge=2, le=512)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    label_smoothing: float = Field(default=0.05, ge=0, lt=0.5, description="method.md section 9: eps 0.05 to 0.1")
    minutes: float = Field(default=55.0, gt=0, description="no epoch starts later than this")
    threads: int = Field(default=1, ge=1)
    work_dir: Path = Field(description="dataset and checkpoints; a run that was cut off goes on from here")
    out: Path = Field(description="where the bundle goes")

    def digest(self) -> str:
        """Identity of the run, without the folders: a checkpoint of another configuration is never continued."""
        return hashlib.sha256(self.model_dump_json(exclude={"work_dir", "out", "threads"}).encode()).hexdigest()
