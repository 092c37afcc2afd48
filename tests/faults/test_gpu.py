"""A device that is lost or out of memory: no score, a job that fails or waits, and a champion that stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.codes import JobState
from core.errors import HostError
from core.model.bundle import read_manifest
from tests.faults.ledger import Ledger
from tests.unit.test_adaptation_job import Bench

pytestmark = [pytest.mark.faults, pytest.mark.fault_row("gpu")]

NO_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
LOST = RuntimeError("CUDA error: unspecified launch failure")


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (NO_MEMORY, JobState.OUT_OF_MEMORY, "can go on from its checkpoint"),
        (LOST, JobState.FAILED, "unspecified launch failure"),
    ],
    ids=["out of memory", "device lost"],
)
def test_a_pass_that_loses_its_device_ends_and_the_champion_stays(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, error: RuntimeError, state: JobState, said: str
) -> None:
    from core.adaptation.worker import run_job

    bench = Bench(tmp_path)
    before = (bench.champion_bundle / "model.safetensors").read_bytes()

    def lost(*_: object) -> torch.Tensor:
        raise error

    monkeypatch.setattr("core.adaptation.batch.supervised_loss", lost)
    with pytest.raises((RuntimeError, HostError)):
        run_job(bench.job, bench.place)
    record = bench.jobs.get(bench.job)
    assert record.state is state
    assert said in record.message
    assert bench.registered == []
    assert (bench.champion_bundle / "model.safetensors").read_bytes() == before
    assert read_manifest(bench.champion_bundle).sha256 == bench.champion.sha256
    ledger.add("gpu", errors=1, champions_changed=0)
