"""What the checks share: rendered splits, trained references, scored presentations; every piece is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from core.benchmark.guarantees import reference
from core.benchmark.guarantees.plan import Plan
from core.benchmark.guarantees.tables import Rows, make_rows
from core.benchmark.work import Canceled, Report, Work
from core.scenes.domain import Domain

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Study:
    """One run: domains by name, sizes, the work folder, and how to tell and ask the person."""

    domains: dict[str, Domain]
    plan: Plan
    work: Work
    processes: int
    report: Report
    canceled: Canceled
    _rows: dict[tuple[str, str], Rows] = field(default_factory=dict)
    _scored: dict[tuple[tuple[str, ...], int, tuple[str, ...], str], Scored] = field(default_factory=dict)

    def rows(self, domain: Domain, split: str) -> Rows:
        """A split of a domain: ``train``, ``dev``, ``test``, or ``factor`` (fewer presentations, to judge)."""
        key = domain.name, split
        if key not in self._rows:
            count = {"train": self.plan.train, "dev": self.plan.dev, "test": self.plan.test}.get(
                split, self.plan.factor
            )
            frames = self.plan.train_frames if split == "train" else self.plan.frames
            what = f"rendering {domain.name}, {split}"
            self._rows[key] = make_rows(
                self.work, domain, split, count, frames, self.plan.pixels, self.processes,
                lambda share: self.report(what, share), self.canceled,
            )  # fmt: skip
        return self._rows[key]

    def of(self, names: Sequence[str], split: str) -> list[Rows]:
        """The split of several domains."""
        return [self.rows(self.domains[name], split) for name in names]

    def late_fusion(self, names: Sequence[str], seed: int) -> nn.Module:
        """The reference, trained on the ``train`` splits of the domains."""
        return self._trained("late", reference.new_reference, names, seed)

    def scored(self, trained: Sequence[str], seed: int, names: Sequence[str], split: str) -> Scored:
        """A split of the domains ``names`` under the reference trained on ``trained``; several checks ask for it."""
        key = tuple(trained), seed, tuple(names), split
        if key not in self._scored:
            self._scored[key] = Scored.of(self.late_fusion(trained, seed), self.of(names, split))
        return self._scored[key]

    def joint(self, names: Sequence[str], seed: int) -> nn.Module:
        """The network that sees everything at once, trained likewise."""
        return self._trained("joint", reference.new_joint, names, seed)

    def _trained(self, kind: str, new: Callable[[Plan, int], nn.Module], names: Sequence[str], seed: int) -> nn.Module:
        pool = reference.Pool.of(self.of(names, "train"))
        network = new(self.plan, seed)
        piece = f"networks/{kind}-{'+'.join(names)}-{seed}-{self._digest(pool)}.safetensors"
        if not self.work.has(piece):
            what = f"training {kind} fusion on {', '.join(names)}, seed {seed}"
            epochs = self.plan.epochs if len(names) == 1 else self.plan.epochs_together
            trained = reference.train(
                network, pool, self.plan, epochs, seed, lambda share: self.report(what, share), self.canceled
            )
            with self.work.making(piece) as path:
                save_file({name: value.contiguous() for name, value in trained.state_dict().items()}, path)
            return trained
        network.load_state_dict(load_file(self.work.path(piece)))
        return network.eval()

    def _digest(self, pool: reference.Pool) -> str:
        found = hashlib.sha256(json.dumps(self.plan.digest()).encode())
        found.update(np.ascontiguousarray(pool.planes[:: max(1, len(pool.planes) // 64)]).tobytes())
        found.update("|".join(pool.species).encode())
        return found.hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Presentations of one or more splits under one network: ``fused (P,)`` and ``alone (P, 3)``, NaN = absent."""

    fused: Floats
    alone: Floats
    species: NDArray[np.str_]
    subjects: NDArray[np.str_]

    @classmethod
    def of(cls, network: nn.Module, splits: Sequence[Rows]) -> Scored:
        """Score the splits."""
        fused, alone = [], []
        for rows in splits:
            logits = reference.score(network, rows)
            here = rows.pooled(rows.presence.astype(np.float64))
            total = rows.pooled(np.where(rows.presence, logits, 0.0))
            one = np.where(here > 0, total / np.maximum(here, 1e-9), np.nan)
            alone.append(one)
            fused.append(reference.fused(np.nan_to_num(one), here > 0))
        return cls(
            np.concatenate(fused),
            np.concatenate(alone),
            np.concatenate([rows.species for rows in splits]),
            np.concatenate([rows.subjects for rows in splits]),
        )
