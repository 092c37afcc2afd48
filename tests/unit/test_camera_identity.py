"""A camera's identity: one fingerprint, and every difference by its name."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from core.camera_identity import CameraIdentity, IdentityChange, calibration_sha256
from core.frames import Modality
from core.messages import DeviceInfo
from core.scenes.sensors import SENSORS

PROFILES = SENSORS["d435"].profiles
DEVICE = DeviceInfo("Intel RealSense D435", "841512070000", "5.15.1", "3.2", "2-1-4", "0B07", "848312070001")
PINNED = CameraIdentity.of(DEVICE, PROFILES)


def test_an_identity_survives_being_stored() -> None:
    again = CameraIdentity.from_json(PINNED.to_json())
    assert again == PINNED
    assert again.fingerprint == PINNED.fingerprint
    assert PINNED.streams == "rgb 640x480@30, depth 640x480@30, ir 640x480@30"


@pytest.mark.parametrize("name", [field.name for field in fields(CameraIdentity)])
def test_every_field_counts_and_is_named(name: str) -> None:
    seen = replace(PINNED, **{name: "other"})
    assert PINNED.changes(seen) == (IdentityChange(name, getattr(PINNED, name), "other"),)
    assert seen.fingerprint != PINNED.fingerprint


def test_the_usb_link_is_no_part_of_who_the_camera_is() -> None:
    slower = CameraIdentity.of(replace(DEVICE, usb="2.1"), PROFILES)
    assert PINNED.changes(slower) == ()


def test_another_lens_is_another_calibration_and_another_rate_is_not() -> None:
    lens = PROFILES[Modality.DEPTH].intrinsics
    assert lens is not None
    other_lens = {**PROFILES, Modality.DEPTH: replace(PROFILES[Modality.DEPTH], intrinsics=replace(lens, fx=390.5))}
    other_unit = {**PROFILES, Modality.DEPTH: replace(PROFILES[Modality.DEPTH], depth_unit_m=0.0001)}
    other_rate = {**PROFILES, Modality.DEPTH: replace(PROFILES[Modality.DEPTH], fps_hz=15.0)}
    assert calibration_sha256(other_lens) != PINNED.calibration != calibration_sha256(other_unit)
    changed = PINNED.changes(CameraIdentity.of(DEVICE, other_rate))
    assert [(change.field, change.after) for change in changed] == [
        ("streams", "rgb 640x480@30, depth 640x480@15, ir 640x480@30")
    ]


def test_a_camera_that_is_not_open_has_no_calibration() -> None:
    closed = CameraIdentity.of(DEVICE, {})
    assert (closed.calibration, closed.streams) == ("", "")
