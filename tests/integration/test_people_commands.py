"""Accounts and the second person on the command line, as a user types it: real processes, real costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.codes import Outcome
from storage.catalogue import Catalogue, open_catalogue
from storage.people_commands import TOKEN_VARIABLE
from tests.patience import PATIENCE_S
from tests.people import PASSPHRASE, add_people, cheap_catalogue
from tests.stored import verdict

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def people(data: Path) -> Path:
    """A data folder with the people of `tests.people`."""
    with cheap_catalogue(data) as catalogue:
        add_people(catalogue)
    return data


def sallyport(*arguments: str, typed: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py", *arguments],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=10.0 * PATIENCE_S,
        check=False,
        env={**os.environ, **(env or {})},
    )


def as_user(name: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return sallyport(*arguments, "--user", name, typed=f"{PASSPHRASE}\n{typed}")


def looked(data: Path) -> Catalogue:
    return open_catalogue(data)


def test_from_an_open_station_to_a_closed_one_and_back_in_with_the_recovery_code(data: Path) -> None:
    added = sallyport("accounts", "add", "ada", "--roles", "administrator", typed=f"{PASSPHRASE}\n")
    assert added.returncode == 0, added.stderr
    code = added.stdout.split()[-1]
    denied = sallyport("sessions")
    assert denied.returncode == 4
    assert "Log in as" in denied.stderr
    wrong = sallyport("accounts", "list", "--user", "ada", typed="something else entirely\n")
    assert wrong.returncode == 4
    assert "do not belong together" in wrong.stderr
    second = as_user("ada", "accounts", "add", "tim", "--roles", "technician,operator", typed="nine loud green birds\n")
    assert second.returncode == 0, second.stderr
    listed = json.loads(as_user("ada", "accounts", "list", "--json").stdout)
    assert [(one["name"], one["roles"]) for one in listed] == [
        ("ada", ["administrator"]),
        ("tim", ["operator", "technician"]),
    ]
    recovered = sallyport("accounts", "recovery", "--for", "ada", typed=f"{code}\nten slow blue whales\n")
    assert recovered.returncode == 0, recovered.stderr
    assert sallyport("accounts", "list", "--user", "ada", typed="ten slow blue whales\n").returncode == 0
    doctor = sallyport("doctor", "--json").stdout
    assert "two-person rule is on" in doctor


def test_a_pass_phrase_comes_from_a_descriptor_and_never_from_the_command_line(people: Path) -> None:
    read, write = os.pipe()
    os.write(write, f"{PASSPHRASE}\n".encode())
    os.close(write)
    command = [sys.executable, "main.py", "sessions", "--user", "tim", "--user-fd", str(read)]
    done = subprocess.run(command, cwd=ROOT, pass_fds=(read,), capture_output=True, text=True, check=False)
    os.close(read)
    assert done.returncode == 0, done.stderr
    assert "--user-passphrase" not in sallyport("sessions", "--help").stdout


def test_a_token_of_the_window_is_enough_and_is_void_after_its_log_out(people: Path) -> None:
    with cheap_catalogue(people) as catalogue:
        catalogue.log_ins.log_in("tim", PASSPHRASE)
        token = catalogue.log_ins.make_token()
        assert sallyport("sessions", env={TOKEN_VARIABLE: token}).returncode == 0
        catalogue.log_ins.log_out(token)
    over = sallyport("sessions", env={TOKEN_VARIABLE: token})
    assert over.returncode == 4
    assert "log-in is over" in over.stderr


def test_switching_the_rule_off_is_proposed_by_one_and_done_by_another(people: Path) -> None:
    proposed = as_user("ada", "proposals", "rule", "off", "--reason", "a small lab")
    assert proposed.returncode == 0, proposed.stderr
    assert proposed.stdout.startswith("proposed 1:")
    assert as_user("ada", "proposals", "approve", "1").returncode == 4
    assert as_user("olga", "proposals", "approve", "1").returncode == 4
    approved = as_user("bea", "proposals", "approve", "1")
    assert "approved and done" in approved.stdout, approved.stderr
    with looked(people) as catalogue:
        assert not catalogue.proposals.rule_is_on
        trail = [(entry.actor, entry.action) for entry in catalogue.audit.of("rule", "two_person_rule")]
    assert trail == [("bea", "switch")]


def test_an_override_and_a_second_line_result_are_the_operators(people: Path) -> None:
    with looked(people) as catalogue:
        row = catalogue.verdicts.commit(verdict(outcome=Outcome.ATTACK))
    waits = json.loads(as_user("olga", "second-line", "--json").stdout)
    assert [one["verdict"] for one in waits] == [row]
    assert as_user("olga", "second-line", str(row), "false_alarm").returncode == 0
    override = ("override", str(row), "--outcome", "bona_fide", "--reason", "knows her")
    assert as_user("carl", *override).returncode == 4
    assert as_user("olga", *override).returncode == 0
    with looked(people) as catalogue:
        stored = catalogue.verdicts.get(row)
        denied = [entry for entry in catalogue.audit.entries() if entry.action == "denied"]
    assert (stored.operator, stored.operator_outcome) == ("olga", "bona_fide")
    assert [(entry.actor, entry.object) for entry in denied] == [("carl", "override")]
