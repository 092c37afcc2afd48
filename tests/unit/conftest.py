"""What many tests of the core and the storage begin with: a clock that they move, and data folders on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import FakeClock
from storage.catalogue import Catalogue
from tests.people import cheap_catalogue


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the station."""
    return FakeClock()


@pytest.fixture
def catalogue(tmp_path: Path, clock: FakeClock) -> Iterator[Catalogue]:
    """A data folder in ``data``, opened, whose pass-phrases cost next to nothing."""
    with cheap_catalogue(tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Catalogue]:
    """This lane."""
    with cheap_catalogue(tmp_path / "here") as opened:
        yield opened


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Catalogue]:
    """Another lane."""
    with cheap_catalogue(tmp_path / "there") as opened:
        yield opened
