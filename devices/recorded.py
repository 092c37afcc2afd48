"""Recorded files, as far as they can be told without the camera SDK."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError, sentence
from devices.bag import MAGIC

BEGINS = {".db3": b"SQLite format 3\0", ".bag": MAGIC}
"""What the SDK reads, by the end of its name: how such a file begins."""


def require_recording(path: Path) -> None:
    """Raises `InputError` where there is no file, or by its name or its first bytes none that the SDK reads."""
    if not path.is_file():
        raise InputError(sentence("There is no recording {path}.", path=path), "Check the path.")
    begins = BEGINS.get(path.suffix.lower())
    if begins is None:
        raise InputError(
            sentence("{name} is not a recording that the camera SDK can read.", name=path.name),
            "Give a .db3 or .bag file of `main.py record` or the RealSense Viewer.",
        )
    try:
        with path.open("rb") as file:
            found = file.read(len(begins))
    except OSError as error:
        raise InputError(
            sentence("Cannot read {path}: {strerror}.", path=path, strerror=error.strerror),
            "Check that this user may read it.",
        ) from error
    if found != begins:
        raise unreadable(path, sentence("it does not begin as a recording does"))


def unreadable(path: Path, why: str) -> InputError:
    """The error of a file that is there and is no recording, or no longer a whole one."""
    return InputError(
        sentence("{name} cannot be read: it is damaged or was cut off ({why}).", name=path.name, why=why),
        "Copy it again from its source, or choose another recording.",
    )
