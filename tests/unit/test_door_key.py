"""The key of the door: made by those who may, read by station and controller, and what the doctor says of it."""

from __future__ import annotations

import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.access import Actor, DeniedError, Role
from core.checks import Finding
from core.clock import SystemClock
from core.codes import DoorReason
from core.door.output import DoorOutput, DoorPlaces
from core.door.signing import DoorKey, read_door_key
from core.door.watch import watch_socket
from core.errors import ExitCode, HostError
from storage import doctor
from storage.catalogue import Catalogue, open_catalogue
from storage.commands_door import DOOR_COMMANDS, make_door_key, remove_door_key
from storage.people_actions import PEOPLE_COMMANDS
from storage.repositories.proposals import ProposedError
from tests.patience import PATIENCE_S
from tests.people import PASSPHRASE, add_people, cheap_catalogue
from tests.unit.test_door import READY, verdict


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


def test_the_key_is_made_for_this_user_alone_and_the_doctor_says_whether_lines_are_signed(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.check_door(catalogue).finding is Finding.GOOD
    catalogue.audit.append("door_connected", "door", "", actor="olga")
    check = doctor.check_door(catalogue)
    assert (check.finding, "main.py door key" in check.remedy) == (Finding.WARNING, True)
    options = Namespace(remove=False, reason="a gate in another room")
    assert DOOR_COMMANDS["door key"](catalogue, options) == ExitCode.DONE
    path = catalogue.folder.door_key
    assert capsys.readouterr().out == f"{path}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_text()
    assert doctor.check_door(catalogue).detail == "lines to gate controllers are signed"
    make_door_key(catalogue, "a controller was stolen")
    assert path.read_text() != first
    remove_door_key(catalogue, "no gate any more")
    assert not path.exists()
    trail = [(one.action, one.reason) for one in catalogue.audit.of("door", "")[1:]]
    assert trail == [
        ("make_door_key", "a gate in another room"),
        ("make_door_key", "a controller was stolen"),
        ("remove_door_key", "no gate any more"),
    ]


def test_two_people_agree_on_a_key_and_a_technician_makes_none(tmp_path: Path) -> None:
    with cheap_catalogue(tmp_path) as catalogue:
        add_people(catalogue, "ada", "bea", "tim")
        catalogue.log_ins.log_in("ada", PASSPHRASE)
        with pytest.raises(ProposedError) as proposed:
            make_door_key(catalogue, "a gate")
        assert not catalogue.folder.door_key.exists()
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        PEOPLE_COMMANDS["proposals approve"](catalogue, Namespace(proposal=proposed.value.proposal.id))
        assert isinstance(read_door_key(catalogue.folder.door_key), DoorKey)
        catalogue.actor = Actor.of("tim", [Role.TECHNICIAN])
        for change in (make_door_key, remove_door_key):
            with pytest.raises(DeniedError):
                change(catalogue, "x")


def test_a_key_that_is_damaged_gone_or_open_to_others_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    make_door_key(catalogue, "a gate")
    path = catalogue.folder.door_key
    path.chmod(0o644)
    with pytest.raises(HostError, match="Others may read"):
        read_door_key(path)
    path.write_text("abc")
    for bad in (path, tmp_path / "none"):
        with pytest.raises(HostError, match="cannot be read"):
            DoorOutput.connect(DoorPlaces(hook="true", key=str(bad)), SystemClock())


def test_a_controller_that_is_stopped_while_the_door_is_open_closes_it(tmp_path: Path) -> None:
    output = DoorOutput.connect(DoorPlaces(str(tmp_path / "door")), SystemClock())
    told: list[DoorReason] = []
    done = threading.Event()
    watcher = threading.Thread(target=watch_socket, args=(tmp_path / "door", told.append, done.is_set))
    watcher.start()
    try:
        row, deadline = 0, time.monotonic() + PATIENCE_S
        while DoorReason.NONE not in told:
            assert time.monotonic() < deadline, told
            row += 1
            output.look(READY)
            output.take(row, verdict(), READY)
            time.sleep(0.05)
    finally:
        done.set()
        watcher.join()
        output.close()
    assert told[-1] is DoorReason.NO_STATION


def test_over_a_real_socket_only_the_controller_with_the_right_key_opens(catalogue: Catalogue, tmp_path: Path) -> None:
    make_door_key(catalogue, "a gate")
    socket, done = tmp_path / "door", threading.Event()
    output = DoorOutput.connect(DoorPlaces(str(socket), key=str(catalogue.folder.door_key)), SystemClock())
    keys = {"right": read_door_key(catalogue.folder.door_key), "wrong": DoorKey(b"w" * 32), "none": None}
    told: dict[str, list[DoorReason]] = {name: [] for name in keys}
    watchers = [
        threading.Thread(target=watch_socket, args=(socket, told[name].append, done.is_set), kwargs={"key": key})
        for name, key in keys.items()
    ]
    for watcher in watchers:
        watcher.start()
    try:
        row, deadline = 0, time.monotonic() + PATIENCE_S
        wanted = {"right": DoorReason.NONE, "none": DoorReason.NONE, "wrong": DoorReason.UNSIGNED}
        while any(reason not in told[name] for name, reason in wanted.items()):
            assert time.monotonic() < deadline, told
            row += 1
            output.look(READY)
            output.take(row, verdict(), READY)
            time.sleep(0.05)
        output.look(replace(READY, locked=True))
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()
        output.close()
    assert DoorReason.NONE not in told["wrong"]
