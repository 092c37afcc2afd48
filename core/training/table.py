"""Crops of many presentations in memory-mapped arrays: read in any order without holding them in memory."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.errors import HostError
from core.frames import CROP_PX, FaceCrop
from core.model.inputs import CropBatch, stack

LAYOUT: dict[str, tuple[str, tuple[int, ...]]] = {
    "rgb": ("uint8", (CROP_PX, CROP_PX, 3)),
    "depth": ("float32", (CROP_PX, CROP_PX)),
    "ir": ("float16", (CROP_PX, CROP_PX)),
    "presence": ("bool", (3,)),
    "metric": ("bool", ()),
    "face_mm": ("float32", ()),
}
"""Type and shape of one crop in each array."""
_INDEX = "index.json"
_SPARE_BYTES = 1 << 28
"""What is left free beside them."""


@dataclass(frozen=True, slots=True)
class LabelledCrops:
    """One presentation as training sees it. ``species`` is empty for bona fide; ``domain`` names where it is from."""

    id: str
    subject: str
    species: str
    domain: str
    crops: tuple[FaceCrop, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CropTable:
    """Rows are crops; ``owner int64 (N,)`` is the presentation of each row.

    ``presentations``, ``subjects``, ``species`` and ``domains`` have one entry a presentation.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    ir: NDArray[np.float16]
    presence: NDArray[np.bool_]
    metric: NDArray[np.bool_]
    face_mm: NDArray[np.float32]
    owner: NDArray[np.int64]
    presentations: tuple[str, ...]
    subjects: tuple[str, ...]
    species: tuple[str, ...]
    domains: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def bona_fide(self) -> NDArray[np.bool_]:
        """``bool`` per presentation."""
        return np.array([species == Species.BONA_FIDE for species in self.species], dtype=bool)

    @property
    def folder(self) -> Path:
        """Where the table lies: another process opens it there."""
        return Path(str(self.rgb.filename)).parent  # type: ignore[attr-defined]

    def batch(self, rows: Sequence[int] | NDArray[np.int64]) -> CropBatch:
        """The crops of ``rows``, copied out of the map."""
        at = np.asarray(rows)
        return CropBatch(
            rgb=np.asarray(self.rgb[at]),
            depth=np.asarray(self.depth[at]),
            ir=np.asarray(self.ir[at], dtype=np.float32),
            presence=np.asarray(self.presence[at]),
            metric=np.asarray(self.metric[at]),
            face_mm=np.asarray(self.face_mm[at]),
        )


def digest_of(table: CropTable) -> str:
    """Digest of everything in the table, for the manifest of what it trained."""
    found = hashlib.sha256(json.dumps([table.presentations, table.subjects, table.species]).encode())
    for name in LAYOUT:
        array = getattr(table, name)
        for start in range(0, len(array), 256):
            found.update(np.ascontiguousarray(array[start : start + 256]).data)
    return found.hexdigest()


def write_table(folder: Path, presentations: Iterable[LabelledCrops], capacity: int) -> CropTable:
    """Write presentations into ``folder`` (at most ``capacity`` crops), over what lies there, and open the result.

    The index is written last, by rename: a table without an index is not one.

    Raises:
        HostError: the disk has no room for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (_INDEX, *(f"{name}.npy" for name in LAYOUT)):
        (folder / name).unlink(missing_ok=True)  # what a run that was cut off left takes the room of what comes
    require_room(folder, {name: (dtype, (capacity, *shape)) for name, (dtype, shape) in LAYOUT.items()})
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (capacity, *shape))
        for name, (dtype, shape) in LAYOUT.items()
    }
    index: dict[str, list[Any]] = {"owner": [], "presentations": [], "subjects": [], "species": [], "domains": []}
    row = 0
    for number, presentation in enumerate(presentations):
        batch = stack(presentation.crops)
        end = row + len(batch)
        if end > capacity:
            raise ValueError(f"more than {capacity} crops")
        for name in LAYOUT:
            arrays[name][row:end] = getattr(batch, name)
        row = end
        index["owner"] += [number] * len(batch)
        index["presentations"].append(presentation.id)
        index["subjects"].append(presentation.subject)
        index["species"].append(presentation.species)
        index["domains"].append(presentation.domain)
    for array in arrays.values():
        array.flush()
    temporary = folder / (_INDEX + ".part")
    temporary.write_text(json.dumps(index), encoding="utf-8")
    temporary.replace(folder / _INDEX)
    return open_table(folder)


def require_room(folder: Path, layout: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Ask before memory-mapped arrays of these types and shapes are written: a full disk ends the process by signal.

    Raises:
        HostError: the disk has no room for them.
    """
    needed = sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for dtype, shape in layout.values())
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE_BYTES:
        raise HostError(
            f"Training needs {needed >> 20} MiB in {folder}; {free >> 20} MiB are free.",
            "Free some space, or train on fewer presentations.",
        )


def has_table(folder: Path) -> bool:
    """Whether a complete table lies in ``folder``."""
    return (folder / _INDEX).is_file()


def open_table(folder: Path) -> CropTable:
    """Open a table that `write_table` finished."""
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    owner = np.asarray(index["owner"], dtype=np.int64)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r")[: len(owner)] for name in LAYOUT}
    return CropTable(
        **arrays,
        owner=owner,
        presentations=tuple(index["presentations"]),
        subjects=tuple(index["subjects"]),
        species=tuple(index["species"]),
        domains=tuple(index["domains"]),
    )
