"""Maps before the last stage, cached in one memory-mapped file: what every method is fitted on and asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.benchmark.people import People, Rows
from core.benchmark.trunk import Trunk
from core.benchmark.work import Canceled, stop_if
from core.training.prepared import Joined

_CHUNK = 128
_FIELDS = ("stems", "quality", "evidence", "presence")


@dataclass(frozen=True, slots=True, eq=False)
class MapBatch:
    """Stem maps ``(B, 3, C, h, w)``, ``presence bool (B, 3)``, ``quality (B, 3)``, ``evidence (B, E)``.

    ``bona_fide bool (B,)``; ``domain int64 (B,)``: number of the source domain, for methods that tell sources apart.
    """

    stems: torch.Tensor
    presence: torch.Tensor
    quality: torch.Tensor
    evidence: torch.Tensor
    bona_fide: torch.Tensor
    domain: torch.Tensor

    def __len__(self) -> int:
        return len(self.presence)

    @property
    def target(self) -> torch.Tensor:
        """1 for bona fide, ``float (B,)``."""
        return self.bona_fide.float()


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Cached maps of some crops and who they show. Arrays are ``(N, V, ...)``: V versions, the first unchanged."""

    stems: NDArray[np.float16]
    quality: NDArray[np.float32]
    evidence: NDArray[np.float32]
    presence: NDArray[np.bool_]
    people: People
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.stems)

    def batch(self, rows: Rows, versions: Rows | None = None) -> MapBatch:
        """The named versions of ``rows``; the unchanged ones where none are named."""
        at = np.zeros(len(rows), dtype=np.int64) if versions is None else versions
        owner = self.people.owner[rows]
        domains = self.people.domains[owner]
        numbers = np.array([self.sources.index(d) if d in self.sources else 0 for d in domains], dtype=np.int64)
        return MapBatch(
            torch.from_numpy(np.asarray(self.stems[rows, at], dtype=np.float32)),
            torch.from_numpy(np.asarray(self.presence[rows, at])),
            torch.from_numpy(np.asarray(self.quality[rows, at])),
            torch.from_numpy(np.asarray(self.evidence[rows, at])),
            torch.from_numpy(self.people.bona_fide[owner]),
            torch.from_numpy(numbers),
        )


def write_maps(folder: Path, trunk: Trunk, prepared: Joined, rows: Rows, canceled: Canceled) -> None:
    """Encode ``rows`` (ascending) of the prepared inputs, in every version, into ``folder``."""
    folder.mkdir(parents=True)
    arrays: dict[str, np.memmap[Any, np.dtype[Any]]] = {}
    for start in range(0, len(rows), _CHUNK):
        stop_if(canceled)
        chunk = rows[start : start + _CHUNK]
        for version in range(prepared.versions):
            inputs = prepared.inputs(chunk, np.full(len(chunk), version))
            with torch.inference_mode():
                stems = trunk.stems(inputs).half()
            found = zip(_FIELDS, (stems, inputs.quality, inputs.evidence, inputs.presence), strict=True)
            for name, values in found:
                if name not in arrays:
                    shape = (len(rows), prepared.versions, *values.shape[1:])
                    arrays[name] = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", values.numpy().dtype, shape)
                arrays[name][start : start + len(chunk), version] = values.numpy()
    for array in arrays.values():
        array.flush()


def open_maps(folder: Path, people: People, sources: tuple[str, ...]) -> Maps:
    """Open what `write_maps` wrote; ``people`` names its rows."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FIELDS}
    return Maps(**arrays, people=people, sources=sources)
