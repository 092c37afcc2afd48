"""Manifests: a CSV that lists captures, one row per frame set (formats.md and the data README define the columns).

A mistake in the table itself (a column, a number, a class that contradicts itself) raises `InputError` and names line
and column, because nothing of such a table can be trusted. A row whose images cannot be used is *left out* with its
reason, and the rest goes on.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.codes import BONA_FIDE_SPELLINGS, Framing
from core.data.images import check_aspect_ratios, check_depth_scale, read_image
from core.errors import InputError, sentence
from core.frames import ALL_MODALITIES, MODALITIES, Frame, FrameSet, Modality, ModalityMask, StreamProfile

COLUMNS = ("presentation", "subject", "species", "rgb", "depth", "ir", "depth_scale_m", "framing", "split")
SPLITS = ("train", "dev", "eval", "")

_NOMINAL_PERIOD_MS = 1000.0 / 30.0


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One frame set of a manifest. ``subject`` is empty where it is not known.

    ``number`` counts the frame sets of its presentation from 1; ``line`` is its line in the file. ``species`` is empty
    for bona fide. ``depth_unit_m`` is metres per depth count, ``None`` for relative depth of unknown scale.
    """

    presentation: str
    subject: str
    species: str
    images: Mapping[Modality, Path]
    depth_unit_m: float | None = None
    framing: Framing = Framing.FRAME
    split: str = ""
    number: int = 1
    line: int = 0

    @property
    def bona_fide(self) -> bool:
        """Whether this is a bona fide presentation."""
        return self.species == ""

    def restricted(self, modalities: ModalityMask) -> ManifestRow:
        """The same row with the images of ``modalities`` alone."""
        return replace(self, images={m: image for m, image in self.images.items() if m in modalities})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that could not be used: its line in the manifest, why, and its split."""

    row: int
    reason: str
    split: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read; ``left_out`` are the rows with missing images."""

    path: Path
    rows: tuple[ManifestRow, ...]
    left_out: tuple[LeftOut, ...] = field(default=())

    def presentations(self, split: str | None = None) -> list[tuple[ManifestRow, ...]]:
        """The rows of each presentation, in the order of the file; with ``split``, only those of that split."""
        groups: dict[str, list[ManifestRow]] = defaultdict(list)
        for row in self.rows:
            if split is None or row.split == split:
                groups[row.presentation].append(row)
        return [tuple(rows) for rows in groups.values()]


def read_manifest(path: Path, modalities: ModalityMask = ALL_MODALITIES) -> Manifest:
    """Read the table and look which images of ``modalities`` exist; `load_frame_set` decodes them.

    Rows keep these images alone; a row that has none of them stays, without images.

    Raises:
        InputError: the file cannot be read or the table is wrong; the message names line and column.
    """
    rows: list[ManifestRow] = []
    left_out: list[LeftOut] = []
    numbers: Counter[str] = Counter()
    everything = [_parse_row(path, line, cells) for line, cells in _read_table(path)]
    _check_consistency(path, everything)
    for row in (one.restricted(modalities) for one in everything):
        missing = [image.name for image in row.images.values() if not _is_file(image)]
        if missing:
            reason = f"{row.presentation}: missing file {', '.join(missing)}"
            left_out.append(LeftOut(row.line, reason, row.split))
            continue
        numbers[row.presentation] += 1
        rows.append(replace(row, number=numbers[row.presentation]))
    return Manifest(path, tuple(rows), tuple(left_out))


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write ``rows`` in the order given; image paths become relative to the manifest's folder."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    folder = path.resolve().parent
    for row in rows:
        images = [_relative(row.images.get(modality), folder) for modality in MODALITIES]
        unit = "" if row.depth_unit_m is None else f"{row.depth_unit_m:.9g}"
        writer.writerow([row.presentation, row.subject, row.species, *images, unit, row.framing.value, row.split])
    path.write_text(text.getvalue(), encoding="utf-8")


def load_frame_set(row: ManifestRow) -> FrameSet:
    """Decode the images of one row.

    The profiles carry no intrinsics: a manifest's modalities are registered, though they may differ in size. A
    manifest knows the order of frame sets, not their times: ``time_ms`` counts at a nominal 30 Hz.

    Raises:
        InputError: an image does not decode, the aspect ratios differ, or the depth scale cannot be right.
    """
    time_ms = (row.number - 1) * _NOMINAL_PERIOD_MS
    frames: dict[Modality, Frame] = {}
    profiles: dict[Modality, StreamProfile] = {}
    for modality, image in row.images.items():
        pixels = read_image(image, modality)
        height, width = pixels.shape[:2]
        unit = row.depth_unit_m if modality is Modality.DEPTH else None
        frames[modality] = Frame(modality, pixels, row.number, time_ms, time_domain="manifest")
        profiles[modality] = StreamProfile(modality, width, height, fps_hz=0.0, depth_unit_m=unit)
    check_aspect_ratios({modality: frame.pixels.shape for modality, frame in frames.items()})
    if Modality.DEPTH in frames and row.depth_unit_m is not None:
        check_depth_scale(frames[Modality.DEPTH].pixels, row.depth_unit_m, row.framing)
    return FrameSet(row.number, time_ms, frames, ModalityMask.of(frames), profiles, framing=row.framing)


