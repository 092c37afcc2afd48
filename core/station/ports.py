"""What a station needs from the outside: a camera link and a ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Protocol

from core.access import Actor, Permission
from core.codes import RecordMode, SessionPurpose, SessionState, SourceKind
from core.door.output import DoorPlaces
from core.messages import CameraHealth, Message, ShadowSaid, Standing, StartRecording
from core.policy import PolicyInForce
from core.probing import AlarmRaised, Probing
from core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """What a person asks for when a session starts. ``subject`` is a pseudonym; empty at a checkpoint."""

    purpose: SessionPurpose = SessionPurpose.CHECKPOINT
    mode: RecordMode = RecordMode.DECISIONS
    subject: str = ""
    name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    qualification: int = 0
    """Number of the qualification whose takes this session holds, for that purpose."""


@dataclass(frozen=True, slots=True)
class PresentationLabel:
    """What is known of a presentation before the take: ``species`` empty = bona fide, ``None`` = not known."""

    species: str | None = None
    subject: str = ""
    artefact: str = ""
    condition: str = ""
    test: bool = False
    """A test of the camera: its verdict is a shadow verdict whatever stands."""


class CaptureLink(Protocol):
    """The capture process under supervision."""

    @property
    def pipe(self) -> Connection | None:
        """Pipe to wait on; ``None`` while the process is down."""
        ...

    @property
    def pid(self) -> int | None:
        """Process id; ``None`` for a thread or while the process is down."""
        ...

    def start(self) -> None:
        """Spawn the capture process."""
        ...

    def send(self, message: Message) -> bool:
        """Send; ``False`` when the process is gone."""
        ...

    def poll(self) -> list[Message]:
        """Drain the pipe and supervise (restart, kill); never blocks."""
        ...

    def shutdown(self, timeout_s: float) -> None:
        """Ask it to finish; kill it after ``timeout_s``."""
        ...


class StationLedger(Protocol):
    """The catalogue as a station uses it: every call is one transaction (architecture.md section 3)."""

    def open_session(self, order: SessionOrder, source_kind: SourceKind) -> tuple[str, StartRecording | None]:
        """Create the session; returns its id, and what the recorder is told (``None`` for decisions only)."""
        ...

    def describe_session(self, session: str, health: CameraHealth) -> None:
        """Store identity, calibration and settings of the camera with the session."""
        ...

    def close_session(
        self, session: str, state: SessionState, health: CameraHealth | None, recorded: int, problem: str = ""
    ) -> None:
        """Close it, with its counts; ``problem``: why it ended before it should."""
        ...

    def open_presentation(self, session: str, label: PresentationLabel, t_s: float) -> str:
        """Create a presentation; returns its id."""
        ...

    def close_presentation(self, presentation: str, first_set: int, last_set: int, t_s: float) -> None:
        """Store which frame sets belong to it."""
        ...

    def discard_presentation(self, presentation: str) -> None:
        """Mark a take as not to be used."""
        ...

    def commit_verdict(self, verdict: Verdict) -> int:
        """Store verdict and audit row in one transaction; returns the verdict's row id."""
        ...

    def require(self, permission: Permission) -> None:
        """Go on only if whoever acts holds ``permission``; raises `core.access.DeniedError`."""
        ...

    def act_as(self, actor: Actor | None) -> None:
        """Whoever acts from now on; ``None``: nobody has logged in."""
        ...

    def note_unlock(self, session: str, reason: str) -> None:
        """Audit that a supervisor ends the lock-out; raises if whoever acts is none."""
        ...

    def note_door(self, places: DoorPlaces) -> None:
        """Audit that verdicts are told to gate controllers at ``places``; raises if whoever acts may not do that."""
        ...

    def champion(self) -> tuple[str, str]:
        """sha256 and path of the deployed model."""
        ...

    def shadow(self) -> tuple[str, str]:
        """sha256 and path of the model that runs beside it; both empty where none does."""
        ...

    def note_shadow(self, verdict: int, said: ShadowSaid) -> None:
        """Store what that model would have answered where the verdict of this row id did."""
        ...

    def policy(self) -> PolicyInForce:
        """The site policy that is stored, and whether it can be trusted."""
        ...

    def audit_broken(self) -> bool:
        """Whether the audit log has a break that no administrator has acknowledged."""
        ...

    def standing(self, source_kind: SourceKind, health: CameraHealth | None, model: str) -> Standing:
        """What the camera in use may do with the model of this sha256; ``health`` is ``None`` before it is known."""
        ...

    def note_clock_jump(self, seconds: float) -> None:
        """Log that the wall clock jumped by so much."""
        ...

    def probing(self, source_kind: SourceKind) -> Probing:
        """Whether somebody is trying again and again, by the stored verdicts of such sources."""
        ...

    def locked(self, source_kind: SourceKind) -> bool:
        """Whether such sources are locked out, by what is stored: a restart ends no lock-out."""
        ...

    def raise_alarm(self, session: str, alarm: AlarmRaised) -> None:
        """Audit that somebody is probing."""
        ...

    def changes(self) -> int:
        """A number that changes whenever anybody writes to the catalogue."""
        ...
