"""What is fuzzed: a loader, its seeds, and the rule that it may fail with a `KnownError` and with nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import KnownError

Loader = Callable[[bytes], None]
SEPARATOR = b"\n\x1e--part--\x1e\n"
"""Between the files of one input, for loaders that read more than one."""


@dataclass(frozen=True, slots=True)
class Target:
    """One loader.

    ``prepare(folder)`` gives the function that loads one input, with ``folder`` for its files. ``native``: the parser
    is foreign machine code, which has no coverage to be guided by and may end its process: it runs in a child.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    prepare: Callable[[Path], Loader]
    native: bool = False


def documented(loader: Loader, data: bytes) -> None:
    """Load; what the loader documents is no failure."""
    try:
        loader(data)
    except KnownError as error:
        if not error.what:
            raise RuntimeError("a known error that does not say what happened") from error


def parts(data: bytes, count: int) -> list[bytes]:
    """The files of an input; the last ones are empty where there are too few."""
    found = data.split(SEPARATOR, count - 1)
    return found + [b""] * (count - len(found))


_TOKENS = (
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b"-1", b"NaN", b"1e999", b"null",
    b'""', b"true", b"{}", b"[]", b"\xff\xff\xff\xff", b"\0" * 16, b"A" * 4096, b"../..", b",", b'"', b"\n", b"%s",
    b"0x10", b"\xed\xa0\x80", b"'", b"18446744073709551616", b"0.0", b"inf",
)  # fmt: skip


def mutate(data: bytes, generator: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A few changes of the kind that damage, truncation and malice make."""
    for _ in range(generator.choice((1, 1, 2, 4, 8))):
        position, length = generator.randrange(len(data) + 1), generator.choice((0, 1, 1, 2, 4, 16, 256))
        before, after = data[:position], data[position + length :]
        match generator.randrange(7):
            case 0:
                data = before + bytes(generator.randrange(256) for _ in range(length)) + after
            case 1:
                data = before + generator.choice(_TOKENS) + after
            case 2:
                data = before + after
            case 3:
                data = before
            case 4:
                data = before + data[position : position + length] * 2 + after
            case 5 if position < len(data):
                flipped = data[position] ^ (1 << generator.randrange(8))
                data = before + bytes([flipped]) + data[position + 1 :]
            case _:
                other = generator.choice(seeds)
                data = before + other[generator.randrange(len(other) + 1) :][: 4 * length] + after
    return data
