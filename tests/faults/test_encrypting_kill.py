"""Plain sessions are encrypted where they lie; a kill at any moment costs nothing, and no plain byte is left."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import CanceledError
from storage.catalogue import Catalogue, open_catalogue
from storage.database import DatabaseFile
from storage.encrypting import encrypt_plain, plain_sessions
from storage.frames import FORM
from storage.sealing import SealBrokenError
from tests import site, stored

KILLS = int(os.environ.get("SALLYPORT_KILLS", "3"))
SETS = 120

# A step takes as long as on a disk, also where the folder lies in memory: the kill comes in the middle.
_CHILD = """
import sys, time
from pathlib import Path
from storage.catalogue import open_catalogue
from storage.encrypting import encrypt_plain

def step(done, total):
    print(done, flush=True)
    time.sleep(0.005)

encrypt_plain(open_catalogue(Path(sys.argv[1])), step)
"""


def plain_payloads(catalogue: Catalogue, session: str) -> list[bytes]:
    """Two pieces of every stored payload of a session."""
    file = DatabaseFile(catalogue.frames_path(session), FORM)
    sql = "SELECT substr(payload, 60, 24) AS one, substr(payload, -40, 24) AS other FROM frames"
    found = [bytes(row[name]) for row in file.rows(sql) for name in ("one", "other")]
    file.close()
    return found


@pytest.mark.faults
def test_a_kill_while_sessions_are_encrypted_costs_nothing(tmp_path: Path) -> None:
    rng, root = random.Random(7), tmp_path / "data"
    with open_catalogue(root) as catalogue:
        sessions = [site.take(catalogue, "ann", 1, SETS, sealed=False), site.take(catalogue, "", 1, SETS, sealed=False)]
        pieces = [piece for session in sessions for piece in plain_payloads(catalogue, session)]
        assert set(site.holding(root, pieces)) == {f"sessions/{session}.db" for session in sessions}
    killed_between = 0
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(root)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.02))
        child.kill()
        child.communicate()
        with open_catalogue(root) as catalogue:
            killed_between += bool(plain_sessions(catalogue))
            for session in sessions:
                with catalogue.material.session(session) as store:
                    assert store.quick_check() == "ok"
                    for number, frame_set in enumerate(store, start=1):
                        stored.assert_equal(frame_set, site.frame(number))
    assert killed_between
    with open_catalogue(root) as catalogue:
        encrypt_plain(catalogue)
        assert plain_sessions(catalogue) == []
        for session in sessions:
            with catalogue.material.session(session) as store:
                assert [frame_set.number for frame_set in store] == list(range(1, SETS + 1))
            file = DatabaseFile(catalogue.frames_path(session), FORM)
            assert file.value("SELECT count(DISTINCT key) FROM frames") == 1
            file.close()
        assert site.holding(root, pieces) == {}
    print(f"\nencrypting: {KILLS} kills, {2 * SETS} frame sets whole, {len(pieces)} plain pieces searched, 0 found")


def test_a_session_is_refused_to_plain_payloads_once_it_is_encrypted(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        session = site.take(catalogue, "ann", sealed=False)
        path = catalogue.frames_path(session)
        before = path.read_bytes()
        assert encrypt_plain(catalogue).sessions == (session,)
        path.write_bytes(before)
        with catalogue.material.session(session) as store, pytest.raises(SealBrokenError, match="not encrypted"):
            store.frame_set(1)


def test_damage_is_still_damage_after_encryption_and_a_cancel_goes_on(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        session = site.take(catalogue, "ann", 1, 20, sealed=False)
        file = DatabaseFile(catalogue.frames_path(session), FORM)
        file.execute("UPDATE frames SET payload = zeroblob(length(payload)) WHERE number = 2 AND modality = 'rgb'")
        file.close()
        with pytest.raises(CanceledError):
            encrypt_plain(catalogue, cancel=lambda: True)
        assert plain_sessions(catalogue) == [session]
        encrypt_plain(catalogue)
        damaged: list[str] = []
        with catalogue.material.session(session) as store:
            kept = list(store.frame_sets(on_damage=lambda error: damaged.append(error.what)))
        assert len(kept) == 19
        assert "rgb of frame set 2" in damaged[0]
