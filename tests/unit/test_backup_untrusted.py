"""A backup comes from a medium that anybody may have had: nothing but what a backup holds comes out of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from storage import backup
from storage.catalogue import Catalogue, open_catalogue
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase
from tests import site


def _behind_a_link(medium: Path, _: Catalogue) -> str:
    """Inside of the backup, but a step above the folder that it is copied to."""
    (medium / "sessions" / "deep" / "er").mkdir(parents=True)
    (medium / "sessions" / "link").symlink_to(medium / "sessions" / "deep" / "er")
    return "sessions/link/../../../evil"


def _with_a_key(medium: Path, catalogue: Catalogue) -> str:
    """It would bear out every policy, term and trusted lane that the catalogue beside it holds."""
    (medium / "audit.key").write_bytes(catalogue.folder.audit_key.read_bytes())
    return "audit.key"


@pytest.mark.parametrize("made", [_behind_a_link, _with_a_key])
def test_what_is_in_no_backup_is_refused(
    catalogue: Catalogue, tmp_path: Path, made: Callable[[Path, Catalogue], str]
) -> None:
    site.take(catalogue, "ann")
    medium = tmp_path / "medium" / "backup"
    backup.back_up(catalogue, medium)
    name = made(medium, catalogue)
    (medium / "evil").write_bytes(b"evil")
    index = json.loads((medium / "backup.json").read_text())
    digest = hashlib.sha256((medium / name).resolve().read_bytes()).hexdigest()
    index["files"][name] = {"sha256": digest}
    (medium / "backup.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="in no backup"):
        backup.restore(medium, tmp_path / "site" / "data")
    assert not (tmp_path / "site").exists()


def test_a_backup_goes_on_when_an_erasure_takes_a_session_meanwhile(catalogue: Catalogue, tmp_path: Path) -> None:
    people = {site.take(catalogue, "ann"): "ann", site.take(catalogue, "bob", 10): "bob"}
    last = people[sorted(people)[-1]]

    def meanwhile(done: int, _total: int) -> None:
        if done == 1:
            erase(catalogue, Target(TargetKind.SUBJECT, last), "asked to")

    report = backup.back_up(catalogue, tmp_path / "backup", meanwhile)
    assert report.sessions == 1
    backup.restore(tmp_path / "backup", tmp_path / "restored")
    with open_catalogue(tmp_path / "restored") as restored:
        assert [path.stem for path in restored.folder.sessions.glob("*.db")] == sorted(people)[:1]


def test_a_session_that_is_gone_without_an_erasure_ends_the_backup(catalogue: Catalogue, tmp_path: Path) -> None:
    sessions = sorted([site.take(catalogue, "ann"), site.take(catalogue, "bob", 10)])

    def meanwhile(done: int, _total: int) -> None:
        if done == 1:
            catalogue.frames_path(sessions[-1]).unlink()

    with pytest.raises(InputError, match="no frames database"):
        backup.back_up(catalogue, tmp_path / "backup", meanwhile)
    assert not (tmp_path / "backup").exists()
