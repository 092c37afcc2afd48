"""A station and gate controllers as processes of their own: late, hung, dead, back again; kill -9 on either side.

The controllers are the reference one of `main.py door watch`; no test asserts how long anything took (docs/door.md has
the measured figures), but what is waited for here must come by itself.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.door.address import MAX_PATH_BYTES
from tests.patience import PATIENCE_S, wait_until
from tests.talking import ROOT, TalkingProcess


class Told(TalkingProcess):
    """A station or a controller, and what it told that nobody has asked for yet."""

    def __init__(self, *arguments: str) -> None:
        super().__init__(*arguments)
        self.lines: list[dict[str, Any]] = []
        self.times_open = 0

    def listen(self) -> list[dict[str, Any]]:
        heard = self.heard()
        self.times_open += sum(line.get("open") is True for line in heard)
        self.lines += heard
        return self.lines

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The first line after those that were asked for before."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            lines = self.listen()
            while lines and not found:
                line = lines.pop(0)
                if wanted(line):
                    found.append(line)
            return bool(found)

        wait_until(there, what)
        return found[0]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@pytest.fixture
def launch() -> Iterator[Callable[..., Told]]:
    started: list[Told] = []

    def start(*arguments: object) -> Told:
        started.append(Told(*map(str, arguments)))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "door.socket"


@pytest.fixture
def station(launch: Callable[..., Told], tmp_path: Path, place: Path) -> Callable[..., Told]:
    return lambda *more: launch("-m", "tests.integration.door_station", tmp_path / "data", place, *more)


@pytest.fixture
def watch(launch: Callable[..., Told], place: Path) -> Callable[[], Told]:
    return lambda: launch("main.py", "door", "watch", place)


def opens(line: dict[str, Any]) -> bool:
    return line.get("open") is True


def closes(reason: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line.get("open") is False and line["reason"] == reason


def listening(controllers: int) -> Callable[[dict[str, Any]], bool]:
    return lambda line: "door" in line and line["door"][2] == controllers


def ready(running: Told, *controllers: Told) -> None:
    """Everybody is connected and told that nothing stands in the way."""
    for controller in controllers:
        controller.wait_for(closes("no_verdict"), "a controller that is connected")


def test_a_killed_station_closes_the_door_and_the_next_one_does_not_open_it(
    station: Callable[..., Told], watch: Callable[[], Told], place: Path
) -> None:
    controller = watch()
    controller.wait_for(closes("no_station"), "a controller without a station")
    running = station()
    ready(running, controller)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    running.ask("bona_fide")
    controller.wait_for(opens, "an open door")
    running.signal(signal.SIGKILL)
    controller.wait_for(closes("no_station"), "a closed door")
    running.process.wait()
    again = station()
    ready(again, controller)
    again.ask("attack")
    controller.wait_for(closes("not_bona_fide"), "the refusal")
    again.ask("bona_fide")
    controller.wait_for(opens, "an open door")
    controller.wait_for(closes("elapsed"), "a door that closes by itself")
    assert again.finish() == 0
    controller.wait_for(closes("no_station"), "a controller without a station")
    assert not place.exists()


def test_a_station_that_hangs_is_silence_and_waking_up_opens_nothing(
    station: Callable[..., Told], watch: Callable[[], Told]
) -> None:
    running, controller = station(), watch()
    ready(running, controller)
    running.ask("bona_fide")
    controller.wait_for(opens, "an open door")
    running.signal(signal.SIGSTOP)
    controller.wait_for(closes("silence"), "a closed door")
    running.ask("bona_fide")
    running.signal(signal.SIGCONT)
    running.wait_for(lambda line: "verdict" in line, "the first verdict")
    running.wait_for(lambda line: "verdict" in line, "the verdict that waited")
    running.ask("bona_fide")
    controller.wait_for(opens, "an open door")


@pytest.mark.parametrize(
    ("fault", "reason"), [("lock", "locked_out"), ("lose", "camera"), ("attack", "not_bona_fide"), ("full", "")]
)
def test_what_goes_wrong_while_the_door_is_open_closes_it(
    station: Callable[..., Told], watch: Callable[[], Told], fault: str, reason: str
) -> None:
    running, controller = station(), watch()
    ready(running, controller)
    running.ask("bona_fide")
    controller.wait_for(opens, "an open door")
    running.ask(fault)
    if fault == "full":  # found when the next verdict is to be stored
        running.ask("bona_fide")
        line = controller.wait_for(lambda line: line["open"] is False, "a closed door")
        assert line["reason"] in ("stopping", "no_station")
        assert running.process.wait(PATIENCE_S) == 4
    else:
        controller.wait_for(closes(reason), "a closed door")


def test_a_late_controller_waits_for_the_next_verdict(station: Callable[..., Told], watch: Callable[[], Told]) -> None:
    running, early = station(), watch()
    ready(running, early)
    running.ask("bona_fide")
    early.wait_for(opens, "an open door")
    late = watch()
    running.wait_for(listening(2), "the late one")
    running.ask("bona_fide")
    late.wait_for(opens, "an open door")
    late.listen()
    assert late.times_open == 1


def test_a_hung_controller_is_named_and_let_go_and_the_others_go_on(
    station: Callable[..., Told], watch: Callable[[], Told]
) -> None:
    running, steady, hung = station(), watch(), watch()
    ready(running, steady, hung)
    hung.signal(signal.SIGSTOP)
    told = running.wait_for(lambda line: "stopped reading" in line.get("problem", ""), "the name of the hung one")
    assert f"process {hung.process.pid}" in told["problem"]
    running.ask("bona_fide")
    steady.wait_for(opens, "an open door")
    hung.signal(signal.SIGCONT)
    running.wait_for(listening(2), "its return")
    hung.listen()
    assert hung.times_open == 0
    running.ask("bona_fide")
    hung.wait_for(opens, "an open door after the return")


def test_a_dead_controller_is_noticed_and_another_takes_its_place(
    station: Callable[..., Told], watch: Callable[[], Told]
) -> None:
    running, first = station(), watch()
    ready(running, first)
    first.signal(signal.SIGKILL)
    running.wait_for(listening(0), "the end of the first")
    second = watch()
    ready(running, second)
    running.ask("bona_fide")
    second.wait_for(opens, "an open door")


def test_a_command_gets_the_lines_and_is_started_again(
    station: Callable[..., Told], tmp_path: Path, launch: Callable[..., Told]
) -> None:
    said = tmp_path / "said by the hook"
    program = f"exec {shlex.join([sys.executable, str(ROOT / 'main.py'), 'door', 'watch', '--stdin'])} >> '{said}'"
    running = station(shlex.join(["sh", "-c", f"echo $$ >> '{said}'; {program}"]))

    def told() -> list[str]:
        return said.read_text(encoding="utf-8").splitlines() if said.exists() else []

    wait_until(lambda: any("no_verdict" in line for line in told()), "the command")
    running.ask("bona_fide")
    wait_until(lambda: any('"open": true' in line for line in told()), "an open door")
    os.kill(int(told()[0]), signal.SIGKILL)
    running.wait_for(lambda line: "ended with -9" in line.get("problem", ""), "the name of the dead command")
    wait_until(lambda: len([line for line in told() if line.isdigit()]) == 2, "its next start")
    count = len(told())
    wait_until(lambda: any("no_verdict" in line or "elapsed" in line for line in told()[count:]), "its next line")
    assert running.finish() == 0
    wait_until(lambda: "no_station" in told()[-1], "the end of its input")


def test_a_place_that_cannot_be_used_is_refused_and_nothing_there_is_touched(
    station: Callable[..., Told], launch: Callable[..., Told], tmp_path: Path, place: Path
) -> None:
    def refusal(where: Path) -> tuple[str, int]:
        tried = launch("-m", "tests.integration.door_station", tmp_path / "data", where)
        text = tried.wait_for(lambda line: "error" in line, "the refusal")["error"]
        return text, tried.process.wait(PATIENCE_S)

    place.write_text("a file", encoding="utf-8")
    assert refusal(place) == (f"{place} exists and is no socket.", 4)
    assert place.read_text(encoding="utf-8") == "a file"
    place.unlink()
    text, code = refusal(tmp_path / ("x" * MAX_PATH_BYTES))
    assert (code, "bytes" in text) == (2, True)
    text, code = refusal(tmp_path / "missing" / "door")
    assert (code, "cannot be made" in text) == (4, True)
    running = station()
    running.wait_for(lambda line: "door" in line, "the first station")
    assert refusal(place) == (f"Another program listens on {place}.", 4)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.connect(str(place))  # the first station still has it


@pytest.mark.parametrize("name", ["a door", "Tür", "門", "-d", "q'uote\"s;$(x)", "new\nline"])
def test_odd_paths_work(name: str, tmp_path: Path, launch: Callable[..., Told]) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    where = folder / name
    running = launch("-m", "tests.integration.door_station", tmp_path / "data", where)
    controller = launch("main.py", "door", "watch", where)
    ready(running, controller)
    running.ask("bona_fide")
    controller.wait_for(opens, "an open door")


def test_a_simulated_camera_never_opens(launch: Callable[..., Told], tmp_path: Path, place: Path) -> None:
    controller = launch("main.py", "door", "watch", place)
    out = tmp_path / "run.json"
    run = launch(
        "main.py", "run", "--headless", "--source", "simulated", "--seconds", 8, "--door", place, "--json", out
    )
    controller.wait_for(closes("not_live"), "the reason why")
    assert run.process.wait(10.0 * PATIENCE_S) == 0
    controller.wait_for(closes("no_station"), "the end")
    assert controller.times_open == 0
    told = json.loads(out.read_text(encoding="utf-8"))["door"]
    assert told[-1]["controllers"] == 1
    assert not any(entry["open"] for entry in told)
    assert not place.exists()
