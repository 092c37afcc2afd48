"""Files and folders that are being made: hidden beside their target, and named after the process that makes them.

So whoever comes next can tell what a killed process left behind from what another one is still working on.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import psutil

from core.errors import InputError, sentence

_PREFIX = ".partial-"
_NAME = re.compile(r"\.partial-(?P<pid>[0-9]+)-(?P<target>.+)", re.DOTALL)
_ours: set[Path] = set()
"""What this process makes or has made: one before it may have had the same id (in a container, it often has)."""


def partial_of(target: Path) -> Path:
    """Where this process makes ``target`` before it renames it into its place."""
    made = target.with_name(f"{_PREFIX}{os.getpid()}-{target.name}")
    _ours.add(made.absolute())
    return made


def require_empty(folder: Path) -> None:
    """Raise `InputError` unless ``folder`` can be made, or is there and holds nothing."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(sentence("{folder} is not empty.", folder=folder), "Choose a new folder.")


def target_of(partial: Path) -> Path:
    """What ``partial`` was to become."""
    return partial.with_name(partial.name.removeprefix(_PREFIX).partition("-")[2])


def abandoned_in(folder: Path, name: str | None = None) -> list[Path]:
    """What processes that are gone left in ``folder``; with ``name``, only of a target that is called so."""
    found = [(path, _NAME.fullmatch(path.name)) for path in sorted(folder.glob(f"{_PREFIX}*"))]
    return [
        path
        for path, parts in found
        if parts is not None and name in (None, parts["target"]) and not _in_work(path, int(parts["pid"]))
    ]


def _in_work(path: Path, pid: int) -> bool:
    if pid == os.getpid():
        # With the log of a database, which lies beside it.
        return any(path.absolute().as_posix().startswith(made.as_posix()) for made in _ours)
    return bool(psutil.pid_exists(pid))


def remove_abandoned(folder: Path, name: str | None = None) -> None:
    """Remove what `abandoned_in` finds."""
    for path in abandoned_in(folder, name):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
