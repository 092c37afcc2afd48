"""SIGKILL at every step of every small piece of work, and at random moments; restart, look, do it again.

A few steps of each in `make test`; all of them, and SALLYPORT_KILLS x 30 random kills, in `make faults`.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from core.errors import KnownError
from tests.faults.invariants import Told, check_after_restart
from tests.faults.ledger import Ledger
from tests.faults.nursery import run
from tests.faults.operations import OPERATIONS, Operation, anything, some_models

KILLS = int(os.environ.get("SALLYPORT_KILLS", "0"))
"""Kills of a whole station of one kind in the long form; 0 = the short form."""
FEW = 4
_ROUND = 25
"""A folder is renewed after so many random kills: looking at all of it would take ever longer."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600 if KILLS else 900)]


@pytest.mark.fault_row("kill-steps")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_kill_at_any_step_leaves_a_whole_folder(tmp_path: Path, ledger: Ledger, operation: Operation) -> None:
    template = tmp_path / "template"
    template.mkdir()
    operation.prepare(template)
    whole = run(operation.work, _copy(template, tmp_path / "whole"))
    assert (whole.error, whole.killed) == ("", False)
    check_after_restart(tmp_path / "whole" / "data", whole.told)
    steps = range(len(whole.steps))
    assert steps
    wrong = []
    for kill_at in steps if KILLS else random.Random(operation.name).sample(steps, min(FEW, len(steps))):
        root = _copy(template, tmp_path / "case")
        done = run(operation.work, root, kill_at=kill_at)
        assert done.error == ""
        if not done.killed:  # a thread in it took fewer steps this time
            shutil.rmtree(root)
            continue
        try:
            _survived(root, operation, done.told, ledger)
        except (AssertionError, KnownError) as error:
            wrong.append(f"killed before step {kill_at} ({whole.steps[kill_at]}): {error}")
        shutil.rmtree(root)
    assert not wrong, "\n".join(wrong)


def _survived(root: Path, operation: Operation, told: Told, ledger: Ledger) -> None:
    ledger.add("kill-steps", kills=1, acknowledged=told.count, lost=0)
    started = time.monotonic()
    if (root / "data").is_dir() or operation.name != "restore":
        check_after_restart(root / "data", told)
    ledger.at_most("kill-steps", restart_and_check_s=time.monotonic() - started)
    if operation.name == "restore" and (root / "data").is_dir():
        return
    again = run(operation.again, root)
    assert again.error == ""
    check_after_restart(root / "data", again.told)
    leftovers = [path.name for path in root.glob(".*")]
    assert leftovers == [], "nothing hidden stays beside the folder"


@pytest.mark.fault_row("kill-random")
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, ledger: Ledger) -> None:
    moments = random.Random(11)
    for kill in range(KILLS * 30 or 5):
        root = tmp_path / str(kill // _ROUND)
        if not root.exists():
            root.mkdir()
            some_models(root)
        done = run(anything, root, kill_after_s=moments.uniform(0.0, 0.4))
        assert done.killed, done.error
        started = time.monotonic()
        check_after_restart(root / "data", done.told)
        ledger.at_most("kill-random", restart_and_check_s=time.monotonic() - started)
        told = done.told
        sets = sum(told.frame_sets.values())
        ledger.add("kill-random", kills=1, verdicts=len(told.verdicts), frame_sets=sets, lost=0, partial=0)


def _copy(template: Path, target: Path) -> Path:
    shutil.copytree(template, target)
    return target
