"""Batches of an epoch, varied and normalised, made by another process while the network learns.

Every batch depends on the seed, the epoch and its number alone: in this process or in another, it is the same.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.model.inputs import ModelInputs, normalise
from core.training.augment import augment
from core.training.table import CropTable, open_table

_AHEAD = 4
_Packed = tuple[list[NDArray[np.float16]], NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]
_opened: dict[Path, CropTable] = {}


class BatchLoader:
    """Gives the inputs of batches in order. ``beside``: by a process of its own; close it when done."""

    def __init__(self, table: CropTable, seed: int, beside: bool) -> None:
        self._table, self._seed = table, seed
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin) if beside else None

    def epoch(self, batches: list[NDArray[np.int64]], epoch: int) -> Iterator[ModelInputs]:
        """The inputs of every batch of rows."""
        if self._pool is None:
            for number, rows in enumerate(batches):
                yield _unpacked(_packed(_varied(self._table, rows, self._seed, epoch, number)))
            return
        waiting: list[Future[_Packed]] = []
        for number in range(len(batches) + _AHEAD):
            if number < len(batches):
                task = (self._table.folder, batches[number], self._seed, epoch, number)
                waiting.append(self._pool.submit(_made, *task))
            if number >= _AHEAD:
                yield _unpacked(waiting.pop(0).result())

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _varied(table: CropTable, rows: NDArray[np.int64], seed: int, epoch: int, number: int) -> ModelInputs:
    return normalise(augment(table.batch(rows), np.random.default_rng([seed, epoch, number, 1])))


def _begin() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _made(folder: Path, rows: NDArray[np.int64], seed: int, epoch: int, number: int) -> _Packed:
    if folder not in _opened:
        _opened[folder] = open_table(folder)
    return _packed(_varied(_opened[folder], rows, seed, epoch, number))


def _packed(made: ModelInputs) -> _Packed:
    """Images as halves: they cross from process to process."""
    images = [image.numpy().astype(np.float16) for image in made.images]
    return images, made.presence.numpy(), made.quality.numpy(), made.evidence.numpy()


def _unpacked(packed: _Packed) -> ModelInputs:
    images, presence, quality, evidence = packed
    rgb, depth, infrared = (torch.from_numpy(image).float() for image in images)
    others = (torch.from_numpy(array) for array in (presence, quality, evidence))
    return ModelInputs((rgb, depth, infrared), *others)
