"""HQ-WMCA (Idiap): a colour and two infrared Basler cameras, an Intel RealSense, thermal, SWIR (method.md section 7.5).

``<dd.mm.yy>/<site>_<session>_<client>_<presenter>_<type>_<subtype>_<pai>-<hash>.h5``; each stream is a dataset
``(N, C, H, W)`` of its own length: ``BASLER_BGR``, ``BASLER_LEFT_NIR_850nm``, ..., and those of the Intel camera.
Tables: ``path,label,attack/<Type>,group``, **0 = bona fide** (``grand_test-curated``, ``LOO_*``).

The cameras stand beside each other and the calibration that would register them needs Idiap's own package. So every
camera's picture is searched for the face by itself, and cut by the same rule: what comes out is face crops that lie
over each other to a few per cent of their width, not pixel by pixel, and the protocol says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Framing
from core.data.collections.clips import FRAMES_PER_CLIP, Clip, Direction, Pictures, Plan, Sensor
from core.data.collections.hdf5 import opened
from core.data.collections.lists import find_list, read_table
from core.data.collections.literature import DEV_NOTE
from core.data.collections.protocol import Reporting
from core.data.collections.species import idiap_species
from core.data.manifest import LeftOut
from core.errors import InputError
from core.face.crop import face_region
from core.face.detect import Box, FaceDetector, default_detector, grey_picture
from core.frames import Modality
from core.registration import Region
from core.sampling import spread

TABLES = (
    "grand_test-curated",
    "impersonation-curated",
    "obfuscation-curated",
    *(
        f"LOO_{kind}"
        for kind in ("Flexiblemask", "Glasses", "Makeup", "Mannequin", "Papermask", "Replay", "Rigidmask", "Tattoo")
    ),
)
NOT_REGISTERED = "the cameras are not registered: each picture was cut about its own face"
_SENSOR = Sensor(Framing.CROP, Direction.FARTHER_LARGER)
_NAME = re.compile(r"(\d+)_(\d+)_(\d+)_(\d+)_(\d+)_(\d+)_(\d+)(?:-([0-9a-f]+))?")
_COLOUR = ("BASLER_BGR",)
_INFRARED = ("BASLER_LEFT_NIR_850nm", "BASLER_LEFT_NIR_stereo", "BASLER_RIGHT_NIR_850nm", "BASLER_RIGHT_NIR_stereo")
_INTEL_DEPTH = re.compile(r"INTEL.*DEPTH", re.IGNORECASE)
_INTEL_PICTURE = re.compile(r"INTEL.*(BGR|RGB|COLOU?R|NIR|IR)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HqWmcaName:
    """Fields of a file's name; ``kind`` 0 is bona fide."""

    client: str
    presenter: str
    kind: int
    pai: str


def parse_name(name: str) -> HqWmcaName | None:
    """Read ``1_01_0064_0000_00_00_000-48a8d5a0``, hash or not; ``None`` for anything else."""
    found = _NAME.fullmatch(name)
    return None if found is None else HqWmcaName(found.group(3), found.group(4), int(found.group(5)), found.group(7))


@dataclass(frozen=True, slots=True)
class HqWmcaFile:
    """One file of streams. Frames of streams of different length are matched by their place in the recording."""

    path: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    def pictures(self, problems: list[str]) -> Iterator[tuple[str, Pictures]]:
        """See `Container.pictures`."""
        detector = default_detector()
        with opened(self.path) as file:
            streams = {key: file[key] for key in file if getattr(file[key], "ndim", 0) == 4}
            chosen = _streams(streams, problems)
            frames = max((len(wanted) for wanted, _ in chosen.values()), default=0)
            for number in range(min(FRAMES_PER_CLIP, frames)):
                found = {m: _face(pair, number, detector) for m, pair in chosen.items()}
                for modality in [m for m, picture in found.items() if picture is None]:
                    problems.append(f"frame {number}: no face is found for {modality}")
                yield f"{number:04d}", {m: picture for m, picture in found.items() if picture is not None}


