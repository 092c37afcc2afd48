"""What processes do before they work."""

from __future__ import annotations

import gc

import pytest

from core.processes import without_collection


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
