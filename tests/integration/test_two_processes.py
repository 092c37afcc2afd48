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


@pytest.mark.parametrize("kind", ["trained", "adapted", "worked"])
def test_two_processes_end_where_one_does(tmp_path: Path, kind: str) -> None:
    write_table(tmp_path / "table", _presentations(8), 20)
    one = training_ranks.result(kind, tmp_path, ALONE)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.unit.training_ranks", kind, str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    two = load_file(tmp_path / f"{kind}.safetensors")
    assert two.keys() == one.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=TOLERANCE, rtol=TOLERANCE, msg=name)


def test_more_processes_than_modalities_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="4 processes cannot share 3 modalities"), joined():
        pass
