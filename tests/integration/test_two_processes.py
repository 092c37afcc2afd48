"""torchrun with two processes ends at the weights of one process; too many are told so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.errors import UsageError
from core.model.share import ALONE, joined
from core.training.table import write_table
from tests.unit import training_ranks
from tests.unit.test_training import _presentations

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-4
"""That of a resumed pass. All but the biases of the attention scores, on which nothing depends, agree within 1e-6."""


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes of torchrun left, one kind of work after the other, and the table that they read."""
    folder = tmp_path_factory.mktemp("two")
    write_table(folder / "table", _presentations(8), 20)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.unit.training_ranks", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("kind", training_ranks.KINDS)
def test_two_processes_end_where_one_does(of_two: Path, kind: str) -> None:
    one = training_ranks.result(kind, of_two, ALONE)
    two = load_file(of_two / f"{kind}.safetensors")
    assert two.keys() == one.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=TOLERANCE, rtol=TOLERANCE, msg=name)


def test_more_processes_than_modalities_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="4 processes cannot share 3 modalities"), joined():
        pass


@pytest.mark.parametrize(("gpus", "backend"), [(0, "gloo"), (1, "gloo"), (2, "cpu:gloo,cuda:nccl")])
def test_nccl_joins_only_processes_that_have_a_gpu_each(
    monkeypatch: pytest.MonkeyPatch, gpus: int, backend: str
) -> None:
    for name, value in {"WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    joined_by: list[str] = []
    chosen: list[int] = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpus > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    monkeypatch.setattr("torch.cuda.set_device", chosen.append)
    monkeypatch.setattr("torch.distributed.init_process_group", lambda backend, timeout: joined_by.append(backend))
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 2)
    monkeypatch.setattr("torch.distributed.destroy_process_group", lambda: None)
    with joined() as share:
        assert (share.rank, share.world) == (2, 3)
    assert joined_by == [backend]
    assert chosen == {0: [], 1: [0], 2: [1]}[gpus]
