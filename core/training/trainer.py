"""The training loop: epochs with a cosine schedule, averaged weights, checkpoints, cancel and a stop on NaN."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import CanceledError, HostError
from core.model import checkpoint
from core.model.encoders import learn_statistics
from core.model.inputs import ModelInputs
from core.model.masks import narrowed
from core.model.network import NetworkConfig, PadNetwork
from core.model.scorer import choose_device, device_name
from core.model.share import ALONE, Share
from core.training.config import TrainConfig
from core.training.losses import source_loss
from core.training.prepared import Joined
from core.training.sampling import MaskSampler, epoch_rows, thinned
from core.training.table import CropTable
from core.training.telling import telling_of

_log = logging.getLogger(__name__)
_AVERAGING = 0.998
_SETTLING_AVERAGING, _SETTLING_RATE, _SETTLING_MAP_DROPOUT = 0.99, 0.6, 0.15
"""Evidence has found its weights by then and keeps them: beside features that are seldom dropped it would learn to
make up for what they say of rendered faces, and before a real camera they say something else."""
_WARM_UP_STEPS = 100
_GRADIENT_NORM = 2.0
_DIRECT, _DIRECT_TIMES = ".direct.weight", 8.0
"""One weight per figure of evidence has far to go and little to overfit: it learns quicker."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: ``phase`` (scenes, shards, inputs, training, calibration, figures), its ``share``, values."""

    phase: str
    share: float
    values: Mapping[str, float] = field(default_factory=dict)


Report = Callable[[Progress], None]
Canceled = Callable[[], bool]


def progress_of(phase: str, report: Report, canceled: Canceled) -> Callable[[float], None]:
    """What is to be told the share of ``phase`` that is finished; raises `CanceledError` where a stop was asked for."""

    def done(share: float) -> None:
        if canceled():
            raise CanceledError("Training was stopped.", "Start it again; what is finished is kept.")
        report(Progress(phase, share))

    return done


