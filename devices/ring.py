"""Frame sets in shared memory: one writer, any number of readers, the newest wins.

The segment holds a few slots, used in turn. Each slot has a generation number, odd while it is written (a seqlock):
a reader copies, reads the generation again and discards the copy if it changed. A writer that is killed in the middle
leaves one odd slot behind; the newest complete one stays readable and the next writer goes on after it.

Layout, little-endian 64-bit words: ``magic, slots, slot_bytes, newest, last_number``; then per slot
``generation, number, written_ns, meta_bytes, pixel_bytes`` and the data. Stores of one aligned word are atomic on the
platforms that we support, and x86-64 keeps their order.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Framing, Reason
from core.errors import HostError, sentence
from core.frames import Frame, FrameSet, Modality, ModalityMask, StreamProfile

PREFIX = "sallyport"
SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps shared memory; on other systems it ends with its processes."""
MAGIC = 0x53504F5254303031
SLOTS = 4
SLOT_BYTES = 8 * 1024 * 1024
POLL_S = 0.002
_HEAD = 8
_SLOT_HEAD = 8
_GENERATION, _NUMBER, _WRITTEN_NS, _META_BYTES, _PIXEL_BYTES = range(5)
_MAGIC, _SLOTS, _SLOT_BYTES, _NEWEST, _LAST_NUMBER = range(5)
_ALIGN = 64


class FrameTooLargeError(HostError):
    """A frame set does not fit into a slot of the ring."""


