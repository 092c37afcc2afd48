"""Normalised inputs of a table, once for all folds, seeds and methods: small planes, quality and physics figures.

The product's own normalisation runs on the crop as it was cut (`core.model.inputs.normalise`); its planes are then
shrunk by area, because the study's trunk sees fewer pixels than the product's (evaluation.md section 7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.benchmark.sizes import Size
from core.benchmark.work import Canceled, Work, stop_if
from core.frames import CROP_PX
from core.model.evidence import EVIDENCE
from core.model.inputs import CHANNELS, CropBatch, ModelInputs, normalise
from core.training.augment import augment
from core.training.table import CropTable

PLANES = sum(CHANNELS.values())
_CHUNK = 64
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


_FIELDS = ("images", "quality", "evidence", "presence")


def prepare(
    work: Work, piece: str, table: CropTable, size: Size, changes: tuple[Change | None, ...], canceled: Canceled
) -> Prepared:
    """The prepared inputs of ``table``, one version for every entry of ``changes`` (``None``: as it was cut)."""
    if not work.has(piece):
        with work.making(piece) as folder:
            folder.mkdir(parents=True)
            _write(folder, table, size.pixels, changes, canceled)
    return open_prepared(work.path(piece))


def training_changes(size: Size) -> tuple[Change | None, ...]:
    """The versions of a training crop."""
    return (None, *[augment] * (size.variants - 1))


def open_prepared(folder: Path) -> Prepared:
    """Open what `prepare` finished."""
    return Prepared(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FIELDS})


def _write(folder: Path, table: CropTable, pixels: int, changes: tuple[Change | None, ...], canceled: Canceled) -> None:
    shape = (len(table), len(changes))
    layout: dict[str, tuple[str, tuple[int, ...]]] = {
        "images": ("float16", (*shape, PLANES, pixels, pixels)),
        "quality": ("float32", (*shape, 3)),
        "evidence": ("float32", (*shape, len(EVIDENCE))),
        "presence": ("bool", (*shape, 3)),
    }
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, wanted)
        for name, (dtype, wanted) in layout.items()
    }
    for start in range(0, len(table), _CHUNK):
        stop_if(canceled)
        rows = np.arange(start, min(start + _CHUNK, len(table)))
        batch = table.batch(rows)
        for version, change in enumerate(changes):
            random = np.random.default_rng([start, version])
            made = batch if change is None else change(batch, random)
            inputs = normalise(made)
            arrays["images"][rows, version] = _shrunk(torch.cat(inputs.images, dim=1), pixels)
            arrays["quality"][rows, version] = inputs.quality.numpy()
            arrays["evidence"][rows, version] = inputs.evidence.numpy()
            arrays["presence"][rows, version] = inputs.presence.numpy()
    for array in arrays.values():
        array.flush()


def empty_inputs(pixels: int) -> ModelInputs:
    """What a black picture, a depth map without a measurement and a dark infrared image become; all present."""
    one = np.zeros((1, CROP_PX, CROP_PX), dtype=np.float32)
    presence = np.ones((1, 3), dtype=bool)
    colour, known = np.zeros((*one.shape, 3), dtype=np.uint8), np.zeros(1, dtype=bool)
    black = CropBatch(colour, one, one, presence, known, np.zeros(1, dtype=np.float32))
    given = normalise(black)
    rgb, depth, infrared = (
        torch.nn.functional.interpolate(x, size=(pixels, pixels), mode="area") for x in given.images
    )
    return ModelInputs((rgb, depth, infrared), given.presence, given.quality, given.evidence)


def _shrunk(planes: torch.Tensor, pixels: int) -> NDArray[np.float16]:
    small = torch.nn.functional.interpolate(planes, size=(pixels, pixels), mode="area")
    return small.numpy().astype(np.float16)
