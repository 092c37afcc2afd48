"""The cache: pictures out of HDF5 and npz, and pictures that had to be turned or cut, as lossless PNG.

One folder a clip; its index is written last, by rename, and names what it was made from: a cut run goes on where it
stopped, and a changed source or treatment is extracted anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from core.data.collections.clips import Clip, Direction, Pictures
from core.data.collections.pictures import checked, turned, without_borders
from core.data.images import read_image
from core.data.manifest import LeftOut, ManifestRow
from core.errors import HostError, InputError, UsageError
from core.frames import MODALITIES, Modality

_INDEX = "index.json"
_VERSION = 1
"""Goes up when extraction makes other pixels of the same source."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of one clip, and what of it was left out."""

    rows: tuple[ManifestRow, ...]
    left_out: tuple[LeftOut, ...]


def prepare(clip: Clip, direction: Direction, cache: Path | None) -> Prepared:
    """Rows of ``clip``: its own files where they can stay as they are, else files in ``cache``.

    Raises:
        UsageError: pictures have to be written and there is no ``cache``.
        HostError: the cache cannot be written.
    """
    inverted = direction is Direction.NEARER_LARGER
    if clip.container is None and not clip.sensor.borders and not inverted:
        return _in_place(clip)
    if cache is None:
        raise UsageError(
            f"{clip.collection} has to be extracted or converted first.",
            "Name a folder for the pictures; they are kept there for the next run.",
        )
    folder = cache / clip.collection / _safe(clip.id)
    key = _key(clip, direction)
    index = _load_index(folder, key)
    if index is None:
        index = _extract(clip, inverted, folder, key)
    images = [{Modality(m): folder / name for m, name in frame.items()} for frame in index["frames"]]
    rows = tuple(_row(clip, files, number) for number, files in enumerate(images, 1))
    return Prepared(rows, tuple(LeftOut(line, reason) for line, reason in index["left_out"]))


def _in_place(clip: Clip) -> Prepared:
    rows: list[ManifestRow] = []
    left_out: list[LeftOut] = []
    for number, files in enumerate(clip.files):
        problem = _missing(files)
        if problem:
            left_out.append(clip.left_out(problem, number))
        else:
            rows.append(_row(clip, dict(files), len(rows) + 1))
    return Prepared(tuple(rows), tuple(left_out))


def _missing(files: Any) -> str:
    """What is wrong with the files of one frame set, or the empty string."""
    gone = [path for path in files.values() if not path.is_file()]
    if not gone:
        return ""
    names = ", ".join(f"{path.parent.name}/{path.name}" for path in gone)
    if len(gone) < len(files) and any(path.parent.is_dir() and any(path.parent.iterdir()) for path in gone):
        return f"missing file {names}: the frame numbers of the modalities do not match"
    return f"missing file {names}"


def _row(clip: Clip, images: dict[Modality, Path], number: int) -> ManifestRow:
    unit = clip.sensor.depth_unit_m if Modality.DEPTH in images else None
    line = clip.lines[number - 1] if number <= len(clip.lines) else clip.line
    split, framing = clip.split, clip.sensor.framing
    return ManifestRow(clip.id, clip.subject, clip.species, images, unit, framing, split, number, line)


def _extract(clip: Clip, inverted: bool, folder: Path, key: str) -> dict[str, Any]:
    left_out: list[LeftOut] = []
    frames: list[dict[str, str]] = []
    problems: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, pictures in _pictures(clip, problems, left_out):
            good = _checked(clip, name, pictures, left_out)
            if clip.sensor.borders:
                good = without_borders(good)
            if inverted and Modality.DEPTH in good:
                good[Modality.DEPTH] = turned(good[Modality.DEPTH])
            if good:
                frames.append(_write(folder, name, good))
    except InputError as error:
        left_out.append(clip.left_out(f"{error.what} {error.remedy}".strip()))
        frames = []
    except OSError as error:
        raise _unwritable(folder, error) from error
    left_out += [clip.left_out(problem) for problem in problems]
    if not frames and not left_out:
        left_out.append(clip.left_out("no frame holds all that is wanted"))
    index = {"key": key, "frames": frames, "left_out": [[entry.row, entry.reason] for entry in left_out]}
    temporary = folder / f".{os.getpid()}-{_INDEX}"
    try:
        temporary.write_text(json.dumps(index), encoding="utf-8")
        temporary.replace(folder / _INDEX)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return index


def _pictures(clip: Clip, problems: list[str], left_out: list[LeftOut]) -> Iterator[tuple[str, Pictures]]:
    """Frames of a container, or of files that have to be converted."""
    if clip.container is not None:
        yield from clip.container.pictures(problems)
        return
    for number, files in enumerate(clip.files):
        problem = _missing(files)
        if problem:
            left_out.append(clip.left_out(problem, number))
            continue
        try:
            pictures = {modality: read_image(path, modality) for modality, path in files.items()}
        except InputError as error:
            left_out.append(clip.left_out(error.what, number))
            continue
        depth = pictures.get(Modality.DEPTH)
        if depth is not None and depth.max() <= 255:
            pictures[Modality.DEPTH] = depth.astype("uint8")
        yield f"{number:04d}", pictures


def _checked(clip: Clip, name: str, pictures: Pictures, left_out: list[LeftOut]) -> dict[Modality, Any]:
    good = {}
    for modality in MODALITIES:
        if modality not in pictures:
            continue
        try:
            good[modality] = checked(pictures[modality], modality)
        except InputError as error:
            left_out.append(clip.left_out(f"frame {name}: {error.what}"))
    return good


def _write(folder: Path, name: str, pictures: dict[Modality, Any]) -> dict[str, str]:
    written = {}
    for modality, picture in pictures.items():
        file = f"{name}_{modality}.png"
        encoded = cv2.imencode(".png", picture[:, :, ::-1] if modality is Modality.RGB else picture)[1]
        (folder / file).write_bytes(encoded.tobytes())
        written[str(modality)] = file
    return written


def _key(clip: Clip, direction: Direction) -> str:
    """Digest of what the pictures of a clip are made from."""
    paths = clip.container.paths if clip.container else [path for files in clip.files for path in files.values()]
    stats = [(str(path), *_size_and_time(path)) for path in paths]
    text = repr((_VERSION, clip.sensor, direction, stats, repr(clip.container), clip.line, clip.listed_in))
    return hashlib.sha256(text.encode()).hexdigest()


def _unwritable(folder: Path, error: OSError) -> HostError:
    what = f"{folder} cannot be written: {error.strerror or error}."
    return HostError(what, "Name another folder for the pictures.")


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _load_index(folder: Path, key: str) -> dict[str, Any] | None:
    try:
        index: dict[str, Any] = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(index, dict) or index.get("key") != key:
        return None
    whole = all((folder / name).is_file() for frame in index["frames"] for name in frame.values())
    return index if whole else None


def _safe(name: str) -> str:
    """A folder's name for a clip: readable, and its digest where characters had to go."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:80]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
