"""The one path from the SDK to frame sets, for hardware, files and simulation alike.

``query_sensors -> open -> start(frame_queue, keep_frames) -> poll -> copy at once -> core.pairing``. Never
``rs.pipeline``, ``rs.syncer`` or callbacks: they mix frame numbers, depend on the start time and deadlock
(architecture.md section 10). Where a device comes from is an `Origin`.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pyrealsense2 as rs

from core.clock import Clock, SystemClock
from core.codes import SourceKind
from core.errors import HostError, sentence
from core.frames import FrameSet, Modality, StreamProfile
from core.messages import CameraHealth, DeviceInfo, SetOptions
from core.pairing import Pairer, PairingCounts
from devices.base import FrameTimeoutError, StaleFrameError
from devices.meter import StreamMeter
from devices.options import apply_options, current_options, temperature_c
from devices.sdk_frames import copy_frame, depth_unit_m, device_info, modality_of, stream_profiles
from devices.stimulus import Stimulus, find_stimulus
from devices.streams import choose_streams

log = logging.getLogger(__name__)

QUEUE_FRAMES = 64
FILE_QUEUE_FRAMES = 256
"""A file is paused long before (`HIGH_WATER`), but by a thread that a busy machine may leave waiting."""
HIGH_WATER = 24
"""A file that reads faster than we pair is paused here, so that the queue never drops."""
LOW_WATER = 8
POLL_MS = 10
ASK_MS = 1000.0
"""How often the device itself is asked for its state: each question is a USB transfer."""
SETTLE_MS = 400.0
"""The last frames of a file reach the queue some time after its status says that it has ended, and one by one."""
SETTLE_LOOKS = 20
"""So many looks at the empty queue, too: where the whole process stood still, time passed and nobody looked."""
FILE_PATIENCE_MS = 2000.0


class Origin(Protocol):
    """Where the SDK's device comes from."""

    @property
    def source_kind(self) -> SourceKind:
        """What its frames are."""
        ...

    @property
    def finite(self) -> bool:
        """Frames come from a file: nothing may be skipped, gaps are real, there is an end."""
        ...

    def acquire(self) -> Any:
        """Find or build the device. Raises `HostError` or `InputError`."""
        ...

    def reset(self) -> None:
        """Restart the device's firmware, where it has one."""
        ...

    def started(self) -> None:
        """The sensors are started: frames may flow."""
        ...

    def throttle(self, pause: bool) -> None:
        """The queue is filling up, or has room again (finite origins only)."""
        ...

    def exhausted(self) -> bool:
        """No frame will come any more."""
        ...

    def stopping(self) -> None:
        """The sensors are about to be stopped."""
        ...

    def release(self) -> None:
        """Let go of the device."""
        ...


