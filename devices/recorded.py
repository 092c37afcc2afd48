"""Recorded files, as far as they can be told without the camera SDK."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError, sentence

SUFFIXES = (".db3", ".bag")


def require_recording(path: Path) -> None:
    """Raises `InputError` where there is no file, or by its name none that the SDK reads."""
    if not path.is_file():
        raise InputError(sentence("There is no recording {path}.", path=path), "Check the path.")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            sentence("{name} is not a recording that the camera SDK can read.", name=path.name),
            "Give a .db3 or .bag file of `main.py record` or the RealSense Viewer.",
        )
