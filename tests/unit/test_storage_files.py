"""Data folder, lock, disk, registry, salvage, import, export, backup."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.clock import FakeClock
from core.codes import JobState, ModelRole, RecordMode, SessionPurpose, SessionState, SourceKind
from core.data.manifest import read_manifest
from core.errors import CanceledError, ExitCode, HostError, InputError, Sentence, UsageError
from core.frames import MODALITIES, Modality, ModalityMask
from core.handing_over import VARIABLE, taken_over
from core.terminal import told_left_out
from storage import backup
from storage.catalogue import Catalogue, open_catalogue
from storage.disk import Ballast
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase
from storage.export import export_session
from storage.frames import FrameStore
from storage.importing import import_manifest
from storage.lock import StationLock
from storage.paths import DataFolder, data_folder
from storage.registry import ModelRegistry
from storage.repositories.presentations import PresentationState
from storage.repositories.sessions import Basis, SessionCounts
from storage.salvage import salvage
from storage.session_signature import SIGNATURE
from tests import stored


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data", FakeClock()) as opened:
        yield opened


# --- data folder and lock -------------------------------------------------------------------------------------------


def test_the_data_folder_is_chosen_by_option_then_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder(tmp_path / "x").root == tmp_path / "x"
    monkeypatch.setenv("SALLYPORT_DATA", str(tmp_path / "y"))
    assert data_folder().root == tmp_path / "y"
    monkeypatch.delenv("SALLYPORT_DATA")
    assert data_folder().root.name == "sallyport"


def test_a_network_drive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Partition:
        mountpoint = str(tmp_path)
        fstype = "nfs4"

    monkeypatch.setattr("psutil.disk_partitions", lambda all: [Partition])
    with pytest.raises(HostError, match="network drive"):
        DataFolder(tmp_path / "data").create()


def test_a_second_station_is_refused(tmp_path: Path) -> None:
    code = """
