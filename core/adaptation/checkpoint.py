"""Checkpoints of a pass: one safetensors file, written beside its target and renamed; never pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from core.errors import HostError, InputError
from core.untrusted import json_value

_FILE = "checkpoint.safetensors"


def write_checkpoint(
    folder: Path, plan_sha256: str, tensors: Mapping[str, torch.Tensor], header: Mapping[str, object]
) -> None:
    """Replace the checkpoint in ``folder``; a cut at any moment leaves the old one or the new one.

    Raises:
        HostError: the folder cannot be written.
    """
    content = save(dict(tensors), metadata={"plan": plan_sha256, "header": json.dumps(header)})
    temporary = folder / (_FILE + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / _FILE)
    except OSError as error:
        raise HostError(
            f"Cannot write the checkpoint to {folder}: {error.strerror or error}.",
            "Make room, then go on with `main.py adapt resume`.",
        ) from error


def read_checkpoint(folder: Path, plan_sha256: str) -> tuple[dict[str, torch.Tensor], dict[str, object]] | None:
    """The newest checkpoint of this very plan; ``None`` where there is none.

    Raises:
        InputError: there is one, and it is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("plan") != plan_sha256:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, json_value(metadata["header"])  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"The checkpoint {path} is damaged: {error}.",
            "Cancel the job and plan it again; the champion is untouched.",
        ) from error


def remove_checkpoint(folder: Path) -> None:
    """Delete the checkpoint and what a cut may have left of one."""
    for name in (_FILE, _FILE + ".part"):
        (folder / name).unlink(missing_ok=True)
