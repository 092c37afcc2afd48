"""The pass: site material beside replayed simulation, guarded at every step (method.md sections 8.2 to 8.4).

L = lambda_t * (L_site + L_pseudo) + 1.0 * L_replay + beta * |theta - theta_0|^2; L_pseudo only where the plan takes
captures without a label. The averaged teacher labels them anew every few steps. Every random number of step t comes
from (seed, t), so that a pass which goes on from a checkpoint gives the same candidate as one never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from core.adaptation.batch import Part, balanced, guessed, supervised
from core.adaptation.early import FeatureTable, late, late_parameters
from core.adaptation.losses import anchor_loss
from core.adaptation.pseudo import PseudoLabels, Unlabelled, label
from core.adaptation.settings import TrainingSettings
from core.adaptation.stability import Signals, StabilityWeight
from core.errors import HostError, sentence
from core.model.features import Features, joined
from core.model.network import PadNetwork
from core.model.share import ALONE, Share

Tensors = dict[str, torch.Tensor]

TEACHER_RATE = 0.02
_ANCHOR_ROWS = 96
_ANCHOR_EVERY = 4
_ACCEPTED_PER_SNAPSHOT = 50
_MOST_RETURNS = 3
_GRADIENT_NORM = 2.0
_WARM_UP_STEPS = 10
_STEPS_A_LABELLING = 20
_ONE_CLASS_DAMPING = 0.25


class AdaptationTrainer:
    """Adapts the late part of a network. `step` once, until `finished`; `teacher` is the candidate."""

    def __init__(
        self, student: PadNetwork, teacher: PadNetwork, site: FeatureTable | None, replay: FeatureTable,
        settings: TrainingSettings, seed: int, unlabelled: Unlabelled | None = None,
        stability: StabilityWeight | None = None, share: Share = ALONE,
    ) -> None:  # fmt: skip
        """``student`` and ``teacher`` are two copies of the champion.

        ``stability`` is where the weight begins. ``share``: with whom the student's encoders are divided.
        ``replay`` holds both classes. ``site`` is ``None`` and ``unlabelled`` given where there is no label at all.
        """
        if site is None and unlabelled is None:
            raise ValueError("there is nothing of the site to learn from")
        self.student, self.teacher = student, teacher
        self._site, self._replay, self._unlabelled = site, replay, unlabelled
        self._pseudo: PseudoLabels | None = None
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
        self._stability = stability or StabilityWeight()
        self._anchor_rows = torch.from_numpy(balanced(replay, _ANCHOR_ROWS, np.random.default_rng([seed, 1])))
        self._first_anchor_loss = self._anchor_loss()
        student.share = share  # from here on the processes go in step

    @property
    def finished(self) -> bool:
        """All steps are done, or the pass gave up."""
        return self.steps_done >= self._settings.steps or self.gave_up

    @property
    def gave_up(self) -> bool:
        """The pass went back too often to be worth going on: site and replay contradict each other."""
        return self.returns >= _MOST_RETURNS

    @property
    def pseudo_counts(self) -> dict[str, int]:
        """Rows without a label that are believed at present, by pseudo-class, and all of them; empty where none are."""
        if self._unlabelled is None or self._pseudo is None:
            return {}
        bona_fide, attacks = self._pseudo.counts()
        return {"bona_fide": bona_fide, "attack": attacks, "rows": len(self._unlabelled)}

    def step(self) -> dict[str, float]:
        """One update; returns every signal of it.

        Raises:
            HostError: the loss is not finite; the networks are as they were before the step.
        """
        random = np.random.default_rng([self._seed, 2, self.steps_done])
        torch.manual_seed((self._seed * 1_000_003 + self.steps_done) % 2**63)
        told: dict[str, float] = {}
        parts = self._parts(random, told)
        cached = joined([part.cached for part in parts])
        losses, logits = self._losses(parts, cached)
        if self._unlabelled is not None:
            told["pseudo_loss"] = float(losses[-2].detach())
        site_loss = torch.stack([part.times * loss for part, loss in zip(parts, losses, strict=True)][:-1]).sum()
        replay_loss, weight = losses[-1], self._stability.weight
        total = weight * site_loss + replay_loss
        if not bool(torch.isfinite(total)):
            raise HostError(
                sentence("The loss of adaptation step {step} is not finite.", step=self.steps_done + 1),
                "The champion is untouched. Look at the site's captures, or plan again with another seed.",
            )
        of_site = slice(len(logits) - len(parts[-1].kept))
        flips = self._flips(cached.at(of_site), logits[of_site])
        distance = self._update(total)
        self.steps_done += 1
        if self.steps_done % _ANCHOR_EVERY == 0:
            self._anchor = max(0.0, self._anchor_loss() / self._first_anchor_loss - 1.0)
        mean_score = float(torch.sigmoid(logits[of_site]).mean())
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
            "distance": distance,
            "returned": float(returned),
            **told,
        }

    def _parts(self, random: np.random.Generator, told: dict[str, float]) -> list[Part]:
        """What a step learns from: labelled rows and rows without a label, where there are any, and replayed ones."""
        batch, parts = self._settings.batch, []
        if self._site is not None:
            parts.append(supervised(self._site, batch, random, self._settings.site_weight))
        if self._unlabelled is not None:
            pseudo = self._labels(self._unlabelled)
            bona_fide, attacks = pseudo.counts()
            told |= {"pseudo_bona_fide": float(bona_fide), "pseudo_attacks": float(attacks)}
            told["coverage"] = (bona_fide + attacks) / len(self._unlabelled)
            if pseudo.agreement is not None:
                told["pseudo_agreement"] = pseudo.agreement
            damping = 1.0 if bona_fide and attacks else _ONE_CLASS_DAMPING
            parts.append(guessed(self._unlabelled.early, pseudo, batch, random, damping))
        return [*parts, supervised(self._replay, batch, random, 1.0)]

    def _losses(self, parts: Sequence[Part], cached: Features) -> tuple[list[torch.Tensor], torch.Tensor]:
        """The loss of each part, and the student's logits ``(B,)`` on all of them.

        They go through the network together: of so few rows calling it costs more than computing.
        """
        self.student.eval()
        self.student.head.train()  # dropout only: batch statistics of a site's few captures are never taken over
        kept = torch.cat([part.kept for part in parts])
        full, subset = self.student.under_both(self.student.encode_rest(cached), kept)
        ends = np.cumsum([len(part.kept) for part in parts]).tolist()
        places = [slice(end - len(part.kept), end) for part, end in zip(parts, ends, strict=True)]
        losses = [part.loss(full.at(at), subset.at(at)) for part, at in zip(parts, places, strict=True)]
        return losses, full.fused.detach()

    def _labels(self, unlabelled: Unlabelled) -> PseudoLabels:
        """The pseudo-labels of now."""
        if self._pseudo is None or self.steps_done % _STEPS_A_LABELLING == 0:
            self._pseudo = label(self.teacher, unlabelled)
        return self._pseudo

    def state(self) -> tuple[Tensors, dict[str, object]]:
        """Everything that the rest of the pass depends on: tensors, and plain data for a JSON header."""
        tensors = {f"student.{n}": p.detach() for n, p in self._parameters.items()}
        tensors |= {f"teacher.{n}": p.detach() for n, p in self._averages.items()}
        if self._pseudo is not None:
            tensors |= {"pseudo.bona_fide": self._pseudo.bona_fide, "pseudo.weight": self._pseudo.weight}
            if self._pseudo.agreement is not None:
                tensors["pseudo.agreement"] = torch.tensor(self._pseudo.agreement, dtype=torch.float64)
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
        if "pseudo.weight" in tensors:
            agreement = tensors.get("pseudo.agreement")  # a checkpoint from before has none
            self._pseudo = PseudoLabels(
                tensors["pseudo.bona_fide"].clone(),
                tensors["pseudo.weight"].clone(),
                None if agreement is None else float(agreement),
            )
        self.steps_done, self.returns = int(str(header["steps_done"])), int(str(header["returns"]))
        self._accepted, self._anchor = int(str(header["accepted"])), float(str(header["anchor"]))
        stability = header["stability"]
        assert isinstance(stability, Mapping)
        self._stability = StabilityWeight(**stability)

    def _update(self, total: torch.Tensor) -> float:
        """One step of the optimiser and of the average; the squared distance from the champion before it."""
        share = self.steps_done / self._settings.steps
        warm = min(1.0, (self.steps_done + 1) / _WARM_UP_STEPS)
        rate = self._settings.learning_rate * warm * (0.05 + 0.95 * 0.5 * (1.0 + math.cos(math.pi * share)))
        for group in self._optimizer.param_groups:
            group["lr"] = rate * 0.5**self.returns
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        self.student.gather_gradients()
        distance = self._pull()
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), _GRADIENT_NORM)
        self._optimizer.step()
        with torch.no_grad():
            keep = min(1.0 - TEACHER_RATE, (1.0 + self.steps_done) / (10.0 + self.steps_done))
            averages: list[torch.Tensor] = list(self._averages.values())
            torch._foreach_lerp_(averages, [self._parameters[name] for name in self._averages], 1.0 - keep)
        return distance

    @torch.no_grad()
    def _pull(self) -> float:
        """Add the gradient of beta * |theta - theta_0|^2 to those that there are; returns the squared distance."""
        parameters: list[torch.Tensor] = list(self._parameters.values())
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        off = torch._foreach_sub(parameters, list(self._origin.values()))
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        torch._foreach_add_(gradients, off, alpha=2.0 * self._settings.anchor_l2)
        return float(torch.stack(torch._foreach_norm(off)).square().sum())

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
            self._parameters.values(),
            lr=self._settings.learning_rate,
            weight_decay=0.0,
            betas=(0.9, 0.98),
            foreach=True,
        )

    @torch.no_grad()
    def _anchor_loss(self) -> float:
        """Loss on fixed, unvaried replay rows: the strongest sign of forgetting."""
        self.student.eval()
        output = late(self.student, self._replay.early.rows(self._anchor_rows))
        return float(anchor_loss(output, self._replay.bona_fide[self._anchor_rows]))

    @torch.no_grad()
    def _flips(self, cached: Features, logits: torch.Tensor) -> float:
        """Share of decisions in which the averaged teacher differs from the student."""
        self.teacher.eval()
        return float(((late(self.teacher, cached).fused > 0) != (logits > 0)).float().mean())


def _copied(parameters: Mapping[str, torch.nn.Parameter]) -> Tensors:
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


@torch.no_grad()
def _assign(parameters: Mapping[str, torch.nn.Parameter], values: Mapping[str, torch.Tensor]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(values[name])


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> Tensors:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
