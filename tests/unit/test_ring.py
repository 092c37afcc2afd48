"""The frame ring: same frame set out as in, never a torn one, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.frames import MODALITIES, Frame, FrameSet, Modality, ModalityMask
from devices.ring import FrameRing, FrameTooLargeError, RingMissingError, RingReader, RingWriter, remove_stale
from tests.noise_scene import profile
from tests.patience import PATIENCE_S

SLOT_BYTES = 256 * 1024


@pytest.fixture
def ring() -> Iterator[FrameRing]:
    ring = FrameRing.create(slots=3, slot_bytes=SLOT_BYTES)
    yield ring
    ring.close()


def frame_set(number: int, fill: int | None = None, side: int = 64) -> FrameSet:
    rng = np.random.default_rng(number)
    pixels: dict[Modality, NDArray[Any]] = {
        Modality.RGB: rng.integers(0, 255, (side, side, 3), dtype=np.uint8),
        Modality.DEPTH: rng.integers(0, 9999, (side, side), dtype=np.uint16),
        Modality.IR: rng.integers(0, 255, (side, side), dtype=np.uint8),
    }
    if fill is not None:
        pixels = {m: np.full_like(p, fill) for m, p in pixels.items()}
    return FrameSet(
        number=number,
        time_ms=33.0 * number,
        frames={m: Frame(m, pixels[m], number, 33.0 * number, metadata={"exposure_us": 8000.0}) for m in MODALITIES},
        mask=ModalityMask.of([Modality.RGB, Modality.IR]),
        profiles={m: profile(m) for m in MODALITIES},
        skew_ms=1.5,
    )


def test_the_same_frame_set_comes_out(ring: FrameRing) -> None:
    writer, reader = RingWriter(ring.name), RingReader(ring.name)
    written = frame_set(5)
    assert writer.offer(written)
    found = reader.newest(0, 0.0)
    assert found is not None
    read, age_ms = found
    assert age_ms >= 0.0
    assert (read.number, read.time_ms, read.mask, read.skew_ms) == (5, written.time_ms, written.mask, 1.5)
    assert read.profiles == written.profiles
    for modality in MODALITIES:
        np.testing.assert_array_equal(read[modality].pixels, written[modality].pixels)
        assert read[modality].metadata == {"exposure_us": 8000.0}
        assert read[modality].pixels.dtype == written[modality].pixels.dtype
    writer.close()
    reader.close()


def test_the_newest_wins_and_none_comes_twice(ring: FrameRing) -> None:
    writer, reader = RingWriter(ring.name), RingReader(ring.name)
    assert reader.newest(0, 0.0) is None
    for number in range(1, 12):
        writer.offer(frame_set(number))
    found = reader.newest(0, 0.0)
    assert found is not None
    assert found[0].number == 11
    started = time.monotonic()
    assert reader.newest(11, 30.0) is None
    assert time.monotonic() - started >= 0.03
    writer.close()
    reader.close()


def test_a_late_reader_and_a_second_writer_go_on(ring: FrameRing) -> None:
    first = RingWriter(ring.name)
    first.offer(frame_set(7))
    first.close()
    second = RingWriter(ring.name)
    assert second.last_number == 7
    reader = RingReader(ring.name)
    found = reader.newest(0, 0.0)
    assert found is not None
    assert found[0].profiles
    second.offer(frame_set(8))
    found = reader.newest(7, 0.0)
    assert found is not None
    assert found[0].number == 8
    second.close()
    reader.close()


def test_a_copy_is_never_torn(ring: FrameRing) -> None:
    """A writer that laps the reader all the time: every set that comes out is of one piece."""
    writer, reader = RingWriter(ring.name), RingReader(ring.name)
    sets = [frame_set(n, fill=n % 251) for n in range(1, 60)]
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            writer.offer(sets[turn % len(sets)])
            turn += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = 0
        deadline = time.monotonic() + PATIENCE_S
        while seen < 60 and time.monotonic() < deadline:
            found = reader.newest(0, 0.0)
            if found is None:
                continue
            seen += 1
            values = {int(v) for f in found[0].frames.values() for v in np.unique(f.pixels)}
            assert values == {found[0].number % 251}
        assert seen == 60, "the reader starved"
    finally:
        stop.set()
        thread.join()
        writer.close()
        reader.close()


def test_a_slot_that_is_being_written_is_not_read(ring: FrameRing) -> None:
    """What a writer that was killed in the middle leaves: an odd generation, and the slot before it."""
    writer, reader = RingWriter(ring.name), RingReader(ring.name)
    writer.offer(frame_set(1))
    head, data = writer._segment.slot(2)
    head[0] = 3
    data[:1000] = 255
    found = reader.newest(0, 0.0)
    assert found is not None
    assert found[0].number == 1
    writer._segment.words[3] = 2  # even if it had been announced
    assert reader.newest(0, 0.0) is None
    del head, data
    writer.close()
    reader.close()


def test_a_frame_set_that_is_too_large_is_a_known_error(ring: FrameRing) -> None:
    writer = RingWriter(ring.name)
    with pytest.raises(FrameTooLargeError, match="does not fit"):
        writer.offer(frame_set(1, side=300))
    writer.close()


def test_a_ring_that_is_gone_is_a_known_error() -> None:
    with pytest.raises(RingMissingError):
        RingReader("sallyport-1-00000000")


def test_too_little_shared_memory_is_a_known_error_and_kills_nobody() -> None:
    code = """
from devices.ring import FrameRing
from core.errors import HostError
try:
    FrameRing.create()
except HostError as error:
    print(error.what)
"""
    small = 'mount -t tmpfs -o size=4m tmpfs /dev/shm && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", small, "sh"]
    try:
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            pytest.skip("a small /dev/shm can be mounted by root only")
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    station = subprocess.run([*command, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert station.returncode == 0, "killed by SIGBUS"
    assert "could not be made" in station.stdout


def test_rings_of_dead_stations_are_removed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    path = Path("/dev/shm") / f"sallyport-{process.pid}-deadbeef"
    if not path.parent.is_dir():
        pytest.skip("shared memory is not a folder here")
    path.write_bytes(b"left behind")
    ring = FrameRing.create(slots=2, slot_bytes=4096)
    assert not path.exists()
    assert remove_stale() == []
    ring.close()
    assert not (Path("/dev/shm") / ring.name).exists()


def _offer_one(name: str) -> None:
    writer = RingWriter(name)
    writer.offer(frame_set(3))
    writer.close()


def test_the_segment_survives_its_children_and_strangers(ring: FrameRing) -> None:
    """A spawned child and a foreign process attach and exit; neither takes the segment with it."""
    child = get_context("spawn").Process(target=_offer_one, args=(ring.name,))
    child.start()
    child.join(PATIENCE_S)
    assert child.exitcode == 0
    code = f"from devices.ring import RingReader; r = RingReader({ring.name!r}); assert r.newest(0, 0.0); r.close()"
    command = [sys.executable, "-c", code]
    stranger = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert (stranger.returncode, stranger.stderr) == (0, "")
    reader = RingReader(ring.name)
    assert reader.newest(0, 0.0) is not None
    reader.close()
    assert str(os.getpid()) in ring.name
