"""The stored frames of a session, as a camera replays them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.errors import InputError, sentence
from core.frames import FrameSet
from storage.frames import FrameStore
from storage.paths import DataFolder
from storage.sealing import PLAIN, DataKey, Opener


def stored_frames(folder: DataFolder, session: str, key: DataKey) -> Iterator[FrameSet]:
    """The frame sets of ``session`` in order; ``key`` without an id where they are not encrypted.

    Raises:
        InputError: it holds no frames, or they cannot be read.
    """
    opener = Opener(lambda _: key, plain=False) if key.id else PLAIN
    with FrameStore.open(frames_file(folder, session), opener) as store:
        yield from store


def frames_file(folder: DataFolder, session: str) -> Path:
    """Where the frames of ``session`` lie; raises `InputError` where there are none."""
    path = folder.frames(session)
    if not path.is_file():
        raise InputError(
            sentence("The session {session!r} holds no frames.", session=session),
            "List sessions with `main.py sessions`.",
        )
    return path
