"""The doctor finds what is missing and says what to do about it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.checks import Finding
from core.messages import DeviceInfo
from devices import doctor


def test_every_finding_that_is_not_good_has_a_remedy() -> None:
    checks = doctor.run_checks()
    assert {c.name for c in checks} == {"camera SDK", "shared memory", "cameras", "USB speed", "camera firmware"}
    assert all(c.remedy or c.finding is Finding.GOOD for c in checks)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    check = doctor.check_sdk()
    assert check.finding is Finding.BAD
    assert check.remedy
    assert doctor.check_usb().finding is Finding.GOOD


def test_too_little_shared_memory_is_bad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(doctor, "SLOT_BYTES", 2**60)
    check = doctor.check_shared_memory()
    assert check.finding is Finding.BAD
    assert "/dev/shm" in check.remedy


def test_a_slow_link_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast = DeviceInfo("D435", "1", usb="2.1"), DeviceInfo("D455", "2", usb="3.2")
    monkeypatch.setattr(doctor, "list_devices", lambda: [slow, fast])
    check = doctor.check_usb()
    assert check.finding is Finding.WARNING
    assert "D435 1 is on USB 2.1" in check.detail
    assert "D455" not in check.detail
    assert doctor.check_cameras().finding is Finding.GOOD


def test_an_old_firmware_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = [("D435", "5.12.7.100", "5.16.0.1"), ("D455", "5.16.0.1", "5.16.0.1"), ("D405", "5.17.0.9", "5.16.0.1")]
    monkeypatch.setattr(doctor, "recommended_firmware", lambda: cameras)
    check = doctor.check_firmware()
    assert check.finding is Finding.WARNING
    assert check.detail == "D435 has 5.12.7.100, 5.16.0.1 is recommended"
    monkeypatch.setattr(doctor, "recommended_firmware", lambda: cameras[1:])
    assert doctor.check_firmware().finding is Finding.GOOD
