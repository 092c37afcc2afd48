"""What a training run is made of: one frozen, hashable configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import UsageError
from core.frames import CROP_PX
from core.model.manifest import FACTORY_BUNDLE
from core.model.network import NetworkConfig
from core.training.sites import SITES, TRAINING_SITES

LIVE_DOMAINS = ("live:booth/d435", "live:corridor/d435", "live:booth/sr300", "live:corridor/kinect2")
FACTORY_SEED = 1


class SplitPlan(BaseModel):
    """How much of a split is simulated. ``reframe``: some live crops are cut around a moved box."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_domain: int = Field(ge=2, le=4_000, description="presentations of every site")
    per_live_domain: int = Field(ge=0, le=4_000, description="presentations of every live domain")
    frames: int = Field(ge=1, le=16, description="crops of a presentation")
    reframe: bool = False


class TrainConfig(BaseModel):
    """One training run on simulated scenes; the people of the three splits are disjoint.

    ``seed`` fixes people, scenes, order, augmentation and initial weights: the same configuration on the same machine
    gives the same model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "source"
    seed: int = Field(default=FACTORY_SEED, ge=0, le=2**32 - 1)
    domains: tuple[str, ...] = Field(default=tuple(TRAINING_SITES), description="sites of core.training.sites")
    live_domains: tuple[str, ...] = Field(default=LIVE_DOMAINS, description="live:SCENE/SENSOR")
    shards: tuple[str, ...] = Field(default=(), description="locations of shards that stand in for rendered scenes")
    shards_digest: str = Field(default="", description="of what they hold (core.training.shards.ShardSets.digest)")
    train: SplitPlan = SplitPlan(per_domain=640, per_live_domain=160, frames=2, reframe=True)
    dev: SplitPlan = SplitPlan(per_domain=120, per_live_domain=40, frames=3)
    test: SplitPlan = SplitPlan(per_domain=150, per_live_domain=60, frames=3)
    epochs: int = Field(default=8, ge=1, le=500)
    batch: int = Field(default=48, ge=2, le=512)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    label_smoothing: float = Field(default=0.05, ge=0, lt=0.5, description="method.md section 9: eps 0.05 to 0.1")
    minutes: float = Field(default=45.0, gt=0, description="no epoch starts later than this")
    evidence_dropout: float = Field(default=0.15, ge=0, lt=1, description="share of rows without physics evidence")
    map_dropout: float = Field(default=0.5, ge=0, lt=1, description="share of rows without learnt features")
    complementary: Literal["full", "substitute", "enhance", "none"] = Field(
        default="full", description="what modalities predict of each other (core.model.complement.MODES)"
    )
    settling: int = Field(
        default=0, ge=0, le=500, description="epochs after these, in which features are seldom dropped"
    )
    pixels: int = Field(default=48, ge=16, le=CROP_PX, description="side of the planes that the encoders see")
    versions: int = Field(default=3, ge=1, le=16, description="varied versions of every training crop")
    device: str = Field(default="auto", description="where the network trains: auto, cpu, cuda, cuda:N")
    threads: int = Field(default=1, ge=1, description="torch threads")
    processes: int = Field(default=2, ge=1, le=64, description="processes that simulate and vary")
    work_dir: Path = Field(description="tables and checkpoints; a run that was cut off goes on from here")
    out: Path = Field(description="where the bundle goes")

    @property
    def network(self) -> NetworkConfig:
        """Sizes and switches of the network; without predictions there are no residuals of them either."""
        return NetworkConfig(
            complementary=self.complementary, residuals=self.complementary != "none", pixels=self.pixels
        )

    def sized(self, presentations: int) -> TrainConfig:
        """The same run with ``presentations`` of every site to train on; the other splits shrink alike.

        Raises:
            UsageError: there are more than a site's people allow.
        """
        share = presentations / self.train.per_domain

        def scaled(plan: SplitPlan) -> SplitPlan:
            live = 0 if not plan.per_live_domain else max(2, round(share * plan.per_live_domain))
            return plan.model_copy(
                update={"per_domain": max(2, round(share * plan.per_domain)), "per_live_domain": live}
            )

        return self.changed({"train": scaled(self.train), "dev": scaled(self.dev), "test": scaled(self.test)})

    def changed(self, given: Mapping[str, object]) -> TrainConfig:
        """The same run with other settings, held to their ranges (`model_copy` looks at none).

        Raises:
            UsageError: a setting is out of its range.
        """
        plain = {name: value.model_dump() if isinstance(value, SplitPlan) else value for name, value in given.items()}
        try:
            return TrainConfig.model_validate({**self.model_dump(), **plain})
        except ValidationError as error:
            wrong = error.errors()[0]
            setting = ".".join(str(part) for part in wrong["loc"])
            raise UsageError(
                f"A training cannot have {setting} = {wrong['input']}: {wrong['msg']}.", "Choose another number."
            ) from error

    def plan(self, split: str) -> SplitPlan:
        """The plan of ``train``, ``dev`` or ``test``."""
        return {"train": self.train, "dev": self.dev, "test": self.test}[split]

    def table_digest(self, split: str) -> str:
        """Identity of a split's table: a site that was edited has another, and so have shards of other content."""
        if self.shards:
            return hashlib.sha256(f"{split}\n{self.shards_digest}".encode()).hexdigest()
        sites = [SITES[name].model_dump_json() if name in SITES else name for name in self.domains]
        parts = [self.plan(split).model_dump_json(), str(self.seed), *sites, "|", *self.live_domains]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def digest(self) -> str:
        """Identity of the run, without folders and processors: no other run's checkpoint is continued.

        Nor is one whose table was another, although its settings name the same sites.
        """
        outside = {"work_dir", "out", "device", "threads", "processes", "minutes", "name", "shards"}
        settings = self.model_dump_json(exclude=outside)
        return hashlib.sha256(f"{settings}\n{self.table_digest('train')}".encode()).hexdigest()


def factory_config(work_dir: Path, out: Path | None = None) -> TrainConfig:
    """The recorded configuration of the factory model (docs/model-card.md)."""
    return TrainConfig(
        name="factory",
        work_dir=work_dir,
        out=out or FACTORY_BUNDLE,
        train=SplitPlan(per_domain=3000, per_live_domain=640, frames=2, reframe=True),
        versions=2,
        epochs=24,
        settling=8,
        threads=2,
    )
