"""kill -9 at random moments while recording: nothing acknowledged is lost, nothing half is kept, nobody stays behind.

One kill of each process in `make test`, SALLYPORT_KILLS in `make faults`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.codes import SessionState
from storage.catalogue import open_catalogue
from storage.paths import DataFolder
from storage.salvage import salvage
from tests.faults.ledger import Ledger
from tests.patience import PATIENCE_S, wait_until
from tests.talking import TalkingProcess

KILLS = int(os.environ.get("SALLYPORT_KILLS", "1"))

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200 if KILLS > 1 else 900)]


class RunningStation(TalkingProcess):
    """The program of `tests.faults.recording_station`, and everything that it has acknowledged."""

    def __init__(self, data: Path, *arguments: str) -> None:
        super().__init__("-m", "tests.faults.recording_station", str(data), *arguments, quiet=True)
        self.session = ""
        self.verdicts: list[int] = []
        self.recorded = 0
        self.recorded_since = 0
        """By the capture process that runs now."""
        self.models = 0
        self.pids: dict[str, int] = {}

    def listen(self) -> None:
        """Take what was acknowledged so far."""
        for said in self.heard():
            self.session = said.get("session", self.session)
            self.recorded = max(self.recorded, said.get("recorded", 0))
            self.recorded_since = 0 if "pids" in said else said.get("recorded", self.recorded_since)
            self.pids = said.get("pids", self.pids)
            self.models += "model" in said
            self.verdicts += [said["verdict"]] if "verdict" in said else []

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Listen until ``reached()``."""

        def there() -> bool:
            assert self.process.poll() is None, f"the station ended with {self.process.returncode}"
            self.listen()
            return reached()

        wait_until(there, "the station", 5.0 * PATIENCE_S)

    def children(self) -> list[psutil.Process]:
        """Capture and inference, and the resource tracker."""
        children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return children

    def finish(self) -> int:
        """End it as a person would."""
        code = super().finish()
        assert code == 0
        self.listen()
        return code


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., RunningStation]]:
    """Starts stations on this test's data folder."""
    started: list[RunningStation] = []

    def start(*arguments: str) -> RunningStation:
        started.append(RunningStation(tmp_path, *arguments))
        return started[-1]

    yield start
    for station in started:
        station.close()


def recorded_at_least(station: RunningStation, count: int) -> Callable[[], bool]:
    return lambda: bool(station.session) and station.recorded >= count and bool(station.verdicts)


def check_stored(data: Path, station: RunningStation, *, states: set[SessionState]) -> dict[str, int]:
    """Every acknowledged id is there; every frame set is whole; the session is told apart from a clean one.

    Returns what was acknowledged and what of it was lost, for the table.
    """
    folder = DataFolder(data)
    with open_catalogue(folder) as catalogue:
        salvage(catalogue)
        # Also those of nobody's session: whoever stood there when the window's own session made way for this one.
        stored = {row.id for row in catalogue.verdicts.page(limit=10_000)[0]}
        assert set(station.verdicts) <= stored
        audited = {
            int(entry.object) for entry in catalogue.audit.entries(limit=10_000) if entry.object_kind == "verdict"
        }
        assert stored <= audited
        assert catalogue.sessions.get(station.session).state in states
        with catalogue.material.session(station.session) as store:
            assert store.quick_check() == "ok"
            frame_sets = list(store)
    assert len(frame_sets) >= station.recorded
    # Reading verifies the digest of every frame and of the set; a mask may not name what is not there.
    assert all(set(frame_set.mask) <= set(frame_set.frames) for frame_set in frame_sets)
    numbers = [frame_set.number for frame_set in frame_sets]
    assert numbers == sorted(set(numbers))
    lost = len(set(station.verdicts) - stored) + max(0, station.recorded - len(frame_sets))
    return {"verdicts": len(station.verdicts), "frame_sets": station.recorded, "lost": lost}


@pytest.mark.fault_row("kill-window")
@pytest.mark.parametrize("round_", range(KILLS))
def test_a_killed_window_loses_nothing_and_leaves_nobody_behind(
    tmp_path: Path, launch: Callable[..., RunningStation], ledger: Ledger, round_: int
) -> None:
    station = launch("window")
    station.wait_until(recorded_at_least(station, 5))
    time.sleep(random.Random(round_).uniform(0.0, 1.5))
    children = station.children()
    os.kill(station.process.pid, signal.SIGKILL)
    station.process.wait()
    killed_s = time.monotonic()
    gone, alive = psutil.wait_procs(children, PATIENCE_S)
    recovery_s = time.monotonic() - killed_s
    assert gone
    assert not alive
    station.listen()
    ledger.at_most("kill-window", children_gone_s=recovery_s)
    ledger.add("kill-window", kills=1, **check_stored(tmp_path, station, states={SessionState.SALVAGED}))


@pytest.mark.fault_row("kill-capture")
@pytest.mark.parametrize("round_", range(KILLS))
def test_a_killed_capture_process_comes_back_into_the_same_session(
    tmp_path: Path, launch: Callable[..., RunningStation], ledger: Ledger, round_: int
) -> None:
    station = launch()
    station.wait_until(recorded_at_least(station, 5))
    time.sleep(random.Random(round_).uniform(0.0, 1.5))
    station.listen()
    killed = station.pids["capture"]
    killed_s = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    station.wait_until(lambda: station.pids.get("capture") not in (None, killed))
    station.wait_until(lambda: station.recorded_since > 0)
    recovery_s = time.monotonic() - killed_s
    station.finish()
    ledger.at_most("kill-capture", recording_again_s=recovery_s)
    ledger.add("kill-capture", kills=1, **check_stored(tmp_path, station, states={SessionState.CLOSED}))


@pytest.mark.fault_row("kill-inference")
@pytest.mark.parametrize("round_", range(KILLS))
def test_a_killed_inference_process_answers_no_response_and_comes_back(
    tmp_path: Path, launch: Callable[..., RunningStation], ledger: Ledger, round_: int
) -> None:
    station = launch()
    station.wait_until(recorded_at_least(station, 5))
    time.sleep(random.Random(round_).uniform(0.0, 1.5))
    station.listen()
    models, verdicts = station.models, len(station.verdicts)
    killed_s = time.monotonic()
    os.kill(station.pids["inference"], signal.SIGKILL)
    station.wait_until(lambda: station.models > models)
    station.wait_until(lambda: len(station.verdicts) > verdicts + 1)
    recovery_s = time.monotonic() - killed_s
    station.finish()
    ledger.at_most("kill-inference", deciding_again_s=recovery_s)
    ledger.add("kill-inference", kills=1, **check_stored(tmp_path, station, states={SessionState.CLOSED}))


@pytest.mark.fault_row("stall")
def test_an_inference_process_that_hangs_is_replaced(tmp_path: Path, launch: Callable[..., RunningStation]) -> None:
    station = launch()
    station.wait_until(recorded_at_least(station, 5))
    station.wait_until(lambda: station.models > 0)
    models, hanging = station.models, station.pids["inference"]
    time.sleep(1.0)
    os.kill(hanging, signal.SIGSTOP)
    station.wait_until(lambda: station.models > models)
    verdicts = len(station.verdicts)
    station.wait_until(lambda: len(station.verdicts) > verdicts)
    assert not psutil.pid_exists(hanging)
    station.finish()
    check_stored(tmp_path, station, states={SessionState.CLOSED})
