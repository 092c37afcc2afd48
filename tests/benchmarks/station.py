"""The whole station under the load of the simulated camera: drops, latency, memory of each process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.table import Row, ratio

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def run(seconds: int, source: str = "simulated") -> tuple[dict[str, object], dict[str, float]]:
    """One headless run that records frames; its JSON, and the largest resident memory in MiB of each process."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run.json"
        command = [sys.executable, "main.py", "--data", str(Path(name) / "data"), "run", "--headless"]
        command += ["--source", source, "--seconds", str(seconds), "--record", "frames", "--json", str(out)]
        process = subprocess.Popen(command, cwd=ROOT)
        memory = _watch(process)
        if process.wait() != 0:
            raise RuntimeError(f"the run ended with {process.returncode}")
        return json.loads(out.read_text(encoding="utf-8")), memory


def _watch(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Sample resident memory twice a second until the process ends."""
    memory: dict[str, float] = {}
    station = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            children = sorted(station.children(), key=lambda child: child.create_time())
            # The resource tracker comes first, then capture or inference in the order of their start.
            found = {"station": station, **{_name(child): child for child in children}}
            for name, one in found.items():
                memory[name] = max(memory.get(name, 0.0), one.memory_info().rss / 2**20)
        except psutil.Error:
            continue
        time.sleep(0.5)
    return {name: size for name, size in memory.items() if name}


def _name(child: psutil.Process) -> str:
    """What a child is, by what it has mapped: only inference holds torch, only capture the camera SDK."""
    maps = " ".join(m.path for m in child.memory_maps())
    if "torch" in maps:
        return "inference"
    return "capture" if "realsense" in maps else ""


def rows() -> list[Row]:
    """Rows of this section."""
    report, memory = run(SECONDS)
    drops, latency = report["drops"], report["latency_ms"]
    assert isinstance(drops, dict)
    assert isinstance(latency, dict)
    recorded = int(str(report["recorded"]))
    expected = 30 * SECONDS
    found = [
        Row(
            f"{SECONDS} s at 30 fps, 640x480, three streams, recording frames: frame sets recorded",
            str(recorded),
            f"{expected} (30 fps)",
            ratio(recorded, expected),
            "1; the simulated camera shares the cores",
        ),
        Row("frame sets dropped by the recorder", str(drops["recorder"]), "0", "", "0"),
        Row("frame sets dropped by capture", str(drops["capture"]), "0", "", "0"),
        Row("frame to evidence, p50", f"{latency['p50']} ms", "33 ms (one frame)", ratio(latency["p50"], 33.3), ""),
        Row("frame to evidence, p95", f"{latency['p95']} ms", "100 ms", ratio(latency["p95"], 100.0), "below 1"),
        Row(
            "first verdict after a face is in view",
            f"{latency['first_verdict']} ms",
            "1500 ms",
            ratio(latency["first_verdict"], 1500.0),
            "below 1",
        ),
    ]
    return found + [Row(f"resident memory, {name}", f"{size:.0f} MiB") for name, size in memory.items()]
