"""The judgement of a soak: a leak is found, noise and steps are not, and the real station runs a minute of it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from tests.soak.__main__ import SLOW_CAMERA, Series, Soak, judge, soak
from tests.soak.slope import slope_per_hour

SECONDS = [10.0 * i for i in range(120)]


def line(wal_bytes: int = 0) -> dict[str, object]:
    return {
        "pids": {}, "latency_ms": [20.0, 40.0], "verdict_ms": [800.0, 900.0], "verdicts": 3, "problems": 0,
        "dropped": 0, "sets": 100, "sessions": 2, "wal_bytes": wal_bytes,
    }  # fmt: skip


def run_of(mib: list[float], descriptors: list[int] | None = None, **more: object) -> list[str]:
    count = len(mib)
    series = Series(SECONDS[:count], mib, descriptors or [20] * count, [5] * count)
    found = Soak({"station 1": series}, [line()] * count, seconds=SECONDS[count - 1])
    for name, value in more.items():
        setattr(found, name, value)
    return judge(found, limit_mib_h=1.0)[1]


def test_a_slope_and_its_bounds_hold_the_truth() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.2, len(SECONDS))
    leaking = [200.0 + 30.0 * at / 3600.0 + n for at, n in zip(SECONDS, noise, strict=True)]
    slope = slope_per_hour(SECONDS, leaking)
    assert slope is not None
    assert slope.low < 30.0 < slope.high
    assert slope.low > 20.0
    assert slope_per_hour(SECONDS[:4], leaking[:4]) is None


def test_neighbours_that_move_together_widen_the_bounds() -> None:
    steps = np.random.default_rng(2).normal(0.0, 0.2, len(SECONDS))
    apart, walk = slope_per_hour(SECONDS, list(steps)), slope_per_hour(SECONDS, list(np.cumsum(steps)))
    assert apart is not None
    assert walk is not None
    assert walk.high - walk.low > 5.0 * (apart.high - apart.low)


def test_a_leak_fails_and_says_where() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.2, len(SECONDS))
    (failure,) = run_of([200.0 + 30.0 * at / 3600.0 + n for at, n in zip(SECONDS, noise, strict=True)])
    assert failure.startswith("station 1 grows by")


def test_flat_memory_passes_also_when_it_rose_while_warming_up() -> None:
    noise = np.random.default_rng(4).normal(0.0, 0.2, len(SECONDS))
    assert run_of([200.0 + n for n in noise]) == []
    assert run_of([100.0] * 29 + [200.0 + n for n in noise[29:]]) == []


def test_handles_logs_and_an_early_end_fail_too() -> None:
    flat = [200.0] * len(SECONDS)
    assert "descriptors" in run_of(flat, [20] * 60 + [40] * 60)[0]
    assert "write-ahead" in run_of(flat, lines=[line(1 << 30)])[0]
    assert run_of(flat, exit_code=-9) == ["the station ended with -9"]
    assert run_of(flat, lines=[]) == ["the station told no figures"]


@pytest.mark.slow
def test_the_real_station_soaks_for_a_minute(tmp_path: Path) -> None:
    script = tmp_path / "slow.toml"
    script.write_text(SLOW_CAMERA, encoding="utf-8")
    begun_s = time.monotonic()
    found = soak(3600.0, f"scripted:{script}", 20.0, tmp_path / "data", lambda: time.monotonic() > begun_s + 60.0)
    assert found.exit_code == 0
    assert 60.0 <= found.seconds < 3600.0
    assert {name.split()[0] for name in found.series} == {"station", "capture", "inference"}
    assert found.lines[-1]["sessions"] > 1
    assert sum(said["verdicts"] for said in found.lines) > 0
    assert len(list((tmp_path / "data" / "sessions").glob("*.db"))) <= 2
