"""Result files that a command writes because somebody named them: the folder is made, and what fails is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import HostError, UsageError


def beside(out: Path, suffix: str) -> Path:
    """The file of the same name that goes beside the result ``out``.

    Raises:
        UsageError: they would be one file.
    """
    side = out.with_suffix(suffix)
    if overwrites(side, out):
        raise UsageError(
            f"A {suffix} file goes beside the result and would overwrite {out.name}.",
            f"Give --json a name that does not end in {suffix}.",
        )
    return side


def overwrites(out: Path, kept: Path) -> bool:
    """Whether writing ``out`` would change ``kept``; names that differ in case alone are one file on some systems."""
    if os.path.realpath(out).casefold() == os.path.realpath(kept).casefold():
        return True
    try:
        return out.samefile(kept)
    except OSError:
        return False


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Around whatever writes ``out`` and the files beside it.

    Raises:
        HostError: one of them cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise HostError(
            f"Cannot write {out}: {error.strerror or error}.", "Choose a folder with room and rights."
        ) from error


def write_json(content: Any, out: Path, indent: int | None = 2) -> None:
    """Write plain data; ``indent`` ``None`` = on one line.

    Raises:
        HostError: it cannot be written.
    """
    with writing(out):
        separators = (",", ":") if indent is None else None
        out.write_text(json.dumps(content, indent=indent, separators=separators) + "\n", encoding="utf-8")
