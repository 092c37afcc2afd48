"""The small tokens that travel between the station, the capture process and the inference process.

They go over `multiprocessing` pipes; pixels never do (they sit in the shared-memory ring). Every message is immutable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.challenge import ChallengeAnswer
from core.codes import ConnectionState, DoorReason, Outcome, Reason, RecordMode, SourceKind
from core.errors import ExitCode, KnownError
from core.frames import Modality, ModalityMask, StreamProfile
from core.policy import SitePolicy
from core.probing import AlarmRaised
from core.verdict import Observation, Verdict


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Identity of a camera. All but the name may be empty: a software device has no firmware."""

    name: str
    serial: str = ""
    firmware: str = ""
    usb: str = ""
    port: str = ""
    product_id: str = ""
    asic_serial: str = ""


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """Counters of one stream since the camera opened. ``fps_hz`` is measured over the last second."""

    frames: int = 0
    fps_hz: float = 0.0
    duplicates: int = 0
    rejected: int = 0
    last_age_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """State of the camera, sent on every change and about twice a second."""

    state: ConnectionState
    mask: ModalityMask
    source_kind: SourceKind
    device: DeviceInfo
    streams: Mapping[Modality, StreamHealth] = field(default_factory=dict)
    profiles: Mapping[Modality, StreamProfile] = field(default_factory=dict)
    camera_s: float = 0.0
    """Camera time of the newest frame set, in seconds since the first."""
    sets: int = 0
    skew_ms: Mapping[str, float] = field(default_factory=dict)
    """p50, p95, max over the session so far."""
    dropped_capture: int = 0
    dropped_recorder: int = 0
    recorded: int = 0
    temperature_c: float | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    """Camera settings in force, as ``rgb.exposure`` or ``stereo.laser_power``."""
    problem: str = ""
    """Error code and text for people, when ``state`` is LOST, BACK_OFF or FAILED."""


# --- station -> capture -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Begin to store frame sets into the session ``session`` (its frames database at ``path``).

    ``key_id`` and ``key``: the session's own data key. The capture process never gets the key that wraps it.
    """

    session: str
    path: str
    mode: RecordMode
    key_id: str = ""
    key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Finish the queue, close the frames database, answer with `RecordingClosed`."""


@dataclass(frozen=True, slots=True)
class SetOptions:
    """Change camera settings (option name of the SDK -> value) or give a face region for auto-exposure."""

    options: Mapping[str, float] = field(default_factory=dict)
    face_roi: tuple[int, int, int, int] | None = None

    def then(self, later: SetOptions) -> SetOptions:
        """What both together ask for."""
        return SetOptions({**self.options, **later.options}, later.face_roi or self.face_roi)


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Finish cleanly and exit."""


@dataclass(frozen=True, slots=True)
class ChallengeCamera:
    """Switch the camera's light in a rhythm of its own drawing and answer with `ChallengeAnswered`."""

    nonce: str


# --- capture -> station -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordingClosed:
    """The recorder has committed everything it will commit. ``problem`` is set when it had to stop by itself."""

    session: str
    recorded: int
    dropped: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ChallengeAnswered:
    """What the challenge ``nonce`` came to; goes on to inference."""

    nonce: str
    answer: ChallengeAnswer


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The source has no more frames (end of a file, or the requested number of seconds)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A known error (`core.errors.KnownError`) in a child process; ``fatal`` when the child gives up."""

    what: str
    remedy: str = ""
    fatal: bool = False
    exit_code: ExitCode = ExitCode.ENVIRONMENT

    @classmethod
    def of(cls, error: KnownError, *, fatal: bool = False) -> Problem:
        """The message that tells of ``error``."""
        return cls(error.what, error.remedy, fatal, ExitCode(error.exit_code))

    def error(self) -> KnownError:
        """The error again, with its exit code."""
        error = KnownError(self.what, self.remedy)
        error.exit_code = self.exit_code
        return error


# --- station -> inference -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoadModel:
    """Use the model at ``path`` (a bundle directory or file) from the next frame set on, after its self-test."""

    path: str


@dataclass(frozen=True, slots=True)
class LoadShadow:
    """Let the model at ``path`` run beside the champion, after its self-test; an empty path ends that."""

    path: str


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Use this site policy from the next presentation on."""

    policy: SitePolicy


