"""What every test shares: no window on a screen, and the real material beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.faults.ledger"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# The same examples everywhere, and none that fails because a machine is slow or busy.
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


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
