"""What the audit log and `doctor` say of a station and its folder; each problem is injected."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.checks import Check, Finding
from core.clock import ClockWatch, FakeClock
from core.codes import RecordMode, SessionPurpose, SourceKind
from core.inference.doctor import check_model
from core.model.bundle import FACTORY_BUNDLE, load_network, save_bundle
from storage import doctor
from storage.catalogue import Catalogue, open_catalogue
from storage.disk import MIB, Ballast, Watermarks
from storage.frames import FrameStore
from storage.paths import DataFolder
from storage.station_life import begin_station, end_station
from tests import audit_attack, stored

START_UTC_S = 1_790_000_000.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(utc_s=START_UTC_S)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def station(folder: DataFolder, clock: FakeClock, stop: bool = True) -> list[str]:
    with open_catalogue(folder, clock) as catalogue:
        told = begin_station(catalogue, SourceKind.SIMULATED)
        if stop:
            end_station(catalogue)
    return [problem.what for problem in told]


def actions(folder: DataFolder, clock: FakeClock) -> list[str]:
    with open_catalogue(folder, clock) as catalogue:
        return [entry.action for entry in catalogue.audit.of("station", "")]


def test_start_and_stop_are_logged_and_anchored(folder: DataFolder, clock: FakeClock) -> None:
    assert station(folder, clock) == []
    assert actions(folder, clock) == ["start", "stop"]
    with open_catalogue(folder, clock) as catalogue:
        assert [one.entry for one in catalogue.audit.anchors.here()] == [1, 2]


def test_a_station_that_was_cut_off_is_logged_by_the_next(folder: DataFolder, clock: FakeClock) -> None:
    station(folder, clock, stop=False)
    assert station(folder, clock) == []
    assert actions(folder, clock) == ["start", "cut_off", "start", "stop"]


def test_an_old_catalogue_is_told_at_the_start_and_logged(folder: DataFolder, clock: FakeClock, tmp_path: Path) -> None:
    station(folder, clock)
    shutil.copy(folder.catalogue, tmp_path / "old.db")
    station(folder, clock)
    shutil.copy(tmp_path / "old.db", folder.catalogue)
    told = station(folder, clock)
    assert len(told) == 1
    assert "audit log is not intact" in told[0]
    with open_catalogue(folder, clock) as catalogue:
        start = next(e for e in catalogue.audit.entries() if e.action == "start")
        assert start.details["faults"] == ["cut"]
        assert doctor.check_audit(catalogue).finding is Finding.BAD


def test_a_clock_that_was_set_back_is_told_at_the_start(folder: DataFolder, clock: FakeClock) -> None:
    station(folder, clock)
    earlier = FakeClock(utc_s=START_UTC_S - 86_400.0)
    assert "86400 s before" in station(folder, earlier)[0]
    assert "clock_jump" in actions(folder, earlier)


def test_a_jump_of_the_clock_is_noticed_once() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    clock.advance(3_600_000.0)
    assert watch.jump_s() == 0.0
    clock._utc_0_s -= 86_400.0
    assert watch.jump_s() == pytest.approx(-86_400.0)
    assert watch.jump_s() == 0.0


# --- doctor ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def catalogue(folder: DataFolder, clock: FakeClock) -> Iterator[Catalogue]:
    with open_catalogue(folder, clock) as opened:
        begin_station(opened, SourceKind.SIMULATED)
        yield opened


def bad(check: Check, words: str) -> None:
    assert check.finding is not Finding.GOOD
    assert words in check.detail
    assert check.remedy


def test_a_healthy_folder_has_no_bad_finding(catalogue: Catalogue, clock: FakeClock) -> None:
    Ballast(catalogue.folder.ballast).ensure()
    found = {c.name: c for c in doctor.check_folder(catalogue.folder, clock, Watermarks(1, 1))}
    bad_ones = {name for name, check in found.items() if check.finding is Finding.BAD}
    assert bad_ones == {"champion"}, "no model was installed in this folder"
    assert all(check.remedy for check in found.values() if check.finding is not Finding.GOOD)
    assert {"SQLite", "disk space", "ballast", "data folder", "catalogue", "audit log", "clock"} <= found.keys()


def test_a_folder_that_is_not_there_yet_is_no_problem(folder: DataFolder) -> None:
    assert all(check.finding is Finding.GOOD for check in doctor.check_folder(folder))
    assert not folder.root.exists()


def test_a_full_disk_and_a_used_reserve_are_told(catalogue: Catalogue) -> None:
    bad(doctor.check_disk(catalogue.folder, Watermarks(2**60, 2**60)), "nothing is recorded")
    bad(doctor.check_disk(catalogue.folder, Watermarks(2**60, MIB)), "will stop")
    catalogue.folder.ballast.unlink(missing_ok=True)
    bad(doctor.check_ballast(catalogue.folder), "reserve")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_keys_that_others_may_read_are_told(catalogue: Catalogue) -> None:
    catalogue.folder.root.chmod(0o755)
    bad(doctor.check_permissions(catalogue.folder), "other users")
    catalogue.folder.audit_key.chmod(0o644)
    bad(doctor.check_permissions(catalogue.folder), "audit.key")


def test_a_network_drive_is_told(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "network_drive", lambda _path: "nfs4")
    bad(doctor.check_permissions(catalogue.folder), "nfs4")


def test_an_unsafe_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.is_safe_version", lambda _version: False)
    bad(doctor.check_library(), "can lose data")


def test_a_damaged_catalogue_is_told(folder: DataFolder, clock: FakeClock) -> None:
    station(folder, clock)
    content = bytearray(folder.catalogue.read_bytes())
    content[100:4000] = bytes(3900)
    folder.catalogue.write_bytes(content)
    found = {check.name: check for check in doctor.check_folder(folder, clock)}
    bad(found["catalogue"], "damaged")


def test_rows_that_point_to_nothing_are_told(folder: DataFolder, clock: FakeClock) -> None:
    station(folder, clock)
    audit_attack.spoil(folder.catalogue, "INSERT INTO aliases VALUES ('factory', 'gone', 1.0)")
    with open_catalogue(folder, clock) as opened:
        bad(doctor.check_structure(opened), "rows that are gone")


def test_a_changed_audit_entry_is_told(folder: DataFolder, clock: FakeClock) -> None:
    station(folder, clock)
    with audit_attack.opened(folder.catalogue) as connection:
        connection.execute("UPDATE audit SET reason = 'x' WHERE id = 2")
    with open_catalogue(folder, clock) as opened:
        bad(doctor.check_audit(opened), "entry 2")


def test_a_second_place_that_is_missing_is_told(catalogue: Catalogue, tmp_path: Path) -> None:
    bad(doctor.check_second_place(catalogue), "alone")
    stick = tmp_path / "stick"
    stick.mkdir()
    catalogue.audit.anchors.choose(str(stick))
    assert doctor.check_second_place(catalogue).finding is Finding.GOOD
    stick.rmdir()
    bad(doctor.check_second_place(catalogue), "not at hand")


@pytest.mark.parametrize(("utc_s", "words"), [(START_UTC_S - 60.0, "60 s before"), (1_000_000.0, "program was made")])
def test_a_wrong_clock_is_told(catalogue: Catalogue, folder: DataFolder, utc_s: float, words: str) -> None:
    with open_catalogue(folder, FakeClock(utc_s=utc_s)) as opened:
        bad(doctor.check_clock(opened), words)


def with_frames(catalogue: Catalogue, encrypted: bool) -> str:
    session = catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED)
    if encrypted:
        catalogue.vault.for_session(session)
    FrameStore.create(catalogue.frames_path(session), session).close()
    return session


def test_the_state_of_the_keys_is_told(catalogue: Catalogue, folder: DataFolder, clock: FakeClock) -> None:
    assert doctor.check_keys(catalogue).finding is Finding.GOOD
    with_frames(catalogue, encrypted=True)
    bad(doctor.check_keys(catalogue), "without a recovery code")
    with_frames(catalogue, encrypted=False)
    bad(doctor.check_keys(catalogue), "without encryption")
    for key in folder.root.glob("site-*.key"):
        key.unlink()
    with open_catalogue(folder, clock) as opened:
        bad(doctor.check_keys(opened), "site key")


def test_a_station_where_nobody_logs_in_is_told(catalogue: Catalogue) -> None:
    bad(doctor.check_people(catalogue), "open station")


def test_a_model_that_fails_is_told(tmp_path: Path) -> None:
    def missing() -> Path:
        return tmp_path / "no-model"

    bad(check_model(missing), "no-model")


def test_a_model_without_limits_of_the_unfamiliar_is_told(tmp_path: Path) -> None:
    network, manifest = load_network(FACTORY_BUNDLE)
    save_bundle(tmp_path, network, manifest.model_copy(update={"name": "boundless", "novelty": {}}))
    told = check_model(lambda: tmp_path)
    assert told.finding is Finding.WARNING
    assert "boundless has no limits" in told.detail
    assert check_model(lambda: FACTORY_BUNDLE).finding is Finding.GOOD


def test_stored_verdicts_are_untouched_by_all_checks(catalogue: Catalogue, clock: FakeClock) -> None:
    catalogue.verdicts.commit(stored.verdict())
    doctor.check_folder(catalogue.folder, clock)
    assert len(catalogue.verdicts.page()[0]) == 1
