"""From the SDK's frames and stream profiles to ours: pixels copied at once, plain numbers, no SDK object kept.

The SDK lends frames from a small pool; one that is held makes it drop new ones (anchors.md section 1.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyrealsense2 as rs

from core.frames import Extrinsics, Frame, Intrinsics, Modality, StreamProfile
from core.messages import DeviceInfo

_MODALITY_OF_STREAM = {
    (rs.stream.color, 0): Modality.RGB,
    (rs.stream.depth, 0): Modality.DEPTH,
    (rs.stream.infrared, 1): Modality.IR,
    (rs.stream.infrared, 0): Modality.IR,
}
"""The left infrared imager (index 1) is the depth camera's own image; index 0 is a device with a single one."""

_METADATA = {
    rs.frame_metadata_value.frame_counter: "frame_counter",
    rs.frame_metadata_value.sensor_timestamp: "sensor_timestamp_us",
    rs.frame_metadata_value.frame_timestamp: "frame_timestamp_us",
    rs.frame_metadata_value.time_of_arrival: "arrival_utc_ms",
    rs.frame_metadata_value.actual_exposure: "exposure_us",
    rs.frame_metadata_value.gain_level: "gain",
    rs.frame_metadata_value.auto_exposure: "auto_exposure",
    rs.frame_metadata_value.frame_emitter_mode: "emitter",
    rs.frame_metadata_value.frame_laser_power: "laser_power_mw",
    rs.frame_metadata_value.frame_laser_power_mode: "laser_power_mode",
    rs.frame_metadata_value.temperature: "temperature_c",
    rs.frame_metadata_value.actual_fps: "actual_fps",
    rs.frame_metadata_value.white_balance: "white_balance_k",
    rs.frame_metadata_value.sequence_id: "sequence_id",
}
_FPS_SCALE = 1000.0
"""``actual_fps`` counts thousandths since SDK 2.54, whole frames in older recordings."""

_INFO = {
    "name": rs.camera_info.name,
    "serial": rs.camera_info.serial_number,
    "firmware": rs.camera_info.firmware_version,
    "usb": rs.camera_info.usb_type_descriptor,
    "port": rs.camera_info.physical_port,
    "product_id": rs.camera_info.product_id,
    "asic_serial": rs.camera_info.asic_serial_number,
}

FORMATS = {
    Modality.RGB: (rs.format.rgb8,),
    Modality.DEPTH: (rs.format.z16,),
    Modality.IR: (rs.format.y8, rs.format.y16),
}
"""Pixel formats that we read, the preferred one first."""


def modality_of(profile: Any) -> Modality | None:
    """The modality that a stream profile carries, by stream and format; ``None`` for one we do not use."""
    modality = _MODALITY_OF_STREAM.get((profile.stream_type(), profile.stream_index()))
    return modality if modality is not None and profile.format() in FORMATS[modality] else None


def device_info(device: Any) -> DeviceInfo:
    """Identity; a field that the device does not have stays empty (a software device has no firmware)."""
    fields = {name: device.get_info(info) if device.supports(info) else "" for name, info in _INFO.items()}
    fields["name"] = fields["name"] or "unnamed camera"
    return DeviceInfo(**fields)


def copy_frame(frame: Any, modality: Modality) -> Frame:
    """Copy pixels and metadata out of an SDK frame."""
    pixels = np.array(frame.get_data(), copy=True)
    metadata = {
        name: float(frame.get_frame_metadata(value))
        for value, name in _METADATA.items()
        if frame.supports_frame_metadata(value)
    }
    if metadata.get("actual_fps", 0.0) >= _FPS_SCALE:
        metadata["actual_fps"] /= _FPS_SCALE
    return Frame(
        modality=modality,
        pixels=pixels,
        number=frame.get_frame_number(),
        device_time_ms=frame.get_timestamp(),
        time_domain=frame.get_frame_timestamp_domain().name,
        metadata=metadata,
    )


def stream_profiles(chosen: Mapping[Modality, Any], depth_unit_m: float | None) -> dict[Modality, StreamProfile]:
    """Geometry of the chosen SDK profiles; transforms lead to the colour camera, where there is one."""
    colour = chosen.get(Modality.RGB)
    profiles = {}
    for modality, profile in chosen.items():
        video = profile.as_video_stream_profile()
        profiles[modality] = StreamProfile(
            modality=modality,
            width=video.width(),
            height=video.height(),
            fps_hz=float(profile.fps()),
            intrinsics=_intrinsics(video),
            to_rgb=None if colour is None else _extrinsics(profile, colour),
            depth_unit_m=depth_unit_m if modality is Modality.DEPTH else None,
        )
    return profiles


def depth_unit_m(sensors: Iterable[Any]) -> float | None:
    """Metres per depth count, from the first sensor that knows it."""
    for sensor in sensors:
        if sensor.supports(rs.option.depth_units):
            return round(float(sensor.get_option(rs.option.depth_units)), 9)
    return None


def _intrinsics(video: Any) -> Intrinsics | None:
    try:
        k = video.get_intrinsics()
    except RuntimeError:  # a recording without calibration
        return None
    if not k.fx > 0:
        return None
    return Intrinsics(
        width=k.width,
        height=k.height,
        fx=k.fx,
        fy=k.fy,
        cx=k.ppx,
        cy=k.ppy,
        model=k.model.name,
        coeffs=tuple(k.coeffs),
    )


def _extrinsics(profile: Any, colour: Any) -> Extrinsics | None:
    if profile.unique_id() == colour.unique_id():
        return Extrinsics()
    try:
        transform = profile.get_extrinsics_to(colour)
    except RuntimeError:  # a recording without calibration
        return None
    rotation = np.asarray(transform.rotation).reshape(3, 3, order="F")  # the SDK counts by column
    return Extrinsics(tuple(float(v) for v in rotation.flat), tuple(float(v) for v in transform.translation))


def sdk_intrinsics(intrinsics: Intrinsics) -> Any:
    """The way back, for a software device."""
    k = rs.intrinsics()
    k.width, k.height = intrinsics.width, intrinsics.height
    k.fx, k.fy, k.ppx, k.ppy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    k.model = getattr(rs.distortion, intrinsics.model, rs.distortion.none)
    k.coeffs = list(intrinsics.coeffs)
    return k


def sdk_extrinsics(extrinsics: Extrinsics) -> Any:
    """The way back, for a software device."""
    transform = rs.extrinsics()
    transform.rotation = [float(v) for v in np.asarray(extrinsics.rotation).reshape(3, 3).flatten(order="F")]
    transform.translation = list(extrinsics.translation_m)
    return transform
