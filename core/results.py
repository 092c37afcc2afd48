"""Result files that a command writes because somebody named them: the folder is made, and what fails is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import HostError


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
