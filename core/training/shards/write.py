"""Writing a set of shards, wherever fsspec can write."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO, Literal, cast, get_args

from core.errors import InputError, UsageError
from core.training.shards.form import Index, Shard, Split, Tally, members_of
from core.training.shards.place import Place
from core.training.table import LabelledCrops

SPLITS: tuple[Split, ...] = get_args(Split)
PER_SHARD = 500
_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")


def write_shards(
    url: str,
    name: str,
    of: Literal["scenes", "captures"],
    presentations: Iterable[tuple[Split, LabelledCrops]],
    per_shard: int = PER_SHARD,
) -> Index:
    """Write the set ``name`` at ``url`` and, when all of it is there, its index.

    The presentations of a split must follow each other. What was left by a run that was cut off is written over.

    Raises:
        UsageError: the name is none, a finished set has it, or nothing here knows the URL.
        InputError: there is no presentation.
        HostError: the place cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a set.", "Use letters, digits, dots, dashes and underscores.")
    place = Place(url)
    if place.has(f"{name}.json"):
        raise UsageError(f"{url} already has a set {name}.", "Give another --name, or remove the old one.")
    tally, shards = Tally(), []
    for split, number, some in _cut(presentations, per_shard):
        shard = f"{name}-{split}-{number:06d}.tar"
        with place.writing(shard) as file:
            hashed = _Hashed(file)
            crops = count = 0
            with tarfile.open(fileobj=cast(IO[bytes], hashed), mode="w|") as tar:
                for one in some:
                    _add(tar, f"{count:08d}", one)
                    tally.add(split, one)
                    crops, count = crops + len(one.crops), count + 1
        shards.append(Shard(name=shard, sha256=hashed.hexdigest(), split=split, presentations=count, crops=crops))
    if not shards:
        raise InputError("There is nothing to put into shards.", "Look at what was left out.")
    index = Index(of=of, shards=tuple(shards), counts=tally.counts())
    with place.writing(f"{name}.json") as file:
        file.write(index.model_dump_json(indent=1).encode())
    return index


def _cut(
    presentations: Iterable[tuple[Split, LabelledCrops]], per_shard: int
) -> Iterator[tuple[Split, int, Iterator[LabelledCrops]]]:
    """One entry a shard: its split, its number in the split, and its presentations, to be taken before the next."""
    order = iter(presentations)
    ahead = next(order, None)
    numbers: dict[Split, int] = {}

    def some(split: Split) -> Iterator[LabelledCrops]:
        nonlocal ahead
        for _ in range(per_shard):
            if ahead is None or ahead[0] != split:
                return
            one, ahead = ahead[1], next(order, None)
            yield one

    while ahead is not None:
        split = ahead[0]
        numbers[split] = numbers.get(split, -1) + 1
        yield split, numbers[split], some(split)


def _add(tar: tarfile.TarFile, key: str, one: LabelledCrops) -> None:
    for extension, content in members_of(one).items():
        entry = tarfile.TarInfo(f"{key}.{extension}")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


class _Hashed:
    """A file to write into that remembers the digest of what went through."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        return self._file.write(content)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
