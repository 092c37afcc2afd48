"""WMCA (Idiap): RGB, depth, near infrared of an Intel SR300, 72 people (method.md section 7.1).

Two forms. The preprocessed release: ``face-station/<dd.mm.yy>/<name>.hdf5`` twice, once below a folder with ``RGB`` in
its name (``Frame_<n>/array`` is ``(3, H, W)``, R, G, B) and once below one with ``CDIT`` (``(4, H, W)``: grey, depth,
infrared, thermal); with Idiap's protocol tables (``grandtest``, ``LOO_*``, ``UNKNOWN_*``; bona fide is 0). The picture
form of the MMDG and Flexible-Modal lists: ``R_CDIT/<name>/{color,depth,ir}/<n>.jpg`` (bona fide is 1).

Depth is 8 bits, normalised to the face, 0 where nothing was measured; larger is farther, as the sensor counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from core.codes import Framing, Species
from core.data.collections.clips import FRAMES_PER_CLIP, Clip, Direction, Files, Pictures, Plan, Sensor
from core.data.collections.hdf5 import array, opened
from core.data.collections.lists import TableLine, find_list, read_table
from core.data.collections.literature import DEV_NOTE, ORACLE_NOTE, leave_one_out
from core.data.collections.pictures_lists import Named, clips_of_list
from core.data.collections.protocol import Reporting
from core.data.collections.species import idiap_species, wmca_species
from core.data.manifest import LeftOut
from core.errors import InputError
from core.frames import Modality
from core.sampling import spread

TABLES = (
    "grandtest",
    *(f"LOO_{kind}" for kind in ("fakehead", "flexiblemask", "glasses", "papermask", "prints", "replay", "rigidmask")),
    "UNKNOWN_2D",
    "UNKNOWN_3D",
)
FLEXIBLE = tuple(f"flex-{kind}" for kind in ("fakehead", "flexiblemask", "glasses", "papermask", "print", "replay"))
_SENSOR = Sensor(Framing.CROP, Direction.FARTHER_LARGER)
_PICTURES = Sensor(Framing.CROP, Direction.MEASURED)
_NAME = re.compile(r"(\d+)_(\d+)_(\d+)_(\d+)_(\d+)")
_FRAME = re.compile(r"Frame_(\d+)")


@dataclass(frozen=True, slots=True)
class WmcaName:
    """``<client>_<session>_<presenter>_<type>_<pai>``: who is shown, when, by whom, and how."""

    client: str
    session: str
    presenter: str
    kind: int
    pai: int

    @property
    def species(self) -> str | None:
        """Species of ours; ``None`` for a code that the collection does not define."""
        return wmca_species(self.kind, self.pai)


def parse_name(name: str) -> WmcaName | None:
    """Read ``100_03_015_2_10``; ``None`` where it is no WMCA name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    client, session, presenter, kind, pai = found.groups()
    return WmcaName(client, session, presenter, int(kind), int(pai))


def describe(picture: PurePosixPath) -> Named | None:
    """The clip of ``.../R_CDIT/<name>/color/0012.jpg``."""
    name = parse_name(picture.parent.parent.name)
    if name is None or name.species is None:
        return None
    return Named(picture.parent.parent.name, f"wmca-{name.client}", name.species)


@dataclass(frozen=True, slots=True)
class WmcaFiles:
    """The two HDF5 files of a video; the frames that both have are its frames."""

    rgb: Path
    cdit: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """Colour, then grey-depth-infrared-thermal."""
        return self.rgb, self.cdit

    def pictures(self, problems: list[str]) -> Iterator[tuple[str, Pictures]]:
        """See `Container.pictures`."""
        with opened(self.rgb) as colour, opened(self.cdit) as others:
            numbers = [{key for key in file if _FRAME.fullmatch(key)} for file in (colour, others)]
            shared = sorted(numbers[0] & numbers[1], key=lambda key: int(key.removeprefix("Frame_")))
            alone = len(numbers[0] ^ numbers[1])
            if alone:
                problems.append(f"{alone} frames stand in only one of its two files")
            if not shared:
                raise InputError("its two files have no frame number in common.", "")
            for key in (shared[i] for i in spread(len(shared), FRAMES_PER_CLIP)):
                rgb, cdit = np.asarray(array(colour[key], "array")), np.asarray(array(others[key], "array"))
                if rgb.ndim != 3 or rgb.shape[0] != 3 or cdit.ndim != 3 or cdit.shape[0] != 4:
                    raise InputError(f"{key} has the shapes {rgb.shape} and {cdit.shape}.", "")
                yield key, {Modality.RGB: rgb.transpose(1, 2, 0), Modality.DEPTH: cdit[1], Modality.IR: cdit[2]}


