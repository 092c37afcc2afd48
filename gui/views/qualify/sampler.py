"""Takes frame sets for a measurement from what the pictures show."""

from __future__ import annotations

from collections.abc import Callable

from core.frames import FrameSet

WANTED = 30
SETTLE = 10
"""Frame sets that are let go first: exposure settles."""


class Sampler:
    """A view of the feed that keeps frame sets until it has enough."""

    def __init__(self, progress: Callable[[int], object], done: Callable[[list[FrameSet]], object]) -> None:
        self._progress, self._done = progress, done
        self._seen = 0
        self._kept: list[FrameSet] = []

    def take(self, frame_set: FrameSet, arrived_ms: float) -> None:
        """See `gui.feed.FrameView.take`."""
        self._seen += 1
        if self._seen <= SETTLE or len(self._kept) >= WANTED:
            return
        self._kept.append(frame_set)
        self._progress(len(self._kept))
        if len(self._kept) == WANTED:
            self._done(self._kept)

    def tick(self, now_ms: float) -> None:
        """See `gui.feed.FrameView.tick`: a measurement waits as long as it takes."""
