"""`make soak`: SOAK_HOURS (or SOAK_MINUTES) of the headless station; a table, and exit code 1 where something grows.

What fails: resident memory of a process whose slope is above the limit with its whole confidence interval, file
descriptors or threads that grew, a write-ahead log above its limit, a station that ended by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from core.terminal import Interrupt
from tests.soak.slope import Slope, slope_per_hour

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 0.25
"""Share of the run that counts for no slope: caches fill, allocators settle (half an hour of two, design page 4.3)."""
WAL_LIMIT_BYTES = 128 << 20
"""Twice what a frames database collects before it empties its log (`storage.frames.FORM`)."""
MORE_HANDLES = 8
"""A process may end with so many file descriptors or threads more than it had after its warm-up."""
SLOW_CAMERA = '[[event]]\nat_s = 0.0\ndo = "usb2"\n'
END_S = 60.0


@dataclass
class Series:
    """What was sampled of one process."""

    seconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def sample(self, at_s: float, process: psutil.Process) -> None:
        """Take one sample."""
        with process.oneshot():
            self.mib.append(process.memory_info().rss / 2**20)
            self.descriptors.append(process.num_fds() if hasattr(process, "num_fds") else process.num_handles())
            self.threads.append(process.num_threads())
        self.seconds.append(at_s)

    def settled(self, total_s: float) -> Series:
        """Without the warm-up."""
        first = next((i for i, at in enumerate(self.seconds) if at >= WARM_UP * total_s), len(self.seconds))
        return Series(self.seconds[first:], self.mib[first:], self.descriptors[first:], self.threads[first:])


@dataclass
class Soak:
    """One run: samples of each process by its name and pid, and what the station said."""

    series: dict[str, Series] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int = 0
    seconds: float = 0.0


def soak(seconds: float, source: str, roll_s: float, data: Path, canceled: Callable[[], bool] = lambda: False) -> Soak:
    """Run the station and sample it whenever it tells its figures, for as long as asked or until ``canceled``."""
    command = [sys.executable, "-m", "tests.soak.station", str(data), source, str(roll_s)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.put(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    found, started_s = Soak(), time.monotonic()
    while time.monotonic() - started_s < seconds and process.poll() is None and not canceled():
        try:
            line = json.loads(said.get(timeout=1.0))
        except queue.Empty:
            continue
        found.lines.append(line)
        at_s = time.monotonic() - started_s
        for name, pid in {"station": process.pid, **line["pids"]}.items():
            try:
                found.series.setdefault(f"{name} {pid}", Series()).sample(at_s, psutil.Process(pid))
            except psutil.Error:
                continue
    found.seconds = time.monotonic() - started_s
    process.stdin.close()
    try:
        found.exit_code = process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        found.exit_code = process.wait()
    reader.join(END_S)
    assert process.stdout is not None
    process.stdout.close()
    return found


def judge(found: Soak, limit_mib_h: float) -> tuple[list[str], list[str]]:
    """The table, and what failed."""
    failures = [] if found.exit_code == 0 else [f"the station ended with {found.exit_code}"]
    head = "| process | samples | resident MiB, first and last | slope MiB/h (95 %) | descriptors | threads |"
    table = [head, "|---|---|---|---|---|---|"]
    for name, series in found.series.items():
        kept = series.settled(found.seconds)
        slope = slope_per_hour(kept.seconds, kept.mib)
        if slope is None:
            table.append(f"| {name} | {len(kept.mib)} | | too few samples | | |")
            continue
        if slope.low > limit_mib_h:
            failures.append(f"{name} grows by {slope.value:.1f} MiB/h (at least {slope.low:.1f}; limit {limit_mib_h})")
        for what, counts in (("descriptors", kept.descriptors), ("threads", kept.threads)):
            if counts[-1] > counts[0] + MORE_HANDLES:
                failures.append(f"{name} has {counts[-1]} {what}, and had {counts[0]}")
        table.append(
            f"| {name} | {slope.n} | {kept.mib[0]:.1f}, {kept.mib[-1]:.1f} | {_told(slope)} | "
            f"{kept.descriptors[0]} to {kept.descriptors[-1]} | {kept.threads[0]} to {kept.threads[-1]} |"
        )
    if not found.lines:
        return table, [*failures, "the station told no figures"]
    wal = max(line["wal_bytes"] for line in found.lines)
    if wal > WAL_LIMIT_BYTES:
        failures.append(f"a write-ahead log reached {wal >> 20} MiB")
    return [*table, "", *_figures(found, wal)], failures


def _told(slope: Slope) -> str:
    return f"{slope.value:+.1f} ({slope.low:+.1f} to {slope.high:+.1f})"


def _figures(found: Soak, wal: int) -> list[str]:
    lines = found.lines
    quarter = max(1, len(lines) // 4)

    def latency(part: list[dict[str, Any]], which: int) -> str:
        values = [line["latency_ms"][which] for line in part if line["latency_ms"]]
        return f"{np.median(values):.0f} ms" if values else "none"

    ends = [("first quarter", lines[:quarter]), ("last quarter", lines[-quarter:])]
    told = [f"{name} p50 {latency(part, 0)}, p99 {latency(part, 1)}" for name, part in ends]
    sets, dropped = lines[-1]["sets"], lines[-1]["dropped"]
    return [
        f"Frame to evidence (median of ten-second windows): {'; '.join(told)}.",
        f"{sets} frame sets, {dropped} dropped; {sum(line['verdicts'] for line in lines)} verdicts in "
        f"{lines[-1]['sessions']} sessions; largest write-ahead log {wal / 2**20:.1f} MiB; "
        f"{lines[-1]['problems']} problems told.",
    ]


def main() -> int:
    """Run for as long as the environment says."""
    minutes = float(os.environ.get("SOAK_MINUTES", 60.0 * float(os.environ.get("SOAK_HOURS", "1"))))
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--source", default="", help="default: the simulated camera at half its rate")
    parser.add_argument("--roll", type=float, default=60.0, metavar="SECONDS", help="length of a session")
    parser.add_argument("--limit", type=float, default=1.0, metavar="MIB", help="growth in MiB an hour that is allowed")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "soak.md")
    options = parser.parse_args()
    seconds = 60.0 * options.minutes
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "slow.toml"
        script.write_text(SLOW_CAMERA, encoding="utf-8")
        source = options.source or f"scripted:{script}"
        with Interrupt() as canceled:  # what was measured until then is told
            found = soak(seconds, source, options.roll, Path(name) / "data", canceled)
    table, failures = judge(found, options.limit)
    title = f"Soak of {found.seconds / 60.0:.0f} minutes, {len(found.lines)} samples; {os.cpu_count()} cores."
    text = "\n".join([title, "", *table, "", *(f"FAILED: {failure}" for failure in failures)])
    print(text)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
