"""Checkpoints of a pass: those of `core.model.checkpoint`, and what to do where there is no room or one is damaged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from core.errors import HostError, InputError, sentence
from core.model import checkpoint


def write_checkpoint(
    folder: Path, plan_sha256: str, tensors: Mapping[str, torch.Tensor], header: Mapping[str, object]
) -> None:
    """Replace the checkpoint in ``folder``; a cut at any moment leaves the old one or the new one.

    Raises:
        HostError: the folder cannot be written.
    """
    try:
        checkpoint.write(folder, plan_sha256, tensors, header)
    except OSError as error:
        raise HostError(
            sentence(
                "Cannot write the checkpoint to {path}: {strerror}.", path=folder, strerror=error.strerror or error
            ),
            "Make room, then go on with `main.py adapt resume`.",
        ) from error


def read_checkpoint(folder: Path, plan_sha256: str) -> tuple[dict[str, torch.Tensor], dict[str, object]] | None:
    """The newest checkpoint of this very plan; ``None`` where there is none.

    Raises:
        InputError: there is one, and it is damaged.
    """
    try:
        return checkpoint.read(folder, plan_sha256)
    except ValueError as error:
        raise InputError(
            sentence(
                "The checkpoint {path} is damaged: {error}.", path=folder / checkpoint.CHECKPOINT_FILE, error=error
            ),
            "Plan it again; the champion is untouched.",
        ) from error


def remove_checkpoint(folder: Path) -> None:
    """Delete the checkpoint and what a cut may have left of one."""
    checkpoint.remove(folder)
