"""What readers find: clips, where their frames lie, and what is known of the sensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from core.codes import Framing
from core.data.collections.protocol import Reporting
from core.data.manifest import LeftOut
from core.frames import ALL_MODALITIES, Modality, ModalityMask

FRAMES_PER_CLIP = 5
"""Frames taken of a video, evenly spread (evaluation.md section 1: a presentation has at least five)."""

Files = Mapping[Modality, Path]
Pictures = Mapping[Modality, NDArray[Any]]


class Direction(StrEnum):
    """Which way a collection's depth counts go; ours is ``FARTHER_LARGER``. Measured where nothing is documented."""

    FARTHER_LARGER = "farther_larger"
    NEARER_LARGER = "nearer_larger"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Sensor:
    """What has to be known of a collection's pictures, beyond the pictures.

    ``depth_unit_m`` is metres per count, ``None`` for relative depth. ``borders`` says that the pictures have black
    borders, which are cut off: their width differs between clips and is no property of a face.
    """

    framing: Framing
    direction: Direction = Direction.FARTHER_LARGER
    depth_unit_m: float | None = None
    borders: bool = False


class Container(Protocol):
    """A file that holds the frames of a clip as arrays (HDF5, npz)."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that it reads."""
        ...

    def pictures(self, problems: list[str]) -> Iterator[tuple[str, Pictures]]:
        """Name and pictures of each frame that is wanted: rgb ``(H, W, 3)`` R, G, B, depth and ir ``(H, W)``.

        What the file lacks is said in ``problems``. Integer arrays keep their counts; floats lie in 0..1 of the range
        and become 8 bits (rgb) or 16 bits.

        Raises:
            InputError: the file cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Clip:
    """One presentation. Its frames are ``files`` (pictures on disk, in order) or lie in a ``container``.

    ``line`` and ``listed_in`` say where the collection names it; ``lines`` are the lines of the frames, where each has
    its own.
    """

    id: str
    subject: str
    species: str
    split: str
    sensor: Sensor
    collection: str
    files: tuple[Files, ...] = ()
    container: Container | None = None
    listed_in: str = ""
    line: int = 0
    lines: tuple[int, ...] = ()

    def left_out(self, reason: str, frame: int | None = None) -> LeftOut:
        """An entry that names the list, its line and this clip."""
        line = self.lines[frame] if frame is not None and frame < len(self.lines) else self.line
        where = f"{self.listed_in} line {line}, " if self.listed_in and line else ""
        return LeftOut(line, f"{where}{self.id}: {reason}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a protocol consists of, before any picture is opened."""

    clips: tuple[Clip, ...]
    reporting: Reporting
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    modalities: ModalityMask = ALL_MODALITIES
    dev_modalities: ModalityMask = field(default=ALL_MODALITIES)


class Reader(Protocol):
    """One collection's layout."""

    @property
    def name(self) -> str:
        """Name of the collection, as typed."""
        ...

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols that it knows."""
        ...

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """The clips of ``protocol`` in ``splits``.

        Raises:
            InputError: a list is missing or wrong.
        """
        ...
