from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import HostError, InputError
from core.frames import EVERY_MASK, MODALITIES, FrameSet, ModalityMask
from storage.codecs import PayloadError, decode, encode
from storage.database import DatabaseFile
from storage.disk import Ballast, DiskGuard, Watermarks
from storage.frames import FORM, FrameStore
from storage.paths import DataFolder
from storage.problems import DiskFullError
from storage.recorder import SessionRecorder
from tests import stored
from tests.patience import PATIENCE_S


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FrameStore]:
    with FrameStore.create(tmp_path / "s1.db", "s1") as made:
        yield made


def _edit(path: Path, sql: str, *parameters: object) -> None:
    file = DatabaseFile(path, FORM)
    file.execute(sql, parameters)
    file.close()


# --- payloads -------------------------------------------------------------------------------------------------------

_SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 17))


@given(_SHAPES.flatmap(lambda shape: arrays(np.uint16, shape)))
def test_sixteen_bits_come_back(pixels: np.ndarray) -> None:
    codec, payload = encode(pixels)
    back = decode(codec, payload, "uint16", pixels.shape)
    assert back.dtype == np.uint16
    assert np.array_equal(back, pixels)


@given(_SHAPES.flatmap(lambda shape: arrays(np.uint8, (*shape, 3))))
def test_eight_bits_come_back(pixels: np.ndarray) -> None:
    codec, payload = encode(pixels)
    assert np.array_equal(decode(codec, payload, "uint8", pixels.shape), pixels)


@given(st.binary(max_size=200))
def test_a_payload_of_anything_is_refused(payload: bytes) -> None:
    for codec in ("zstd", "zstd+delta16+split", "none"):
        with pytest.raises(PayloadError):
            decode(codec, payload, "uint16", (480, 640))


def test_a_view_is_encoded_as_it_looks() -> None:
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8)[::2, ::-2]
    codec, payload = encode(pixels)
    assert np.array_equal(decode(codec, payload, "uint16", pixels.shape), pixels)


# --- frame sets -----------------------------------------------------------------------------------------------------


def test_frame_sets_come_back_bit_equal(store: FrameStore, tmp_path: Path) -> None:
    given_sets = [stored.frame_set(n, mask, with_stale=n % 2 == 0) for n, mask in enumerate(EVERY_MASK, start=1)]
    given_sets.append(stored.frame_set(8, ModalityMask(0)))
    store.append(given_sets[:3])
    store.append(given_sets[3:])
    with FrameStore.open(tmp_path / "s1.db") as reader:
        for one, other in zip(given_sets, reader, strict=True):
            stored.assert_equal(one, other)
        stored.assert_equal(reader.frame_set(5), given_sets[4])
        assert (len(reader), reader.last_number, reader.session) == (8, 8, "s1")
        assert [entry.mask for entry in reader.timeline()] == [s.mask for s in given_sets]
        assert [s.number for s in reader.frame_sets(3, 6)] == [3, 4, 5, 6]
        next(iter(reader))[MODALITIES[0]].pixels[0, 0] = 1


def test_a_batch_is_all_or_nothing(store: FrameStore) -> None:
    store.append([stored.frame_set(1)])
    with pytest.raises(InputError, match="stored already"):
        store.append([stored.registered(stored.frame_set(2)), stored.frame_set(1)])
    assert len(store) == 1
    store.append([stored.registered(stored.frame_set(2))])
    assert [frame_set.number for frame_set in store] == [1, 2]


def test_a_store_goes_on_where_it_ended(store: FrameStore, tmp_path: Path) -> None:
    store.append([stored.frame_set(1)])
    with FrameStore.create(tmp_path / "s1.db", "s1") as again:
        again.append([stored.frame_set(again.last_number + 1)])
        assert len(again) == 2
    with pytest.raises(InputError, match="holds session s1"):
        FrameStore.create(tmp_path / "s1.db", "s2")


@pytest.mark.parametrize("modality", ["rgb", "depth", "ir"])
def test_a_flipped_bit_in_a_payload_is_found(store: FrameStore, tmp_path: Path, modality: str) -> None:
    store.append([stored.frame_set(n) for n in (1, 2, 3)])
    path = tmp_path / "s1.db"
    file = DatabaseFile(path, FORM)
    payload = bytearray(file.value("SELECT payload FROM frames WHERE number = 2 AND modality = ?", (modality,)))
    payload[len(payload) // 2] ^= 0x10
    file.execute("UPDATE frames SET payload = ? WHERE number = 2 AND modality = ?", (bytes(payload), modality))
    file.close()
    assert store.quick_check() == "ok"
    with pytest.raises(InputError, match=f"{modality} of frame set 2"):
        store.frame_set(2)
    told: list[InputError] = []
    assert [s.number for s in store.frame_sets(on_damage=told.append)] == [1, 3]
    assert len(told) == 1
    with pytest.raises(InputError):
        list(store)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sets SET mask = 7 WHERE number = 2",
        "UPDATE sets SET time_ms = time_ms + 1 WHERE number = 2",
        "UPDATE frames SET device_time_ms = 5 WHERE number = 2",
        "DELETE FROM frames WHERE number = 2 AND modality = 'ir'",
        "UPDATE frames SET payload = (SELECT payload FROM frames WHERE number = 1 AND modality = 'rgb') "
        "WHERE number = 2 AND modality = 'rgb'",
        "UPDATE profiles SET form = replace(form, '0.015', '0.016')",
    ],
)
def test_whatever_is_changed_is_found(store: FrameStore, tmp_path: Path, sql: str) -> None:
    mask = ModalityMask.parse("rgb+depth")
    store.append([stored.frame_set(n, mask, with_stale=True) for n in (1, 2)])
    _edit(tmp_path / "s1.db", sql)
    with pytest.raises(InputError, match="damaged"):
        store.frame_set(2)


