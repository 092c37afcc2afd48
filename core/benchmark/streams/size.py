"""How large the streams study is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from core.benchmark.sizes import Size, SplitSize

STREAM = "stream"
"""The split of a target's people who are adapted on; nobody of them is judged."""


class StreamSize(Size):
    """A study size with the people of the stream, and what an adaptation may do."""

    stream: SplitSize
    labels: int = Field(default=20, ge=5, description="labelled presentations of the label-equal table")
    steps: int = Field(default=40, ge=1, description="updates of every method that updates")
    rows: int = Field(default=24, ge=4, description="rows of a batch that an update draws from each source")

    def split(self, name: str) -> SplitSize:
        """The size of ``train``, ``dev``, ``test`` or ``stream``."""
        return self.stream if name == STREAM else super().split(name)


_SMALL = {
    "train": SplitSize(presentations=240, frames=1),
    "dev": SplitSize(presentations=96, frames=2),
    "test": SplitSize(presentations=144, frames=2),
    "stream": SplitSize(presentations=160, frames=3),
    "variants": 3,
    "pixels": 48,
    "trunk_epochs": 14,
    "peer_epochs": 4,
    "batch": 32,
    "trials": 1,
    "trial_epochs": 1,
    "seeds": 1,
}
QUICK = StreamSize(name="streams-quick", **_SMALL)  # type: ignore[arg-type]
"""Minutes on two cores, with the cells of one target: shows that everything runs, ranks nobody."""

FULL = StreamSize(
    name="streams",
    **{
        **_SMALL,
        "train": SplitSize(presentations=3000, frames=1),
        "trunk_epochs": 20,
        "test": SplitSize(presentations=192, frames=2),
        "seeds": 3,
    },  # type: ignore[arg-type]
)
"""The committed tables (docs/adaptation.md)."""


@dataclass(frozen=True, slots=True)
class SizedOrder:
    """What a person asked for: where to write, where pieces lie, how large, in how many processes."""

    out: Path
    work: Path
    quick: bool = False
    processes: int = 1
    size: StreamSize | None = None

    @property
    def sized(self) -> StreamSize:
        """The size that was asked for."""
        return self.size or (QUICK if self.quick else FULL)
