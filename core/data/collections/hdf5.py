"""HDF5 files of the collections: opened for reading, and every way in which one can be broken told as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import InputError


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file at ``path`` (an ``h5py.File``).

    Raises:
        InputError: it cannot be opened, or what is read from it inside the block is damaged or missing.
    """
    import h5py  # only where a collection of this form is read

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(f"{path.name} cannot be read as HDF5 ({error})", "") from error


def array(group: Any, name: str) -> Any:
    """The dataset ``name`` of ``group``, not yet read.

    Raises:
        InputError: there is none, or it is a group.
    """
    found = group.get(name)
    if found is None or not hasattr(found, "shape"):
        raise InputError(f"there is no array {name!r} in {group.name!r}", "")
    return found
