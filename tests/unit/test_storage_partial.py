"""What is being made, told from what a process that is gone left behind."""

from __future__ import annotations

import os
from pathlib import Path

from storage.backup import back_up
from storage.catalogue import Catalogue
from storage.partial import abandoned_in, partial_of
from storage.salvage import settle_imports
from tests import site


def test_a_process_that_had_this_ones_id_is_gone_all_the_same(catalogue: Catalogue) -> None:
    """In a container every station begins with the same one."""
    session = site.take(catalogue, "ann")
    path = catalogue.frames_path(session)
    path.rename(path.with_name(f".partial-{os.getpid()}-{path.name}"))
    settle_imports(catalogue)
    assert path.is_file(), "the session was entered: its last step is made"


def test_what_this_process_is_making_is_left_alone_with_its_log(tmp_path: Path) -> None:
    made = partial_of(tmp_path / "a.db")
    log = made.with_name(f"{made.name}-wal")
    left = tmp_path / f".partial-{os.getpid()}-b.db"
    for path in (made, log, left):
        path.touch()
    assert abandoned_in(tmp_path) == [left]


def test_names_mean_themselves(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / ".partial-mine-backup").touch()
    left, other = (tmp_path / f".partial-999999999-{name}" for name in ("day [1]", "day 1"))
    left.mkdir()
    other.mkdir()
    back_up(catalogue, tmp_path / "backup")
    back_up(catalogue, tmp_path / "day [1]")
    assert not left.exists()
    assert other.exists(), "it is not ours to remove"