class RingMissingError(HostError):
    """The shared memory segment is not there, or is not a ring."""


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where one frame lies in a slot."""

    modality: Modality
    shape: tuple[int, ...]
    dtype: str
    offset: int
    number: int
    device_time_ms: float
    time_domain: str
    metadata: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Meta:
    """A frame set without its pixels. ``profiles`` is pickled on its own: it is the same for minutes."""

    number: int
    time_ms: float
    mask: int
    skew_ms: float
    framing: str
    flaw: str
    planes: tuple[_Plane, ...]
    profiles: bytes


class _Segment:
    """The mapped segment: words as a numpy array, slot data as bytes."""

    def __init__(self, memory: shared_memory.SharedMemory) -> None:
        self.memory = memory
        self.bytes: NDArray[np.uint8] = _bytes_of(memory)
        words = self.bytes[: _HEAD * 8].view(np.uint64)
        if int(words[_MAGIC]) != MAGIC:
            raise RingMissingError(
                sentence("The shared memory {name} is not a frame ring.", name=memory.name), "Start the station again."
            )
        self.words = words
        self.slots = int(words[_SLOTS])
        self.slot_bytes = int(words[_SLOT_BYTES])

    def slot(self, index: int) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
        """Header words and data of slot ``index``."""
        start = _HEAD * 8 + (index % self.slots) * (_SLOT_HEAD * 8 + self.slot_bytes)
        head = self.bytes[start : start + _SLOT_HEAD * 8].view(np.uint64)
        data = self.bytes[start + _SLOT_HEAD * 8 : start + _SLOT_HEAD * 8 + self.slot_bytes]
        return head, data

    def close(self) -> None:
        """Unmap."""
        self.words = np.empty(0, dtype=np.uint64)
        self.bytes = np.empty(0, dtype=np.uint8)
        self.memory.close()


class FrameRing:
    """The station's end: creates the segment, and removes it."""

    def __init__(self, memory: shared_memory.SharedMemory) -> None:
        self._memory = memory

    @classmethod
    def create(cls, slots: int = SLOTS, slot_bytes: int = SLOT_BYTES) -> FrameRing:
        """Create a segment under a new name; those of dead stations are removed. Raises `HostError`."""
        remove_stale()
        slot_bytes = -(-slot_bytes // _ALIGN) * _ALIGN
        size = _HEAD * 8 + slots * (_SLOT_HEAD * 8 + slot_bytes)
        name = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            memory = _reserved(name, size)
        except OSError as error:
            raise HostError(
                sentence(
                    "Shared memory of {size} MiB could not be made: {strerror}.",
                    size=size // 2**20,
                    strerror=error.strerror,
                ),
                "Free memory or enlarge /dev/shm; `main.py doctor` shows its size.",
            ) from error
        words = _bytes_of(memory)[: _HEAD * 8].view(np.uint64)
        words[_SLOTS], words[_SLOT_BYTES] = slots, slot_bytes
        words[_MAGIC] = MAGIC
        del words
        return cls(memory)

    @property
    def name(self) -> str:
        """Name to attach by."""
        return self._memory.name

    def close(self) -> None:
        """Remove the segment; those who are attached keep their mapping until they close."""
        self._memory.close()
        try:
            self._memory.unlink()
        except FileNotFoundError:
            return


class RingWriter:
    """The capture process's end; a `core.ports.FrameSink`."""

    def __init__(self, name: str) -> None:
        self._segment = _Segment(_attach(name))
        self._profiles: tuple[Mapping[Modality, StreamProfile], bytes] | None = None

    @property
    def last_number(self) -> int:
        """Number of the newest frame set that any writer has claimed; 0 before the first."""
        return int(self._segment.words[_LAST_NUMBER])

    def claim(self, number: int) -> None:
        """A frame set of this number exists and may be stored: whoever writes after us counts on from it."""
        self._segment.words[_LAST_NUMBER] = max(number, self.last_number)

    def offer(self, frame_set: FrameSet) -> bool:
        """Write a frame set over the oldest. Always ``True``. Raises `FrameTooLargeError`."""
        segment = self._segment
        planes, pixel_bytes = _planes(frame_set)
        meta = pickle.dumps(
            _Meta(
                number=frame_set.number,
                time_ms=frame_set.time_ms,
                mask=frame_set.mask.bits,
                skew_ms=frame_set.skew_ms,
                framing=str(frame_set.framing),
                flaw=str(frame_set.flaw),
                planes=planes,
                profiles=self._pickled(frame_set.profiles),
            ),
            pickle.HIGHEST_PROTOCOL,
        )
        if pixel_bytes + len(meta) > segment.slot_bytes:
            raise FrameTooLargeError(
                sentence(
                    "A frame set of {size_mib:.1f} MiB does not fit into the frame ring.",
                    size_mib=(pixel_bytes + len(meta)) / 2**20,
                ),
                "Choose a smaller stream size in the camera settings.",
            )
        turn = int(segment.words[_NEWEST]) + 1
        head, data = segment.slot(turn)
        head[_GENERATION] = 2 * turn - 1
        for plane in planes:
            frame = frame_set.frames[plane.modality]
            _view(data, plane)[...] = frame.pixels
        data[pixel_bytes : pixel_bytes + len(meta)] = np.frombuffer(meta, dtype=np.uint8)
        head[_NUMBER], head[_META_BYTES], head[_PIXEL_BYTES] = frame_set.number, len(meta), pixel_bytes
        head[_WRITTEN_NS] = time.monotonic_ns()
        head[_GENERATION] = 2 * turn
        self.claim(frame_set.number)
        segment.words[_NEWEST] = turn
        return True

    def close(self) -> None:
        """Detach."""
        self._segment.close()

    def _pickled(self, profiles: Mapping[Modality, StreamProfile]) -> bytes:
        if self._profiles is None or self._profiles[0] is not profiles:
            self._profiles = (profiles, pickle.dumps(dict(profiles), pickle.HIGHEST_PROTOCOL))
        return self._profiles[1]


class RingReader:
    """The reading end of inference and window; a `core.ports.FrameSource`."""

    def __init__(self, name: str) -> None:
        self._segment = _Segment(_attach(name))
        self._profiles: tuple[bytes, Mapping[Modality, StreamProfile]] = (b"", {})
        self.torn = 0
        """Copies that were discarded because the writer came round meanwhile."""

    def newest(self, after: int, timeout_ms: float) -> tuple[FrameSet, float] | None:
        """See `core.ports.FrameSource.newest`. The age counts from the moment the frame set entered the ring."""
        deadline_s = time.monotonic() + timeout_ms / 1000.0
        while True:
            found = self._copy_newest(after)
            if found is not None or time.monotonic() >= deadline_s:
                return found
            time.sleep(POLL_S)

    def close(self) -> None:
        """Detach."""
        self._segment.close()

    def _copy_newest(self, after: int) -> tuple[FrameSet, float] | None:
        turn = int(self._segment.words[_NEWEST])
        if turn == 0:
            return None
        head, data = self._segment.slot(turn)
        generation = int(head[_GENERATION])
        if generation != 2 * turn or int(head[_NUMBER]) <= after:
            return None
        written_ns = int(head[_WRITTEN_NS])
        size = int(head[_PIXEL_BYTES]) + int(head[_META_BYTES])
        if size > self._segment.slot_bytes:
            return None
        start = int(head[_PIXEL_BYTES])
        copy = data[:size].copy()
        if int(head[_GENERATION]) != generation:
            self.torn += 1
            return None
        meta: _Meta = pickle.loads(copy[start:].tobytes())  # our own process wrote it, and it is whole
        return self._frame_set(meta, copy), (time.monotonic_ns() - written_ns) / 1e6

    def _frame_set(self, meta: _Meta, copy: NDArray[np.uint8]) -> FrameSet:
        if meta.profiles != self._profiles[0]:
            self._profiles = (meta.profiles, pickle.loads(meta.profiles))
        frames = {
            plane.modality: Frame(
                modality=plane.modality,
                pixels=_view(copy, plane),
                number=plane.number,
                device_time_ms=plane.device_time_ms,
                time_domain=plane.time_domain,
                metadata=plane.metadata,
            )
            for plane in meta.planes
        }
        return FrameSet(
            number=meta.number,
            time_ms=meta.time_ms,
            frames=frames,
            mask=ModalityMask(meta.mask),
            profiles=self._profiles[1],
            skew_ms=meta.skew_ms,
            framing=Framing(meta.framing),
            flaw=Reason(meta.flaw),
        )


def _planes(frame_set: FrameSet) -> tuple[tuple[_Plane, ...], int]:
    """Layout of a frame set's pixels, and their size in bytes."""
    planes = []
    offset = 0
    for modality, frame in frame_set.frames.items():
        pixels = frame.pixels
        planes.append(
            _Plane(
                modality=modality,
                shape=pixels.shape,
                dtype=pixels.dtype.str,
                offset=offset,
                number=frame.number,
                device_time_ms=frame.device_time_ms,
                time_domain=frame.time_domain,
                metadata=dict(frame.metadata),
            )
        )
        offset += -(-pixels.nbytes // _ALIGN) * _ALIGN
    return tuple(planes), offset


def _view(data: NDArray[np.uint8], plane: _Plane) -> NDArray[Any]:
    dtype = np.dtype(plane.dtype)
    size = int(np.prod(plane.shape)) * dtype.itemsize
    return data[plane.offset : plane.offset + size].view(dtype).reshape(plane.shape)


def _bytes_of(memory: shared_memory.SharedMemory) -> NDArray[np.uint8]:
    buffer = memory.buf
    assert buffer is not None, "the segment is mapped until it is closed"
    return np.frombuffer(buffer, dtype=np.uint8)


def _reserved(name: str, size: int) -> shared_memory.SharedMemory:
    """A new segment that has its memory. Raises ``OSError``.

    Linux gives pages only where they are written, and whoever writes where none is left is killed (SIGBUS).
    """
    memory = shared_memory.SharedMemory(name=name, create=True, size=size)
    try:
        if (place := SHARED_MEMORY / name).exists():
            with place.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError:
        memory.close()
        memory.unlink()
        raise
    return memory


def _attach(name: str) -> shared_memory.SharedMemory:
    """Attach to a segment that another process owns, without becoming its owner (cpython #82300).

    Up to Python 3.12 every attachment is registered with a resource tracker, which removes the segment when its
    process ends. A child of the creator shares the creator's tracker, where the name stands already; a stranger has
    its own and must take the name out.
    """
    try:
        if sys.version_info >= (3, 13):
            return shared_memory.SharedMemory(name=name, track=False)
        memory = shared_memory.SharedMemory(name=name)
    except FileNotFoundError as error:
        raise RingMissingError(
            sentence("The frame ring {name} is gone.", name=name), "Start the station again."
        ) from error
    parent = multiprocessing.parent_process()
    family = {os.getpid(), parent.pid if parent is not None else 0}
    if _creator(name) not in family:
        resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]
    return memory


def _creator(name: str) -> int:
    parts = name.split("-")
    return int(parts[1]) if len(parts) == 3 and parts[0] == PREFIX and parts[1].isdecimal() else 0


def remove_stale() -> list[str]:
    """Unlink the segments of stations that no longer run; returns their names."""
    removed = []
    for path in SHARED_MEMORY.glob(f"{PREFIX}-*-*"):
        creator = _creator(path.name)
        if creator and not _runs(creator):
            path.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
