"""A disk that is full, read-only or replaced: clean stop, everything committed is kept, closing still works."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.codes import RecordMode, SessionState
from core.errors import HostError, InputError
from storage.catalogue import open_catalogue
from storage.disk import Ballast, DiskGuard, Watermarks
from storage.frames import FrameStore
from storage.recorder import SessionRecorder
from storage.repositories.sessions import SessionCounts
from tests import stored
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.faults
MIB = 1 << 20
NO_MARKS = Watermarks(warn=0, stop=0)


@pytest.mark.fault_row("disk-full")
@pytest.mark.parametrize("kib", [13000, 13999, 14111, 15500])
def test_a_full_disk_stops_the_recording_cleanly(small_disk: Callable[[int], Path], kib: int) -> None:
    root = small_disk(kib)
    with open_catalogue(root) as catalogue:
        ballast = Ballast(catalogue.folder.ballast, 8 * MIB)
        assert ballast.ensure()
        session = stored.open_session(catalogue)
        guard = DiskGuard(root, NO_MARKS)
        recorder = SessionRecorder(catalogue.frames_path(session), session, folder=catalogue.folder, guard=guard)
        number = 0
        deadline = time.monotonic() + PATIENCE_S
        while not recorder.problem and time.monotonic() < deadline:
            number += 1
            recorder.offer(stored.frame_set(number, width=160, height=120))
            time.sleep(0.001)
        recorder.close()
        assert "full" in recorder.problem
        assert recorder.recorded > 0
        assert recorder.recorded + recorder.dropped == number
        assert not ballast.standing
        presentation = catalogue.presentations.open(session, species="")
        catalogue.presentations.close(presentation, 1, recorder.recorded, 1.0)
        catalogue.verdicts.commit(stored.verdict(session, presentation))
        counts = SessionCounts(recorder.recorded, dropped_recorder=recorder.dropped)
        catalogue.sessions.close(session, SessionState.CUT_OFF, counts, recorder.problem)
        with catalogue.material.session(session) as store:
            assert store.quick_check() == "ok"
            found = list(store)
        assert len(found) == recorder.recorded
        for frame_set in found:
            stored.assert_equal(frame_set, stored.frame_set(frame_set.number, width=160, height=120))


@pytest.mark.fault_row("disk-full")
def test_a_full_disk_costs_no_verdict_that_was_acknowledged(small_disk: Callable[[int], Path]) -> None:
    root = small_disk(6000)
    with open_catalogue(root) as catalogue:
        ballast = Ballast(catalogue.folder.ballast, MIB)
        assert ballast.ensure()
        session = stored.open_session(catalogue, RecordMode.DECISIONS)
        (root / "other").write_bytes(bytes(shutil.disk_usage(root).free - 300_000))
        told = 0
        while ballast.standing:
            told = catalogue.verdicts.commit(stored.verdict(session))
        assert catalogue.verdicts.count() == told > 1
        catalogue.sessions.close(session)

        def go_on() -> None:
            for _ in range(5000):
                catalogue.verdicts.commit(stored.verdict())

        with pytest.raises(HostError, match="full"):
            go_on()
        audited = catalogue.file.value("SELECT count(*) FROM audit WHERE action = 'commit'")
        assert catalogue.verdicts.count() == audited > told
        assert catalogue.file.quick_check() == "ok"


@pytest.mark.fault_row("disk-limit")
def test_a_file_size_limit_is_a_known_error(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
from core.errors import HostError
from storage.frames import FrameStore
from tests import stored
from tests.patience import PATIENCE_S
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = FrameStore.create(Path(sys.argv[1]), "s1")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
number = 0
try:
    while True:
        store.append([stored.frame_set(number + 1, width=160, height=120)])
        number += 1
except HostError as error:
    print(number, error.what)
"""
    path = tmp_path / "s1.db"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    count, what = done.stdout.split(" ", 1)
    assert "s1.db" in what
    with FrameStore.open(path) as store:
        assert len(list(store)) == int(count) > 0


@pytest.mark.fault_row("read-only")
def test_a_read_only_folder_is_told(small_disk: Callable[[int], Path]) -> None:
    empty, used = small_disk(4000), small_disk(4000)
    open_catalogue(used).close()
    for point in (empty, used):
        subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True)
        with pytest.raises(HostError) as raised:
            open_catalogue(point)
        assert raised.value.remedy


@pytest.mark.fault_row("replaced")
def test_a_catalogue_that_is_replaced_is_noticed(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        session = stored.open_session(catalogue)
        with FrameStore.create(catalogue.frames_path(session), session) as store:
            store.append([stored.frame_set(1)])
    (tmp_path / "data" / "catalogue.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(InputError, match="missing"):
        open_catalogue(tmp_path / "data")
