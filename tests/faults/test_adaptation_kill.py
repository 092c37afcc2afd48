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
from tests.faults.ledger import Ledger
from tests.patience import wait_until
from tests.unit.adaptation_site import QUICK, SiteStore, plan_for, write_champion

_GIVEN = int(os.environ.get("SALLYPORT_KILLS", "1"))
KILLS = _GIVEN if _GIVEN == 1 else max(50, _GIVEN)
_ENDED = (JobState.CANDIDATE, JobState.REJECTED)


@pytest.mark.faults
@pytest.mark.fault_row("kill-adaptation")
def test_kills_change_nothing_but_the_time(tmp_path: Path, ledger: Ledger) -> None:
    champion = write_champion(tmp_path / "champion")
    training = QUICK.model_copy(update={"steps": 36, "checkpoint_steps": 3})
    plan = plan_for(SiteStore(subjects=4), champion, training)
    moments = random.Random(7)
    with open_catalogue(tmp_path / "data") as catalogue:
        straight = catalogue.jobs.create(plan.to_json(), plan.sha256())
        run_job(straight, workplace(catalogue, tmp_path))
        wanted = _candidate(tmp_path)
        kills = 0
        while kills < KILLS:
            job = catalogue.jobs.create(plan.to_json(), plan.sha256())
            of_job = _killed_until_it_ends(catalogue, tmp_path, job, moments, KILLS - kills)
            assert of_job > 0
            kills += of_job
            assert [step for step, _ in catalogue.jobs.events(job)] == list(range(1, 37))
            for name, value in _candidate(tmp_path).items():
                torch.testing.assert_close(value, wanted[name], atol=1e-4, rtol=0)
            assert _without_time(catalogue, job) == _without_time(catalogue, straight)
    ledger.add("kill-adaptation", kills=kills, lost=0)


def _killed_until_it_ends(catalogue: Catalogue, folder: Path, job: str, moments: random.Random, most: int) -> int:
    """Kill the worker of ``job`` at most ``most`` times, then let it end; returns how often it was killed."""
    kills = 0
    while kills < most and catalogue.jobs.get(job).state not in _ENDED:
        kills += _killed_once(catalogue, folder, job, moments)
    if catalogue.jobs.get(job).state not in _ENDED:
        run_job(job, workplace(catalogue, folder))
    assert catalogue.jobs.get(job).state in _ENDED
    return kills


def _candidate(folder: Path) -> dict[str, torch.Tensor]:
    return load_network(folder / "job" / "candidate")[0].state_dict()


def _without_time(catalogue: Catalogue, job: str) -> str:
    return catalogue.jobs.get(job).report.split('"seconds"')[0]


def _killed_once(catalogue: Catalogue, folder: Path, job: str, moments: random.Random) -> bool:
    """Start the worker, kill it some time after it shows progress; whether it was killed before it ended by itself."""
    before = len(catalogue.jobs.events(job))
    command = [sys.executable, "-m", "tests.faults.adaptation_worker", str(folder), job]
    worker = subprocess.Popen(command, cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"})
    wait_until(lambda: worker.poll() is not None or len(catalogue.jobs.events(job)) > before, "a step of the job")
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