def test_frames_databases_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no stored frames"):
        FrameStore.open(tmp_path / "none.db")
    (tmp_path / "bad.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(InputError):
        FrameStore.open(tmp_path / "bad.db")
    FrameStore.create(tmp_path / "new.db", "new").close()
    _edit(tmp_path / "new.db", "PRAGMA user_version=99")
    with pytest.raises(InputError, match="newer version"):
        FrameStore.open(tmp_path / "new.db")


def test_the_profiles_need_no_sdk(store: FrameStore) -> None:
    store.append([stored.frame_set(1)])
    profiles = store.frame_set(1).profiles
    assert profiles == stored.profiles(32, 24)
    assert json.dumps([p.width for p in profiles.values()]) == "[32, 32, 32]"


# --- the recorder ---------------------------------------------------------------------------------------------------


def test_the_recorder_stores_everything_it_takes(tmp_path: Path) -> None:
    committed: list[int] = []
    recorder = SessionRecorder(tmp_path / "s1.db", "s1", committed=committed.extend)
    taken = [n for n in range(1, 41) if recorder.offer(stored.frame_set(n))]
    recorder.close()
    recorder.close()
    assert (recorder.recorded, recorder.dropped, recorder.problem) == (40, 0, "")
    assert committed == taken == list(range(1, 41))
    with FrameStore.open(tmp_path / "s1.db") as store:
        assert len(store) == 40
    assert not recorder.offer(stored.frame_set(41))
    assert not list(tmp_path.glob("*-wal"))


def test_what_does_not_fit_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, offered = FrameStore.append, threading.Event()

    def append(self: FrameStore, frame_sets: Sequence[FrameSet]) -> None:
        assert offered.wait(PATIENCE_S)
        whole(self, frame_sets)

    monkeypatch.setattr("storage.recorder.BATCH_SETS", 1)
    monkeypatch.setattr(FrameStore, "append", append)
    recorder = SessionRecorder(tmp_path / "s1.db", "s1", queue_sets=2)
    taken = sum(recorder.offer(stored.frame_set(n)) for n in range(1, 13))
    offered.set()
    recorder.close()
    assert 2 <= taken <= 3, "what the queue holds, and what is being written"
    assert (recorder.recorded, recorder.dropped) == (taken, 12 - taken)


def test_recording_stops_at_the_watermark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = iter([100, 100, 50, 50, *[5] * 1000])
    monkeypatch.setattr(DiskGuard, "_free", lambda self: next(free) << 20)
    guard = DiskGuard(tmp_path, Watermarks(warn=60 << 20, stop=10 << 20))
    recorder = SessionRecorder(tmp_path / "s1.db", "s1", guard=guard, queue_sets=100)
    for n in range(1, 100):
        recorder.offer(stored.frame_set(n))
    recorder.close()
    assert "5 MiB are free" in recorder.problem
    assert "50 MiB are free" in caplog.text
    assert recorder.recorded + recorder.dropped == 99
    with FrameStore.open(tmp_path / "s1.db") as store:
        assert len(store) == recorder.recorded


def test_recording_does_not_begin_on_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="MiB are free"):
        SessionRecorder(tmp_path / "s1.db", "s1", guard=DiskGuard(tmp_path, Watermarks(1 << 60, 1 << 60)))
    assert not (tmp_path / "s1.db").exists()


def test_a_failing_write_stops_the_recorder_and_releases_the_ballast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    assert Ballast(folder.ballast, 1 << 20).ensure()
    whole = FrameStore.append

    def append(self: FrameStore, frame_sets: Sequence[FrameSet]) -> None:
        if frame_sets[-1].number > 5:
            raise DiskFullError("The disk is full.", "Free some space.")
        whole(self, frame_sets)

    monkeypatch.setattr("storage.recorder.BATCH_SETS", 1)
    monkeypatch.setattr(FrameStore, "append", append)
    recorder = SessionRecorder(tmp_path / "s1.db", "s1", folder=folder)
    for n in range(1, 11):
        recorder.offer(stored.frame_set(n))
    recorder.close()
    assert (recorder.recorded, recorder.dropped) == (5, 5)
    assert recorder.problem == "The disk is full. Free some space."
    assert not folder.ballast.exists()


def test_a_defect_of_the_recorder_is_never_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the thread ends the recording visibly; nobody waits for it for ever."""
    seen: list[object] = []
    monkeypatch.setattr("threading.excepthook", seen.append)
    monkeypatch.setattr(FrameStore, "append", lambda self, frame_sets: 1 / 0)
    recorder = SessionRecorder(tmp_path / "s1.db", "s1")
    recorder.offer(stored.frame_set(1))
    recorder.close()
    assert recorder.problem
    assert (recorder.recorded, recorder.dropped) == (0, 1)
    assert len(seen) == 1
