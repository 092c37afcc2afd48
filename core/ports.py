"""What the core needs from the outside, as Protocols. `main.py` hands in the implementations (architecture.md 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.frames import FrameSet


class FrameSource(Protocol):
    """Where the inference process takes frame sets from: the reading end of the ring."""

    def newest(self, after: int, timeout_ms: float) -> tuple[FrameSet, float] | None:
        """Newest frame set whose number is greater than ``after``, with its age in ms; ``None`` after the time-out."""
        ...

    def close(self) -> None:
        """Detach."""
        ...


class FrameSink(Protocol):
    """Where the capture process hands frame sets to: the ring, the recorder."""

    def offer(self, frame_set: FrameSet) -> bool:
        """Take the frame set without blocking; ``False`` when it had to be dropped (and was counted)."""
        ...


class Recorder(FrameSink, Protocol):
    """The recording thread of the capture process; it alone writes the session's frames database."""

    @property
    def recorded(self) -> int:
        """Frame sets committed so far."""
        ...

    @property
    def dropped(self) -> int:
        """Frame sets that did not fit into the queue."""
        ...

    @property
    def problem(self) -> str:
        """Why it stopped by itself (disk full, ...), or the empty string."""
        ...

    def close(self) -> None:
        """Commit what is queued and close the database."""
        ...


class StoredPresentation(Protocol):
    """One labelled or unlabelled presentation of a stored session."""

    id: str
    session: str
    subject: str
    species: Species | str | None
    """Empty = bona fide, ``None`` = not labelled."""
    artefact: str
    source_kind: str


class PresentationStore(Protocol):
    """Read access to stored presentations (adaptation, replay, export)."""

    def presentations(self, sessions: Sequence[str]) -> Sequence[StoredPresentation]:
        """All presentations of the sessions, in order."""
        ...

    def frame_sets(self, presentation: str) -> Iterator[FrameSet]:
        """The stored frame sets of one presentation, in order."""
        ...


Image = NDArray[np.uint8]
