"""Clips from a list of pictures: lines of one clip become the frame sets of one presentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.data.collections.clips import Clip, Files, Sensor
from core.data.collections.lists import PictureLine, check_polarity, locate, read_pictures, strip
from core.data.manifest import LeftOut
from core.errors import InputError
from core.frames import Modality


@dataclass(frozen=True, slots=True)
class Named:
    """What the path of a colour picture says; ``species`` is ``None`` where only the label can say the class."""

    clip: str
    subject: str
    species: str | None


Describe = Callable[[PurePosixPath], Named | None]
"""Reads a path; ``None`` where it is not one of the collection's."""


def clips_of_list(
    path: Path, root: Path, split: str, collection: str, sensor: Sensor, describe: Describe, attack: str
) -> tuple[list[Clip], list[LeftOut]]:
    """Clips of a list, in its order, and the lines whose names cannot be read.

    Args:
        path: the list.
        root: where the pictures lie; leading folders of the listed paths may be missing there.
        split: split of ours for all of its lines.
        collection: name of the collection.
        sensor: what is known of its pictures.
        describe: reads the names.
        attack: species of an attack whose kind the name does not say.

    Raises:
        InputError: the list is wrong: its form, columns, polarity, or nothing that it names is there.
    """
    lines = read_pictures(path)
    drop = locate(root, [line.images[Modality.RGB] for line in lines], path.name)
    groups: dict[str, list[tuple[PictureLine, Named, str]]] = {}
    left_out: list[LeftOut] = []
    for line in lines:
        picture = line.images[Modality.RGB]
        named = describe(picture)
        if named is None:
            left_out.append(LeftOut(line.line, f"{path.name} line {line.line}: {picture} is no name of {collection}"))
            continue
        if line.bona_fide is None and named.species is None:
            left_out.append(LeftOut(line.line, f"{path.name} line {line.line}: {picture} has no label"))
            continue
        if line.bona_fide is not None and named.species is not None:
            check_polarity(path, line.line, line.bona_fide, named.species == "")
        species = named.species if named.species is not None else ("" if line.bona_fide else attack)
        groups.setdefault(named.clip, []).append((line, named, species))
    if not groups:
        raise InputError(f"No line of {path.name} names a picture of {collection}.", "Take this collection's list.")
    clips = []
    for name, members in groups.items():
        first_line, first, species = members[0]
        if any(other != species for _, _, other in members):
            raise InputError(f"{path.name}: the lines of {name} have both labels.", "The list is broken.")
        files: tuple[Files, ...] = tuple(
            {modality: root / strip(image, drop) for modality, image in line.images.items()} for line, _, _ in members
        )
        numbers = tuple(line.line for line, _, _ in members)
        clips.append(
            Clip(
                id=name,
                subject=first.subject,
                species=species,
                split=split,
                sensor=sensor,
                collection=collection,
                files=files,
                listed_in=path.name,
                line=first_line.line,
                lines=numbers,
            )
        )
    return clips, left_out
