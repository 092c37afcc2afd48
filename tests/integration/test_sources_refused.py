"""A source that nobody can open leaves nothing; one that fails only when it is opened leaves a session that says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.codes import RecordMode, SessionPurpose, SessionState, SourceKind
from devices.recorded import BEGINS
from storage.catalogue import open_catalogue
from storage.paths import DataFolder
from storage.repositories.sessions import Session
from tests.integration.test_commands import run, sallyport

BAD_SCENE = 'scene = "nowhere"\n'
BAD_SCRIPT = '[[event]]\nat_s = 1\ndo = "explode"\n'
NAMED_WRONGLY = [
    ("nonsense:", 2, "'nonsense:' is not a source"),
    ("file:", 2, "needs a name after the colon"),
    ("file:{here}/missing.bag", 3, "There is no recording"),
    ("file:{here}/notes.txt", 3, "notes.txt is not a recording"),
    ("file:{here}/renamed.db3", 3, "it does not begin as a recording does"),
    ("file:{here}", 3, "There is no recording"),
    ("simulated:nowhere", 2, "no simulated scene 'nowhere'"),
    ("simulated:booth,species=unicorn", 2, "no simulated species 'unicorn'"),
    ("simulated:booth,seed=x", 2, "The seed 'x'"),
    ("scripted:{here}/missing.toml", 3, "cannot be read"),
    ("scripted:{here}/bad.toml", 3, "explode"),
    ("scripted:{here}/scene.toml", 2, "no simulated scene 'nowhere'"),
]
FILES = (("notes.txt", "none"), ("renamed.db3", "none"), ("bad.toml", BAD_SCRIPT), ("scene.toml", BAD_SCENE))


@pytest.fixture
def folder() -> DataFolder:
    return DataFolder(Path(os.environ["SALLYPORT_DATA"]))


def sessions(folder: DataFolder) -> list[Session]:
    with open_catalogue(folder) as catalogue:
        return catalogue.sessions.page()[0]


@pytest.mark.parametrize(("source", "code", "says"), NAMED_WRONGLY)
def test_what_cannot_be_a_source_is_refused_before_anything_is_stored(
    tmp_path: Path, folder: DataFolder, source: str, code: int, says: str
) -> None:
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    report, done = run(tmp_path / "run.json", source.format(here=tmp_path))
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert not folder.root.exists() or not list(folder.root.iterdir())
    if code == 3:  # the report of what could not be read is written all the same
        assert (report["session"], report["sets"]) == ("", 0)
        assert says in report["problems"][0]


@pytest.mark.parametrize(("source", "code", "says"), NAMED_WRONGLY)
def test_the_window_refuses_it_too_before_it_opens(
    tmp_path: Path, folder: DataFolder, source: str, code: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    done = sallyport("--source", source.format(here=tmp_path))
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert not folder.root.exists()


def test_a_stored_session_that_is_not_there_or_holds_no_frames_begins_none(tmp_path: Path, folder: DataFolder) -> None:
    with open_catalogue(folder) as catalogue:
        decided = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED)
        catalogue.sessions.close(decided)
    for session, says in (("gone", "There is no session 'gone'"), (decided, "holds no frames")):
        _, done = run(tmp_path / "run.json", f"session:{session}")
        assert done.returncode == 3, done.stderr
        assert says in done.stderr
    assert [one.id for one in sessions(folder)] == [decided]


@pytest.mark.parametrize("names", ["check", "print"])
def test_the_shift_check_looks_at_both_of_its_sources_first(tmp_path: Path, folder: DataFolder, names: str) -> None:
    missing = f"file:{tmp_path / 'missing.db3'}"
    source, kit_print = (missing, "simulated") if names == "check" else ("simulated", missing)
    done = sallyport("shift", "check", "--source", source, "--kit-print", kit_print)
    assert done.returncode == 3, done.stderr
    assert "missing.db3" in done.stderr
    assert not folder.catalogue.exists()


def test_what_fails_when_it_is_opened_leaves_a_session_that_says_why(tmp_path: Path, folder: DataFolder) -> None:
    (tmp_path / "broken.db3").write_bytes(BEGINS[".db3"] + b"no recording")
    for source, code, says in (
        ("realsense:0", 4, "serial number 0 was found"),
        (f"file:{tmp_path / 'broken.db3'}", 3, "broken.db3 cannot be read"),
    ):
        report, done = run(tmp_path / "run.json", source)
        assert done.returncode == code, done.stderr
        assert says in done.stderr
        (failed,) = [one for one in sessions(folder) if one.id == report["session"]]
        assert failed.state is SessionState.CUT_OFF
        assert says in failed.problem
        assert any(says in problem for problem in report["problems"])
