"""Counts what a camera delivers: rate, age, skew and state, for `CameraHealth`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from core.codes import ConnectionState, SourceKind
from core.frames import FrameSet, Modality, ModalityMask, StreamProfile
from core.messages import CameraHealth, DeviceInfo, StreamHealth
from core.pairing import PairingCounts

WINDOW_MS = 1000.0
HOLD_MS = 500.0
"""A modality that was in no mask for so long is missing."""
SKEW_SAMPLES = 4096


def hold_ms(source_kind: SourceKind) -> float:
    """What is played is described set by set; a camera may lose a single frame without being called degraded."""
    return 0.0 if source_kind is SourceKind.PLAYBACK else HOLD_MS


class Presence:
    """Which modalities are coming, from the masks of the frame sets.

    Args:
        hold_ms: how long a modality counts as present after its last use; 0 = exactly the newest mask.
    """

    def __init__(self, hold_ms: float) -> None:
        self.started = False
        self.last_ms = -math.inf
        self._hold_ms = hold_ms
        self._newest = ModalityMask(0)
        self._seen_ms: dict[Modality, float] = {}

    def add(self, mask: ModalityMask, now_ms: float) -> None:
        """A frame set with this mask has come."""
        self.started = True
        self.last_ms = now_ms
        self._newest = mask
        for modality in mask:
            self._seen_ms[modality] = now_ms

    def mask(self, now_ms: float) -> ModalityMask:
        """The modalities that are present now."""
        if self._hold_ms <= 0.0:
            return self._newest
        return ModalityMask.of(m for m, at_ms in self._seen_ms.items() if now_ms - at_ms <= self._hold_ms)


class StreamMeter:
    """Arrivals and usable frames of one camera since it was first opened. Times are the host's monotonic clock."""

    def __init__(self, source_kind: SourceKind) -> None:
        self.source_kind = source_kind
        self.sets = 0
        self.camera_s = 0.0
        self._last: tuple[float, float] | None = None
        self._resumed = False
        self._arrivals: dict[Modality, deque[float]] = {}
        self._presence = Presence(hold_ms(source_kind))
        self._skew_ms: deque[float] = deque(maxlen=SKEW_SAMPLES)

    def reopened(self) -> None:
        """The device was opened again: its clock may have started anew, so the gap is measured on the host."""
        self._resumed = True
        self._arrivals.clear()

    def arrived(self, modality: Modality, now_ms: float) -> None:
        """One frame came out of the device."""
        arrivals = self._arrivals.setdefault(modality, deque())
        arrivals.append(now_ms)
        while arrivals[0] < now_ms - WINDOW_MS:
            arrivals.popleft()

    def paired(self, frame_set: FrameSet, now_ms: float) -> None:
        """One frame set is ready."""
        self.sets += 1
        if self._last is not None:
            device_ms, host_ms = frame_set.time_ms - self._last[0], now_ms - self._last[1]
            self.camera_s += max(0.0, host_ms if self._resumed else device_ms) / 1000.0
        self._last = (frame_set.time_ms, now_ms)
        self._resumed = False
        self._presence.add(frame_set.mask, now_ms)
        if len(frame_set.frames) > 1:
            self._skew_ms.append(frame_set.skew_ms)

    def skew(self) -> dict[str, float]:
        """p50, p95 and max of the measured skew; empty before the first pair."""
        if not self._skew_ms:
            return {}
        p50, p95 = np.percentile(self._skew_ms, [50, 95])
        return {"p50": round(float(p50), 3), "p95": round(float(p95), 3), "max": round(max(self._skew_ms), 3)}

    def streams(self, counts: Mapping[Modality, PairingCounts], now_ms: float) -> dict[Modality, StreamHealth]:
        """Counters of each stream."""
        health = {}
        for modality, count in counts.items():
            arrivals = self._arrivals.get(modality, deque())
            recent = [at_ms for at_ms in arrivals if at_ms >= now_ms - WINDOW_MS]
            span_ms = recent[-1] - recent[0] if len(recent) > 1 else 0.0
            health[modality] = StreamHealth(
                frames=count.frames,
                fps_hz=round((len(recent) - 1) * 1000.0 / span_ms, 2) if span_ms else 0.0,
                duplicates=count.duplicates,
                rejected=count.rejected,
                last_age_ms=round(now_ms - arrivals[-1], 1) if arrivals else 0.0,
            )
        return health

    def health(
        self,
        *,
        device: DeviceInfo,
        profiles: Mapping[Modality, StreamProfile],
        counts: Mapping[Modality, PairingCounts],
        now_ms: float,
        ended: bool = False,
        temperature_c: float | None = None,
        settings: Mapping[str, float] | None = None,
    ) -> CameraHealth:
        """Everything together. The state is the camera's own view: warming up, streaming, degraded or ended."""
        mask = self._presence.mask(now_ms)
        if ended:
            state = ConnectionState.ENDED
        elif not self.sets:
            state = ConnectionState.WARM_UP
        else:
            state = ConnectionState.STREAMING if mask == ModalityMask.of(profiles) else ConnectionState.DEGRADED
        return CameraHealth(
            state=state,
            mask=mask,
            source_kind=self.source_kind,
            device=device,
            streams=self.streams(counts, now_ms),
            profiles=profiles,
            camera_s=self.camera_s,
            sets=self.sets,
            skew_ms=self.skew(),
            dropped_capture=sum(count.lost for count in counts.values()),
            temperature_c=temperature_c,
            settings=settings or {},
        )
