"""A recording process is killed at random times: what it acknowledged is there and bit-equal, nothing is half there.

Two kills in `make test`; `make faults` sets SALLYPORT_KILLS.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.codes import SessionState
from storage.catalogue import open_catalogue
from storage.database import DatabaseFile, Mode
from storage.frames import FORM, FrameStore
from storage.salvage import salvage
from tests import stored
from tests.faults.ledger import Ledger

KILLS = 2 * int(os.environ.get("SALLYPORT_KILLS", "1"))
WIDTH, HEIGHT = 160, 120

_CHILD = f"""
import sys
from pathlib import Path
from storage.recorder import SessionRecorder
from tests import stored
from tests.faults.ledger import Ledger

def tell(numbers):
    for number in numbers:
        sys.stdout.write(f"{{number}}\\n")
    sys.stdout.flush()

recorder = SessionRecorder(Path(sys.argv[1]), sys.argv[2], committed=tell)
number = 0
while True:
    number += 1
    frame_set = stored.frame_set(number, width={WIDTH}, height={HEIGHT})
    while not recorder.offer(frame_set):
        pass
"""


def _acknowledged(path: Path, session: str, rng: random.Random) -> list[int]:
    """Numbers that a recording child told before it was killed."""
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(path), session], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(rng.uniform(0.0, 0.6))
    child.kill()
    rest, _ = child.communicate()
    lines = (first + rest).split("\n")
    return [int(line) for line in lines[:-1]]


@pytest.mark.faults
@pytest.mark.fault_row("kill-recorder")
@pytest.mark.timeout(0)
def test_a_kill_loses_no_acknowledged_frame_set(tmp_path: Path, ledger: Ledger) -> None:
    rng = random.Random(20)
    acknowledged = 0
    for kill in range(KILLS):
        root = tmp_path / str(kill)
        with open_catalogue(root) as catalogue:
            session = stored.open_session(catalogue)
            path = catalogue.frames_path(session)
            told = _acknowledged(path, session, rng)
            finding = salvage(catalogue)[0]
            assert catalogue.sessions.get(session).state is SessionState.SALVAGED
        acknowledged += len(told)
        with FrameStore.open(path) as store:
            assert store.quick_check() == "ok"
            found = list(store)
        assert finding.recorded == len(found)
        assert [f.number for f in found] == list(range(1, len(found) + 1))
        assert told == list(range(1, len(told) + 1))
        assert len(found) >= len(told)
        for frame_set in found:
            stored.assert_equal(frame_set, stored.frame_set(frame_set.number, width=WIDTH, height=HEIGHT))
        file = DatabaseFile(path, FORM)
        assert file.value("SELECT count(*) FROM frames") == 3 * len(found)
        file.close()
    ledger.add("kill-recorder", kills=KILLS, frame_sets=acknowledged, lost=0, partial=0)
    assert acknowledged >= KILLS


@pytest.mark.faults
@pytest.mark.fault_row("kill-recorder")
def test_a_kill_while_the_first_page_is_written_is_a_recording_without_frames(tmp_path: Path) -> None:
    """A kill at random found it: the file is there, and the journal that undoes it."""
    with open_catalogue(tmp_path) as catalogue:
        session = stored.open_session(catalogue)
        path = catalogue.frames_path(session)
        DatabaseFile(path, FORM, Mode.CREATE).close()
        page = path.read_bytes()
        numbers = (0, 1, 0, 512, len(page))  # records, nonce, pages before, sector and page size
        header = bytes.fromhex("d9d505f920a163d7") + b"".join(number.to_bytes(4, "big") for number in numbers)
        path.write_bytes(page[:18] + b"\1\1" + page[20:])  # not yet in WAL mode
        path.with_name(f"{path.name}-journal").write_bytes(header.ljust(512, b"\0"))
        (finding,) = salvage(catalogue)
        assert (finding.recorded, finding.problem) == (0, "")
        assert list(path.parent.iterdir()) == []


_DECIDER = """
import sys
from pathlib import Path
from storage.catalogue import open_catalogue
from tests import stored
from tests.faults.ledger import Ledger

catalogue = open_catalogue(Path(sys.argv[1]))
session = stored.open_session(catalogue)
while True:
    print(catalogue.verdicts.commit(stored.verdict(session)), flush=True)
"""


@pytest.mark.faults
@pytest.mark.fault_row("kill-catalogue")
@pytest.mark.timeout(0)
def test_a_kill_loses_no_committed_verdict(tmp_path: Path, ledger: Ledger) -> None:
    rng = random.Random(21)
    told = 0
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", _DECIDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.3))
        child.kill()
        rest, _ = child.communicate()
        told = int((first + rest).split("\n")[-2])
        with open_catalogue(tmp_path) as catalogue:
            assert catalogue.file.quick_check() == "ok"
            assert catalogue.verdicts.count() >= told
            audited = catalogue.file.value("SELECT count(*) FROM audit WHERE action = 'commit'")
            assert audited == catalogue.verdicts.count()
            assert salvage(catalogue)
    ledger.add("kill-catalogue", kills=KILLS, verdicts=told, lost=0, without_audit_row=0)
