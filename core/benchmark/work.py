"""The work folder: pieces that are written whole or not at all, and a journal of what each cost.

A killed run loses the piece it was at; the next run finds the others and goes on. Two runs may share a folder: a piece
that both make is made alike, and the later rename wins.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from core.errors import CanceledError, HostError

Canceled = Callable[[], bool]
Report = Callable[[str, float], None]
"""Is told what is being done and the share of the whole that is finished."""

_JOURNAL = "pieces.jsonl"


class Work:
    """One folder of pieces, named by what they depend on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(f"The folder {root} cannot be made: {error.strerror}.", "Choose another --work.") from error

    def path(self, piece: str) -> Path:
        """Where a piece lies, or will."""
        return self.root / piece

    def has(self, piece: str) -> bool:
        """Whether the piece is finished."""
        return self.path(piece).exists()

    @contextmanager
    def making(self, piece: str) -> Iterator[Path]:
        """A temporary path for a piece; leaving the block without an error puts it in place and into the journal."""
        target = self.path(piece)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{os.getpid()}-{target.name}")
        started = time.monotonic()
        try:
            yield temporary
            if target.is_dir():
                shutil.rmtree(target)
            temporary.replace(target)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary)
            temporary.unlink(missing_ok=True)
        self.note(piece, time.monotonic() - started)

    def sweep(self) -> None:
        """Remove what killed processes were writing."""
        for path in list(self.root.rglob(".*-*")):
            owner = path.name[1:].split("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def note(self, piece: str, seconds: float) -> None:
        """A line in the journal: what was made, and what it cost."""
        line = {"piece": piece, "seconds": round(seconds, 2), "ended": int(time.time())}
        with (self.root / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")

    def save_json(self, piece: str, value: Mapping[str, Any]) -> None:
        """Write a small piece."""
        with self.making(piece) as path:
            path.write_text(json.dumps(value), encoding="utf-8")

    def load_json(self, piece: str) -> Any:
        """Read a small piece."""
        return json.loads(self.path(piece).read_text(encoding="utf-8"))

    def load_arrays(self, piece: str) -> dict[str, NDArray[Any]]:
        """Read the arrays of an ``.npz`` piece."""
        with np.load(self.path(piece)) as stored:
            return {name: stored[name] for name in stored.files}

    def seconds(self, prefixes: tuple[str, ...] = ("",)) -> float:
        """What the pieces under any of the prefixes cost, over all runs; a piece made twice counts twice."""
        journal = self.root / _JOURNAL
        if not journal.is_file():
            return 0.0
        lines = (json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines())
        return float(sum(line["seconds"] for line in lines if line["piece"].startswith(prefixes)))


def stop_if(canceled: Canceled) -> None:
    """Raise where the person asked to stop."""
    if canceled():
        raise CanceledError("The benchmark was stopped.", "Start it again; finished pieces are kept.")