class HqWmcaReader:
    """See `core.data.collections.clips.Reader`."""

    name = "hq-wmca"
    protocols: tuple[str, ...] = TABLES

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`."""
        path = find_list(self._root, rf"(protocol-)?{re.escape(protocol)}\.csv", f"HQ-WMCA {protocol}")
        clips, left_out = [], []
        for line in read_table(path):
            if line.split not in splits:
                continue
            name = PurePosixPath(line.path).name
            parsed, species = parse_name(name), idiap_species(line.attack)
            where = f"{path.name} line {line.line}, {line.path}"
            if parsed is None or species is None:
                left_out.append(LeftOut(line.line, f"{where}: {line.attack!r} or its name is none of HQ-WMCA's"))
                continue
            if (parsed.kind == 0) != (species == ""):
                raise InputError(
                    f"{path.name} line {line.line}: {name} is listed as {line.attack!r}.",
                    "The table's polarity was turned, or it belongs to another collection.",
                )
            file = self._files.get(name)
            if file is None:
                left_out.append(LeftOut(line.line, f"{where}: its file is missing"))
                continue
            clips.append(
                Clip(
                    id=name,
                    subject=f"hqwmca-{parsed.client}",
                    species=species,
                    split=line.split,
                    sensor=_SENSOR,
                    collection=self.name,
                    container=HqWmcaFile(file),
                    listed_in=path.name,
                    line=line.line,
                )
            )
        if not clips:
            reason = f" ({left_out[0].reason})" if left_out else ""
            raise InputError(f"Nothing that {path.name} names can be used{reason}.", "Check the folder and the table.")
        reporting = Reporting("dev_bpcer_1", (0.01, 0.001), (), DEV_NOTE)
        return Plan(tuple(clips), reporting, tuple(left_out), (f"hq-wmca: {NOT_REGISTERED}",))

    @cached_property
    def _files(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted(self._root.rglob("*.h5"))}


Stream = tuple[Any, Any]
"""The dataset that is wanted, and the one in which its camera shows the face best."""


def _streams(streams: dict[str, Any], problems: list[str]) -> dict[Modality, Stream]:
    """Which dataset serves which modality; what there is none for is said in ``problems``."""
    chosen: dict[Modality, Stream] = {}
    for modality, names in ((Modality.RGB, _COLOUR), (Modality.IR, _INFRARED)):
        name = next((name for name in names if name in streams), None)
        if name is not None:
            chosen[modality] = (streams[name], streams[name])
    depth = next((name for name in sorted(streams) if _INTEL_DEPTH.fullmatch(name)), None)
    shown = next((n for n in sorted(streams) if _INTEL_PICTURE.fullmatch(n) and not _INTEL_DEPTH.fullmatch(n)), None)
    if depth is not None and shown is not None:
        chosen[Modality.DEPTH] = (streams[depth], streams[shown])
    problems += [f"it has no usable stream for {modality}" for modality in Modality if modality not in chosen]
    return chosen


def _face(stream: Stream, number: int, detector: FaceDetector) -> NDArray[Any] | None:
    """The face of a frame, cut from the wanted dataset; ``None`` where its camera shows none."""
    wanted, shown = (_frame(dataset, number) for dataset in stream)
    # infrared is stretched for the detector as in `core.face.sampler`; colour goes as it is
    picture = np.ascontiguousarray(shown if shown.ndim == 3 else grey_picture(shown))
    faces = detector.detect(picture)
    if not faces:
        return None
    scale = wanted.shape[0] / picture.shape[0], wanted.shape[1] / picture.shape[1]
    x, y, width, height = faces[0].box
    box: Box = (round(x * scale[1]), round(y * scale[0]), round(width * scale[1]), round(height * scale[0]))
    region: Region = face_region(box, wanted.shape)
    return np.ascontiguousarray(wanted[region.y : region.y + region.height, region.x : region.x + region.width])


def _frame(dataset: Any, number: int) -> NDArray[Any]:
    """Frame ``number`` of `FRAMES_PER_CLIP`: ``(H, W, 3)`` R, G, B of a three-channel stream, else ``(H, W)``."""
    places = spread(len(dataset), FRAMES_PER_CLIP)
    if not places:
        raise InputError("a stream is empty", "")
    frame = np.asarray(dataset[places[min(number, len(places) - 1)]])
    if frame.shape[0] == 3:
        return frame[::-1].transpose(1, 2, 0)
    if frame.shape[0] != 1:
        raise InputError(f"a stream has {frame.shape[0]} channels", "")
    single: NDArray[Any] = frame[0]
    return single
