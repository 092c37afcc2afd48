"""`main.py doctor` and `main.py devices`: what stands between this machine and a camera, each with a remedy."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

from core.checks import Check, Finding
from core.messages import DeviceInfo
from devices.ring import PREFIX, SHARED_MEMORY, SLOT_BYTES, SLOTS


def run_checks() -> list[Check]:
    """All checks, in the order in which they build on one another."""
    checks: tuple[Callable[[], Check], ...] = (
        check_sdk, check_shared_memory, check_cameras, check_usb, check_firmware,
    )  # fmt: skip
    return [check() for check in checks]


def list_devices() -> list[DeviceInfo]:
    """The cameras on the bus. Raises `ImportError` where the SDK cannot be loaded (`check_sdk` explains it)."""
    import pyrealsense2 as rs

    from devices.sdk_frames import device_info

    return [device_info(device) for device in rs.context().query_devices() if not device.is_playback()]


def check_sdk() -> Check:
    """The camera SDK loads, and with it libusb."""
    try:
        import pyrealsense2 as rs
    except ImportError as error:
        if "libusb" in str(error):
            return Check(
                "camera SDK", Finding.BAD, "libusb-1.0 is missing", "Install it: `sudo apt-get install libusb-1.0-0`."
            )
        return Check("camera SDK", Finding.BAD, str(error), "Run `make run`, which installs what is needed.")
    return Check("camera SDK", Finding.GOOD, f"librealsense {rs.__version__}")


def check_shared_memory() -> Check:
    """There is room for the frame ring."""
    if not SHARED_MEMORY.is_dir():
        return Check("shared memory", Finding.GOOD, f"managed by {sys.platform}")
    free = shutil.disk_usage(SHARED_MEMORY).free
    detail = f"{free / 2**20:.0f} MiB free, a camera needs {SLOTS * SLOT_BYTES / 2**20:.0f} MiB"
    rings = len(list(SHARED_MEMORY.glob(f"{PREFIX}-*")))
    if rings:
        detail += f"; rings in use: {rings}"
    if free < 2 * SLOTS * SLOT_BYTES:
        return Check(
            "shared memory", Finding.BAD, detail, "Enlarge /dev/shm (in a container: --shm-size=256m) and start again."
        )
    return Check("shared memory", Finding.GOOD, detail)


def check_cameras() -> Check:
    """A camera is on the bus."""
    found = _devices()
    if not found:
        return Check(
            "cameras",
            Finding.WARNING,
            "none found; the simulated camera works without one",
            "Plug one into a USB 3 port; on Linux install librealsense's udev rules so that users may open it.",
        )
    return Check("cameras", Finding.GOOD, "; ".join(f"{d.name} {d.serial}".strip() for d in found))


def check_usb() -> Check:
    """Every camera has a USB 3 link: USB 2 cannot carry three streams at 30 Hz."""
    slow = [d for d in _devices() if d.usb.startswith("2")]
    if slow:
        return Check(
            "USB speed",
            Finding.WARNING,
            "; ".join(f"{d.name} {d.serial} is on USB {d.usb}" for d in slow),
            "Use a USB 3 port and a USB 3 cable; turn the plug if it is USB-C.",
        )
    return Check("USB speed", Finding.GOOD, "no camera on a slow link")


def check_firmware() -> Check:
    """No camera runs a firmware older than the one that the SDK recommends."""
    old = [(name, have, want) for name, have, want in recommended_firmware() if _version(have) < _version(want)]
    if old:
        return Check(
            "camera firmware",
            Finding.WARNING,
            "; ".join(f"{name} has {have}, {want} is recommended" for name, have, want in old),
            "Update it with rs-fw-update, then commission and qualify the camera again.",
        )
    return Check("camera firmware", Finding.GOOD, "no camera with an old one")


def recommended_firmware() -> list[tuple[str, str, str]]:
    """Name, firmware and recommended firmware of each camera that states both."""
    try:
        import pyrealsense2 as rs
    except ImportError:  # reported by check_sdk
        return []
    have, want, name = (
        rs.camera_info.firmware_version,
        rs.camera_info.recommended_firmware_version,
        rs.camera_info.name,
    )
    return [
        (device.get_info(name), device.get_info(have), device.get_info(want))
        for device in rs.context().query_devices()
        if not device.is_playback() and all(device.supports(info) for info in (name, have, want))
    ]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _devices() -> list[DeviceInfo]:
    try:
        return list_devices()
    except ImportError:  # reported by check_sdk
        return []
