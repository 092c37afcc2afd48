"""Reading sets of shards: what they hold, and their presentations, verified while they go by."""

from __future__ import annotations

import hashlib
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, cast

from pydantic import ValidationError

from core.errors import InputError
from core.frames import CROP_PX
from core.training.shards.form import MAX_MEMBER_BYTES, Count, Index, Shard, Split, presentation_of
from core.training.shards.place import Place
from core.training.table import LabelledCrops
from core.untrusted import json_value

_DAMAGED = "Copy the shard again, or write the set anew."


@dataclass(frozen=True, slots=True)
class ShardSets:
    """The sets at one or several locations, in order."""

    sets: tuple[tuple[Place, Index], ...]

    @property
    def digest(self) -> str:
        """Identity of what they hold, wherever it lies."""
        shards = [f"{shard.split} {shard.sha256}" for _, index in self.sets for shard in index.shards]
        return hashlib.sha256("\n".join(shards).encode()).hexdigest()

    @property
    def counts(self) -> list[Count]:
        """What they hold, set by set."""
        return [count for _, index in self.sets for count in index.counts]

    def crops(self, split: Split) -> int:
        """How many crops a split has."""
        return sum(shard.crops for _, shard in self._shards(split))

    def presentations(self, split: Split) -> Iterator[LabelledCrops]:
        """The presentations of a split.

        Raises:
            InputError: a shard is damaged, or is not the one that its index names. What came before is then worthless.
            HostError: a location cannot be reached any more.
        """
        for place, shard in self._shards(split):
            yield from _read(place, shard)

    def require_classes(self, splits: Sequence[Split]) -> None:
        """Every split needs both classes; no domain may bring one class only into training (evaluation.md section 3).

        Bona fide captures with depth or infrared bring their own attacks: hybrids of themselves.

        Raises:
            InputError: it is not so; the message names what is missing.
        """
        for split in splits:
            here = [count for count in self.counts if count.split == split]
            for kind, wanted in (("bona fide", False), ("attack", True)):
                if not any(bool(count.species) is wanted for count in here):
                    raise InputError(f"The shards have no {kind} presentation for {split}.", "Add a set that has some.")
        domains: dict[str, list[Count]] = defaultdict(list)
        for count in self.counts:
            if count.split == "train":
                domains[count.domain].append(count)
        for domain, here in domains.items():
            # Which camera it was must not tell the class.
            if all(count.species for count in here):
                raise InputError(f"{domain} brings attacks only: its camera would be learnt as attack.", _BOTH)
            if not any(count.species or count.beyond_colour for count in here):
                raise InputError(f"{domain} brings bona fide in colour only: its camera would pass for live.", _BOTH)

    def _shards(self, split: Split) -> Iterator[tuple[Place, Shard]]:
        return ((place, shard) for place, index in self.sets for shard in index.shards if shard.split == split)


_BOTH = "Add presentations of the other class from the same camera, or leave the domain out."


def open_shards(urls: Sequence[str]) -> ShardSets:
    """The sets that lie at ``urls``; only their indexes are read.

    Raises:
        UsageError: nothing here knows a URL.
        InputError: there is no finished set, or an index is none.
        HostError: a location cannot be reached.
    """
    found: list[tuple[Place, Index]] = []
    for url in urls:
        place = Place(url)
        names = place.names(".json")
        if not names:
            raise InputError(f"There is no finished set of shards in {url}.", "Write one with `main.py shards`.")
        found += [(place, _index(place, name)) for name in names]
    return ShardSets(tuple(found))


def _index(place: Place, name: str) -> Index:
    with place.reading(name) as file:
        content = file.read(MAX_MEMBER_BYTES)
    try:
        index = Index.model_validate(json_value(content))
    except (ValueError, ValidationError) as error:
        raise InputError(
            f"{name} in {place.text} is no index of shards.", "Take it away, or write the set anew."
        ) from error
    if index.crop_px != CROP_PX:
        raise InputError(
            f"{name} in {place.text} has crops of {index.crop_px} px; this version takes {CROP_PX}.",
            "Write the set anew with this version.",
        )
    return index


def _read(place: Place, shard: Shard) -> Iterator[LabelledCrops]:
    digest = hashlib.sha256()
    presentations = crops = 0
    other_numbers = f"{shard.name} in {place.text} holds other numbers than its index says."
    with place.reading(shard.name) as file:
        hashed = _Hashing(file, digest)
        try:
            with tarfile.open(fileobj=cast(IO[bytes], hashed), mode="r|") as tar:
                for texts, arrays in _samples(tar):
                    one = presentation_of(texts, arrays)
                    presentations, crops = presentations + 1, crops + len(one.crops)
                    if crops > shard.crops:  # at once: whoever reads has made room for as many as the index says
                        raise InputError(other_numbers, _DAMAGED)
                    yield one
            hashed.drain()
        except (ValueError, tarfile.TarError, EOFError) as error:
            raise InputError(f"{shard.name} in {place.text} is damaged: {error}.", _DAMAGED) from error
    if digest.hexdigest() != shard.sha256:
        raise InputError(f"{shard.name} in {place.text} is not the shard that its index names.", _DAMAGED)
    if (presentations, crops) != (shard.presentations, shard.crops):
        raise InputError(other_numbers, _DAMAGED)


def _samples(tar: tarfile.TarFile) -> Iterator[tuple[bytes, bytes]]:
    """Texts and arrays of each sample; they lie one after the other."""
    entries = iter(tar)
    for first in entries:
        texts = _content(tar, first)  # at once: a stream cannot go back to a member that was passed
        second = next(entries, None)
        key = first.name.removesuffix(".json")
        if second is None or (first.name, second.name) != (f"{key}.json", f"{key}.safetensors"):
            raise ValueError(f"{first.name} is no part of a presentation")
        yield texts, _content(tar, second)


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry) if entry.isreg() and entry.size <= MAX_MEMBER_BYTES else None
    if file is None:
        raise ValueError(f"{entry.name} is no file, or too large")
    return file.read()


class _Hashing:
    """A file to read from that remembers the digest of what went through."""

    def __init__(self, file: IO[bytes], digest: hashlib._Hash) -> None:
        self._file, self._digest = file, digest

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._digest.update(content)
        return content

    def drain(self) -> None:
        """The rest of the file."""
        while self.read(1 << 20):
            pass
