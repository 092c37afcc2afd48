"""What processes do before they work."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time

import pytest

from core.errors import HostError
from core.processes import without_collection, workers


def fail() -> None:
    assert not gc.isenabled()
    raise ImportError("no such module")


def test_the_collector_rests_during_imports_and_comes_back_whatever_happens() -> None:
    with pytest.raises(ImportError), without_collection():
        fail()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with without_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_reaches_the_whole_group_and_workers_leave_it_to_their_parent(number: signal.Signals) -> None:
    with workers(1) as pool:
        worker = pool.submit(os.getpid).result()
        todo = [pool.submit(time.sleep, 0.2) for _ in range(2)]
        os.kill(worker, number)
        assert [task.result() for task in todo] == [None, None]


def test_a_worker_that_dies_is_told_with_what_to_do() -> None:
    with pytest.raises(HostError, match="ended from outside") as told, workers(1) as pool:
        pool.submit(os._exit, 9).result()
    assert "memory" in told.value.remedy
