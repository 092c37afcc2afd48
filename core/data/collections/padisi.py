"""PADISI-Face (USC): RGB, depth, near infrared of a RealSense beside seventeen bands, 360 people (method.md 7.4).

The multi-spectral release: ``ID_<transaction>_<trial>_<trial name>.npz``, key ``data``, ``(1, 22, 320, 256)`` floats in
0..1 of each sensor's range: 0-2 **blue, green, red**, 3 infrared, 4 depth. Depth keeps its 16 bits here: in 8 bits, as
public code stores it, a face has two or three levels. Larger is farther; its unit is not documented, so it is relative.
Also read: ``<trial>.npz`` and ``<trial>/{color,depth,ir}.jpg``, as the MMDG lists are expanded.

Tables of the publisher: ``..._ground_truth.csv`` (``m00000`` bona fide, ``m5CCSS`` attack) and
``..._partition_<name>.csv`` (train, valid, test). MMDG lists: ``<trial>.npz<TAB>label``, **1 = bona fide**.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.codes import Framing, Species
from core.data.collections.clips import Clip, Container, Direction, Files, Pictures, Plan, Sensor
from core.data.collections.lists import check_polarity, find_list, read_cells, read_names
from core.data.collections.literature import DEV_NOTE, ORACLE_NOTE, leave_one_out
from core.data.collections.protocol import Reporting
from core.data.collections.species import padisi_species
from core.data.manifest import LeftOut
from core.errors import InputError
from core.frames import Modality

FOLDS = ("3folds_part0", "3folds_part1", "3folds_part2", "all_test")
_SENSOR = Sensor(Framing.CROP, Direction.FARTHER_LARGER)
_PICTURES = Sensor(Framing.CROP, Direction.MEASURED)
_NAME = re.compile(r"ID_([0-9A-Za-z]+)_([0-9A-Za-z]+)_(.+)")
_PARTITIONS = {"train": "train", "valid": "dev", "test": "eval"}
_MMDG = {"train": "train", "dev": "(val|dev|valid)", "eval": "test"}
_CHANNELS = 22
_IR, _DEPTH = 3, 4


@dataclass(frozen=True, slots=True)
class Trial:
    """One line of the ground truth."""

    trial: str
    subject: str
    species: str


@dataclass(frozen=True, slots=True)
class PadisiFile:
    """The npz of one trial: a single frame."""

    path: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    def pictures(self, problems: list[str]) -> Iterator[tuple[str, Pictures]]:
        """See `Container.pictures`."""
        del problems  # a trial is whole or not at all
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                data = np.asarray(stored["data"])
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.path.name} cannot be read ({error})", "") from error
        if data.ndim != 4 or data.shape[:2] != (1, _CHANNELS) or data.dtype.kind != "f":
            raise InputError(f"{self.path.name} holds {data.dtype} {data.shape}, not floats (1, 22, H, W)", "")
        rgb = data[0, 2::-1].transpose(1, 2, 0)
        yield "0000", {Modality.RGB: rgb, Modality.DEPTH: data[0, _DEPTH], Modality.IR: data[0, _IR]}


def parse_name(stem: str) -> str | None:
    """Trial of ``ID_<transaction>_<trial>_<name>``; ``None`` where it has another form."""
    found = _NAME.fullmatch(stem)
    return None if found is None else found.group(2)


class PadisiReader:
    """See `core.data.collections.clips.Reader`."""

    name = "padisi"
    protocols: tuple[str, ...] = (*FOLDS, "mmdg")

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`."""
        if protocol == "mmdg":
            parts = [self.mmdg_clips(split) for split in splits]
            reporting = Reporting("oracle_eer", (0.01, 0.001), leave_one_out("P"), ORACLE_NOTE)
            clips = tuple(clip for found, _ in parts for clip in found)
            return Plan(clips, reporting, tuple(entry for _, left_out in parts for entry in left_out))
        return self._partition(protocol, splits)

    def mmdg_clips(self, split: str) -> tuple[list[Clip], list[LeftOut]]:
        """Clips of one split of the MMDG benchmark; subjects and species come from the ground truth."""
        path = find_list(self._root, rf"((p|padisi|usc)[-_])?{_MMDG[split]}\.txt", f"PADISI-Face {split}")
        clips: list[Clip] = []
        left_out: list[LeftOut] = []
        for line, name, bona_fide in read_names(path):
            trial = self._truth.get(name.removesuffix(".npz"))
            if trial is None:
                left_out.append(LeftOut(line, f"{path.name} line {line}: {name} is not in the ground truth"))
                continue
            check_polarity(path, line, bona_fide, trial.species == Species.BONA_FIDE)
            self._add(trial, split, path.name, line, clips, left_out)
        if not clips:
            reason = f" ({left_out[0].reason})" if left_out else ""
            raise InputError(f"Nothing that {path.name} names is below {self._root}{reason}.", "Check the folder.")
        return clips, left_out

    def _partition(self, protocol: str, splits: Sequence[str]) -> Plan:
        path = find_list(self._root, rf".*partition_{re.escape(protocol)}\.csv", f"PADISI-Face {protocol}")
        clips: list[Clip] = []
        left_out: list[LeftOut] = []
        for line, row in _table(path, ("trial_id", "partition_name")):
            split = _PARTITIONS.get(row["partition_name"])
            if split is None:
                raise InputError(f"{path.name} line {line}: partition {row['partition_name']!r}.", "Take it again.")
            if split not in splits:
                continue
            trial = self._truth.get(row["trial_id"])
            if trial is None:
                reason = f"{path.name} line {line}: trial {row['trial_id']} is not in the ground truth"
                left_out.append(LeftOut(line, reason))
                continue
            self._add(trial, split, path.name, line, clips, left_out)
        if not clips:
            raise InputError(f"Nothing that {path.name} names is below {self._root}.", "Check the folder.")
        return Plan(tuple(clips), Reporting("dev_eer", (0.01, 0.001), (), DEV_NOTE), tuple(left_out))

    def _add(
        self, trial: Trial, split: str, listed_in: str, line: int, clips: list[Clip], left_out: list[LeftOut]
    ) -> None:
        path, folder = self._files.get(trial.trial), self._root / trial.trial
        container: Container | None = PadisiFile(path) if path is not None else None
        files: tuple[Files, ...] = ()
        if container is None:
            for candidate in (folder, self._root / "image" / trial.trial):
                if candidate.is_dir():
                    names = {Modality.RGB: "color.jpg", Modality.DEPTH: "depth.jpg", Modality.IR: "ir.jpg"}
                    files = ({modality: candidate / name for modality, name in names.items()},)
        if container is None and not files:
            left_out.append(LeftOut(line, f"{listed_in} line {line}, {trial.trial}: its file is missing"))
            return
        sensor = _SENSOR if container is not None else _PICTURES
        clips.append(
            Clip(
                id=trial.trial,
                subject=trial.subject,
                species=trial.species,
                split=split,
                sensor=sensor,
                collection=self.name,
                files=files,
                container=container,
                listed_in=listed_in,
                line=line,
            )
        )

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Npz files by trial, under the release's name or the trial's own."""
        return {parse_name(path.stem) or path.stem: path for path in sorted(self._root.rglob("*.npz"))}

    @cached_property
    def _truth(self) -> dict[str, Trial]:
        path = find_list(self._root, r".*ground_truth\.csv", "PADISI-Face's ground truth")
        found = {}
        for line, row in _table(path, ("trial_id", "ground_truth", "participant_id")):
            species = padisi_species(row["ground_truth"])
            if species is None:
                raise InputError(f"{path.name} line {line}: the code {row['ground_truth']!r}.", "Take it again.")
            found[row["trial_id"]] = Trial(row["trial_id"], f"padisi-{row['participant_id']}", species)
        return found


def _table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a table of the publisher, by column.

    Raises:
        InputError: one of ``columns`` is missing, or a row has another number of cells than the header.
    """
    cells = read_cells(path)
    header = cells[0][1]
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(f"{path.name} has no column {', '.join(missing)}.", "Take the table from the publisher.")
    for line, row in cells[1:]:
        if len(row) != len(header):
            raise InputError(f"{path.name} line {line}: {len(row)} cells.", "Take the table from the publisher.")
        yield line, dict(zip(header, row, strict=True))
