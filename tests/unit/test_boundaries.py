"""What each process may load: the window never holds torch or the camera SDK (docs/architecture.md)."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import main
from core.commandline import build_parser
from storage.commands import COMMANDS

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


def _leaves(parser: argparse.ArgumentParser) -> Iterator[str]:
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for group in groups:
        for child in group.choices.values():
            yield from _leaves(child)
    if not any(group.required for group in groups):
        yield parser.get_default("handler")


def test_every_command_of_the_command_line_has_one_handler() -> None:
    assert not set(COMMANDS) & set(main.OWN)
    assert set(_leaves(build_parser())) == set(COMMANDS) | set(main.OWN)
