"""What the processes of the two-process tests run: a source training and adaptation passes; rank 0 writes weights."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from core.adaptation.early import build_table
from core.adaptation.following import follow
from core.adaptation.settings import TrainingSettings
from core.adaptation.trainer import AdaptationTrainer
from core.adaptation.worker import run_job
from core.model.bundle import load_network
from core.model.network import NetworkConfig, PadNetwork
from core.model.share import Share, joined
from core.training.augment import augment
from core.training.config import TrainConfig
from core.training.prepared import Joined, open_prepared, write_prepared
from core.training.table import open_table
from core.training.trainer import SourceTrainer
from tests.unit.adaptation_site import simulate, tiny_network
from tests.unit.test_adaptation_job import Bench

SMALL = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8)


def trained(folder: Path, share: Share) -> PadNetwork:
    """A source training on the table in ``folder``."""
    config = TrainConfig(work_dir=folder / f"work-{share.world}", out=folder / "out", batch=8, epochs=3, seed=5)
    table, inputs = open_table(folder / "table"), folder / "inputs"
    if share.first and not inputs.is_dir():
        write_prepared(inputs, table, 32, [augment] * 2, lambda _: None)
    share.wait()
    trainer = SourceTrainer(config, table, Joined([open_prepared(inputs)]), SMALL, share)
    return trainer.run(lambda _: None, lambda: False)


def adapted(folder: Path, share: Share) -> PadNetwork:
    """An adaptation pass on simulated faces."""
    del folder
    table = build_table(tiny_network(), simulate([], range(24), 7), 1, 3)
    settings = TrainingSettings(steps=12, batch=8)
    trainer = AdaptationTrainer(tiny_network(), tiny_network(), table, table, settings, 3, share=share)
    while not trainer.finished:
        trainer.step()
    return trainer.teacher


def worked(folder: Path, share: Share) -> PadNetwork:
    """A whole job: the first process runs it, the others follow."""
    bench = Bench(folder / f"rank-{share.world}-{share.rank}")
    place = replace(bench.place, out_dir=folder / f"job-{share.world}", share=share)
    if share.first:
        run_job(bench.job, place)
    else:
        follow(bench.plan, place)
    return load_network(place.out_dir / "candidate")[0] if share.first else tiny_network()


KINDS = {"trained": trained, "adapted": adapted, "worked": worked}


def result(kind: str, folder: Path, share: Share) -> dict[str, torch.Tensor]:
    """The weights at the end."""
    torch.set_num_threads(1)
    network = KINDS[kind](folder, share)
    return {name: value.detach().contiguous() for name, value in network.state_dict().items()}


if __name__ == "__main__":
    with joined() as ours:
        for each in KINDS:
            weights = result(each, Path(sys.argv[1]), ours)
            if ours.first:
                save_file(weights, Path(sys.argv[1]) / f"{each}.safetensors")
