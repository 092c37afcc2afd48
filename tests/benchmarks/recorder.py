"""Frame sets per second into storage: our recorder, the SDK's recorder, raw blobs; the same pictures in one run."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyrealsense2 as rs
import sqlite_utils

from core.frames import FrameSet
from devices.sdk import SdkCamera
from devices.simulated import SimulatedOrigin
from devices.sources import SourceSpec, open_camera
from storage.frames import FrameStore
from storage.sealing import PLAIN, DataKey, Opener
from tests.benchmarks.table import Row, ratio

FRAME_SETS = 150
BATCH = 8
ROUNDS = 3


def pictures() -> list[FrameSet]:
    """Frame sets of the simulated camera, as it would be recorded."""
    camera = open_camera(SourceSpec.parse("simulated"))
    camera.open()
    camera.start()
    try:
        taken = [camera.read(5000.0) for _ in range(30)]
    finally:
        camera.close()
    return [taken[i % len(taken)] for i in range(FRAME_SETS)]


def ours(frame_sets: list[FrameSet], path: Path, key: DataKey | None = None) -> tuple[float, float]:
    """Lossless payloads with digests, committed in small transactions; sealed where there is a key.

    Returns frame sets per second, and milliseconds of processor time a frame set: a busy machine does not change those.
    """
    numbered = [
        FrameSet(i + 1, f.time_ms, f.frames, f.mask, f.profiles, f.skew_ms, f.framing) for i, f in enumerate(frame_sets)
    ]
    with FrameStore.create(path, "bench", key) as store:
        started, busy = time.perf_counter(), time.thread_time()
        for i in range(0, len(numbered), BATCH):
            store.append(numbered[i : i + BATCH])
        took_s, busy_s = time.perf_counter() - started, time.thread_time() - busy
    return len(numbered) / took_s, 1000.0 * busy_s / len(numbered)


@dataclass(frozen=True, slots=True)
class Cost:
    """Without and with encryption: sets per second, and processor milliseconds a set; the best of `ROUNDS` rounds."""

    plain_hz: float
    sealed_hz: float
    plain_ms: float
    sealed_ms: float


def cost_of_encryption(frame_sets: list[FrameSet], folder: Path) -> Cost:
    """Rounds of both in turn: what else the machine does then meets both alike."""
    key = DataKey.generate("bench")
    plain, sealed = [], []
    for number in range(ROUNDS):
        plain.append(ours(frame_sets, folder / f"plain{number}.db"))
        sealed.append(ours(frame_sets, folder / f"sealed{number}.db", key))
    return Cost(
        plain_hz=max(hz for hz, _ in plain),
        sealed_hz=max(hz for hz, _ in sealed),
        plain_ms=min(ms for _, ms in plain),
        sealed_ms=min(ms for _, ms in sealed),
    )


def reading_hz(path: Path, opener: Opener) -> float:
    """Frame sets read back per second, digests checked, opened and decoded."""
    with FrameStore.open(path, opener) as store:
        started = time.perf_counter()
        return len(list(store)) / (time.perf_counter() - started)


def blobs_hz(frame_sets: list[FrameSet], folder: Path) -> float:
    """Raw pixels, one transaction a frame set, the same pragmas."""
    database = sqlite_utils.Database(str(folder / "blobs.db"))
    database.enable_wal()
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE frames (number INTEGER, modality TEXT, pixels BLOB)")
    started = time.perf_counter()
    for number, frame_set in enumerate(frame_sets):
        with database.atomic():
            for modality, frame in frame_set.frames.items():
                database.execute("INSERT INTO frames VALUES (?, ?, ?)", (number, str(modality), frame.pixels.tobytes()))
    rate = len(frame_sets) / (time.perf_counter() - started)
    database.close()
    return rate


class _Repeat:
    """A scene that shows ready pictures as fast as it is asked."""

    def __init__(self, frame_sets: list[FrameSet]) -> None:
        self.profiles = frame_sets[0].profiles
        self._frame_sets = frame_sets
        self.shown = 0

    def render(self, t_s: float) -> dict[object, object]:
        """The next picture."""
        frame_set = self._frame_sets[self.shown % len(self._frame_sets)]
        self.shown += 1
        return {modality: frame.pixels for modality, frame in frame_set.frames.items()}


class _FastOrigin(SimulatedOrigin):
    """As fast as the recorder takes frames."""

    def fps_hz(self, t_s: float) -> float:
        """No camera is that fast: the recorder is the limit."""
        return 2000.0


def sdk_hz(frame_sets: list[FrameSet], folder: Path) -> float:
    """The SDK's own ``.db3`` recorder: frame sets that the finished file holds, per second of recording."""
    path = folder / "sdk.db3"
    scene = _Repeat(frame_sets)
    camera = SdkCamera(_FastOrigin(lambda: scene), record_to=path)  # type: ignore[arg-type, return-value]
    camera.open()
    camera.start()
    started = time.perf_counter()
    try:
        while scene.shown < FRAME_SETS:
            camera.read_next(100.0)
    finally:
        camera.close()
    elapsed_s = time.perf_counter() - started
    device = rs.context().load_device(str(path))
    frames = _count(device)
    return frames / 3.0 / elapsed_s


def _count(device: object) -> int:
    playback = device.as_playback()  # type: ignore[attr-defined]
    playback.set_real_time(False)
    queue = rs.frame_queue(2000, keep_frames=True)
    sensors = list(playback.query_sensors())
    for sensor in sensors:
        sensor.open(list(sensor.get_stream_profiles()))
        sensor.start(queue)
    count = 0
    while queue.try_wait_for_frame(1000)[0]:
        count += 1
    return count


def rows() -> list[Row]:
    """Rows of this section."""
    frame_sets = pictures()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blobs, cost = blobs_hz(frame_sets, folder), cost_of_encryption(frame_sets, folder)
        key = DataKey.generate("bench")
        ours(frame_sets, folder / "ours.db", key)
        read_plain = reading_hz(folder / "plain0.db", PLAIN)
        read_sealed = reading_hz(folder / "ours.db", Opener(lambda _: key, plain=False))
        sdk = sdk_hz(frame_sets, folder)
        size = (folder / "ours.db").stat().st_size / (folder / "blobs.db").stat().st_size
    sealed, busy = cost.sealed_hz, ratio(cost.sealed_ms, cost.plain_ms)
    return [
        _row("recorder, encrypted, against raw SQLite blobs", sealed, blobs),
        _row("recorder, encrypted, against the same without encryption", sealed, cost.plain_hz, "near 1"),
        Row("its processor time", f"{cost.sealed_ms:.2f} ms/set", f"{cost.plain_ms:.2f} ms/set", busy, "near 1"),
        _row("reading, encrypted, against the same without encryption", read_sealed, read_plain, "near 1"),
        _row("recorder, encrypted, against the SDK's own recorder", sealed, sdk),
        _row("recorder, encrypted, against the camera", sealed, 30.0, "above 1"),
        Row("size against raw pixels", f"{100 * size:.0f} %", "100 %", f"{size:.2f}", "below 1"),
    ]


def _row(what: str, ours: float, peer: float, aim: str = "") -> Row:
    return Row(what, f"{ours:.0f} sets/s", f"{peer:.0f} sets/s", ratio(ours, peer), aim)
