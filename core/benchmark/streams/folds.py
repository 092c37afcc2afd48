"""A fold of the study: tables, inputs, the start network of a target and seed, and its cached people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from core.benchmark.inputs import empty_inputs, prepare, training_changes
from core.benchmark.maps import open_maps, write_maps
from core.benchmark.methods.base import TRIALS, Base, Schedule
from core.benchmark.methods.fitting import fit_peer
from core.benchmark.methods.ours import Ours
from core.benchmark.people import People, balanced_rows
from core.benchmark.streams.base import answer, chunks
from core.benchmark.streams.judging import Champion
from core.benchmark.streams.material import Cached, Source
from core.benchmark.streams.size import STREAM, StreamSize
from core.benchmark.tables import table_piece
from core.benchmark.trunk import Trunk, train_trunk
from core.benchmark.work import Canceled, Work
from core.frames import MODALITIES
from core.model.features import Features, joined
from core.model.network import NetworkConfig, PadNetwork
from core.scenes.domain import Domain
from core.training.prepared import Joined, open_prepared
from core.training.table import open_table

_REPLAY = 720
"""Replayed source rows, half of them bona fide, the species alike."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Trained on ``sources`` with ``seed``, adapted to and judged on ``target``.

    ``stages``: how many stages of each encoder adapt; what lies before them is cached.
    """

    root: Path
    size: StreamSize
    sources: tuple[Domain, ...]
    target: Domain
    seed: int
    stages: int = 1

    @property
    def name(self) -> str:
        """Beginning of its pieces' names."""
        return f"to-{self.target.name}-s{self.seed}"

    @property
    def start(self) -> str:
        """Where its start network lies."""
        return f"start/{self.name}.safetensors"

    @property
    def sets(self) -> tuple[tuple[Domain, str], ...]:
        """Every domain and split that it reads."""
        own = ((self.target, STREAM), (self.target, "test"))
        return (*((d, s) for d in self.sources for s in ("train", "dev")), *own)


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A fold ready for streams."""

    source: Source
    site: Cached
    test: Cached
    champion: Champion


def inputs_piece(domain: Domain, split: str) -> str:
    """Where the prepared inputs of a table lie."""
    return f"inputs/{table_piece(domain, split).removeprefix('tables/')}"


def make_inputs(work: Work, domain: Domain, split: str, size: StreamSize, canceled: Canceled) -> None:
    """Prepare a table's inputs unless they lie there."""
    changes = training_changes(size) if split == "train" else (None,)
    prepare(
        work, inputs_piece(domain, split), open_table(work.path(table_piece(domain, split))), size, changes, canceled
    )


def open_fold(fold: Fold, canceled: Canceled) -> Opened:
    """Train the start network unless it lies there, and cache everybody's maps.

    Raises:
        CanceledError: a person asked to stop; finished pieces are kept.
    """
    work = Work(fold.root)
    source, champion = open_source(fold, work, canceled)
    site, test = (cached_people(fold, work, source.network, split) for split in (STREAM, "test"))
    return Opened(source, site, test, champion)


def open_source(fold: Fold, work: Work, canceled: Canceled) -> tuple[Source, Champion]:
    """What the streams of a fold start from.

    Raises:
        CanceledError: a person asked to stop.
    """
    network = _start(fold, work, canceled).let_adapt(fold.stages)
    train, people = _read(fold, work, "train")
    drawn = balanced_rows(people, np.arange(len(train)), fold.seed, 0)
    chosen = np.unique(drawn[: min(len(drawn), _REPLAY)])
    replay = Cached(_encoded(network, train, chosen), people.subset(chosen)).table
    dev, who = _read(fold, work, "dev")
    source_dev = Cached(_encoded(network, dev, np.arange(len(dev))), who)
    champion = Champion.of(answer(network), source_dev)
    return Source(network, replay, source_dev, champion.levels), champion


def cached_people(fold: Fold, work: Work, network: PadNetwork, split: str) -> Cached:
    """The cached maps of the target's people of a split."""
    prepared = Joined([open_prepared(work.path(inputs_piece(fold.target, split)))])
    people = People.of([open_table(work.path(table_piece(fold.target, split)))])
    return Cached(_encoded(network, prepared, np.arange(len(prepared))), people)


def _read(fold: Fold, work: Work, split: str) -> tuple[Joined, People]:
    parts = [open_prepared(work.path(inputs_piece(domain, split))) for domain in fold.sources]
    return Joined(parts), People.of([open_table(work.path(table_piece(domain, split))) for domain in fold.sources])


@torch.no_grad()
def _encoded(network: PadNetwork, prepared: Joined, rows: NDArray[np.int64]) -> Features:
    """The unchanged version of some rows as maps before the last stage, half floats."""
    found = []
    for part in chunks(len(rows), 128):
        chosen = rows[part.numpy()]
        stems = network.encode_stem(prepared.inputs(chosen, np.zeros_like(chosen)))
        found.append(replace(stems, maps=stems.maps.half()))
    return joined(found)


def _start(fold: Fold, work: Work, canceled: Canceled) -> PadNetwork:
    """The product's network: the study's trunk, and everything after it fitted as in the other protocols."""
    piece = fold.start
    network = PadNetwork(NetworkConfig(widths=fold.size.widths))
    if not work.has(piece):
        prepared, people = _read(fold, work, "train")
        every = np.arange(len(prepared))
        trunk = train_trunk(prepared, people, every, fold.size, fold.seed, canceled)
        fitted = _fitted(fold, work, trunk, prepared, people, canceled)
        with work.making(piece) as path:
            save_file({name: value.contiguous() for name, value in whole_network(network, trunk, fitted).items()}, path)
    network.load_state_dict(load_file(work.path(piece)))
    return network.eval()


def whole_network(network: PadNetwork, trunk: Trunk, fitted: Ours) -> dict[str, torch.Tensor]:
    """Put a trunk and what was fitted behind it together; returns the weights of ``network``."""
    for column, modality in enumerate(MODALITIES):
        encoder = network.encoders[str(modality)]
        encoder.load_state_dict(trunk.encoders[column].state_dict())
        stages = encoder.stages
        assert isinstance(stages, torch.nn.ModuleList)
        stages[-1].load_state_dict(fitted.last[column].state_dict())
    network.load_state_dict(fitted.network.state_dict(), strict=False)
    return dict(network.state_dict())


def _fitted(fold: Fold, work: Work, trunk: Trunk, prepared: Joined, people: People, canceled: Canceled) -> Ours:
    with torch.inference_mode():
        blank = trunk.stems(empty_inputs(fold.size.pixels))[0].clone()
    base = Base(trunk.last_stages(), blank, fold.size.widths, len(fold.sources))
    with TemporaryDirectory(dir=work.root) as temporary:
        folder = Path(temporary) / "maps"
        write_maps(folder, trunk, prepared, np.arange(len(prepared)), canceled)
        maps = open_maps(folder, people, tuple(domain.name for domain in fold.sources))
        torch.manual_seed(fold.seed)
        peer = Ours(base, TRIALS[0])
        fit_peer(peer, maps, Schedule(fold.size.peer_epochs, fold.size.batch, fold.seed, TRIALS[0], canceled))
    return peer
