"""kill -9 of the adaptation process at random moments: the job goes on and ends with the same candidate."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from core.adaptation.worker import run_job, settle_interrupted
from core.codes import JobState
from core.model.bundle import load_network
from storage.catalogue import Catalogue, open_catalogue
from tests.faults.adaptation_worker import workplace
from tests.unit.adaptation_site import QUICK, SiteStore, plan_for, write_champion

KILLS = int(os.environ.get("SALLYPORT_KILLS", "2"))
_ENDED = (JobState.CANDIDATE, JobState.REJECTED)


@pytest.mark.faults
def test_kills_change_nothing_but_the_time(tmp_path: Path) -> None:
    champion = write_champion(tmp_path / "champion")
    training = QUICK.model_copy(update={"steps": 36, "checkpoint_steps": 3})
    plan = plan_for(SiteStore(subjects=4), champion, training)
    moments = random.Random(7)
    with open_catalogue(tmp_path / "data") as catalogue:
        job = catalogue.jobs.create(plan.to_json(), plan.sha256())
        kills = 0
        while kills < KILLS and catalogue.jobs.get(job).state not in _ENDED:
            kills += _killed_once(catalogue, tmp_path, job, moments)
        if catalogue.jobs.get(job).state not in _ENDED:
            run_job(job, workplace(catalogue, tmp_path))
        assert kills > 0
        assert catalogue.jobs.get(job).state in _ENDED
        assert [step for step, _ in catalogue.jobs.events(job)] == list(range(1, 37))
        straight = catalogue.jobs.create(plan.to_json(), plan.sha256())
        killed = load_network(tmp_path / "job" / "candidate")[0].state_dict()
        run_job(straight, workplace(catalogue, tmp_path))
        for name, value in load_network(tmp_path / "job" / "candidate")[0].state_dict().items():
            torch.testing.assert_close(killed[name], value, atol=1e-4, rtol=0)
        assert (
            catalogue.jobs.get(job).report.split('"seconds"')[0]
            == (catalogue.jobs.get(straight).report.split('"seconds"')[0])
        )


def _killed_once(catalogue: Catalogue, folder: Path, job: str, moments: random.Random) -> bool:
    """Start the worker, kill it some time after it shows progress; whether it was killed before it ended by itself."""
    before = len(catalogue.jobs.events(job))
    command = [sys.executable, "-m", "tests.faults.adaptation_worker", str(folder), job]
    worker = subprocess.Popen(command, cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60.0
    while worker.poll() is None and time.monotonic() < deadline and len(catalogue.jobs.events(job)) == before:
        time.sleep(0.01)
    time.sleep(moments.uniform(0.0, 0.5))
    ended = worker.poll() is not None
    worker.kill()
    worker.wait()
    if ended:
        assert worker.returncode == 0
        return False
    assert settle_interrupted(catalogue.jobs) == [job]
    assert catalogue.jobs.get(job).state is JobState.INTERRUPTED
    return True
