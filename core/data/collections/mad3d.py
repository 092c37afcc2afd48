"""3DMAD (Idiap): colour and depth of a first Kinect, 17 people, rigid masks; no infrared (method.md section 7.6).

``session0{1,2,3}/Data/<client>_<session>_<shot>.hdf5`` with ``Color_Data`` ``(N, 3, 480, 640)`` R, G, B, ``Depth_Data``
``(N, 1, 480, 640)`` and ``Eye_Pos``. Sessions 1 and 2 are bona fide, session 3 is an operator who wears the client's
mask. Official protocol ``classification`` (bob.db.maskattack): clients 1-7 train, 8-12 dev, 13-17 test.

Depth has 11 bits. Where 2047 stands for "not measured" the counts are the sensor's disparity and are turned into
millimetres; where 0 does, they are millimetres already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Framing, Species
from core.data.collections.clips import FRAMES_PER_CLIP, Clip, Direction, Pictures, Plan, Sensor
from core.data.collections.hdf5 import array, opened
from core.data.collections.literature import DEV_NOTE
from core.data.collections.protocol import Reporting
from core.data.manifest import LeftOut
from core.errors import InputError
from core.frames import Modality
from core.sampling import spread

NOT_MEASURED = 2047
_SENSOR = Sensor(Framing.FRAME, Direction.FARTHER_LARGER, 0.001)
_NAME = re.compile(r"(\d{1,2})_(\d{1,2})_(\d{1,2})")
_DISPARITY = (-0.0030711016, 3.3309495161)
"""Reciprocal metres per count and at 0: the Kinect's usual linear calibration (M. Fisher; libfreenect)."""
_FARTHEST_M = 8.0


@dataclass(frozen=True, slots=True)
class MadName:
    """``<client>_<session>_<shot>``."""

    client: int
    session: int
    shot: int

    @property
    def species(self) -> str:
        """Session 3 holds the masks."""
        return Species.MASK_RIGID if self.session == 3 else Species.BONA_FIDE

    @property
    def split(self) -> str:
        """Split of the official protocol."""
        if self.client <= 7:
            return "train"
        return "dev" if self.client <= 12 else "eval"


def parse_name(name: str) -> MadName | None:
    """Read ``07_02_05``; ``None`` for anything else."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    client, session, shot = map(int, found.groups())
    return MadName(client, session, shot) if 1 <= client <= 17 and 1 <= session <= 3 else None


def millimetres(depth: NDArray[Any]) -> NDArray[np.uint16]:
    """Counts of the sensor, or millimetres, as millimetres; 0 = hole, larger = farther."""
    if (depth == NOT_MEASURED).sum() <= (depth == 0).sum():
        return np.ascontiguousarray(depth, dtype=np.uint16)
    slope, offset = _DISPARITY
    reciprocal = depth.astype(np.float64) * slope + offset
    usable = (depth != NOT_MEASURED) & (reciprocal > 1.0 / _FARTHEST_M)
    metres = np.where(usable, 1.0 / np.where(usable, reciprocal, 1.0), 0.0)
    return np.rint(metres * 1000.0).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class MadFile:
    """One video."""

    path: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    def pictures(self, problems: list[str]) -> Iterator[tuple[str, Pictures]]:
        """See `Container.pictures`."""
        with opened(self.path) as file:
            colour, depth = array(file, "Color_Data"), array(file, "Depth_Data")
            if colour.ndim != 4 or colour.shape[1] != 3 or depth.ndim not in (3, 4):
                raise InputError(f"colour has the shape {colour.shape}, depth {depth.shape}", "")
            count = min(len(colour), len(depth))
            if len(colour) != len(depth):
                problems.append(f"{len(colour)} colour and {len(depth)} depth frames: the rest is left out")
            for number in spread(count, FRAMES_PER_CLIP):
                picture = np.asarray(colour[number]).transpose(1, 2, 0)
                relief = millimetres(np.squeeze(np.asarray(depth[number])))
                yield f"{number:04d}", {Modality.RGB: picture, Modality.DEPTH: relief}


class MadReader:
    """See `core.data.collections.clips.Reader`."""

    name = "3dmad"
    protocols: tuple[str, ...] = ("classification",)

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`."""
        del protocol  # there is one
        clips: list[Clip] = []
        left_out: list[LeftOut] = []
        for path in sorted(self._root.rglob("*.hdf5")):
            name = parse_name(path.stem)
            if name is None:
                left_out.append(LeftOut(0, f"{path.name} is no name of 3DMAD"))
            elif name.split in splits:
                subject = f"3dmad-{name.client:02d}"
                file = MadFile(path)
                clips.append(Clip(path.stem, subject, name.species, name.split, _SENSOR, self.name, (), file))
        if not clips:
            raise InputError(f"No video of 3DMAD lies below {self._root}.", "Give the folder that holds session01.")
        return Plan(tuple(clips), Reporting("dev_eer", (0.01,), (), DEV_NOTE), tuple(left_out))
