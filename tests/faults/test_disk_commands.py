"""A disk that is full before a piece of work begins: one known error, nothing half, readable, and then it goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.catalogue import open_catalogue
from tests.faults.invariants import check_after_restart
from tests.faults.ledger import Ledger
from tests.faults.nursery import run
from tests.faults.operations import OPERATIONS, Operation

LONG = bool(int(os.environ.get("SALLYPORT_KILLS", "0")))
LEFT_KIB = (0, 40, 120, 400, 900) if LONG else (40,)
"""Free space, so that different steps meet the full disk."""
KNOWN = ("HostError", "DiskFullError", "InputError")

pytestmark = [pytest.mark.faults, pytest.mark.fault_row("disk-full")]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_full_disk_costs_nothing_that_was_stored(
    small_disk: Callable[[int], Path], ledger: Ledger, operation: Operation
) -> None:
    disk = small_disk(24_000)
    for left in LEFT_KIB:
        root = disk / str(left)
        root.mkdir()
        operation.prepare(root)
        filler = disk / "filler"
        filler.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - left * 1024)))
        done = run(operation.work, root)
        assert done.error.split(":")[0] in ("", *KNOWN), done.error
        refused = bool(done.error)
        if refused and operation.name not in ("restore", "migrate") and left:  # those open no catalogue
            with open_catalogue(root / "data") as catalogue:
                catalogue.sessions.page()
                catalogue.verdicts.page()
        filler.unlink()
        if (root / "data").exists():
            check_after_restart(root / "data", done.told)
        if refused:
            again = run(operation.again, root)
            assert again.error == ""
            check_after_restart(root / "data", again.told)
        ledger.add("disk-full", full_disks=1, refused=refused, lost=0)
        shutil.rmtree(root)
