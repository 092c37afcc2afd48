"""Files that vanish, are emptied, replaced or lose their log: refused with a reason, never begun anew silently."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.codes import RecordMode, SessionState
from core.errors import InputError, KnownError
from storage.catalogue import open_catalogue
from storage.disk import DiskGuard
from storage.frames import FrameStore
from storage.recorder import SessionRecorder
from storage.registry import ModelRegistry
from storage.salvage import salvage
from tests import stored
from tests.faults.ledger import Ledger
from tests.faults.operations import NO_MARKS, one_session, some_models
from tests.patience import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.fault_row("replaced")]


def _begun(folder: Path, with_sessions: bool) -> Path:
    (one_session if with_sessions else some_models)(folder)
    return folder / "data"


def _remove(catalogue: Path) -> None:
    catalogue.unlink()


def _empty(catalogue: Path) -> None:
    catalogue.write_bytes(b"")


def _header_only(catalogue: Path) -> None:
    """What is left when the log is lost before it was first moved into the file."""
    catalogue.unlink()
    from storage.catalogue import FORM
    from storage.database import DatabaseFile, Mode

    DatabaseFile(catalogue, FORM, Mode.CREATE).close()


def _text(catalogue: Path) -> None:
    catalogue.write_text("not a database, but long enough for a header" * 100)


@pytest.mark.parametrize("damage", [_remove, _empty, _header_only, _text])
@pytest.mark.parametrize("with_sessions", [True, False], ids=["sessions", "models only"])
def test_a_lost_catalogue_is_never_begun_anew(
    tmp_path: Path, ledger: Ledger, damage: Callable[[Path], None], with_sessions: bool
) -> None:
    data = _begun(tmp_path, with_sessions)
    damage(data / "catalogue.db")
    before = sorted(path.name for path in data.rglob("*"))
    with pytest.raises(InputError) as raised:
        open_catalogue(data)
    assert raised.value.remedy
    assert [name for name in sorted(path.name for path in data.rglob("*")) if "-" not in name[-5:]] == [
        name for name in before if "-" not in name[-5:]
    ]
    ledger.add("replaced", damages=1, silently_begun_anew=0)


@pytest.mark.parametrize("what", ["catalogue.db", "catalogue.db-wal", ""])
def test_no_verdict_is_told_as_stored_in_a_file_that_is_gone(tmp_path: Path, ledger: Ledger, what: str) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        session = stored.open_session(catalogue, RecordMode.DECISIONS)
        catalogue.verdicts.commit(stored.verdict(session))
        (tmp_path / "data" / what).rename(tmp_path / "elsewhere")
        with pytest.raises(InputError, match="removed or replaced"):
            catalogue.verdicts.commit(stored.verdict(session))
        (tmp_path / "elsewhere").rename(tmp_path / "data" / what)
        assert catalogue.verdicts.commit(stored.verdict(session)) == catalogue.verdicts.count() == 2
    ledger.add("replaced", damages=1, verdicts_told_and_lost=0)


def test_a_catalogue_that_is_exchanged_under_a_station_gets_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with open_catalogue(other):
        pass
    with open_catalogue(one) as catalogue:
        (other / "catalogue.db").replace(one / "catalogue.db")
        with pytest.raises(InputError, match="removed or replaced"):
            catalogue.verdicts.commit(stored.verdict())


def test_a_recorder_whose_file_is_gone_stops_and_says_so(tmp_path: Path, ledger: Ledger) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        session = stored.open_session(catalogue)
        path = catalogue.frames_path(session)
        recorder = SessionRecorder(path, session, guard=DiskGuard(tmp_path, NO_MARKS))
        recorder.offer(stored.frame_set(1))
        wait_until(lambda: recorder.recorded == 1, "the first frame set")
        path.unlink()
        recorder.offer(stored.frame_set(2))
        wait_until(lambda: bool(recorder.problem), "the recorder's end")
        recorder.close()
    assert "removed or replaced" in recorder.problem
    assert (recorder.recorded, recorder.dropped) == (1, 1)
    ledger.add("replaced", damages=1, frame_sets_told_and_lost=0)


def test_a_session_whose_frames_are_gone_does_not_pass_for_one_without(tmp_path: Path) -> None:
    one_session(tmp_path)
    with open_catalogue(tmp_path / "data") as catalogue:
        session = catalogue.sessions.page()[0][0].id
        catalogue.frames_path(session).unlink()
        with pytest.raises(InputError, match="missing"):
            catalogue.material.session(session)


def test_frames_of_another_session_are_refused(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        one, other = stored.open_session(catalogue), stored.open_session(catalogue)
        for session in (one, other):
            with FrameStore.create(catalogue.frames_path(session), session) as store:
                store.append([stored.frame_set(1)])
        shutil.copyfile(catalogue.frames_path(other), catalogue.frames_path(one))
        with pytest.raises(KnownError, match=other):
            catalogue.material.session(one)


def test_frames_whose_log_is_gone_are_not_taken_for_a_recording_without_frames(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_catalogue(data) as catalogue:
        session = stored.open_session(catalogue)
        path = catalogue.frames_path(session)
        store = FrameStore.create(path, session)
        store.append([stored.frame_set(7), stored.frame_set(8)])
        catalogue.verdicts.commit(stored.verdict(session))
        kept = path.read_bytes()  # as a kill leaves it: everything is in the log
        store.close()
        path.write_bytes(kept)
        finding = salvage(catalogue)[0]
        assert "verdicts rest on" in finding.problem
        assert catalogue.sessions.get(session).state is SessionState.CUT_OFF
        assert path.read_bytes() == kept


def test_a_model_whose_folder_is_gone_is_told(tmp_path: Path) -> None:
    some_models(tmp_path)
    with open_catalogue(tmp_path / "data") as catalogue:
        registry = ModelRegistry(catalogue)
        shutil.rmtree(registry.champion().path)
        with pytest.raises(InputError, match="no model"):
            registry.resolve("champion")
