"""A stored session as a camera: the same frame sets, without the SDK."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from core.codes import SourceKind
from core.frames import FrameSet, Modality, StreamProfile
from core.messages import CameraHealth, DeviceInfo, SetOptions
from core.pairing import PairingCounts
from devices.base import FrameTimeoutError, StaleFrameError
from devices.meter import StreamMeter

MAX_PAUSE_S = 5.0
"""A longer gap between two stored frame sets is not waited out."""


class ReplayCamera:
    """Hands out stored frame sets in order, as fast as they are read or at their own pace.

    Args:
        frame_sets: in order; read lazily.
        profiles: the streams, if they are known before the first frame set.
        realtime: keep the recorded pace.
        device: identity that was stored with the session.
    """

    source_kind = SourceKind.PLAYBACK

    def __init__(
        self,
        frame_sets: Iterable[FrameSet],
        profiles: Mapping[Modality, StreamProfile] | None = None,
        *,
        realtime: bool = False,
        device: DeviceInfo | None = None,
    ) -> None:
        self.stimulus = None
        self.device = device or DeviceInfo(name="Stored session")
        self.ended = False
        self._frame_sets = frame_sets
        self._profiles = dict(profiles or {})
        self._realtime = realtime
        self._iterator: Iterator[FrameSet] = iter(())
        self._next: FrameSet | None = None
        self._offset_ms: float | None = None
        self._last_ms = 0.0
        self._meter = StreamMeter(SourceKind.PLAYBACK)
        self._counts: dict[Modality, PairingCounts] = {}

    @property
    def profiles(self) -> Mapping[Modality, StreamProfile]:
        """See `Camera.profiles`."""
        return self._profiles

    @property
    def camera_s(self) -> float:
        """See `Camera.camera_s`."""
        return self._meter.camera_s

    def open(self) -> None:
        """See `Camera.open`."""
        self._iterator = iter(self._frame_sets)
        self._fetch()

    def start(self) -> None:
        """See `Camera.start`."""

    def close(self) -> None:
        """See `Camera.close`."""
        self._next = None

    def reset(self) -> None:
        """See `Camera.reset`."""

    def read_next(self, timeout_ms: float) -> FrameSet | None:
        """See `Camera.read_next`."""
        frame_set = self._next
        if frame_set is None or not self._is_due(frame_set, timeout_ms):
            return None
        now_ms = time.monotonic() * 1000.0
        for modality in frame_set.frames:
            self._counts.setdefault(modality, PairingCounts()).frames += 1
            self._meter.arrived(modality, now_ms)
        self._meter.paired(frame_set, now_ms)
        self._fetch()
        return frame_set

    def read(self, timeout_ms: float) -> FrameSet:
        """See `Camera.read`."""
        frame_set = self.read_next(timeout_ms)
        if frame_set is None:
            raise FrameTimeoutError("The stored session has no further frame set.", "Start it again.")
        return frame_set

    def read_newest(self, max_age_ms: float) -> FrameSet:
        """See `Camera.read_newest`: the next one that is due."""
        frame_set = self.read_next(0.0)
        if frame_set is None:
            raise StaleFrameError("The stored session has no frame set for now.", "Start it again.")
        return frame_set

    def health(self) -> CameraHealth:
        """See `Camera.health`."""
        return self._meter.health(
            device=self.device,
            profiles=self._profiles,
            counts=self._counts,
            now_ms=time.monotonic() * 1000.0,
            ended=self.ended,
        )

    def set_options(self, options: SetOptions) -> Mapping[str, float]:
        """What was recorded cannot be changed."""
        return {}

    def _fetch(self) -> None:
        self._next = next(self._iterator, None)
        if self._next is None:
            self.ended = True
        else:
            self._profiles.update(self._next.profiles)

    def _is_due(self, frame_set: FrameSet, timeout_ms: float) -> bool:
        if not self._realtime:
            return True
        now_ms = time.monotonic() * 1000.0
        gap_ms = frame_set.time_ms - self._last_ms
        if self._offset_ms is None or not 0.0 <= gap_ms <= 1000.0 * MAX_PAUSE_S:
            self._offset_ms = now_ms - frame_set.time_ms
        wait_ms = frame_set.time_ms + self._offset_ms - now_ms
        if wait_ms > timeout_ms:
            time.sleep(max(0.0, timeout_ms) / 1000.0)
            return False
        time.sleep(max(0.0, wait_ms) / 1000.0)
        self._last_ms = frame_set.time_ms
        return True
