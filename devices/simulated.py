"""The simulated camera: scenes rendered into the SDK's software device.

The images of `core.scenes` enter real SDK sensors, so that queues, metadata and pairing are those of a real camera.
The renderer runs in a thread and keeps 30 frame sets a second on the device clock; when it is too slow the rate
falls, without bursts to catch up.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyrealsense2 as rs
from numpy.typing import NDArray

from core.clock import Clock, SystemClock
from core.codes import SourceKind
from core.frames import Modality, StreamProfile
from devices.sdk_frames import FORMATS, sdk_extrinsics, sdk_intrinsics

FPS_HZ = 30.0
EPOCH_MS = 1000.0
"""Device time of camera time zero: no frame has the time zero, which a camera gives to broken frames."""
EXPOSURE_US = {Modality.RGB: 8000, Modality.DEPTH: 6500, Modality.IR: 6500}
LASER_POWER_MW = 150
STOP_S = 2.0
RENDERER = "renderer"
"""Name of the thread that renders."""


class Scene(Protocol):
    """What the camera films (`core.scenes.live.LiveScene`)."""

    @property
    def profiles(self) -> Mapping[Modality, StreamProfile]:
        """Streams with their geometry."""
        ...

    def render(self, t_s: float) -> Mapping[Modality, NDArray[Any]]:
        """The images at ``t_s`` seconds of camera time."""
        ...


@runtime_checkable
class LitScene(Scene, Protocol):
    """A scene that shows what the camera's projector does; ``emitter`` is ``None`` for a sensor that has no switch."""

    emitter: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One image on its way into a software sensor."""

    modality: Modality
    pixels: NDArray[Any]
    number: int
    time_ms: float
    emitter: bool = True


@dataclass(frozen=True, slots=True)
class _Kind:
    stream: Any
    index: int
    sensor: str


_KINDS = {
    Modality.RGB: _Kind(rs.stream.color, 0, "RGB Camera"),
    Modality.DEPTH: _Kind(rs.stream.depth, 0, "Stereo Module"),
    Modality.IR: _Kind(rs.stream.infrared, 1, "Stereo Module"),
}


class SimulatedOrigin:
    """A `devices.sdk.Origin` that renders a scene.

    Args:
        make_scene: builds the scene, when the camera is opened for the first time.
        start_s: camera time at which it begins (a respawned capture process goes on where the old one was).
        clock: what camera time follows.
    """

    source_kind = SourceKind.SIMULATED
    finite = False

    def __init__(
        self,
        make_scene: Callable[[], Scene],
        *,
        name: str = "Simulated D435",
        start_s: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._make_scene = make_scene
        self._scene: Scene | None = None
        self._start_s = start_s
        self._epoch_s: float | None = None
        self._numbers: dict[Modality, int] = {}
        self._device: Any = None
        self._sensors: dict[str, Any] = {}
        self._streams: dict[Modality, Any] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failure: BaseException | None = None

    # --- Origin -------------------------------------------------------------------------------------------------

    def acquire(self) -> Any:
        """See `Origin.acquire`."""
        if self._scene is None:
            self._scene = self._make_scene()
        device = rs.software_device()
        device.register_info(rs.camera_info.name, self.name)
        device.register_info(rs.camera_info.serial_number, "simulated")
        device.register_info(rs.camera_info.usb_type_descriptor, self.usb_type)
        profiles = self._scene.profiles
        images = self._scene.render(self.camera_s())  # only an image tells whether infrared has 8 or 16 bits
        for modality, profile in profiles.items():
            kind = _KINDS[modality]
            if kind.sensor not in self._sensors:
                self._sensors[kind.sensor] = device.add_sensor(kind.sensor)
            stream = _video_stream(profile, kind, images[modality])
            self._streams[modality] = self._sensors[kind.sensor].add_video_stream(stream)
            if profile.depth_unit_m is not None:
                self._sensors[kind.sensor].add_read_only_option(rs.option.depth_units, profile.depth_unit_m)
        stereo = self._sensors.get(_KINDS[Modality.IR].sensor)
        if stereo is not None and isinstance(self._scene, LitScene) and self._scene.emitter is not None:
            stereo.add_option(rs.option.emitter_enabled, rs.option_range(0.0, 1.0, 1.0, 1.0), True)
        for modality, profile in profiles.items():
            if modality is not Modality.RGB and profile.to_rgb is not None and Modality.RGB in self._streams:
                self._streams[modality].register_extrinsics_to(
                    self._streams[Modality.RGB], sdk_extrinsics(profile.to_rgb)
                )
        self._device = device
        return device

    def reset(self) -> None:
        """See `Origin.reset`."""

    def started(self) -> None:
        """See `Origin.started`."""
        if self._epoch_s is None:
            self._epoch_s = self._clock.now_ms() / 1000.0 - self._start_s
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=RENDERER, daemon=True)
        self._thread.start()

    def throttle(self, pause: bool) -> None:
        """Never called: the scene keeps time like a camera."""

    def exhausted(self) -> bool:
        """A scene has no end. A renderer that failed is a bug and surfaces here, in the reading thread."""
        if self._failure is not None:
            raise self._failure
        return False

    def stopping(self) -> None:
        """See `Origin.stopping`."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
        self._thread = None

    def release(self) -> None:
        """See `Origin.release`."""
        self._streams.clear()
        self._sensors.clear()
        self._device = None

    # --- what a fault script changes ------------------------------------------------------------------------------

    @property
    def usb_type(self) -> str:
        """USB standard that the device reports."""
        return "3.2"

    def fps_hz(self, t_s: float) -> float:
        """Frame sets per second at camera time ``t_s``."""
        return FPS_HZ

    def emits(self, t_s: float) -> bool:
        """Whether the projector shines, as the camera's setting says."""
        stereo = self._sensors.get(_KINDS[Modality.IR].sensor)
        if stereo is None or not stereo.supports(rs.option.emitter_enabled):
            return True
        return bool(stereo.get_option(rs.option.emitter_enabled))

    def shoot(self, t_s: float, shot: Shot) -> Shot | None:
        """What really leaves the sensor; ``None`` = nothing."""
        return shot

    # --- renderer thread ----------------------------------------------------------------------------------------

    def camera_s(self) -> float:
        """Camera time now."""
        return self._start_s if self._epoch_s is None else self._clock.now_ms() / 1000.0 - self._epoch_s

    def _run(self) -> None:
        try:
            due_s = self.camera_s()
            while not self._stop.is_set():
                now_s = self.camera_s()
                if now_s < due_s:
                    self._stop.wait(due_s - now_s)
                    continue
                # A late frame set is taken at the next tick of the grid: the rate falls, the device clock stays true.
                period_s = 1.0 / self.fps_hz(due_s)
                due_s += math.floor((now_s - due_s) / period_s) * period_s
                self._expose(due_s)
                due_s += period_s
        except BaseException as error:  # noqa: BLE001 handed to the thread that reads, which raises it
            self._failure = error

    def _expose(self, t_s: float) -> None:
        assert self._scene is not None
        emits = self.emits(t_s)
        if isinstance(self._scene, LitScene) and self._scene.emitter is not None:
            self._scene.emitter = emits
        for modality, pixels in self._scene.render(t_s).items():
            number = self._numbers.get(modality, 0) + 1
            shot = self.shoot(t_s, Shot(modality, pixels, number, EPOCH_MS + 1000.0 * t_s, emits))
            if shot is not None and not self._stop.is_set():
                self._numbers[modality] = number
                self._send(shot)

    def _send(self, shot: Shot) -> None:
        kind = _KINDS[shot.modality]
        sensor, stream = self._sensors[kind.sensor], self._streams[shot.modality]
        frame = rs.software_video_frame()
        frame.pixels = np.ascontiguousarray(shot.pixels)
        frame.bpp = _bytes_per_pixel(shot.pixels)
        frame.stride = shot.pixels.shape[1] * frame.bpp
        frame.timestamp = shot.time_ms
        frame.domain = rs.timestamp_domain.hardware_clock
        frame.frame_number = shot.number
        frame.profile = stream.as_video_stream_profile()
        if shot.modality is Modality.DEPTH and self._scene is not None:
            frame.depth_units = self._scene.profiles[Modality.DEPTH].depth_unit_m or 0.001
        for value, number in (
            (rs.frame_metadata_value.frame_counter, shot.number),
            (rs.frame_metadata_value.sensor_timestamp, round(1000.0 * shot.time_ms)),
            (rs.frame_metadata_value.time_of_arrival, round(1000.0 * self._clock.utc_s())),
            (rs.frame_metadata_value.actual_exposure, EXPOSURE_US[shot.modality]),
        ):
            sensor.set_metadata(value, number)
        if shot.modality is not Modality.RGB:
            sensor.set_metadata(rs.frame_metadata_value.frame_laser_power, LASER_POWER_MW)
            sensor.set_metadata(rs.frame_metadata_value.frame_emitter_mode, int(shot.emitter))
        sensor.on_video_frame(frame)


def _bytes_per_pixel(image: NDArray[Any]) -> int:
    return int(image.nbytes // (image.shape[0] * image.shape[1]))


def _video_stream(profile: StreamProfile, kind: _Kind, image: NDArray[Any]) -> Any:
    stream = rs.video_stream()
    wide = profile.modality is Modality.IR and image.dtype == np.uint16
    stream.type, stream.index, stream.fmt = kind.stream, kind.index, FORMATS[profile.modality][int(wide)]
    stream.uid = 1 + list(_KINDS).index(profile.modality)
    stream.width, stream.height, stream.fps = profile.width, profile.height, round(profile.fps_hz)
    stream.bpp = _bytes_per_pixel(image)
    if profile.intrinsics is not None:
        stream.intrinsics = sdk_intrinsics(profile.intrinsics)
    return stream
