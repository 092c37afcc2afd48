"""The list files of the collections: line ends, separators, columns and polarity (method.md section 7).

Lists of pictures name colour, depth and infrared in this order and end in the label, **1 = bona fide**; Idiap's tables
say ``bonafide`` or **0 = bona fide**. Every list is checked against what the names themselves say, so that a list with
swapped columns or turned polarity is refused and never believed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import InputError
from core.frames import Modality

_FOLDER_OF = {
    Modality.RGB: ("color", "colour", "profile", "rgb"),
    Modality.DEPTH: ("depth",),
    Modality.IR: ("ir", "infrared", "nir"),
}
_GROUPS = {"train": "train", "dev": "dev", "validation": "dev", "eval": "eval", "test": "eval"}


@dataclass(frozen=True, slots=True)
class PictureLine:
    """One line of a list of pictures; ``bona_fide`` is ``None`` where the list has no label."""

    line: int
    images: dict[Modality, PurePosixPath]
    bona_fide: bool | None


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of an Idiap table: ``path`` without extension, ``attack`` as the table writes it, split of ours."""

    line: int
    path: str
    attack: str
    split: str


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines without their ends (LF or CRLF, the last with or without one); blank lines are passed over.

    Raises:
        InputError: the list cannot be read, or lists nothing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: byte {error.start} is not UTF-8.", "Is this the collection's list?") from error
    except OSError as error:
        raise InputError(f"The list {path} cannot be read: {error.strerror}.", "Check the folder.") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise InputError(f"The list {path.name} is empty.", "Take the list from the collection again.")
    return lines


def find_list(root: Path, pattern: str, what: str) -> Path:
    """The one file under ``root`` (at most two folders deep) whose name matches ``pattern``, letter case aside.

    Raises:
        InputError: there is none, or there are several with different content.
    """
    wanted = re.compile(pattern, re.IGNORECASE)
    depths = ("*", "*/*", "*/*/*")
    for depth in depths:
        found = sorted(path for path in root.glob(depth) if wanted.fullmatch(path.name) and path.is_file())
        if len({path.read_bytes() for path in found}) > 1:
            names = ", ".join(str(path.relative_to(root)) for path in found)
            raise InputError(f"There are several lists for {what}: {names}.", "Keep the one that is meant.")
        if found:
            return found[0]
    raise InputError(f"There is no list for {what} below {root}.", f"Put it there; its name should match {pattern}.")


def read_pictures(path: Path) -> list[PictureLine]:
    """A list of ``colour depth ir [label]`` lines, separated by blanks or TABs, 1 = bona fide.

    Raises:
        InputError: a line has another form, or its columns hold another modality than they should.
    """
    found = []
    for number, text in read_lines(path):
        fields = text.split("\t") if "\t" in text else text.split()
        if len(fields) not in (3, 4):
            counts = f"{len(fields)} fields where colour, depth, infrared and a label are wanted"
            raise InputError(f"{path.name} line {number}: {counts}.", "Is this the list of this collection?")
        label = None if len(fields) == 3 else read_label(path, number, fields[3])
        images = dict(zip(Modality, map(PurePosixPath, fields[:3]), strict=True))
        _check_columns(path, number, images)
        found.append(PictureLine(number, images, label))
    return found


def read_names(path: Path) -> list[tuple[int, str, bool]]:
    """A list of ``name label`` lines, separated by TABs or blanks, 1 = bona fide: line, name, bona fide.

    Raises:
        InputError: a line has another form.
    """
    found = []
    for number, text in read_lines(path):
        fields = text.split("\t") if "\t" in text else text.split()
        if len(fields) != 2:
            raise InputError(f"{path.name} line {number}: {len(fields)} fields, not a name and a label.", _ASK)
        found.append((number, fields[0], read_label(path, number, fields[1])))
    return found


def read_label(path: Path, line: int, text: str) -> bool:
    """Whether a label of a list of pictures says bona fide (1)."""
    if text not in ("0", "1"):
        raise InputError(f"{path.name} line {line}: the label {text!r} is not 0 or 1.", _ASK)
    return text == "1"


def check_polarity(path: Path, line: int, listed: bool, named: bool) -> None:
    """Raise `InputError` where a list calls bona fide what its own file name calls an attack, or the other way."""
    if listed != named:
        says, name_says = ("bona fide", "an attack") if listed else ("an attack", "bona fide")
        raise InputError(
            f"{path.name} line {line}: the label says {says} and the name says {name_says}.",
            "The list has the other polarity (1 should be bona fide), or belongs to another collection.",
        )