class SourceTrainer:
    """Trains one network on one table. Every epoch ends with a checkpoint; `run` goes on from the newest.

    It computes where ``config.device`` says; orders, masks and what is dropped are drawn on the CPU, alike everywhere.
    """

    def __init__(
        self,
        config: TrainConfig,
        table: CropTable,
        prepared: Joined,
        network: NetworkConfig | None = None,
        share: Share = ALONE,
    ) -> None:
        """``prepared``: the inputs of ``table``, in the versions that training draws from.

        ``network``: sizes and switches, where they are not the factory's (ablations, larger trunks).

        ``share``: with whom the encoders are divided; every process runs the same trainer on the same table.

        Raises:
            HostError: ``config.device`` is not on this machine.
        """
        torch.manual_seed(config.seed)
        self._config = config
        self._table = table
        self._telling = telling_of(table.species)
        self._device = choose_device(config.device)
        self._network = PadNetwork(network).to(self._device).channels_last()
        self._network.share = self._share = share
        learn_statistics(self._network, True)
        self._average = PadNetwork(network).to(self._device).channels_last()
        self._average.load_state_dict(self._network.state_dict())
        named = list(self._network.named_parameters())
        direct = [value for name, value in named if name.endswith(_DIRECT)]
        others = [value for name, value in named if not name.endswith(_DIRECT)]
        groups = [
            {"params": others, "times": 1.0, "settling": _SETTLING_RATE},
            {"params": direct, "times": _DIRECT_TIMES, "settling": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(
            groups, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
        )
        self._masks = MaskSampler()
        self._prepared = prepared
        self._epoch = 0
        self._step = 0
        self._seconds = 0.0

    def run(self, report: Report, canceled: Canceled) -> PadNetwork:
        """Train what is left and return the averaged network, on the CPU.

        Raises:
            CanceledError: the person asked to stop; the last whole epoch is kept in ``work_dir``.
            HostError: the loss is not finite, or the checkpoint cannot be written.
        """
        self._restore()
        share = self._share
        share.wait()
        started = time.monotonic()
        while self._epoch < self._epochs and share.agree(time.monotonic() - started < 60.0 * self._config.minutes):
            began = time.monotonic()
            self._run_epoch(report, canceled)
            self._epoch += 1
            self._seconds += time.monotonic() - began
            if share.first:
                self._save()
        return self._average.cpu().eval()

    @property
    def _epochs(self) -> int:
        return self._config.epochs + self._config.settling

    @property
    def _settling(self) -> bool:
        return self._epoch >= self._config.epochs

    @property
    def epochs_done(self) -> int:
        """Whole epochs that stand behind the averaged weights."""
        return self._epoch

    @property
    def device(self) -> str:
        """What the network trained on: ``cpu``, or the name of a GPU."""
        return device_name(self._device)

    @property
    def seconds(self) -> float:
        """Time that those epochs took, over all runs."""
        return self._seconds

    def _run_epoch(self, report: Report, canceled: Canceled) -> None:
        config = self._config
        rows = epoch_rows(self._table, config.seed, self._epoch)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self._epoch)
        torch.manual_seed(config.seed * 1_000_003 + self._epoch)
        steps = max(1, len(rows) // config.batch)
        versions = np.random.default_rng([config.seed, self._epoch, 1])
        for i in range(steps):
            if self._share.agree(canceled()):
                raise CanceledError("Training was stopped.", "Start it again to go on from the last whole epoch.")
            batch = np.sort(rows[i * config.batch : (i + 1) * config.batch])
            inputs = self._prepared.inputs(batch, versions.integers(0, self._prepared.versions, len(batch)))
            values = self._train_step(batch, inputs, steps, generator)
            report(Progress("training", (self._epoch + (i + 1) / steps) / self._epochs, values))

    def _train_step(
        self,
        rows: NDArray[np.int64],
        inputs: ModelInputs,
        steps: int,
        generator: torch.Generator,
    ) -> dict[str, float]:
        inputs = inputs.to(self._device)
        bona_fide = torch.from_numpy(self._table.bona_fide[self._table.owner[rows]]).to(self._device)
        telling = torch.from_numpy(self._telling[self._table.owner[rows]]).to(self._device)
        self._network.train()
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            features = self._network.encode(inputs)
        map_dropout = _SETTLING_MAP_DROPOUT if self._settling else self._config.map_dropout
        features = thinned(features, self._config.evidence_dropout, map_dropout, generator)
        masks, chosen = self._masks.draw(len(rows), generator)
        kept = narrowed(features.presence, masks.to(self._device))
        full, subset = self._network.under_both(features, kept)
        loss = source_loss(full, subset, bona_fide, telling, self._config.label_smoothing)
        if not bool(torch.isfinite(loss.total)):
            raise HostError(
                f"The training loss is not finite (epoch {self._epoch + 1}).",
                "Lower the learning rate and start again.",
            )
        rate = self._set_rate(steps)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss.total)
        self._network.gather_gradients()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _GRADIENT_NORM)
        self._optimizer.step()
        self._masks.update(chosen, loss.subset.cpu())
        self._average_weights()
        self._step += 1
        right = ((full.fused.detach() > 0) == bona_fide).float().mean()
        named = {"loss": loss.total.detach(), "fused": loss.fused, "complement": loss.complement, "right": right}
        return {"rate": rate, **{name: float(value) for name, value in named.items()}}

    def _set_rate(self, steps: int) -> float:
        """Linear warm-up, then a cosine down to a hundredth; once more, lower, while settling."""
        before = steps * self._config.epochs if self._settling else 0
        length = steps * (self._config.settling if self._settling else self._config.epochs)
        share = min(1.0, (self._step - before) / max(1, length))
        warm = min(1.0, (self._step + 1) / _WARM_UP_STEPS)
        rate = self._config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share)))
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["times"] * (group["settling"] if self._settling else 1.0)
        return rate

    def _average_weights(self) -> None:
        """Exponential average of the weights, quicker in the beginning."""
        keep = min(_SETTLING_AVERAGING if self._settling else _AVERAGING, (1.0 + self._step) / (10.0 + self._step))
        with torch.no_grad():
            averaged, current = self._average.state_dict(), self._network.state_dict()
            for name, mean in averaged.items():
                if mean.is_floating_point():
                    mean.lerp_(current[name], 1.0 - keep)

    @property
    def _owner(self) -> str:
        """Whose checkpoint is continued: this very configuration's, of a network of the same form."""
        form = [self._network.architecture, self._network.config.as_dict()]
        return hashlib.sha256(f"{self._config.digest()}\n{json.dumps(form)}".encode()).hexdigest()

    def _save(self) -> None:
        tensors = {f"network.{name}": value for name, value in self._network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self._average.state_dict().items()}
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
        tensors["masks"] = self._masks.loss
        done = {"epoch": self._epoch, "step": self._step, "seconds": self._seconds}
        folder = self._config.work_dir
        try:
            checkpoint.write(folder, self._owner, {name: value.contiguous() for name, value in tensors.items()}, done)
        except OSError as error:
            raise HostError(
                f"Cannot write the checkpoint to {folder}: {error.strerror or error}.",
                "Make room, then start again to go on from the last whole epoch that was kept.",
            ) from error

    def _restore(self) -> None:
        """Go on from a checkpoint of this very configuration, if there is one that can be read."""
        try:
            stored = checkpoint.read(self._config.work_dir, self._owner)
        except ValueError as error:
            _log.warning("The checkpoint in %s is damaged, training begins anew: %s", self._config.work_dir, error)
            return
        if stored is None:
            return
        tensors, done = stored
        self._network.load_state_dict(_under(tensors, "network."))
        self._average.load_state_dict(_under(tensors, "average."))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in _under(tensors, "optimizer.").items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
        self._masks.loss = tensors["masks"]
        self._epoch, self._step = int(str(done["epoch"])), int(str(done["step"]))
        self._seconds = float(str(done["seconds"]))


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
