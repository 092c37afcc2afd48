"""Training crops a second from the simulated sites, and the simulated camera against its own frame rate."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import cv2

from core.scenes.crops import presentations
from core.scenes.domain import DOMAINS
from core.scenes.live import LiveScene, SceneSpec
from tests.benchmarks.table import Row, ratio

PROCESSES = 2
PRESENTATIONS = 60
"""Of every site and process, one species after the other."""
SEED = 7
CROPS_HZ, FRAMES_HZ = 300.0, 30.0


def warm_up() -> None:
    """One core, and what a process loads once."""
    cv2.setNumThreads(1)
    for domain in DOMAINS.values():
        list(presentations(domain, (), SEED - 1, range(3)))


def crops_made(name: str, start: int) -> int:
    """Render one process's part of a site."""
    part = range(start, start + PRESENTATIONS)
    return sum(len(shown.crops) for shown in presentations(DOMAINS[name], (), SEED, part))


def rows() -> list[Row]:
    """Every site on two processes; the live camera on one core."""
    found = []
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=warm_up) as pool:
        list(pool.map(crops_made, ["kiosk"] * PROCESSES, [0] * PROCESSES))
        for name, domain in DOMAINS.items():
            began = time.perf_counter()
            crops = sum(pool.map(crops_made, [name] * PROCESSES, range(0, PROCESSES * PRESENTATIONS, PRESENTATIONS)))
            rate = crops / (time.perf_counter() - began)
            what = f"Training crops of `{name}` ({domain.sensor}), all species, {PROCESSES} processes"
            found.append(
                Row(what, f"{rate:.0f} crops/s", f"{CROPS_HZ:.0f} crops/s", ratio(rate, CROPS_HZ), "1 or more")
            )
    found.append(_live())
    return found


def _live() -> Row:
    cv2.setNumThreads(1)
    scene = LiveScene(SceneSpec(seed=3))
    scene.render(0.0)
    began, count = time.perf_counter(), 90
    for number in range(count):
        scene.render(number / FRAMES_HZ)
    rate = count / (time.perf_counter() - began)
    what = "Simulated camera at 640x480, one core"
    return Row(what, f"{rate:.0f} frame sets/s", f"{FRAMES_HZ:.0f} frame sets/s", ratio(rate, FRAMES_HZ), "1 or more")
