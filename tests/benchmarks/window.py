"""How soon the window is visible, and how evenly it ticks while the station records under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.table import Row, percentiles, ratio

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20


def probe(data: str) -> dict[str, Any]:
    """One run of the window in a process of its own."""
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.window_probe", data, str(time.time()), str(SECONDS)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def rows() -> list[Row]:
    """Rows of this section; the second start counts, as a user's would."""
    with tempfile.TemporaryDirectory() as data:
        found = [probe(data) for _ in range(2)][-1]
    p99 = float(np.percentile(found["ticks_ms"], 99))
    return [
        Row("start to first paint", f"{found['visible_s']:.2f} s", "2 s", ratio(found["visible_s"], 2.0), "below 1"),
        Row(
            "GUI tick (16 ms timer) while recording",
            percentiles(found["ticks_ms"]),
            "33 ms at p99",
            ratio(p99, 33.0),
            "below 1",
        ),
        Row("resident memory, window", f"{found['memory_mib']:.0f} MiB"),
    ]
