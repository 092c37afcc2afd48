"""The machine is shut down or the service stopped: window and headless station close their session by themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.codes import SessionState
from core.errors import KnownError
from storage.catalogue import open_catalogue
from storage.paths import DataFolder
from tests.patience import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[2]


def states(data: Path) -> list[SessionState]:
    """The states of all sessions, as they stand in the catalogue."""
    if not (data / "catalogue.db").is_file():
        return []
    try:
        with open_catalogue(DataFolder(data)) as catalogue:
            return [session.state for session in catalogue.sessions.page()[0]]
    except KnownError:  # it is being made
        return []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes otherwise")
@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        (["--source", "simulated:empty"], signal.SIGTERM, 0),
        (["--source", "simulated:empty"], signal.SIGHUP, 0),
        (
            ["run", "--headless", "--source", "simulated:empty", "--seconds", "900", "--json", "out.json"],
            signal.SIGTERM,
            130,
        ),
    ],
    ids=["window", "window whose terminal is closed", "headless"],
)
def test_the_session_is_closed_and_nobody_stays(
    tmp_path: Path, arguments: list[str], number: signal.Signals, code: int
) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "SALLYPORT_DATA": str(tmp_path / "data")}
    station = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments], cwd=tmp_path, env=environment, start_new_session=True
    )
    try:
        wait_until(lambda: states(tmp_path / "data") == [SessionState.OPEN], "the session")
        children = psutil.Process(station.pid).children(recursive=True)
        assert children
        os.killpg(station.pid, number)  # a service manager asks every process of the service
        assert station.wait(PATIENCE_S) == code
    finally:
        station.kill()
        station.wait()
        for text in (tmp_path / "data" / "logs").glob("*.log"):
            print(text.name, text.read_text(), sep="\n")
    assert states(tmp_path / "data") == [SessionState.CLOSED]
    assert not psutil.wait_procs(children, PATIENCE_S)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes otherwise")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_while_it_starts_says_so_in_its_report(tmp_path: Path, number: signal.Signals) -> None:
    data, out = tmp_path / "data", tmp_path / "new" / "out.json"
    command = [sys.executable, str(ROOT / "main.py"), "--data", str(data)]
    order = ["run", "--headless", "--source", "simulated:empty", "--seconds", "900", "--json", str(out)]
    with subprocess.Popen([*command, *order], start_new_session=True, stderr=subprocess.PIPE, text=True) as station:
        try:
            wait_until(data.is_dir, "the data folder")
            station.send_signal(number)
            told = station.communicate(timeout=PATIENCE_S)[1]
        finally:
            station.kill()
    assert station.returncode == 130
    assert "Traceback" not in told
    report = json.loads(out.read_text(encoding="utf-8"))
    assert (report["canceled"], report["session"], report["verdicts"]) == (True, "", [])
    assert states(data) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes otherwise")
def test_whoever_stands_before_the_camera_when_a_run_is_ended_is_in_its_report(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out.json"
    command = [sys.executable, str(ROOT / "main.py"), "--data", str(data)]
    order = ["run", "--headless", "--source", "simulated:empty", "--seconds", "900", "--json", str(out)]

    def somebody() -> bool:
        if states(data) != [SessionState.OPEN]:
            return False
        with open_catalogue(DataFolder(data)) as catalogue:
            (session,) = catalogue.sessions.page()[0]
            return bool(catalogue.presentations.of_session(session.id))

    with subprocess.Popen([*command, *order], start_new_session=True) as station:
        try:
            wait_until(somebody, "a presentation")
            station.send_signal(signal.SIGTERM)
            assert station.wait(PATIENCE_S) == 130
        finally:
            station.kill()
    with open_catalogue(DataFolder(data)) as catalogue:
        stored = catalogue.verdicts.page()[0]
    told = json.loads(out.read_text(encoding="utf-8"))["verdicts"]
    assert [verdict["outcome"] for verdict in told] == ["non_response"] * len(stored)
    assert stored