def _is_file(path: Path) -> bool:
    """Also for names that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _relative(image: Path | None, folder: Path) -> str:
    if image is None:
        return ""
    return Path(os.path.relpath(image.resolve(), folder)).as_posix()


def _read_table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of every row. Blank lines are skipped."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save the manifest as UTF-8."
        raise InputError(
            sentence("{name}: byte {position} is not UTF-8.", name=path.name, position=error.start), remedy
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            sentence("The manifest {path} cannot be read: {reason}.", path=path, reason=reason), "Check the path."
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    table: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, [])
        _check_header(path, header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    sentence(
                        "{name} line {line}: {cells} cells where the header has {columns}.",
                        name=path.name,
                        line=reader.line_num,
                        cells=len(cells),
                        columns=len(header),
                    ),
                    "Quote cells that hold a comma.",
                )
            table.append((reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise InputError(
            sentence("{name} line {line}: {error}.", name=path.name, line=reader.line_num, error=error),
            "Save the manifest as plain CSV.",
        ) from error
    if not table:
        raise InputError(
            sentence("{name} lists no frame set.", name=path.name), "Add one row per frame set below the header."
        )
    return table


def _check_header(path: Path, header: list[str]) -> None:
    wanted = sentence("The columns are {columns}.", columns=",".join(COLUMNS))
    for column, count in Counter(header).items():
        if column not in COLUMNS:
            raise InputError(
                sentence("{name} line 1: unknown column {column!r}.", name=path.name, column=column), wanted
            )
        if count > 1:
            raise InputError(
                sentence(
                    "{name} line 1: column {column!r} stands {count} times.", name=path.name, column=column, count=count
                ),
                wanted,
            )
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise InputError(
            sentence("{name} line 1: missing column {columns}.", name=path.name, columns=", ".join(map(repr, missing))),
            wanted,
        )


def _parse_row(path: Path, line: int, cells: dict[str, str]) -> ManifestRow:
    def wrong(column: str, remedy: str) -> InputError:
        return InputError(
            sentence(
                "{name} line {line}, column {column}: {cell!r} is not allowed.",
                name=path.name,
                line=line,
                column=column,
                cell=cells[column],
            ),
            remedy,
        )

    if not cells["presentation"].strip():
        raise wrong("presentation", "Give every row the id of its presentation.")
    species = cells["species"].strip()
    if species.lower() in BONA_FIDE_SPELLINGS:
        raise wrong("species", "Leave species empty for a bona fide presentation.")
    if cells["framing"] not in set(Framing):
        raise wrong("framing", sentence("Write {one} or {other}.", one=Framing.FRAME, other=Framing.CROP))
    if cells["split"] not in SPLITS:
        raise wrong("split", "Write train, dev or eval, or leave it empty.")
    images: dict[Modality, Path] = {}
    for modality in MODALITIES:
        name = cells[modality.value].strip()
        if not name:
            continue
        if Path(name).is_absolute() or "\0" in name:
            raise wrong(modality.value, "Write image paths relative to the manifest.")
        images[modality] = path.parent / name
    unit_text = cells["depth_scale_m"].strip()
    unit = _positive(unit_text) if unit_text else None
    if unit_text and unit is None:
        raise wrong("depth_scale_m", "Write metres per depth unit (0.001 for millimetres), or leave it empty.")
    return ManifestRow(
        presentation=cells["presentation"].strip(),
        subject=cells["subject"].strip(),
        species=species,
        images=images,
        depth_unit_m=unit,
        framing=Framing(cells["framing"]),
        split=cells["split"],
        line=line,
    )


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _check_consistency(path: Path, rows: Iterable[ManifestRow]) -> None:
    """One presentation has one subject, species and split; the same images are never two rows."""
    first_of: dict[str, ManifestRow] = {}
    owner_of: dict[frozenset[Path], ManifestRow] = {}
    for row in rows:
        first = first_of.setdefault(row.presentation, row)
        for column in ("species", "subject", "split"):
            if getattr(row, column) != getattr(first, column):
                theirs, ours = getattr(first, column), getattr(row, column)
                raise InputError(
                    sentence(
                        "{name} line {line}, column {column}: presentation {presentation!r} has {ours!r} here and "
                        "{theirs!r} in line {first}.",
                        name=path.name,
                        line=row.line,
                        column=column,
                        presentation=row.presentation,
                        ours=ours,
                        theirs=theirs,
                        first=first.line,
                    ),
                    sentence(
                        "Give the frame sets of one presentation one {column}, or different presentation ids.",
                        column=column,
                    ),
                )
        if not row.images:
            continue
        owner = owner_of.setdefault(frozenset(row.images.values()), row)
        if owner is not row:
            raise InputError(
                sentence(
                    "{name} line {line}, column presentation: the images of {presentation!r} stand in line {first} "
                    "already.",
                    name=path.name,
                    line=row.line,
                    presentation=row.presentation,
                    first=owner.line,
                ),
                "List every frame set once.",
            )
