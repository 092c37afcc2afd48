"""Bags are looked through before the SDK's parser may believe them."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from devices.bag import check_bag
from devices.playback import PlaybackOrigin
from devices.sdk import SdkCamera

MAGIC = b"#ROSBAG V2.0\n"


def fields(**given: bytes) -> bytes:
    each = [name.encode() + b"=" + value for name, value in given.items()]
    return b"".join(struct.pack("<I", len(one)) + one for one in each)


def record(op: int, data: bytes = b"", **given: bytes) -> bytes:
    header = fields(op=bytes([op]), **given)
    return struct.pack("<I", len(header)) + header + struct.pack("<I", len(data)) + data


def bag(
    *, index_pos: int | None = None, chunk_pos: int | None = None, offset: int = 0, size: int = 64, topic: bytes = b""
) -> bytes:
    """A bag of one chunk, its index, one connection and what is told of the chunk."""
    chunk = record(5, b"z" * 40, compression=b"lz4", size=struct.pack("<I", size))
    index = record(4, struct.pack("<QI", 7, offset), conn=struct.pack("<I", 0))
    length = len(record(3, index_pos=bytes(8)))
    begin = len(MAGIC) + length
    place = begin + len(chunk + index) if index_pos is None else index_pos
    connection = record(7, topic or fields(topic=b"/depth", type=b"Image"), conn=struct.pack("<I", 0))
    info = record(6, chunk_pos=struct.pack("<Q", begin if chunk_pos is None else chunk_pos))
    return MAGIC + record(3, index_pos=struct.pack("<Q", place)) + chunk + index + connection + info


def checked(folder: Path, content: bytes) -> None:
    path = folder / "r.bag"
    path.write_bytes(content)
    check_bag(path)


def test_a_whole_bag_passes(tmp_path: Path) -> None:
    checked(tmp_path, bag())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not begin"),
        (MAGIC, "no bag header"),
        (MAGIC + record(5, size=bytes(4)), "no bag header"),
        (bag(index_pos=99), "index lies elsewhere"),
        (bag(chunk_pos=99), "of none"),
        (bag(offset=61), "points behind its chunk"),
        (bag(size=(1 << 30) + 1), "more than any camera"),
        (bag(topic=b"\xff\xff\xff\xfftopic"), "header of the record at .* is damaged"),
        (bag()[:-1], "longer than the file"),
        (bag() + struct.pack("<I", 0xFFFFFFFF), "longer than the file"),
        (bag() + b"\1", "longer than the file"),
        (bag() + struct.pack("<I", 6) + struct.pack("<I", 2) + b"x=" + bytes(4), "no kind"),
        (bag() + struct.pack("<I", 1 << 21) + bytes(1 << 21), "bytes of header"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked(tmp_path, content)


@given(st.integers(0, len(bag()) - 1), st.binary(min_size=1, max_size=8))
def test_any_change_is_passed_or_named(tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes) -> None:
    content = bag()
    with contextlib.suppress(ValueError):
        checked(tmp_path_factory.mktemp("bag"), content[:at] + put + content[at + len(put) :])


@pytest.mark.shared
@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole.replace(b"index_pos=", b"index_pos=\xff\xff\xff", 1)[: len(whole)],
        lambda whole: whole[: whole.rindex(b"topic=") - 60] + b"\xff" * 4 + whole[whole.rindex(b"topic=") - 56 :],
        lambda whole: whole.replace(b"size=", b"size=\xff\xff\xff\xff", 1)[: len(whole)],
    ],
    ids=["place of the index", "length of a connection", "size of a chunk"],
)
def test_a_length_that_nothing_can_hold_does_not_hang_the_camera(
    shared_data: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "r.bag"
    path.write_bytes(spoil((shared_data / "realsense_d435_640x480.bag").read_bytes()))
    with pytest.raises(InputError, match="damaged or was cut off"):
        SdkCamera(PlaybackOrigin(path)).open()
