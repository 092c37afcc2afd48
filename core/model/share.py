"""One batch, several processes: each encodes some modalities, all of them do the rest (torchrun).

A batch is not cut into rows: the norms learn their statistics from whole batches, and which rows have a modality
differs from batch to batch. It is the encoders that are divided, and they are most of the work. Process
``column % world`` encodes a modality and hands its maps to the others; every process computes heads and loss from the
same maps, so that the gradient of an encoder is whole where its maps were made, and that of the heads everywhere.
`Share.gather_gradients` then gives every process all of them, and all take the same step. The sums are those of one
process; only where they are made differs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.frames import MODALITIES

if TYPE_CHECKING:  # the window reads jobs, and never loads torch
    import torch
    from torch import nn

_PATIENCE = timedelta(hours=12)
"""The first process simulates scenes while the others wait."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which of ``world`` processes this one is."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes and tells."""
        return self.rank == 0

    def owner(self, column: int) -> int:
        """The process that encodes a modality."""
        return column % self.world

    def mine(self, column: int) -> bool:
        """Whether this process encodes the modality."""
        return self.owner(column) == self.rank

    def hand_over(self, column: int, maps: torch.Tensor | None, device: torch.device) -> torch.Tensor:
        """The maps of a modality (single floats), from its owner, who gives them, to all others, who give ``None``.

        Every process finds them on its own ``device``.
        """
        if self.world == 1:
            assert maps is not None
            return maps
        import torch
        from torch import distributed

        shape: list[list[int]] = [[] if maps is None else list(maps.shape)]
        distributed.broadcast_object_list(shape, self.owner(column))
        handed = torch.empty(shape[0], device=device) if maps is None else maps.detach().contiguous()
        distributed.broadcast(handed, self.owner(column))
        return handed if maps is None else maps

    def gather_gradients(self, encoders: list[nn.Module]) -> None:
        """Every encoder's gradients and buffers, in the order of `MODALITIES`, from its owner to all."""
        if self.world == 1:
            return
        import torch
        from torch import distributed

        for column, encoder in enumerate(encoders):
            source = self.owner(column)
            parameters = [p for p in encoder.parameters() if p.requires_grad]
            there = torch.tensor([float(any(p.grad is not None for p in parameters))])
            distributed.broadcast(there, source)
            if float(there):
                for parameter in parameters:
                    parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                _broadcast([p.grad for p in parameters if p.grad is not None], source)
            _broadcast([b for b in encoder.buffers() if b.is_floating_point()], source)

    def agree(self, value: bool) -> bool:
        """What the first process says."""
        if self.world == 1:
            return value
        import torch
        from torch import distributed

        told = torch.tensor([float(value)])
        distributed.broadcast(told, 0)
        return bool(told)

    def wait(self) -> None:
        """Until every process has come here."""
        if self.world > 1:
            from torch import distributed

            distributed.barrier()


ALONE = Share()


@contextmanager
def joined() -> Iterator[Share]:
    """The processes that torchrun began, joined by gloo (and nccl between GPUs); one alone where nobody began several.

    Each of them computes on a GPU of its own where there are enough; where there are fewer, some share one.

    Raises:
        UsageError: more processes than modalities.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield ALONE
        return
    if world > len(MODALITIES):
        raise UsageError(
            f"{world} processes cannot share {len(MODALITIES)} modalities.",
            f"Start at most {len(MODALITIES)}: torchrun --nproc-per-node {len(MODALITIES)} main.py ...",
        )
    from torch import cuda, distributed

    if cuda.is_available():
        cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % cuda.device_count())
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
    # nccl refuses two processes on one GPU; gloo carries a GPU's tensors by way of the host
    backend = "cpu:gloo,cuda:nccl" if cuda.device_count() >= here else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Share(distributed.get_rank(), world)
    finally:
        distributed.destroy_process_group()


def _broadcast(tensors: list[torch.Tensor], source: int) -> None:
    """Several tensors as one message, in place."""
    if not tensors:
        return
    import torch
    from torch import distributed

    flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
    distributed.broadcast(flat, source)
    start = 0
    for tensor in tensors:
        tensor.detach().copy_(flat[start : start + tensor.numel()].reshape(tensor.shape))
        start += tensor.numel()
