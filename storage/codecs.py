"""Pixels as payloads: lossless, fast enough for 30 frame sets a second on one core (reliability.md section 3.3).

zstd at level 1; sixteen-bit images are first replaced by the differences along each row and split into low and high
bytes. A payload names its codec, so that encryption can wrap it later without touching what is stored.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import zstandard
from numpy.typing import NDArray

ZSTD: Final = "zstd"
ZSTD_DELTA_SPLIT: Final = "zstd+delta16+split"
_U16: np.dtype[np.uint16] = np.dtype("<u2")
DTYPES: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": _U16}
_LEVEL = 1
_UNTOLD = -1
MAX_BYTES = 1 << 28
"""More than any camera delivers: a damaged shape must not ask for all the memory there is."""
_thread = threading.local()


class PayloadError(ValueError):
    """A payload does not decode to the pixels that it should hold."""


def encode(pixels: NDArray[Any]) -> tuple[str, bytes]:
    """Codec and payload of an image (uint8 or uint16, any shape)."""
    if pixels.dtype == np.uint16:
        return ZSTD_DELTA_SPLIT, _compressor().compress(_split(_differences(pixels)))
    if pixels.dtype != np.uint8:
        raise ValueError(f"frames hold uint8 or uint16, not {pixels.dtype}")
    return ZSTD, _compressor().compress(np.ascontiguousarray(pixels).data)


def decode(codec: str, payload: bytes, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    """The pixels of a payload, writeable; raises `PayloadError` when it is damaged."""
    kind = DTYPES.get(dtype)
    if kind is None or codec not in (ZSTD, ZSTD_DELTA_SPLIT) or (codec == ZSTD_DELTA_SPLIT and kind != _U16):
        raise PayloadError(f"codec {codec} of {dtype} is not known")
    size = kind.itemsize * math.prod(shape)
    if len(shape) < 2 or min(shape) < 1 or size > MAX_BYTES:
        raise PayloadError(f"{'x'.join(map(str, shape)) or 'nothing'} is no picture")
    try:
        # What the payload claims to hold is allocated before anything is read, whatever limit is given beside it.
        if (claimed := zstandard.frame_content_size(payload)) not in (size, _UNTOLD):
            raise PayloadError(f"{claimed} bytes instead of {size}")
        raw = _decompressor().decompress(payload, max_output_size=size)
    except zstandard.ZstdError as error:
        raise PayloadError(str(error)) from error
    if len(raw) != size:
        raise PayloadError(f"{len(raw)} bytes instead of {size}")
    if codec == ZSTD:
        return np.frombuffer(raw, kind).reshape(shape).copy()
    return _sums(_join(raw, shape))


def _compressor() -> zstandard.ZstdCompressor:
    """One per thread: a compressor must not be shared."""
    if not hasattr(_thread, "compressor"):
        _thread.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    compressor: zstandard.ZstdCompressor = _thread.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_thread, "decompressor"):
        _thread.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _thread.decompressor
    return decompressor


def _differences(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Each pixel less its left neighbour, modulo 2^16; the first column stays."""
    differences = np.empty(pixels.shape, _U16)
    differences[:, 0] = pixels[:, 0]
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=differences[:, 1:])
    return differences


def _sums(differences: NDArray[np.uint16]) -> NDArray[np.uint16]:
    sums: NDArray[np.uint16] = np.cumsum(differences, axis=1, dtype=np.uint16)
    return sums


def _split(values: NDArray[np.uint16]) -> memoryview:
    """All low bytes, then all high bytes: the high ones are nearly all equal and compress to nothing."""
    return np.ascontiguousarray(values.view(np.uint8).reshape(-1, 2).T).data


def _join(raw: bytes, shape: Sequence[int]) -> NDArray[np.uint16]:
    halves = np.frombuffer(raw, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(halves.T).view(_U16).reshape(shape)
