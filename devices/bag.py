"""Legacy ``.bag`` recordings are looked through before the SDK opens them.

The SDK's parser believes every length in the file: one that claims more than there is lets it allocate without end, in
native code that holds the interpreter (found by fuzzing). A bag (ROS bag format 2.0) is records of a header and data,
each behind its length; here every record is walked, and what points to others must point to where one begins.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"#ROSBAG V2.0\n"
"""What a bag begins with."""
_LENGTH, _PLACE = struct.Struct("<I"), struct.Struct("<Q")
_INDEX_ENTRY = struct.Struct("<QI")
_BAG, _INDEX, _CHUNK, _CHUNK_INFO, _CONNECTION = 3, 4, 5, 6, 7
_MOST_HEADER, _MOST_CHUNK = 1 << 20, 1 << 30
"""Bytes of a record's header, and of a chunk when it is unpacked: the parser doubles its memory until it is enough, and
beyond 2 GiB it never is."""


@dataclass(frozen=True, slots=True)
class _Record:
    """``op``: its kind; ``data``: where its data begin and how long they are."""

    at: int
    op: int
    fields: Mapping[bytes, bytes]
    data: tuple[int, int]


def check_bag(path: Path) -> None:
    """Look through a bag.

    Raises:
        ValueError: it is none, or some length or place in it is wrong; the text says which.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin as a bag does")
        records = list(_records(file, size))
        if not records or records[0].op != _BAG:
            raise ValueError("it has no bag header")
        begins = {record.at for record in records} | {size}
        if _number(records[0], b"index_pos", _PLACE) not in begins:
            raise ValueError("its index lies elsewhere than it says")
        chunks = {record.at: record for record in records if record.op == _CHUNK}
        if any(_number(record, b"size", _LENGTH) > _MOST_CHUNK for record in chunks.values()):
            raise ValueError("a chunk claims more than any camera delivers")
        chunk: _Record | None = None
        for record in records:
            chunk = record if record.op == _CHUNK else chunk
            if record.op == _CHUNK_INFO and _number(record, b"chunk_pos", _PLACE) not in chunks:
                raise ValueError(f"what is told of a chunk at {record.at} is of none")
            if record.op == _CONNECTION:
                _fields(_data(file, record), record.at)
            if record.op == _INDEX:
                _check_index(_data(file, record), record, chunk)


def _records(file: BinaryIO, size: int) -> Iterator[_Record]:
    while (at := file.tell()) < size:
        if (length := _length(file, size, at)) > _MOST_HEADER:
            raise ValueError(f"the record at {at} has {length} bytes of header")
        header = file.read(length)
        length = _length(file, size, at)
        fields = _fields(header, at)
        op = fields.get(b"op", b"")
        if len(op) != 1:
            raise ValueError(f"the record at {at} has no kind")
        yield _Record(at, op[0], fields, (file.tell(), length))
        file.seek(length, 1)


def _length(file: BinaryIO, size: int, at: int) -> int:
    """A length at the file's place, of what must lie within the file."""
    word = file.read(_LENGTH.size)
    if len(word) < _LENGTH.size or (length := int(_LENGTH.unpack(word)[0])) > size - file.tell():
        raise ValueError(f"the record at {at} is longer than the file")
    return length


def _fields(header: bytes, at: int) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    place = 0
    while place < len(header):
        begin = place + _LENGTH.size
        length = _LENGTH.unpack_from(header, place)[0] if begin <= len(header) else len(header)
        name, mark, value = header[begin : begin + length].partition(b"=")
        if begin + length > len(header) or not mark:
            raise ValueError(f"the header of the record at {at} is damaged")
        found[name] = value
        place = begin + length
    return found


def _number(record: _Record, name: bytes, form: struct.Struct) -> int:
    value = record.fields.get(name, b"")
    if len(value) != form.size:
        raise ValueError(f"the record at {record.at} has no {name.decode()}")
    return int(form.unpack(value)[0])


def _data(file: BinaryIO, record: _Record) -> bytes:
    file.seek(record.data[0])
    return file.read(record.data[1])


def _check_index(data: bytes, record: _Record, chunk: _Record | None) -> None:
    """The entries of a chunk's index point into it."""
    if chunk is None or len(data) % _INDEX_ENTRY.size:
        raise ValueError(f"the index at {record.at} is of no chunk, or damaged")
    room = _number(chunk, b"size", _LENGTH) - _LENGTH.size
    if any(offset > room for _, offset in _INDEX_ENTRY.iter_unpack(data)):
        raise ValueError(f"the index at {record.at} points behind its chunk")
