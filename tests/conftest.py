"""What every test shares: no window on a screen, folders in memory, and the real material beside the checkout."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.faults.ledger"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# The networks of tests are tiny: a second thread of the same test waits more than it computes, and takes the core of
# another worker or child process. Programs that choose their threads themselves still do.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_MEMORY, _ROOM = Path("/dev/shm"), 4 * 2**30
"""Where Linux keeps files in memory, and how much must be free there for the folders of a run."""


def _work_in_memory() -> Path | None:
    """A folder in memory for everything temporary, where there is room: no test waits thousands of times for a disk.

    Every fsync is still asked for. `TMPDIR` chooses another place (`make faults` names a disk), and keeps what failed
    tests leave. Workers and child processes inherit the folder; it goes with the process that made it.
    """
    if "TMPDIR" in os.environ or not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM:
        return None
    made = tempfile.mkdtemp(prefix="t", dir=_MEMORY)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    os.environ["TMPDIR"] = tempfile.tempdir = made
    return Path(made)


_IN_MEMORY = _work_in_memory()

# The same examples everywhere, and none that fails because a machine is slow or busy.
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Short paths: those of sockets may have 107 bytes."""
    if _IN_MEMORY is not None and config.option.basetemp is None:
        config.option.basetemp = str(_IN_MEMORY / "p")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real material; skips where the checkout stands alone."""
    if not _SHARED.is_dir():
        pytest.skip("the real material (../shared/data) is not beside this checkout")
    return _SHARED


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's data folder."""
    monkeypatch.setenv("SALLYPORT_DATA", str(tmp_path / "data"))
