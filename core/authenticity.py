"""What no sensor does: pixels that come again, times that do not run on (reliability.md sections 4.2 and 5).

Every image of a sensor carries its own noise, so equal pixels under another number mean that the same image was handed
out again: at once (frozen) or after a while (a loop, or frames with new times). Only images that say something are
compared: a covered lens gives the same black again and again. One digest of every sixteenth row is enough and costs
some hundredths of a millisecond.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Reason

ROW_STEP = 16
REMEMBERED = 9000
"""Images that are remembered: five minutes at 30 a second."""
TELLING_SHARE = 0.01
"""Share of pixels that must differ from the first for an image to be compared: hot pixels on a black image do not."""
BAD_TIMES = 3
"""So many bad times with fewer than `GOOD_TIMES` good ones in between are no slip."""
GOOD_TIMES = 30


class Authenticity:
    """Watches one stream since its camera was opened."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._order: deque[int] = deque()
        self._bad = 0
        self._good = 0

    def pixels(self, pixels: NDArray[Any]) -> Reason:
        """Take the image of a new frame; names the flaw when it was seen before.

        Args:
            pixels: ``(H, W)`` or ``(H, W, 3)``, any integer type.
        """
        rows = np.ascontiguousarray(pixels[::ROW_STEP])
        if np.count_nonzero(rows != rows.flat[0]) < TELLING_SHARE * rows.size:
            return Reason.NONE
        digest = hash(rows.tobytes())
        if digest in self._seen:
            return Reason.FROZEN_FRAMES if digest == self._order[-1] else Reason.REPEATED_FRAMES
        self._seen.add(digest)
        self._order.append(digest)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
        return Reason.NONE

    def times(self, fits: bool) -> Reason:
        """Take whether the time of a new frame fits those before; names the flaw when too many do not."""
        self._good = self._good + 1 if fits else 0
        if self._good >= GOOD_TIMES:
            self._bad = 0
        self._bad += not fits
        return Reason.BAD_TIMES if not fits and self._bad >= BAD_TIMES else Reason.NONE
