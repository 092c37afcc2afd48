"""Frames under lock: what was sealed comes back, and what was changed, moved or smuggled in does not."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.codes import RecordMode, SourceKind
from core.errors import InputError
from core.messages import StartRecording
from core.station.ports import SessionOrder
from storage.catalogue import Catalogue, open_catalogue
from storage.database import DatabaseFile
from storage.frames import FORM, FrameStore, frame_digest
from storage.recorder import SessionRecorder
from storage.registry import ModelRegistry
from storage.sealing import DataKey, KeyMissingError, LockedError, SealBrokenError
from storage.station_ledger import CatalogueLedger
from tests import stored


def record(catalogue: Catalogue, count: int = 3, subject: str = "") -> str:
    """A session of ``count`` sealed frame sets and one presentation over all of them."""
    session = stored.open_session(catalogue, subject=subject)
    key = catalogue.vault.for_session(session)
    with FrameStore.create(catalogue.frames_path(session), session, key) as store:
        store.append([stored.frame_set(number) for number in range(1, count + 1)])
        store.checkpoint()
    presentation = catalogue.presentations.open(session, species="")
    catalogue.presentations.close(presentation, 1, count, 0.1)
    catalogue.sessions.close(session)
    return session


def change(catalogue: Catalogue, session: str, sql: str) -> None:
    """Somebody writes to a frames database, and sets every digest right again afterwards."""
    file = DatabaseFile(catalogue.frames_path(session), FORM)
    file.execute(sql)
    for row in file.rows("SELECT * FROM frames"):
        file.execute("UPDATE frames SET digest = ? WHERE id = ?", (frame_digest(row), row["id"]))
    file.close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


@given(st.binary(max_size=300), st.binary(max_size=40), st.integers(0, 10_000), st.integers(0, 7))
def test_a_changed_bit_never_opens(plain: bytes, identity: bytes, place: int, bit: int) -> None:
    key = DataKey.generate("k")
    sealed = key.seal(plain, identity)
    assert key.open(bytes(sealed), identity) == plain
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(SealBrokenError):
        key.open(bytes(sealed), identity)
    sealed[place % len(sealed)] ^= 1 << bit
    for other, wrong in ((DataKey.generate("k"), identity), (key, identity + b"x")):
        with pytest.raises(SealBrokenError):
            other.open(bytes(sealed), wrong)


def test_a_secret_is_never_shown() -> None:
    key = DataKey("k1", b"\xab" * 32)
    order = StartRecording("s", "p", RecordMode.FRAMES, key.id, key.secret)
    for text in (repr(key), str(key), repr(order)):
        assert "\\xab" not in text
    assert pickle.loads(pickle.dumps(order)).key == key.secret


def test_frames_come_back_and_nothing_of_them_is_readable_on_disk(catalogue: Catalogue) -> None:
    session = record(catalogue)
    with catalogue.material.session(session) as store:
        for number, frame_set in enumerate(store, start=1):
            stored.assert_equal(frame_set, stored.frame_set(number))
    row = DatabaseFile(catalogue.frames_path(session), FORM).rows("SELECT DISTINCT key FROM frames")
    assert [found["key"] for found in row] == [catalogue.file.value("SELECT key FROM sessions")]
    with FrameStore.open(catalogue.frames_path(session)) as store:
        assert len(store.timeline()) == 3
        with pytest.raises(KeyMissingError):
            store.frame_set(1)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE frames SET payload = (SELECT payload FROM frames AS f WHERE f.number = 2 AND f.modality = 'ir') "
        "WHERE number = 1 AND modality = 'ir'",
        "UPDATE frames SET frame_number = frame_number + 1",
        "UPDATE frames SET device_time_ms = device_time_ms + 33.0",
        "UPDATE frames SET codec = 'zstd' WHERE modality = 'depth'",
        "UPDATE frames SET metadata = '{}'",
        "UPDATE frames SET payload = (SELECT payload FROM frames AS f WHERE f.number = 4 - frames.number AND "
        "f.modality = frames.modality)",
    ],
)
def test_whatever_is_exchanged_is_found_although_the_digests_agree(catalogue: Catalogue, sql: str) -> None:
    session = record(catalogue)
    change(catalogue, session, sql)
    with catalogue.material.session(session) as store, pytest.raises(SealBrokenError, match="changed or exchanged"):
        store.frame_set(1)


def test_the_file_of_another_session_does_not_open(catalogue: Catalogue) -> None:
    one, other = record(catalogue, subject="a"), record(catalogue, subject="a")
    catalogue.frames_path(other).replace(catalogue.frames_path(one))
    with pytest.raises(SealBrokenError, match="holds session"):
        catalogue.material.session(one)
    change(catalogue, one, f"UPDATE meta SET value = '{one}'")
    with catalogue.material.session(one) as store, pytest.raises(SealBrokenError):
        store.frame_set(1)


def test_plain_pixels_cannot_be_put_into_an_encrypted_session(catalogue: Catalogue, tmp_path: Path) -> None:
    session = record(catalogue)
    with FrameStore.create(tmp_path / "forged.db", session) as forged:
        forged.append([stored.frame_set(1)])
        forged.checkpoint()
    (tmp_path / "forged.db").replace(catalogue.frames_path(session))
    with catalogue.material.session(session) as store, pytest.raises(SealBrokenError, match="not encrypted"):
        store.frame_set(1)


def test_keys_of_one_subject_share_its_key_and_nobody_elses(catalogue: Catalogue) -> None:
    for subject in ("a", "a", "b", ""):
        record(catalogue, subject=subject)
    rows = catalogue.file.rows("SELECT subject, parent FROM keys ORDER BY created_utc_s, rowid")
    parents = [row["parent"] for row in rows if row["subject"] == "a" and row["parent"]]
    assert len(parents) == 2
    assert len(set(parents)) == 1
    assert sum(row["parent"] is None for row in rows) == 3
    secrets = {catalogue.vault.key(row["id"]).secret for row in catalogue.file.rows("SELECT id FROM keys")}
    assert len(secrets) == 6


def test_a_key_that_was_moved_to_another_row_does_not_unwrap(catalogue: Catalogue) -> None:
    one, other = record(catalogue, subject="a"), record(catalogue, subject="b")
    keys = [catalogue.sessions.get(session).key for session in (one, other)]
    sql = "UPDATE keys SET wrapped = (SELECT wrapped FROM keys AS k WHERE k.id = ?) WHERE id = ?"
    catalogue.file.execute(sql, keys)
    with pytest.raises(SealBrokenError):
        catalogue.vault.key(keys[1])


def test_a_locked_site_refuses_frames_and_goes_on_deciding(catalogue: Catalogue, tmp_path: Path) -> None:
    session = record(catalogue)
    next((tmp_path / "data").glob("site-*.key")).unlink()
    with open_catalogue(tmp_path / "data") as fresh:
        with fresh.material.session(session) as store, pytest.raises(LockedError):
            store.frame_set(1)
        ledger = CatalogueLedger(fresh, ModelRegistry(fresh))
        with pytest.raises(LockedError):
            ledger.open_session(SessionOrder(mode=RecordMode.FRAMES), SourceKind.SIMULATED)
        assert fresh.sessions.count() == 1
        begun, recording = ledger.open_session(SessionOrder(mode=RecordMode.DECISIONS), SourceKind.SIMULATED)
        assert recording is None
        assert fresh.verdicts.commit(stored.verdict(begun)) > 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=4), st.integers(1, 3))
def test_the_recorder_seals_whatever_it_is_given(
    tmp_path_factory: pytest.TempPathFactory, subjects: list[str], count: int
) -> None:
    with open_catalogue(tmp_path_factory.mktemp("site")) as catalogue:
        for subject in subjects:
            session = stored.open_session(catalogue, subject=subject)
            key = catalogue.vault.for_session(session)
            assert catalogue.vault.for_session(session) == key
            recorder = SessionRecorder(catalogue.frames_path(session), session, key=key)
            for number in range(1, count + 1):
                assert recorder.offer(stored.frame_set(number))
            recorder.close()
            with catalogue.material.session(session) as store:
                assert len(list(store)) == count
            with pytest.raises(InputError):
                catalogue.vault.for_session("none")
