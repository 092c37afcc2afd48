"""What the core needs from the outside, as Protocols. `main.py` hands in the implementations (architecture.md 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.codes import JobState
from core.frames import FaceCrop, FrameSet, ModalityMask
from core.labelling.blind import BlindLabel, Labels
from core.verdict import Evidence


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


class Scorer(Protocol):
    """Anything that turns face crops into evidence: the network, or the relief baseline ``builtin:sheet``."""

    @property
    def name(self) -> str:
        """Name for people."""
        ...

    @property
    def sha256(self) -> str:
        """Digest of the weights (of the parameters, for a baseline); stands in every verdict."""
        ...

    @property
    def device(self) -> str:
        """``cpu`` or the name of the CUDA device."""
        ...

    def threshold(self, mask: ModalityMask) -> float | None:
        """Score threshold of a mask, for the pooled score of a presentation; ``None`` = never calibrated: refer."""
        ...

    def may_accept(self, mask: ModalityMask) -> bool:
        """Whether the model may accept under ``mask``; where it may not, what would be accepted is referred."""
        ...

    @property
    def threshold_source(self) -> str:
        """Which data set the thresholds."""
        ...

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        """Evidence for each crop, in order; the crops may have different masks. Never raises for finite pixels."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPresentation:
    """One presentation of a stored session. ``species``: empty = bona fide, ``None`` = not labelled.

    ``purpose``: what its session was recorded for (`core.codes.SessionPurpose`), empty where that is unknown.
    ``utc_s``: when it began; 0 where only the time of its import is known. ``labelled_by``: whoever gave the label;
    ``blind``: labels that others gave without seeing it.
    """

    id: str
    session: str
    subject: str
    species: str | None
    artefact: str
    source_kind: str
    purpose: str = ""
    utc_s: float = 0.0
    labelled_by: str = ""
    blind: tuple[BlindLabel, ...] = ()

    @property
    def labels(self) -> Labels | None:
        """All labels; ``None`` where there is none."""
        return None if self.species is None else Labels(self.species, self.labelled_by, self.blind)


class PresentationStore(Protocol):
    """Read access to stored presentations (adaptation, replay, export)."""

    def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        """All presentations of the sessions, in order."""
        ...

    def frame_sets(self, presentation: str, most: int | None = None) -> Iterator[FrameSet]:
        """The stored frame sets of one presentation, in order; ``most``: no more than that, evenly spread over it."""
        ...


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One adaptation job as it stands in the catalogue. ``plan`` and ``report`` are JSON texts."""

    id: str
    state: JobState
    plan: str
    plan_sha256: str
    progress: float = 0.0
    message: str = ""
    candidate: str = ""
    report: str = ""
    command: str = ""
    """What a person asked for and the worker has not yet obeyed: ``pause``, ``cancel``, ``resume`` or empty."""
    pid: int = 0
    created_utc_s: float = 0.0
    updated_utc_s: float = 0.0


class JobStore(Protocol):
    """Adaptation jobs in the catalogue; every call is one transaction."""

    def create(self, plan: str, plan_sha256: str) -> str:
        """Store a frozen plan as a QUEUED job; returns its id."""
        ...

    def get(self, job: str) -> JobRecord:
        """The job; raises `core.errors.InputError` when there is none of that id."""
        ...

    def all(self) -> list[JobRecord]:
        """All jobs, newest first."""
        ...

    def update(
        self,
        job: str,
        *,
        state: JobState | None = None,
        progress: float | None = None,
        message: str | None = None,
        candidate: str | None = None,
        report: str | None = None,
        pid: int | None = None,
    ) -> None:
        """Change what is given."""
        ...

    def request(self, job: str, command: str) -> None:
        """A person asks the worker to ``pause``, ``cancel`` or ``resume``."""
        ...

    def take_request(self, job: str) -> str:
        """The pending request, which is cleared; empty when there is none."""
        ...

    def append_event(self, job: str, step: int, values: Mapping[str, float]) -> None:
        """One point of the live curves (loss, coverage, stability weight, anchor, ...)."""
        ...

    def events(self, job: str, after_step: int = -1) -> list[tuple[int, dict[str, float]]]:
        """The points after ``after_step``, in order."""
        ...