def read_table(path: Path) -> list[TableLine]:
    """An Idiap protocol table, in either of its forms.

    With a header: ``[id],client_id,filepath,group,label`` where the label is ``bonafide`` or ``attack/2D/prints``.
    Without: ``filepath,label,attack,group`` where the label is **0 for bona fide** and 1 for an attack.

    Raises:
        InputError: the table has neither form, or contradicts itself.
    """
    cells = read_cells(path)
    header = [cell.strip().lower() for cell in cells[0][1]]
    has_header = "filepath" in header
    if has_header and not {"group", "label"} <= set(header):
        raise InputError(f"{path.name} line 1: the header lacks group or label.", _ASK)
    found = []
    for number, row in cells[has_header:]:
        if len(row) != (len(header) if has_header else 4):
            raise InputError(f"{path.name} line {number}: {len(row)} cells.", _ASK)
        if has_header:
            named = dict(zip(header, row, strict=True))
            file, attack, group = named["filepath"], named["label"], named["group"]
        else:
            file, attack, group = _unlabelled(path, number, row)
        if group.strip() not in _GROUPS:
            raise InputError(f"{path.name} line {number}: the group {group!r} is not train, dev or eval.", _ASK)
        found.append(TableLine(number, _without_extension(file.strip()), attack.strip(), _GROUPS[group.strip()]))
    return found


def read_cells(path: Path) -> list[tuple[int, list[str]]]:
    """Numbered lines of a comma-separated table; a cell never spans lines in these.

    Raises:
        InputError: the table cannot be read, is empty, or a line is no CSV.
    """
    cells = []
    for number, text in read_lines(path):
        try:
            cells.append((number, next(csv.reader([text], strict=True))))
        except (csv.Error, StopIteration) as error:
            raise InputError(f"{path.name} line {number}: {error}.", _ASK) from error
    return cells


def locate(root: Path, relative: Sequence[PurePosixPath], listed_in: str) -> int:
    """How many leading folders of the listed paths are above ``root``: the user may point into the collection.

    Raises:
        InputError: none of a sample of the listed files lies under ``root`` in any way.
    """
    sample = [relative[i] for i in range(0, len(relative), max(1, len(relative) // 50))]
    counts = [sum((root / strip(path, drop)).exists() for path in sample) for drop in range(5)]
    if not any(counts):
        raise InputError(
            f"None of the pictures that {listed_in} names lies below {root} (looked for {sample[0]}).",
            "Give the folder that holds the pictures, and the list that belongs to it.",
        )
    return counts.index(max(counts))


def strip(path: PurePosixPath, folders: int) -> PurePosixPath:
    """``path`` without its first ``folders`` folders; its name always stays."""
    parts = path.parts
    return PurePosixPath(*parts[min(folders, len(parts) - 1) :])


_ASK = "Take the protocol file from the collection again."


def _unlabelled(path: Path, line: int, row: Sequence[str]) -> tuple[str, str, str]:
    file, label, attack, group = row
    if label.strip() not in ("0", "1"):
        raise InputError(f"{path.name} line {line}: the label {label!r} is not 0 or 1.", _ASK)
    bona_fide = label.strip() == "0"
    if bona_fide == attack.strip().lower().startswith("attack"):
        raise InputError(
            f"{path.name} line {line}: label {label} stands beside {attack!r}.",
            "In this table 0 is bona fide and 1 an attack; its polarity may have been turned.",
        )
    return file, "bonafide" if bona_fide else attack, group


def _without_extension(file: str) -> str:
    return re.sub(r"\.(hdf5|h5)$", "", file)


def _check_columns(path: Path, line: int, images: dict[Modality, PurePosixPath]) -> None:
    for modality, image in images.items():
        said = {m for m, names in _FOLDER_OF.items() if _mentions(image, names)}
        if image.is_absolute() or ".." in image.parts:
            raise InputError(f"{path.name} line {line}: {image} leaves the collection's folder.", _ASK)
        if said and modality not in said:
            raise InputError(
                f"{path.name} line {line}: {image} stands where {modality} is wanted.",
                "The columns are colour, depth, infrared; this list has them in another order.",
            )


def _mentions(image: PurePosixPath, names: Sequence[str]) -> bool:
    """Whether the folder of an image, or the end of its name (``000000-ir.jpg``), is one of ``names``."""
    return image.parent.name.lower() in names or image.stem.lower().rpartition("-")[2] in names
