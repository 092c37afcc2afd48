"""Normalised inputs of a table, written once and read in every epoch: small planes, quality and physics figures.

Varying and normalising a crop costs more than one step of training on it. So every crop is kept in a few versions, as
small as the encoders see it, in memory-mapped arrays that any process may read. The product's own normalisation runs on
the crop as it was cut (`core.model.inputs.normalise`); only then are its planes shrunk, by area.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.model.evidence import EVIDENCE
from core.model.inputs import CHANNELS, CropBatch, ModelInputs, normalise, shrunk
from core.processes import workers
from core.training.table import CropTable, open_table, require_room

PLANES = sum(CHANNELS.values())
_CHUNK = 64
_FIELDS = ("images", "quality", "evidence", "presence")
Change = Callable[[CropBatch, np.random.Generator], CropBatch]
"""What becomes of crops before they are normalised (augmentation, corruption)."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Memory-mapped inputs of a table; rows as there.

    ``images float16 (N, V, PLANES, P, P)``, ``quality float32 (N, V, 3)``, ``evidence float32 (N, V, E)``,
    ``presence bool (N, V, 3)``; V versions of each crop, the first unchanged.
    """

    images: NDArray[np.float16]
    quality: NDArray[np.float32]
    evidence: NDArray[np.float32]
    presence: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)


class Joined:
    """Prepared tables one after the other, read as one."""

    def __init__(self, parts: Sequence[Prepared]) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self.versions = int(parts[0].images.shape[1])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def inputs(self, rows: NDArray[np.int64], versions: NDArray[np.int64]) -> ModelInputs:
        """The named version of each of ``rows`` (ascending) as the network takes it."""
        found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in _FIELDS}
        for part, start, end in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True):
            here = (rows >= start) & (rows < end)
            if here.any():
                for name in _FIELDS:
                    found[name].append(getattr(part, name)[rows[here] - start, versions[here]])
        whole = {name: torch.from_numpy(np.concatenate(values)) for name, values in found.items()}
        rgb, depth, infrared = torch.split(whole["images"].float(), list(CHANNELS.values()), dim=1)
        return ModelInputs((rgb, depth, infrared), whole["presence"], whole["quality"], whole["evidence"])


def open_prepared(folder: Path) -> Prepared:
    """Open what `write_prepared` finished."""
    return Prepared(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FIELDS})


def write_prepared(
    folder: Path,
    table: CropTable,
    pixels: int,
    changes: Sequence[Change | None],
    done: Callable[[float], None],
    processes: int = 1,
) -> None:
    """Write the inputs of ``table``, one version for every entry of ``changes`` (``None``: as it was cut).

    What comes out depends on the arguments alone, not on ``processes``. ``done`` is told the share that is finished,
    and may raise to stop. Whoever calls puts the finished folder in its place.

    Raises:
        HostError: the disk has no room for it, or see `core.processes.workers`.
    """
    shape = (len(table), len(changes))
    layout: dict[str, tuple[str, tuple[int, ...]]] = {
        "images": ("float16", (*shape, PLANES, pixels, pixels)),
        "quality": ("float32", (*shape, 3)),
        "evidence": ("float32", (*shape, len(EVIDENCE))),
        "presence": ("bool", (*shape, 3)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    require_room(folder, layout)
    for name, (dtype, wanted) in layout.items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, wanted).flush()
    starts = range(0, len(table), _CHUNK)
    if processes <= 1:
        for number, start in enumerate(starts, start=1):
            _write_chunk(folder, table, start, pixels, changes)
            done(number / len(starts))
        return
    with workers(processes) as pool:
        todo = [pool.submit(_write_chunk_here, folder, table.folder, start, pixels, changes) for start in starts]
        for number, task in enumerate(todo, start=1):
            task.result()
            done(number / len(starts))


@lru_cache(maxsize=1)
def _opened(table: Path) -> CropTable:
    """The table that this process of a pool reads; it computes with one thread."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return open_table(table)


def _write_chunk_here(folder: Path, table: Path, start: int, pixels: int, changes: Sequence[Change | None]) -> None:
    """`_write_chunk` in a process of a pool."""
    _write_chunk(folder, _opened(table), start, pixels, changes)


def _write_chunk(folder: Path, table: CropTable, start: int, pixels: int, changes: Sequence[Change | None]) -> None:
    rows = np.arange(start, min(start + _CHUNK, len(table)))
    arrays: dict[str, Any] = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in _FIELDS}
    batch = table.batch(rows)
    for version, change in enumerate(changes):
        made = batch if change is None else change(batch, np.random.default_rng([start, version]))
        inputs = normalise(made)
        arrays["images"][rows, version] = shrunk(torch.cat(inputs.images, dim=1), pixels).numpy().astype(np.float16)
        for name in ("quality", "evidence", "presence"):
            arrays[name][rows, version] = getattr(inputs, name).numpy()
    for array in arrays.values():
        array.flush()
