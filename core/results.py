"""Result files that a command writes because somebody named them: the folder is made, and what fails is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import HostError, UsageError, sentence


def result_file(text: str) -> Path:
    """The file that an option names for what a command will write: looked at before the work, not after it.

    Folders that are not there yet are made when it is written.

    Raises:
        UsageError: it is a folder.
        HostError: no file can be written there.
    """
    out = Path(text)
    try:
        _refuse_folder(out)
        found = out if out.exists() else next(folder for folder in out.absolute().parents if folder.exists())
    except OSError as error:
        raise _unwritable(out, error.strerror or str(error)) from error
    if found != out and not found.is_dir():
        raise _unwritable(out, sentence("{path} is not a folder", path=found))
    if not os.access(found, os.W_OK):
        raise _unwritable(out, sentence("{path} may not be changed", path=found))
    return out


def _refuse_folder(out: Path) -> None:
    if out.is_dir():
        raise UsageError(sentence("{path} is a folder.", path=out), "Name the file that should be written.")


def _unwritable(out: Path, why: str) -> HostError:
    return HostError(
        sentence("Cannot write {path}: {strerror}.", path=out, strerror=why), "Choose a folder with room and rights."
    )


def beside(out: Path, suffix: str) -> Path:
    """The file of the same name that goes beside the result ``out``.

    Raises:
        UsageError: they would be one file, or one of them is a folder.
    """
    _refuse_folder(out)
    side = out.with_suffix(suffix)
    _refuse_folder(side)
    if overwrites(side, out):
        raise UsageError(
            sentence(
                "A {suffix} file goes beside the result and would overwrite {name}.", suffix=suffix, name=out.name
            ),
            sentence("Give --json a name that does not end in {suffix}.", suffix=suffix),
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
        raise _unwritable(out, error.strerror or str(error)) from error


def write_json(content: Any, out: Path, indent: int | None = 2) -> None:
    """Write plain data; ``indent`` ``None`` = on one line.

    Raises:
        HostError: it cannot be written.
    """
    with writing(out):
        separators = (",", ":") if indent is None else None
        out.write_text(json.dumps(content, indent=indent, separators=separators) + "\n", encoding="utf-8")
