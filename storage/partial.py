"""Files and folders that are being made: hidden beside their target, and named after the process that makes them.

So whoever comes next can tell what a killed process left behind from what another one is still working on.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

_PREFIX = ".partial-"


def partial_of(target: Path) -> Path:
    """Where this process makes ``target`` before it renames it into its place."""
    return target.with_name(f"{_PREFIX}{os.getpid()}-{target.name}")


def target_of(partial: Path) -> Path:
    """What ``partial`` was to become."""
    return partial.with_name(partial.name.removeprefix(_PREFIX).partition("-")[2])


def abandoned_in(folder: Path, name: str = "*") -> list[Path]:
    """What processes that are gone left of targets called ``name`` in ``folder``."""
    found = sorted(folder.glob(f"{_PREFIX}*-{name}"))
    return [path for path in found if not psutil.pid_exists(int(path.name.removeprefix(_PREFIX).split("-")[0]))]


def remove_abandoned(folder: Path, name: str = "*") -> None:
    """Remove what `abandoned_in` finds."""
    for path in abandoned_in(folder, name):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