import sys, pathlib, storage.lock
lock = storage.lock.StationLock(pathlib.Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
input()
"""
    path = tmp_path / "station.lock"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(HostError, match=f"process {other.pid}"):
        StationLock(path).acquire()
    other.kill()
    other.communicate()
    with StationLock(path):
        assert path.read_text() == str(os.getpid())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_keeps_no_station_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "station.lock").symlink_to("/dev/full")
    with StationLock(tmp_path / "station.lock"):
        pass


def test_the_ballast_reserves_real_space(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "ballast", 3 << 20)
    assert ballast.ensure()
    assert ballast.standing
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 3 << 20
    assert ballast.release()
    assert not ballast.release()


def test_no_room_for_the_ballast_is_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ballast = Ballast(tmp_path / "ballast", 1 << 60)
    assert not ballast.ensure()
    assert not (tmp_path / "ballast").exists()
    assert "no room" in caplog.text


# --- salvage --------------------------------------------------------------------------------------------------------


def test_a_session_that_was_cut_off_is_salvaged(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    store = FrameStore.create(catalogue.frames_path(session), session)
    store.append([stored.frame_set(n) for n in range(1, 11)])
    first = catalogue.presentations.open(session, species="print_flat")
    catalogue.presentations.close(first, 1, 4, 0.1)
    second = catalogue.presentations.open(session, species="")
    findings = salvage(catalogue)
    store.close()
    assert [(f.session, f.recorded, f.presentations, f.problem) for f in findings] == [(session, 10, 1, "")]
    record = catalogue.sessions.get(session)
    assert (record.state, record.recorded, record.problem) == (SessionState.SALVAGED, 10, "The station was cut off.")
    assert record.camera_s == pytest.approx(0.3)
    cut = catalogue.presentations.get(second)
    assert (cut.state, cut.first_set, cut.last_set) == (PresentationState.CUT_OFF, 5, 10)
    assert [p.id for p in catalogue.material.presentations([session])] == [first]
    assert salvage(catalogue) == []
    assert Ballast(catalogue.folder.ballast).standing


def test_recorded_traffic_is_what_the_checkpoint_kept_the_newest_first(catalogue: Catalogue) -> None:
    clock = catalogue.clock
    assert isinstance(clock, FakeClock)

    def recorded(purpose: SessionPurpose, mode: RecordMode) -> list[str]:
        clock.advance(1000.0)
        session = catalogue.sessions.open(purpose, mode, SourceKind.SIMULATED)
        takes = [catalogue.presentations.open(session) for _ in range(2)]
        for take in takes:
            catalogue.presentations.close(take, 1, 4, 0.1)
        catalogue.sessions.close(session, SessionState.CLOSED, SessionCounts())
        return takes

    older = recorded(SessionPurpose.CHECKPOINT, RecordMode.FRAMES)
    recorded(SessionPurpose.COLLECTION, RecordMode.FRAMES)
    recorded(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS)
    newer = recorded(SessionPurpose.CHECKPOINT, RecordMode.FRAMES)
    assert [one.id for one in catalogue.material.traffic()] == [*reversed(newer), *reversed(older)]
    assert [one.id for one in catalogue.material.traffic(3)] == [*reversed(newer), older[1]]


def test_frames_that_cannot_be_read_are_told(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    catalogue.frames_path(session).write_bytes(b"broken" * 1000)
    decisions = stored.open_session(catalogue, RecordMode.DECISIONS)
    found = {finding.session: finding for finding in salvage(catalogue)}
    assert "not a database" in found[session].problem
    assert catalogue.sessions.get(session).state is SessionState.CUT_OFF
    assert catalogue.sessions.get(decisions).state is SessionState.SALVAGED


def test_half_imports_of_dead_processes_are_removed(catalogue: Catalogue) -> None:
    ours = catalogue.folder.partial("a")
    theirs = catalogue.folder.sessions / ".partial-999999999-b.db"
    for path in (ours, theirs):
        path.touch()
    salvage(catalogue)
    assert ours.exists()
    assert not theirs.exists()


# --- models ---------------------------------------------------------------------------------------------------------


def _bundle(folder: Path, name: str, parent: str = "") -> tuple[Path, str]:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(name.encode() * 100)
    sha256 = hashlib.sha256(name.encode() * 100).hexdigest()
    manifest = {"name": name, "sha256": sha256, "parent": parent, "architecture": "test"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder, sha256


@pytest.fixture
def registry(catalogue: Catalogue, tmp_path: Path) -> ModelRegistry:
    made = ModelRegistry(catalogue)
    made.install_factory(*_bundle(tmp_path / "factory", "factory-1"))
    return made


def _pass(bundle: Path) -> None:
    assert (bundle / "model.safetensors").is_file()


def _fail(bundle: Path) -> None:
    raise InputError("The golden inputs give other answers.", "Train again.")


def test_the_factory_model_is_the_first_champion(registry: ModelRegistry, tmp_path: Path) -> None:
    champion = registry.champion()
    assert set(champion.roles) == {ModelRole.CHAMPION, ModelRole.FACTORY}
    assert Path(champion.path).is_dir()
    assert registry.install_factory(tmp_path / "factory", champion.sha256).sha256 == champion.sha256
    assert len(registry.all()) == 1


def test_promotion_and_rollback(registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path) -> None:
    factory = registry.champion().sha256
    job = catalogue.jobs.create("{}", "x")
    candidate = registry.add(_bundle(tmp_path / "b", "site-1", factory)[0], job=job)
    assert candidate.roles == (ModelRole.CANDIDATE,)
    assert [r.name for r in registry.lineage("site-1")] == ["site-1", "factory-1"]
    before = catalogue.changes()
    promoted = registry.promote("candidate", "better on site", _pass)
    assert promoted.sha256 == registry.champion().sha256 == candidate.sha256
    assert catalogue.changes() != before
    assert catalogue.jobs.get(job).state is JobState.PROMOTED
    assert registry.resolve("previous").sha256 == factory
    with pytest.raises(InputError, match="already"):
        registry.promote("site-1", "again", _pass)
    second = registry.add(_bundle(tmp_path / "c", "site-2", candidate.sha256)[0])
    registry.promote(second.sha256[:12], "better still", _pass)
    assert registry.rollback("worse", _pass).sha256 == candidate.sha256
    assert registry.rollback("still worse", _pass).sha256 == factory
    with pytest.raises(InputError, match="before"):
        registry.rollback("and again", _pass)
    assert catalogue.jobs.get(job).state is JobState.RETIRED
    actions = [(d.action, d.reason) for d in catalogue.models.deployments()]
    assert actions[:2] == [("rollback", "still worse"), ("rollback", "worse")]
    assert [e.reason for e in catalogue.audit.of("model", candidate.sha256)] == ["", "better on site", "worse"]


def test_what_a_person_has_refused_is_not_promoted(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path
) -> None:
    job = catalogue.jobs.create("{}", "x")
    made = registry.add(_bundle(tmp_path / "b", "site-1", registry.champion().sha256)[0], job=job)
    catalogue.jobs.update(job, state=JobState.CANDIDATE, candidate=made.sha256)
    registry.reject(job, "It lets masks pass.")
    with pytest.raises(InputError, match="was refused: It lets masks pass"):
        registry.promote("site-1", "why not", _pass)
    assert registry.champion().name == "factory-1"


def test_a_job_whose_model_somebody_promoted_meanwhile_is_not_refused(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path
) -> None:
    """Else the champion's job would say that it was refused, and nobody could promote it again."""
    job = catalogue.jobs.create("{}", "x")
    made = registry.add(_bundle(tmp_path / "b", "site-1", registry.champion().sha256)[0], job=job)
    catalogue.jobs.update(job, state=JobState.CANDIDATE, candidate=made.sha256)
    registry.promote("site-1", "better", _pass)
    with pytest.raises(InputError, match=f"{job} is promoted: it has no candidate to refuse"):
        registry.reject(job, "It lets masks pass.")
    assert catalogue.jobs.get(job).state is JobState.PROMOTED


def test_a_model_that_fails_its_self_test_is_not_deployed(registry: ModelRegistry, tmp_path: Path) -> None:
    factory = registry.champion().sha256
    registry.add(_bundle(tmp_path / "b", "site-1", registry.champion().sha256)[0])
    with pytest.raises(InputError, match="golden"):
        registry.promote("site-1", "try", _fail)
    with pytest.raises(InputError, match="reason"):
        registry.promote("site-1", " ", _pass)
    assert registry.champion().sha256 == factory


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_a_changed_bundle_is_refused(registry: ModelRegistry, tmp_path: Path, name: str) -> None:
    record = registry.add(_bundle(tmp_path / "b", "site-1", registry.champion().sha256)[0])
    path = Path(record.path) / name
    path.write_bytes(path.read_bytes().replace(b"site", b"sate", 1))
    with pytest.raises(InputError):
        registry.promote("site-1", "try", _pass)
    assert registry.champion().name == "factory-1"
    registry.add(tmp_path / "b")
    assert registry.promote("site-1", "restored", _pass).name == "site-1"


def test_bundles_that_are_none_are_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    bundle, _ = _bundle(tmp_path / "b", "site-1")
    (bundle / "model.safetensors").write_bytes(b"other")
    with pytest.raises(InputError, match="not those"):
        registry.add(bundle)
    (bundle / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        registry.add(bundle)
    with pytest.raises(InputError, match="no model"):
        registry.add(tmp_path)
    with pytest.raises(InputError, match="There is no model"):
        registry.resolve("none")
    with pytest.raises(InputError, match="not the one"):
        registry.install_factory(_bundle(tmp_path / "c", "factory-2")[0], "0" * 64)


def test_a_new_factory_model_takes_over_only_from_the_old_one(registry: ModelRegistry, tmp_path: Path) -> None:
    second, sha256 = _bundle(tmp_path / "factory2", "factory-2")
    assert registry.install_factory(second, sha256).sha256 == registry.champion().sha256
    registry.add(_bundle(tmp_path / "b", "site-1", registry.champion().sha256)[0])
    registry.promote("site-1", "better", _pass)
    registry.install_factory(*_bundle(tmp_path / "factory3", "factory-3"))
    assert registry.champion().name == "site-1"


# --- import and export ----------------------------------------------------------------------------------------------


@pytest.fixture
def session(catalogue: Catalogue) -> str:
    """A registered session of two labelled presentations, one of them without infrared, and one without a label."""
    made = stored.open_session(catalogue, name="made")
    with FrameStore.create(catalogue.frames_path(made), made) as store:
        for n in range(1, 10):
            mask = ModalityMask.parse("rgb+depth") if n > 3 else ModalityMask(7)
            store.append([stored.registered(stored.frame_set(n, mask))])
    for species, first, last in (("print_flat", 1, 3), ("", 4, 6), (None, 7, 8)):
        presentation = catalogue.presentations.open(made, species=species)
        catalogue.presentations.close(presentation, first, last, last / 30)
    catalogue.sessions.close(made)
    return made


def test_what_was_exported_comes_back_equal(catalogue: Catalogue, session: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = export_session(catalogue, session, out)
    assert report.frame_sets == 9
    assert [found.row for found in report.left_out] == [7, 8, 9]
    progress: list[tuple[int, int]] = []
    imported = import_manifest(catalogue, report.manifest, "no_person", "again", lambda *p: progress.append(p))
    assert (len(imported.sessions), imported.frame_sets, imported.left_out) == (1, 6, ())
    assert progress[-1] == (6, 6)
    record = catalogue.sessions.get(imported.sessions[0])
    assert (record.basis, record.source_kind, record.recorded) == (Basis.NO_PERSON, SourceKind.SIMULATED, 6)
    old = catalogue.material.presentations([session])
    new = catalogue.material.presentations(imported.sessions)
    assert [p.species for p in new] == ["print_flat", ""]
    for one, other in zip(old, new, strict=False):
        pairs = zip(catalogue.material.frame_sets(one.id), catalogue.material.frame_sets(other.id), strict=True)
        for before, after in pairs:
            assert before.mask == after.mask
            assert before.framing == after.framing
            for modality in before.mask:
                assert np.array_equal(before[modality].pixels, after[modality].pixels)
                assert before.profiles[modality].depth_unit_m == pytest.approx(after.profiles[modality].depth_unit_m)
    twice = export_session(catalogue, imported.sessions[0], tmp_path / "twice")
    assert twice.manifest.read_text() == report.manifest.read_text()
    document = json.loads((out / "session.json").read_text())
    assert document["source_kind"] == "simulated"
    assert [list(found) for found in document["left_out"]] == [["row", "reason"]] * 3


def test_what_an_export_leaves_out_is_told_to_people_and_handed_to_the_window(
    catalogue: Catalogue, session: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    left_out = export_session(catalogue, session, tmp_path / "out").left_out
    told = f"left out, frame set 7: {left_out[0].reason}\n"
    assert told_left_out(left_out[:1], "frame set") == ExitCode.INPUT
    assert capsys.readouterr().err == told
    monkeypatch.setenv(VARIABLE, "1")
    told_left_out(left_out[:1], "frame set")
    said = capsys.readouterr().err.splitlines()
    assert said[0] + "\n" == told
    found = taken_over(said[1])
    assert found is not None
    assert isinstance(found[0], Sentence)
    assert isinstance(found[0].values["reason"], Sentence)


def test_native_streams_are_registered_on_the_way_out(catalogue: Catalogue, tmp_path: Path) -> None:
    native = stored.open_session(catalogue)
    with FrameStore.create(catalogue.frames_path(native), native) as store:
        store.append([stored.frame_set(1, width=64, height=48)])
    presentation = catalogue.presentations.open(native, species="")
    catalogue.presentations.close(presentation, 1, 1, 0.1)
    report = export_session(catalogue, native, tmp_path / "out")
    row = read_manifest(report.manifest).rows[0]
    assert set(row.images) == set(MODALITIES)
    assert row.depth_unit_m == pytest.approx(0.001)


def test_export_refuses_what_it_cannot_do(catalogue: Catalogue, session: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="not empty"):
        export_session(catalogue, session, tmp_path / "full")
    with pytest.raises(InputError, match="no session"):
        export_session(catalogue, "none", tmp_path / "out")
    with pytest.raises(CanceledError):
        export_session(catalogue, session, tmp_path / "cut", cancel=lambda: True)
    with pytest.raises(InputError, match="not empty"):
        export_session(catalogue, session, tmp_path / "full" / "x")
    with pytest.raises(HostError, match="could not be written"):
        export_session(catalogue, session, tmp_path / "full" / "x" / "out")


def test_people_whose_pseudonyms_end_alike_stay_two(catalogue: Catalogue, tmp_path: Path) -> None:
    people = [catalogue.subjects.add(name, "lab").id for name in ("north/1", "south/1")]
    for number, person in enumerate(people):
        session = stored.open_session(catalogue, subject=person)
        with FrameStore.create(catalogue.frames_path(session), session) as store:
            store.append([stored.registered(stored.frame_set(1))])
        take = catalogue.presentations.open(session, species="", name=f"take {number}")
        catalogue.presentations.close(take, 1, 1, 0.1)
        catalogue.sessions.close(session)
        manifest = export_session(catalogue, session, tmp_path / str(number)).manifest
        assert len(import_manifest(catalogue, manifest, "no_person", "again").sessions) == 1
    assert {one.subject for one in catalogue.sessions.named("again")} == {"again/north/1", "again/south/1"}


def _two_subjects(catalogue: Catalogue, session: str, tmp_path: Path) -> Path:
    """A manifest of two subjects with one image that is broken and one that is missing."""
    manifest = export_session(catalogue, session, tmp_path / "src").manifest
    lines = manifest.read_text().splitlines()
    lines[4:] = [line.replace(",unknown,", ",other,") for line in lines[4:]]
    manifest.write_text("\n".join(lines) + "\n")
    (tmp_path / "src" / "images" / "000002_rgb.png").write_bytes(b"no image")
    (tmp_path / "src" / "images" / "000005_depth.png").unlink()
    (tmp_path / "src" / SIGNATURE).unlink()  # with it, nothing of this would come in
    return manifest


def test_rows_that_cannot_be_used_are_left_out_and_told(catalogue: Catalogue, session: str, tmp_path: Path) -> None:
    report = import_manifest(catalogue, _two_subjects(catalogue, session, tmp_path), "published", "site")
    assert [found.row for found in report.left_out] == [3, 6]
    assert [catalogue.sessions.get(s).subject for s in report.sessions] == ["site/unknown", "site/other"]
    record = catalogue.sessions.get(report.sessions[0])
    assert (record.basis, record.source_kind) == (Basis.CONSENT, SourceKind.PLAYBACK)
    consents = catalogue.consents.of("site/unknown")
    assert [(c.basis, c.reference) for c in consents] == [("published", "site")]


def test_rows_of_a_presentation_stay_one_wherever_they_stand(
    catalogue: Catalogue, session: str, tmp_path: Path
) -> None:
    manifest = export_session(catalogue, session, tmp_path / "src").manifest
    head, *rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([head, *(rows[n] for n in (0, 3, 1, 4, 2, 5))]) + "\n")
    (tmp_path / "src" / SIGNATURE).unlink()
    straight = catalogue.material.presentations([session])
    report = import_manifest(catalogue, manifest, "no_person", "mixed")
    mixed = catalogue.material.presentations(report.sessions)
    assert [one.species for one in mixed] == ["print_flat", ""]
    for one, other in zip(straight, mixed, strict=False):
        pairs = zip(catalogue.material.frame_sets(one.id), catalogue.material.frame_sets(other.id), strict=True)
        assert all(np.array_equal(a[m].pixels, b[m].pixels) for a, b in pairs for m in a.mask)


def test_a_canceled_import_leaves_no_half_session_and_goes_on(
    catalogue: Catalogue, session: str, tmp_path: Path
) -> None:
    manifest = _two_subjects(catalogue, session, tmp_path)
    asked = iter([False] * 4 + [True] * 9)
    with pytest.raises(CanceledError):
        import_manifest(catalogue, manifest, "consent:form-7", "site", cancel=lambda: next(asked))
    assert len(catalogue.sessions.named("site")) == 1
    assert len(list(catalogue.folder.sessions.iterdir())) == 2
    report = import_manifest(catalogue, manifest, "consent:form-7", "site")
    assert (report.skipped, len(report.sessions)) == (("unknown",), 1)
    assert len(catalogue.sessions.named("site")) == 2
    assert catalogue.consents.of("site/other")[0].reference == "form-7"


def test_what_was_erased_can_be_imported_again_and_an_erased_person_cannot(
    catalogue: Catalogue, session: str, tmp_path: Path
) -> None:
    manifest = _two_subjects(catalogue, session, tmp_path)
    catalogue.frames_path(session).unlink()  # the same pictures, in plain
    first = import_manifest(catalogue, manifest, "consent:form-7", "site")
    erase(catalogue, Target(TargetKind.SESSION, first.sessions[0]), "its term was over")
    again = import_manifest(catalogue, manifest, "consent:form-7", "site")
    assert (len(again.sessions), len(again.skipped)) == (1, 1)
    erase(catalogue, Target(TargetKind.SUBJECT, "site/other"), "asked to")
    with pytest.raises(InputError, match="site/other was erased: nothing more is stored under this pseudonym"):
        import_manifest(catalogue, manifest, "consent:form-7", "site")


def test_an_import_that_fails_late_leaves_nothing(
    catalogue: Catalogue, session: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = export_session(catalogue, session, tmp_path / "src").manifest

    def fail(self: object, *_: object, **__: object) -> None:
        raise HostError("The disk is full.", "Free some space.")

    monkeypatch.setattr("storage.repositories.sessions.Sessions.close", fail)
    with pytest.raises(HostError):
        import_manifest(catalogue, manifest, "no_person", "again")
    assert catalogue.sessions.named("again") == []
    assert [path.stem for path in catalogue.folder.sessions.iterdir()] == [session]
    assert [s.id for s in catalogue.subjects.all()] == []


@pytest.mark.parametrize("basis", ["", "consent", "consent:", "person", "no_person:x"])
def test_an_import_states_its_basis(catalogue: Catalogue, tmp_path: Path, basis: str) -> None:
    with pytest.raises(UsageError, match="basis"):
        import_manifest(catalogue, tmp_path / "m.csv", basis, "x")


@pytest.mark.shared
def test_real_captures_are_imported_without_loss(catalogue: Catalogue, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "kinect2_bona_fide"
    lines = (source / "manifest.csv").read_text(encoding="utf-8").splitlines()
    subjects: dict[str, list[str]] = {}
    for line in lines[1:]:
        subjects.setdefault(line.split(",")[1], []).append(line)
    chosen = [line for rows in subjects.values() for line in rows[:2]]
    for line in chosen:
        for name in filter(None, line.split(",")[3:6]):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, tmp_path / name)
    (tmp_path / "manifest.csv").write_text("\n".join([lines[0], *chosen]) + "\n")
    report = import_manifest(catalogue, tmp_path / "manifest.csv", "published", "kinect2")
    assert len(report.sessions) == len(subjects)
    assert report.frame_sets == len(chosen)
    frame_set = next(catalogue.material.frame_sets(catalogue.material.presentations(report.sessions)[0].id))
    assert str(frame_set.mask) == "depth+ir"
    assert frame_set[Modality.DEPTH].pixels.dtype == np.uint16


# --- backup ---------------------------------------------------------------------------------------------------------


def test_a_backup_is_restored_elsewhere(
    catalogue: Catalogue, registry: ModelRegistry, session: str, tmp_path: Path
) -> None:
    row = catalogue.verdicts.commit(stored.verdict(session))
    report = backup.back_up(catalogue, tmp_path / "backup")
    assert (report.sessions, report.models) == (1, 1)
    backup.restore(tmp_path / "backup", tmp_path / "restored")
    with open_catalogue(tmp_path / "restored") as restored:
        assert restored.verdicts.get(row).verdict.session == session
        with catalogue.material.session(session) as old, restored.material.session(session) as new:
            for one, other in zip(old, new, strict=True):
                stored.assert_equal(one, other)
        assert Path(ModelRegistry(restored).resolve("champion").path).is_relative_to(tmp_path / "restored")
    with pytest.raises(InputError, match="not empty"):
        backup.restore(tmp_path / "backup", tmp_path / "restored")
    with pytest.raises(InputError, match="not empty"):
        backup.back_up(catalogue, tmp_path / "backup")


@pytest.mark.parametrize("damage", ["flip", "remove", "no index", "outside"])
def test_a_damaged_backup_is_refused(catalogue: Catalogue, session: str, tmp_path: Path, damage: str) -> None:
    backup.back_up(catalogue, tmp_path / "backup")
    index = tmp_path / "backup" / "backup.json"
    frames = tmp_path / "backup" / "sessions" / f"{session}.db"
    if damage == "flip":
        content = bytearray(frames.read_bytes())
        content[-100] ^= 1
        frames.write_bytes(content)
    elif damage == "remove":
        frames.unlink()
    elif damage == "no index":
        index.unlink()
    else:
        index.write_text(index.read_text().replace(f"sessions/{session}.db", "../data/catalogue.db"))
    with pytest.raises(InputError, match="backup"):
        backup.restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
