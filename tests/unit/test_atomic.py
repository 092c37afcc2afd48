"""A secret is nobody else's from its first byte on, and a write that fails leaves nothing of it behind."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from core.errors import HostError
from storage.atomic import write_atomically, write_secret


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_secret_is_for_this_user_alone(tmp_path: Path) -> None:
    write_secret(tmp_path / "key", "abc\n")
    assert (tmp_path / "key").read_bytes() == b"abc\n"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("write", [lambda path: write_secret(path, "abc"), lambda path: write_atomically(path, b"abc")])
def test_what_cannot_be_put_in_place_is_not_left_beside_it(tmp_path: Path, write: object) -> None:
    (tmp_path / "key" / "in the way").mkdir(parents=True)
    with pytest.raises(HostError, match="could not be written"):
        write(tmp_path / "key")  # type: ignore[operator]
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
