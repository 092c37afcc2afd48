"""What each process may load: the window never holds torch or the camera SDK (docs/architecture.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "devices": set(),
    "storage": {"sqlite_utils"},
    "main": set(),
    "core.station": set(),
    "core.benchmark.forms": set(),
    "devices.ring": set(),
    "gui.app": {"PySide6", "sqlite_utils"},
}
HEAVY = ("torch", "pyrealsense2", "PySide6", "sqlite_utils", "scipy", "embreex", "pyqtgraph")


@pytest.mark.parametrize("module", ALLOWED)
def test_importing_a_package_loads_only_what_its_process_may_hold(module: str) -> None:
    probe = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= ALLOWED[module]


def test_no_file_has_outgrown_its_concern() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for package in ("core", "devices", "storage", "gui", "tests")
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 800
    }
    assert not long
