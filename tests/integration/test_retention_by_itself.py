"""`run --headless` on a site with a term: what is due goes by a process beside the station; what could not is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.clock import FakeClock
from core.codes import SessionPurpose
from storage.catalogue import open_catalogue
from storage.retention import set_term
from tests import site
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


def run(data: Path, out: Path) -> dict[str, Any]:
    command = [sys.executable, "main.py", "run", "--headless", "--source", "simulated:empty", "--seconds", "2"]
    done = subprocess.run(
        [*command, "--json", str(out), "--data", str(data)],
        cwd=ROOT, capture_output=True, text=True, timeout=10.0 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_a_station_without_a_window_erases_what_is_due_and_reports_what_it_could_not(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_catalogue(data, FakeClock()) as catalogue:
        session = site.take(catalogue, "ann")
    frames = data / "sessions" / f"{session}.db"
    run(data, tmp_path / "no term.json")
    assert frames.exists()
    with open_catalogue(data) as catalogue:
        set_term(catalogue, SessionPurpose.COLLECTION, 30, "rule")
        catalogue.file.change("UPDATE retention SET days = 20")
    report = run(data, tmp_path / "distrusted.json")
    assert frames.exists()
    assert any("collection was not erased" in problem for problem in report["problems"])
    with open_catalogue(data) as catalogue:
        set_term(catalogue, SessionPurpose.COLLECTION, 30, "rule")
        site.date_is_right(catalogue)
    report = run(data, tmp_path / "run.json")
    assert not frames.exists()
    assert not any("erased" in problem for problem in report["problems"])
