"""The camera protocol: what capture needs from hardware, a file, a simulation or a stored session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from core.codes import SourceKind
from core.errors import HostError
from core.frames import FrameSet, Modality, StreamProfile
from core.messages import CameraHealth, DeviceInfo, SetOptions

if TYPE_CHECKING:
    from devices.stimulus import Stimulus


class FrameTimeoutError(HostError):
    """No frame set came within the time that the caller allowed."""


class StaleFrameError(HostError):
    """The newest frame set is older than the caller accepts."""


class NotLiveError(HostError):
    """A device was offered as a live camera and is none: a recording, or one that exists in software only."""


class Camera(Protocol):
    """A source of frame sets.

    The object exists even when its device does not: identity and profiles are empty until `open`. One thread uses it.
    There are three ways to read, which differ in what they do with frame sets that were not read in time:

    * `read_next` skips none (recording, counting a file);
    * `read` is the same, but a time-out is an error;
    * `read_newest` skips to the newest and refuses one that is too old (a picture on a screen).
    """

    @property
    def source_kind(self) -> SourceKind:
        """Where its frames come from."""
        ...

    @property
    def device(self) -> DeviceInfo:
        """Identity, as far as the device gives one."""
        ...

    @property
    def profiles(self) -> Mapping[Modality, StreamProfile]:
        """The opened streams."""
        ...

    @property
    def ended(self) -> bool:
        """A finite source has handed out its last frame set."""
        ...

    @property
    def camera_s(self) -> float:
        """Camera time of the newest frame set that was read, in seconds since the first."""
        ...

    @property
    def stimulus(self) -> Stimulus | None:
        """What of the open camera can be switched to challenge it; ``None`` for what was recorded."""
        ...

    def open(self) -> None:
        """Find the device and choose its streams. Raises `HostError` (no device) or `InputError` (a bad file)."""
        ...

    def start(self) -> None:
        """Begin to deliver."""
        ...

    def close(self) -> None:
        """Stop and let go of the device. Does nothing when it is not open. May hang: the SDK's own stop can."""
        ...

    def reset(self) -> None:
        """Restart the closed device, as the last resort; does nothing where that cannot be done."""
        ...

    def read_next(self, timeout_ms: float) -> FrameSet | None:
        """The next frame set in order; ``None`` when none came in time or the source has ended (`ended`)."""
        ...

    def read(self, timeout_ms: float) -> FrameSet:
        """The next frame set in order. Raises `FrameTimeoutError`."""
        ...

    def read_newest(self, max_age_ms: float) -> FrameSet:
        """The newest frame set, without waiting. Raises `StaleFrameError` when it arrived over ``max_age_ms`` ago."""
        ...

    def health(self) -> CameraHealth:
        """Counters and state, from the camera's own view (the capture process adds what it knows)."""
        ...

    def set_options(self, options: SetOptions) -> Mapping[str, float]:
        """Apply what the device supports; returns what is in force now. What it lacks is left out, never fatal."""
        ...
