"""What a training goes on from: one safetensors file, written beside its target and renamed; never pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from core.untrusted import json_value

CHECKPOINT_FILE = "checkpoint.safetensors"
_PART = CHECKPOINT_FILE + ".part"
_OWNER, _HEADER = "plan", "header"


def write(folder: Path, owner: str, tensors: Mapping[str, torch.Tensor], header: Mapping[str, object]) -> None:
    """Replace the checkpoint in ``folder``; a cut at any moment leaves the old one or the new one.

    Args:
        folder: is made where it is missing.
        owner: identity of the training; no other goes on from this.
        tensors: contiguous.
        header: plain data.

    Raises:
        OSError: the folder cannot be written.
    """
    content = save(dict(tensors), metadata={_OWNER: owner, _HEADER: json.dumps(header)})
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _PART).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    (folder / _PART).replace(folder / CHECKPOINT_FILE)


def read(folder: Path, owner: str) -> tuple[dict[str, torch.Tensor], dict[str, object]] | None:
    """The newest checkpoint of ``owner``, on the CPU; ``None`` where there is none.

    Raises:
        ValueError: there is one, and it is damaged.
    """
    path = folder / CHECKPOINT_FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get(_OWNER) != owner:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, json_value(metadata[_HEADER])  # noqa: SIM118
    except (SafetensorError, OSError, KeyError) as error:
        raise ValueError(str(error)) from error


def remove(folder: Path) -> None:
    """Delete the checkpoint and what a cut may have left of one."""
    for name in (CHECKPOINT_FILE, _PART):
        (folder / name).unlink(missing_ok=True)