class WmcaReader:
    """See `core.data.collections.clips.Reader`."""

    name = "wmca"
    protocols: tuple[str, ...] = (*TABLES, "mmdg", "flex", *FLEXIBLE, "flex-rigidmask")

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`."""
        if protocol in TABLES:
            return self._table(protocol, splits)
        return self._lists(protocol, splits)

    def list_clips(self, split: str, pattern: str) -> tuple[list[Clip], list[LeftOut]]:
        """Clips of the list of pictures whose name matches ``pattern``."""
        path = find_list(self._root, pattern, f"WMCA {split}")
        return clips_of_list(path, self._root, split, self.name, _PICTURES, describe, Species.UNKNOWN)

    def mmdg_clips(self, split: str) -> tuple[list[Clip], list[LeftOut]]:
        """Clips of one split of the MMDG benchmark."""
        word = {"train": "train", "dev": "(val|dev|valid)", "eval": "test"}[split]
        return self.list_clips(split, rf"(w|wmca)[-_](grandtest[-_])?{word}\.txt")

    def _lists(self, protocol: str, splits: Sequence[str]) -> Plan:
        if protocol == "mmdg":
            parts = [self.mmdg_clips(split) for split in splits]
            reporting = Reporting("oracle_eer", (0.01, 0.001), leave_one_out("W"), ORACLE_NOTE)
        else:
            kind = protocol.removeprefix("flex").replace("-", "_")
            parts = [self.list_clips(split, rf"wmca_test{kind}\.txt") for split in splits if split == "eval"]
            reporting = Reporting("half", (0.01,), (), "Flexible-Modal: cross test at the threshold 0.5, TPR at 1 %.")
        clips = tuple(clip for found, _ in parts for clip in found)
        return Plan(clips, reporting, tuple(entry for _, left_out in parts for entry in left_out))

    def _table(self, protocol: str, splits: Sequence[str]) -> Plan:
        path = find_list(self._root, rf"(protocol-)?{re.escape(protocol)}\.csv", f"WMCA {protocol}")
        clips, left_out = [], []
        for line in read_table(path):
            if line.split not in splits:
                continue
            clip = self._clip(path, line)
            if isinstance(clip, Clip):
                clips.append(clip)
            else:
                left_out.append(LeftOut(line.line, f"{path.name} line {line.line}, {line.path}: {clip}"))
        if not clips:
            reason = f" ({left_out[0].reason})" if left_out else ""
            raise InputError(f"Nothing that {path.name} names can be used{reason}.", "Check the folder and the table.")
        reporting = Reporting("dev_bpcer_1", (0.01, 0.001), (), DEV_NOTE)
        return Plan(tuple(clips), reporting, tuple(left_out))

    def _clip(self, path: Path, line: TableLine) -> Clip | str:
        """The clip of a line, or why there is none."""
        name = PurePosixPath(line.path).name
        parsed = parse_name(name)
        species = idiap_species(line.attack)
        if parsed is None or species is None or parsed.species is None:
            return f"{line.attack!r} or its name is none of WMCA's"
        if (parsed.species == "") != (species == ""):
            raise InputError(
                f"{path.name} line {line.line}: {name} is listed as {line.attack!r}.",
                "The table's polarity was turned, or it belongs to another collection.",
            )
        where = (path.name, line.line)
        subject = f"wmca-{parsed.client}"
        container = self._container(name)
        if container is not None:
            return Clip(name, subject, species, line.split, _SENSOR, self.name, (), container, *where)
        files = self._files(name)
        if files:
            return Clip(name, subject, species, line.split, _PICTURES, self.name, files, None, *where)
        return "its files are missing"

    def _container(self, name: str) -> WmcaFiles | None:
        found = self._videos.get(name, {})
        return WmcaFiles(found["RGB"], found["CDIT"]) if found.keys() >= {"RGB", "CDIT"} else None

    @cached_property
    def _videos(self) -> dict[str, dict[str, Path]]:
        """HDF5 files by video and form: the folder ``..._RGB`` or ``..._CDIT`` above it tells which."""
        videos: dict[str, dict[str, Path]] = {}
        for path in sorted(self._root.rglob("*.hdf5")):
            above = [folder.upper() for folder in path.relative_to(self._root.parent).parts[:-1]]
            for form in ("CDIT", "RGB"):
                if any(form in folder for folder in above):
                    videos.setdefault(path.stem, {}).setdefault(form, path)
                    break
        return videos

    def _files(self, name: str) -> tuple[Files, ...]:
        """Evenly spread frames of a video in the picture form."""
        for folder in (self._root / "WMCA-Image" / "R_CDIT" / name, self._root / "R_CDIT" / name, self._root / name):
            if folder.is_dir():
                frames = sorted((folder / "color").glob("*.jpg"))
                chosen = [frames[i].name for i in spread(len(frames), FRAMES_PER_CLIP)]
                names = {Modality.RGB: "color", Modality.DEPTH: "depth", Modality.IR: "ir"}
                return tuple({m: folder / sub / frame for m, sub in names.items()} for frame in chosen)
        return ()
