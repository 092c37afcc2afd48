"""The pass: labelled site material beside replayed simulation, guarded at every step (method.md sections 8.3, 8.4).

L = lambda_t * L_site + 1.0 * L_replay + beta * |theta - theta_0|^2. Every random number of step t comes from
(seed, t), so that a pass which goes on from a checkpoint gives the same candidate as one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import FeatureTable, late, late_parameters
from core.adaptation.losses import anchor_loss, supervised_loss
from core.adaptation.settings import TrainingSettings
from core.adaptation.stability import Signals, StabilityWeight
from core.errors import HostError
from core.frames import EVERY_MASK
from core.model.network import ModelOutput, PadNetwork

Tensors = dict[str, torch.Tensor]

TEACHER_RATE = 0.02
_ANCHOR_ROWS = 96
_ANCHOR_EVERY = 4
_ACCEPTED_PER_SNAPSHOT = 50
_MOST_RETURNS = 3
_GRADIENT_NORM = 2.0
_WARM_UP_STEPS = 10
_PROPER_MASKS = torch.tensor([[bool(mask.bits >> i & 1) for i in range(3)] for mask in EVERY_MASK[:-1]])


class AdaptationTrainer:
    """Adapts the late part of a network. `step` once, until `finished`; `teacher` is the candidate."""

    def __init__(
        self, student: PadNetwork, teacher: PadNetwork, site: FeatureTable, replay: FeatureTable,
        settings: TrainingSettings, seed: int,
    ) -> None:  # fmt: skip
        """``student`` and ``teacher`` are two copies of the champion; ``site`` and ``replay`` hold both classes."""
        self.student, self.teacher = student, teacher
        self._site, self._replay = site, replay
        self._settings, self._seed = settings, seed
        self._parameters = late_parameters(student)
        self._averages = late_parameters(teacher)
        for network, trained in ((student, self._parameters), (teacher, {})):
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(name in trained)
        self._origin = _copied(self._parameters)
        self._snapshot = {"student": self._origin, "teacher": _copied(self._averages)}
        self._optimizer = self._new_optimizer()
        self.steps_done = 0
        self.returns = 0
        self._accepted = 0
        self._anchor = 0.0
        self._stability = StabilityWeight()
        self._anchor_rows = torch.from_numpy(_balanced(replay, _ANCHOR_ROWS, np.random.default_rng([seed, 1])))
        self._first_anchor_loss = self._anchor_loss()

    @property
    def finished(self) -> bool:
        """All steps are done, or the pass gave up."""
        return self.steps_done >= self._settings.steps or self.gave_up

    @property
    def gave_up(self) -> bool:
        """The pass went back too often to be worth going on: site and replay contradict each other."""
        return self.returns >= _MOST_RETURNS

    def step(self) -> dict[str, float]:
        """One update; returns every signal of it.

        Raises:
            HostError: the loss is not finite; the networks are as they were before the step.
        """
        random = np.random.default_rng([self._seed, 2, self.steps_done])
        torch.manual_seed(self._seed * 1_000_003 + self.steps_done)
        site, site_rows = self._half(self._site, random)
        replay, replay_rows = self._half(self._replay, random)
        site_loss = supervised_loss(*site, self._site.bona_fide[site_rows], self._site.evidence[site_rows])
        replay_loss = supervised_loss(*replay, self._replay.bona_fide[replay_rows], self._replay.evidence[replay_rows])
        distance = sum(((p - self._origin[n]) ** 2).sum() for n, p in self._parameters.items())
        weight = self._stability.weight
        total = self._settings.site_weight * weight * site_loss + replay_loss + self._settings.anchor_l2 * distance
        if not bool(torch.isfinite(total)):
            raise HostError(
                f"The loss of adaptation step {self.steps_done + 1} is not finite.",
                "The champion is untouched. Look at the site's captures, or plan again with another seed.",
            )
        flips = self._flips(site[0], self._site, site_rows)
        self._update(total)
        self.steps_done += 1
        if self.steps_done % _ANCHOR_EVERY == 0:
            self._anchor = max(0.0, self._anchor_loss() / self._first_anchor_loss - 1.0)
        mean_score = float(torch.sigmoid(site[0].fused.detach()).mean())
        signals = Signals(float(site_loss.detach()), flips, mean_score, self._anchor)
        self._stability = self._stability.after(signals)
        returned = self._guard()
        return {
            "site_loss": signals.loss,
            "replay_loss": float(replay_loss.detach()),
            "flips": flips,
            "mean_score": mean_score,
            "anchor": self._anchor,
            "stability": self._stability.stability,
            "weight": weight,
            "distance": float(torch.as_tensor(distance).detach()),
            "returned": float(returned),
        }

    def state(self) -> tuple[Tensors, dict[str, object]]:
        """Everything that the rest of the pass depends on: tensors, and plain data for a JSON header."""
        tensors = {f"student.{n}": p.detach() for n, p in self._parameters.items()}
        tensors |= {f"teacher.{n}": p.detach() for n, p in self._averages.items()}
        for part, kept in self._snapshot.items():
            tensors |= {f"snapshot.{part}.{name}": tensor for name, tensor in kept.items()}
        for name, parameter in self._parameters.items():
            for key, value in self._optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
        return {name: tensor.contiguous() for name, tensor in tensors.items()}, {
            "steps_done": self.steps_done,
            "returns": self.returns,
            "accepted": self._accepted,
            "anchor": self._anchor,
            "stability": self._stability.as_json(),
        }

    def restore(self, tensors: Mapping[str, torch.Tensor], header: Mapping[str, object]) -> None:
        """Go on from a `state`."""
        _assign(self._parameters, _under(tensors, "student."))
        _assign(self._averages, _under(tensors, "teacher."))
        self._snapshot = {part: _under(tensors, f"snapshot.{part}.") for part in ("student", "teacher")}
        for key in ("step", "exp_avg", "exp_avg_sq"):
            for name, value in _under(tensors, f"optimizer.{key}.").items():
                self._optimizer.state[self._parameters[name]][key] = value.clone()
        self.steps_done, self.returns = int(str(header["steps_done"])), int(str(header["returns"]))
        self._accepted, self._anchor = int(str(header["accepted"])), float(str(header["anchor"]))
        stability = header["stability"]
        assert isinstance(stability, Mapping)
        self._stability = StabilityWeight(**stability)

    def _half(
        self, table: FeatureTable, random: np.random.Generator
    ) -> tuple[tuple[ModelOutput, ModelOutput], torch.Tensor]:
        """Draw rows of one table; the student's output under their own masks and under drawn proper masks."""
        rows = torch.from_numpy(_balanced(table, self._settings.batch, random))
        cached = table.early.rows(rows)
        self.student.eval()
        self.student.head.train()  # dropout only: batch statistics of a site's few captures are never taken over
        drawn = _PROPER_MASKS[torch.from_numpy(random.integers(0, len(_PROPER_MASKS), len(rows)))]
        kept = cached.presence & drawn
        kept = torch.where(kept.any(dim=1, keepdim=True), kept, cached.presence)
        return self.student.under_both(self.student.encode_rest(cached), kept), rows

    def _update(self, total: torch.Tensor) -> None:
        share = self.steps_done / self._settings.steps
        warm = min(1.0, (self.steps_done + 1) / _WARM_UP_STEPS)
        rate = self._settings.learning_rate * warm * (0.05 + 0.95 * 0.5 * (1.0 + math.cos(math.pi * share)))
        for group in self._optimizer.param_groups:
            group["lr"] = rate * 0.5**self.returns
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), _GRADIENT_NORM)
        self._optimizer.step()
        with torch.no_grad():
            keep = min(1.0 - TEACHER_RATE, (1.0 + self.steps_done) / (10.0 + self.steps_done))
            for name, average in self._averages.items():
                average.lerp_(self._parameters[name], 1.0 - keep)

    def _guard(self) -> bool:
        """Keep a snapshot of a stable state now and then; go back to it when the pass runs off. Whether it did."""
        if self._stability.must_return:
            _assign(self._parameters, self._snapshot["student"])
            _assign(self._averages, self._snapshot["teacher"])
            self._optimizer = self._new_optimizer()
            self._stability = self._stability.returned()
            self._anchor = 0.0
            self.returns += 1
            return True
        if self._stability.stable:
            self._accepted += 1
            if self._accepted % _ACCEPTED_PER_SNAPSHOT == 0:
                self._snapshot = {"student": _copied(self._parameters), "teacher": _copied(self._averages)}
        return False

    def _new_optimizer(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            self._parameters.values(), lr=self._settings.learning_rate, weight_decay=0.0, betas=(0.9, 0.98)
        )

    @torch.no_grad()
    def _anchor_loss(self) -> float:
        """Loss on fixed, unvaried replay rows: the strongest sign of forgetting."""
        self.student.eval()
        output = late(self.student, self._replay.early.rows(self._anchor_rows))
        return float(anchor_loss(output, self._replay.bona_fide[self._anchor_rows]))

    @torch.no_grad()
    def _flips(self, student: ModelOutput, table: FeatureTable, rows: torch.Tensor) -> float:
        """Share of decisions in which the averaged teacher differs from the student."""
        self.teacher.eval()
        teacher = late(self.teacher, table.early.rows(rows))
        return float(((teacher.fused > 0) != (student.fused > 0)).float().mean())


def _balanced(table: FeatureTable, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Rows: half bona fide, and among the attacks every species alike."""
    cells = table.cell.numpy()
    attacks = [cell for cell in np.unique(cells) if cell != 0]
    chosen = [_drawn(cells, 0, count - count // 2, random)]
    for cell in random.choice(attacks, size=count // 2):
        chosen.append(_drawn(cells, int(cell), 1, random))
    return np.concatenate(chosen)


def _drawn(cells: NDArray[np.int64], cell: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    return random.choice(np.flatnonzero(cells == cell), size=count).astype(np.int64)


def _copied(parameters: Mapping[str, torch.nn.Parameter]) -> Tensors:
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


@torch.no_grad()
def _assign(parameters: Mapping[str, torch.nn.Parameter], values: Mapping[str, torch.Tensor]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(values[name])


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> Tensors:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