class SdkCamera:
    """A `devices.base.Camera` over any SDK device.

    Args:
        origin: hardware, file or software device.
        max_skew_ms: see `core.pairing.Pairer`.
        record_to: also write what the sensors deliver to this ``.db3`` with the SDK's own recorder.
        first_number: number of the first frame set.
        clock: tells when frames arrive, and drives patience and ages.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        max_skew_ms: float | None = None,
        record_to: Path | None = None,
        first_number: int = 1,
        clock: Clock | None = None,
    ) -> None:
        self._origin = origin
        self._clock = clock or SystemClock()
        self._max_skew_ms = max_skew_ms
        self._record_to = record_to
        self._number = first_number
        self._device = DeviceInfo(name="")
        self._sdk_device: Any = None
        self._sensors: list[Any] = []
        self._opened: list[Any] = []
        self._started: list[Any] = []
        self._queue: Any = None
        self._chosen: dict[Modality, Any] = {}
        self._by_uid: dict[int, Modality] = {}
        self._profiles: dict[Modality, StreamProfile] = {}
        self._pairer: Pairer | None = None
        self._meter = StreamMeter(origin.source_kind)
        self._counts: dict[Modality, PairingCounts] = {}
        self._ready: deque[tuple[FrameSet, float]] = deque()
        self._temperature_c: float | None = None
        self._asked_ms = -math.inf
        self._settings: Mapping[str, float] = {}
        self._stimulus: Stimulus | None = None
        self._quiet_ms = math.inf
        self._quiet_looks = 0
        self._ended = False
        self._throttled = False

    @property
    def source_kind(self) -> SourceKind:
        """See `Camera.source_kind`."""
        return self._origin.source_kind

    @property
    def device(self) -> DeviceInfo:
        """See `Camera.device`."""
        return self._device

    @property
    def profiles(self) -> Mapping[Modality, StreamProfile]:
        """See `Camera.profiles`."""
        return self._profiles

    @property
    def ended(self) -> bool:
        """See `Camera.ended`."""
        return self._ended and not self._ready

    @property
    def stimulus(self) -> Stimulus | None:
        """See `Camera.stimulus`."""
        return self._stimulus

    @property
    def camera_s(self) -> float:
        """See `Camera.camera_s`."""
        return self._meter.camera_s

    # --- life ---------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """See `Camera.open`."""
        try:
            self._connect(self._origin.acquire())
        except RuntimeError as error:  # it has gone, or is not back from a reset: any question may end so
            self.close()
            raise HostError(
                sentence("The camera does not answer: {error}.", error=error),
                "Unplug it, plug it in again, then start again.",
            ) from error
        self._pairer = Pairer(
            self._profiles,
            max_skew_ms=self._max_skew_ms,
            patience_ms=FILE_PATIENCE_MS if self._origin.finite else None,
            max_jump_ms=math.inf if self._origin.finite else 1000.0,
            first_number=self._number,
            counts=self._counts,
        )
        self._meter.reopened()
        self._ready.clear()  # from before a loss: nobody may take that for a picture of now
        self._ended = False

    def _connect(self, device: Any) -> None:
        """Take hold of a device, its sensors and the streams that we want; learn what it says of itself."""
        self._device = device_info(device)
        self._sdk_device = device if self._record_to is None else rs.recorder(str(self._record_to), device)
        self._sensors = list(self._sdk_device.query_sensors())
        self._chosen = choose_streams(self._sensors)
        if not self._chosen:
            self.close()
            raise HostError(
                sentence("{name} offers no colour, depth or infrared stream that can be used.", name=self._device.name),
                "Choose another camera or recording with `main.py devices`.",
            )
        self._by_uid = {profile.unique_id(): modality for modality, profile in self._chosen.items()}
        self._profiles = stream_profiles(self._chosen, depth_unit_m(self._sensors))
        self._stimulus = None if self.source_kind is SourceKind.PLAYBACK else find_stimulus(self._sensors)
        self._settings = current_options(self._sensors)

    def start(self) -> None:
        """See `Camera.start`. Raises `HostError` where the device refuses (in use, too little USB bandwidth)."""
        self._queue = rs.frame_queue(FILE_QUEUE_FRAMES if self._origin.finite else QUEUE_FRAMES, keep_frames=True)
        try:
            for sensor in self._sensors:
                own = [p for p in sensor.get_stream_profiles() if p.unique_id() in self._by_uid]
                if own:
                    sensor.open(own)
                    self._opened.append(sensor)
            if self._origin.finite:  # a file runs from its first started sensor on, and the others miss their frames
                self._origin.throttle(True)
            for sensor in self._opened:
                sensor.start(self._queue)
                self._started.append(sensor)
            if self._origin.finite:
                self._origin.throttle(False)
        except RuntimeError as error:
            raise HostError(
                sentence("{name} could not be started: {error}.", name=self._device.name, error=error),
                "Close other programs that use it, plug it into a USB 3 port, then start again.",
            ) from error
        self._origin.started()

    def stop(self) -> None:
        """Stop the sensors; what they delivered can still be read, to the last frame."""
        if self._started:
            self._origin.stopping()
        for step in (*(sensor.stop for sensor in self._started), *(sensor.close for sensor in self._opened)):
            try:
                step()
            except RuntimeError as error:  # the device is gone already: nothing is left to stop
                log.info("%s: %s", self._device.name, error)
        self._started.clear()
        self._opened.clear()

    def close(self) -> None:
        """See `Camera.close`."""
        self.stop()
        self._sensors.clear()
        self._chosen.clear()
        self._stimulus = None
        self._queue = None
        if self._sdk_device is not None:
            self._sdk_device = None
            self._origin.release()

    def reset(self) -> None:
        """See `Camera.reset`."""
        self._origin.reset()

    # --- reading ------------------------------------------------------------------------------------------------

    def read_next(self, timeout_ms: float) -> FrameSet | None:
        """See `Camera.read_next`."""
        deadline_ms = self._clock.now_ms() + timeout_ms
        while not self._ready and not self._ended:
            left_ms = deadline_ms - self._clock.now_ms()
            self._pump(min(float(POLL_MS), max(0.0, left_ms)))
            if left_ms <= 0.0:
                break
        return self._hand_out(self._ready.popleft()[0]) if self._ready else None

    def read(self, timeout_ms: float) -> FrameSet:
        """See `Camera.read`."""
        frame_set = self.read_next(timeout_ms)
        if frame_set is None:
            raise FrameTimeoutError(
                sentence(
                    "{name} delivered no frame set within {timeout_ms:.0f} ms.",
                    name=self._device.name,
                    timeout_ms=timeout_ms,
                ),
                "Check its cable.",
            )
        return frame_set

    def read_newest(self, max_age_ms: float) -> FrameSet:
        """See `Camera.read_newest`."""
        self._pump(0.0)
        newest = self._ready[-1] if self._ready else None
        self._ready.clear()
        if newest is None or self._clock.now_ms() - newest[1] > max_age_ms:
            raise StaleFrameError(
                sentence(
                    "{name} has no frame set that is newer than {max_age_ms:.0f} ms.",
                    name=self._device.name,
                    max_age_ms=max_age_ms,
                ),
                "Check its cable.",
            )
        return self._hand_out(newest[0])

    def _hand_out(self, frame_set: FrameSet) -> FrameSet:
        self._meter.paired(frame_set, self._clock.now_ms())
        return frame_set

    def _pump(self, wait_ms: float) -> None:
        """Move what the queue holds into the pairer, waiting at most ``wait_ms`` for the first frame."""
        if self._queue is None or self._pairer is None or self._ended:
            return
        self._throttle()
        exhausted = self._is_exhausted()  # asked before the queue: a frame may come in between
        got, frame = self._queue.try_wait_for_frame(max(0, math.ceil(wait_ms)))
        if not got:
            now_ms = self._clock.now_ms()
            got, frame = self._queue.try_wait_for_frame(0)  # where all stood still in between, frames came before that
        if not got:
            self._deliver(self._pairer.flush() if exhausted else self._pairer.poll(now_ms), now_ms)
            self._ended = exhausted
            return
        self._quiet_ms, self._quiet_looks = math.inf, 0
        while got:
            modality = self._by_uid.get(frame.get_profile().unique_id()) or modality_of(frame.get_profile())
            if modality is not None:
                now_ms = self._clock.now_ms()
                self._meter.arrived(modality, now_ms)
                self._deliver(self._pairer.add(copy_frame(frame, modality), now_ms), now_ms)
            del frame
            got, frame = (False, None) if len(self._ready) >= LOW_WATER else self._queue.try_wait_for_frame(0)

    def _is_exhausted(self) -> bool:
        """No frame is on its way any more."""
        if not self._started:
            return True
        if not self._origin.exhausted():
            self._quiet_ms, self._quiet_looks = math.inf, 0
            return False
        self._quiet_ms = min(self._quiet_ms, self._clock.now_ms())
        self._quiet_looks += 1  # time alone says nothing where all stood still
        return self._quiet_looks >= SETTLE_LOOKS and self._clock.now_ms() - self._quiet_ms >= SETTLE_MS

    def _deliver(self, sets: list[FrameSet], now_ms: float) -> None:
        for frame_set in sets:
            self._number = frame_set.number + 1
            self._ready.append((frame_set, now_ms))

    def _throttle(self) -> None:
        if not self._origin.finite:
            return
        waiting = self._queue.size()
        if waiting >= HIGH_WATER and not self._throttled:
            self._throttled = True
            self._origin.throttle(True)
        elif waiting <= LOW_WATER and self._throttled:
            self._throttled = False
            self._origin.throttle(False)

    # --- state --------------------------------------------------------------------------------------------------

    def health(self) -> CameraHealth:
        """See `Camera.health`."""
        now_ms = self._clock.now_ms()
        if self._sdk_device is not None and now_ms - self._asked_ms >= ASK_MS:
            self._asked_ms = now_ms
            self._device = device_info(self._sdk_device)  # a USB link may have become slower
            self._temperature_c = temperature_c(self._sensors)
        return self._meter.health(
            device=self._device,
            profiles=self._profiles,
            counts=self._counts,
            now_ms=now_ms,
            ended=self.ended,
            temperature_c=self._temperature_c,
            settings=self._settings,
        )

    def set_options(self, options: SetOptions) -> Mapping[str, float]:
        """See `Camera.set_options`."""
        if self.source_kind is SourceKind.PLAYBACK:
            return {}
        self._settings = apply_options(self._sensors, options)
        if self._stimulus is not None:
            try:
                self._stimulus = self._stimulus.renewed()
            except RuntimeError as error:  # the device has just gone; the stream tells that better
                log.info("%s: %s", self._device.name, error)
        return self._settings