@dataclass(frozen=True, slots=True)
class SetSession:
    """The session and source that presentations which start by themselves belong to, from now on.

    ``locked`` restores a lock-out that stood before the inference process was started again.
    """

    session: str
    source_kind: SourceKind
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What the camera in use may do; the window is told too. Until it comes, nothing is qualified.

    ``qualified`` are the masks under which a live camera's verdicts count; under every other it gives shadow verdicts.
    ``checked_utc_s`` is when its newest start-of-shift check passed; ``None`` where there was none, or it failed. While
    ``withheld`` gives a reason, every presentation but a test is answered with that non-response.
    ``camera`` is the fingerprint of its identity; a live camera that is not ``commissioned`` decides nothing.
    """

    qualified: frozenset[ModalityMask] = frozenset()
    checked_utc_s: float | None = None
    withheld: Reason = Reason.NONE
    camera: str = ""
    commissioned: bool = False
    own_policy: bool = False
    """Whether this site decides by a policy of its own, not by the factory's."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Nobody is answered for so much camera time, after repeated probing (`core.probing`); 0 ends a delay."""

    duration_ms: float


@dataclass(frozen=True, slots=True)
class BeginPresentation:
    """Start a presentation. Without it, one starts by itself when a face comes into view (if ``automatic``).

    ``test`` makes its verdict a shadow verdict whatever stands: it is about the camera, not about who wants to pass.
    """

    presentation: str
    session: str
    source_kind: SourceKind
    test: bool = False


@dataclass(frozen=True, slots=True)
class EndPresentation:
    """End the running presentation now; it answers with what it has."""


@dataclass(frozen=True, slots=True)
class Unlock:
    """A supervisor ends the lock-out."""


# --- inference -> station -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model is loaded and self-tested; ``device`` is ``cpu`` or the CUDA device name."""

    sha256: str
    name: str
    device: str


@dataclass(frozen=True, slots=True)
class ObservationMade:
    """Newest observation, for the live picture (hint, face box, mask)."""

    observation: Observation


@dataclass(frozen=True, slots=True)
class ChallengeWanted:
    """A presentation has begun: the camera is to be challenged for it."""

    nonce: str


@dataclass(frozen=True, slots=True)
class LockOutChanged:
    """The station was locked after repeated attacks, or unlocked again, for sources of this kind."""

    source_kind: SourceKind
    locked: bool


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """A verdict that waits for its commit; the banner is final only after the station has stored it."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ShadowSaid:
    """What the model beside the champion would have answered where the verdict of camera time ``t_s`` did."""

    model: str
    t_s: float
    outcome: Outcome


# --- station -> window, `run` -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VerdictCommitted:
    """A verdict and its audit row are stored (catalogue row ``row_id``): now, and only now, the banner is final."""

    row_id: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DoorChanged:
    """The door opened or closed for ``controllers`` gate controllers that listen (core.door)."""

    open: bool
    reason: DoorReason
    controllers: int


Message = (
    CameraHealth
    | StartRecording
    | StopRecording
    | SetOptions
    | Shutdown
    | ChallengeCamera
    | ChallengeAnswered
    | ChallengeWanted
    | RecordingClosed
    | StreamEnded
    | Problem
    | LoadModel
    | LoadShadow
    | SetPolicy
    | SetSession
    | Standing
    | Delay
    | AlarmRaised
    | BeginPresentation
    | EndPresentation
    | Unlock
    | ModelReady
    | LockOutChanged
    | ObservationMade
    | VerdictReached
    | ShadowSaid
    | VerdictCommitted
    | DoorChanged
)
"""Anything that may come out of a pipe."""
