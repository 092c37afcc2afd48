"""Collections by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.data.collections.cefa import CefaReader
from core.data.collections.clips import Reader
from core.data.collections.collection import Collection
from core.data.collections.hqwmca import HqWmcaReader
from core.data.collections.mad3d import MadReader
from core.data.collections.mmdg import MmdgReader
from core.data.collections.padisi import PadisiReader
from core.data.collections.surf import SurfReader
from core.data.collections.wmca import WmcaReader
from core.errors import InputError, UsageError

_READERS: dict[str, Callable[[Path], Reader]] = {
    "wmca": WmcaReader,
    "casia-surf": SurfReader,
    "cefa": CefaReader,
    "padisi": PadisiReader,
    "hq-wmca": HqWmcaReader,
    "3dmad": MadReader,
    "mmdg": MmdgReader,
}
NAMES: tuple[str, ...] = tuple(_READERS)
"""Names that `open_collection` takes. ``mmdg`` is the benchmark over four of them (method.md section 2.4)."""


def open_collection(name: str, root: Path, cache: Path | None = None) -> Collection:
    """The collection ``name`` in the folder ``root``.

    Args:
        name: one of `NAMES`.
        root: the folder that holds the collection as its publisher gives it, with its list files in it.
        cache: where pictures are extracted to; needed for what comes as HDF5 or npz.

    Raises:
        UsageError: there is no collection of this name.
        InputError: ``root`` is no folder.
    """
    if name not in _READERS:
        raise UsageError(f"There is no collection {name!r}.", f"Choose one of {', '.join(NAMES)}.")
    if not root.is_dir():
        raise InputError(f"{root} is no folder.", f"Give the folder that holds {name}.")
    return Collection(_READERS[name](root), root, cache)
