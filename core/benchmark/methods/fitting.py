"""How a network method is fitted on cached maps, the same for all of them, and asked under all masks."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.benchmark.maps import Maps
from core.benchmark.methods.base import MASKS, Peer, Schedule, Step
from core.benchmark.people import balanced_rows
from core.benchmark.work import stop_if

_NORM = 2.0
_WARM_UP = 20
_BATCH = 256


class NetworkMethod:
    """A `Peer` as a `Method`."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @property
    def parameters(self) -> int:
        """See `Method.parameters`."""
        return self.peer.parameters_fitted

    def fit(self, train: Maps, dev: Maps, schedule: Schedule) -> None:
        """See `Method.fit`; ``dev`` is not looked at."""
        del dev
        fit_peer(self.peer, train, schedule)

    def logits(self, maps: Maps) -> NDArray[np.float32]:
        """See `Method.logits`."""
        return peer_logits(self.peer, maps)


def fit_peer(peer: Peer, maps: Maps, schedule: Schedule) -> None:
    """AdamW with a short warm-up and a cosine, over balanced epochs of random versions of the crops.

    Raises:
        CanceledError: the person asked to stop.
    """
    torch.manual_seed(schedule.seed)
    knobs, every = schedule.knobs, np.arange(len(maps))
    wanted = [p for p in peer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(wanted, lr=knobs.learning_rate, weight_decay=knobs.weight_decay)
    per_epoch = max(1, len(balanced_rows(maps.people, every, schedule.seed, 0)) // schedule.batch)
    done, steps = 0, per_epoch * schedule.epochs
    peer.begin()
    for epoch in range(schedule.epochs):
        random = np.random.default_rng([schedule.seed, epoch, 11])
        generator = torch.Generator().manual_seed(schedule.seed * 1_000_003 + epoch)
        order = balanced_rows(maps.people, every, schedule.seed, epoch)
        for i in range(per_epoch):
            stop_if(schedule.canceled)
            rows = np.sort(order[i * schedule.batch : (i + 1) * schedule.batch])
            batch = maps.batch(rows, random.integers(0, maps.stems.shape[1], len(rows)))
            share = done / steps
            rate = knobs.learning_rate * min(1.0, (done + 1) / _WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * share))
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(peer.loss(batch, Step(generator, share)))
            nn.utils.clip_grad_norm_(wanted, _NORM)
            optimizer.step()
            done += 1
    peer.end()


def peer_logits(peer: Peer, maps: Maps) -> NDArray[np.float32]:
    """Logits ``(N, 7)``; NaN where a row lacks a modality of the mask."""
    found = np.empty((len(maps), len(MASKS)), dtype=np.float32)
    peer.eval()
    for start in range(0, len(maps), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(maps)))
        batch = maps.batch(rows)
        with torch.inference_mode():
            logits = peer.under_masks(batch, MASKS)
            complete = (batch.presence[:, None, :] | ~MASKS[None]).all(dim=2)
        found[rows] = torch.where(complete, logits, torch.nan).numpy()
    return found
