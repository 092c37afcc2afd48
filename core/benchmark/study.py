"""The study's cells: one training (sources, species, seed), all methods, every target that it is judged on.

Pieces of a cell: the trunk, and for every method its logits under all seven masks on source-dev and on each target.
The cached maps are thrown away when the cell is done; they are large and made again in seconds.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.benchmark.changes import VIEWS
from core.benchmark.complementary import cosines
from core.benchmark.inputs import empty_inputs, prepare, training_changes
from core.benchmark.judging import calibrations, columns_under, judge
from core.benchmark.maps import Maps, open_maps, write_maps
from core.benchmark.methods.base import MASKS, TRIALS, Base, Entry, Knobs, Method, Schedule
from core.benchmark.methods.fitting import NetworkMethod
from core.benchmark.methods.ours import Ours
from core.benchmark.methods.registry import ABLATION, ENTRIES, OURS
from core.benchmark.people import People
from core.benchmark.protocols import Split
from core.benchmark.scores import figures
from core.benchmark.site_loss import SITE_MISSING, lossy_table
from core.benchmark.sizes import Size
from core.benchmark.tables import table_piece
from core.benchmark.trunk import Trunk, load_trunk, save_trunk, train_trunk
from core.benchmark.whole import VARIANTS, Variant, train_whole, whole_logits
from core.benchmark.work import Canceled, Work
from core.scenes.domain import Domain
from core.training.prepared import Joined, Prepared, open_prepared
from core.training.table import CropTable, open_table

CLEAN = "clean"
METHODS, ABLATION_TABLE, WHOLE = "methods", "ablation", "whole"
TABLES: dict[str, tuple[Entry, ...] | tuple[Variant, ...]] = {
    METHODS: ENTRIES,
    ABLATION_TABLE: ABLATION,
    WHOLE: VARIANTS,
}
"""What can be run under each name, in the order of the tables."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one process does in one go; plain data, so that it can be sent to it.

    ``table``: what its methods are called in, `METHODS`, `ABLATION_TABLE` or `WHOLE`. ``views``: which changes of the
    target are judged, see `core.benchmark.changes.VIEWS`.
    """

    root: Path
    size: Size
    domains: tuple[Domain, ...]
    split: Split
    seed: int
    methods: tuple[str, ...]
    table: str = METHODS
    views: tuple[str, ...] = (CLEAN,)

    @property
    def entries(self) -> tuple[Entry | Variant, ...]:
        """The methods, in the order of the table."""
        return tuple(entry for entry in TABLES[self.table] if entry.name in self.methods)

    def domain(self, name: str) -> Domain:
        """A domain by name."""
        return next(domain for domain in self.domains if domain.name == name)

    @property
    def training(self) -> str:
        """Name of what is trained: sources with their contents, species kept back; without the seed."""
        parts = [table_piece(self.domain(name), "train") for name in self.split.sources]
        digest = hashlib.sha256(json.dumps([parts, self.split.unseen]).encode()).hexdigest()[:8]
        return f"{self.split.name}-{digest}"

    @property
    def folder(self) -> str:
        """Where the cell's pieces lie."""
        return f"cells/{self.training}-s{self.seed}"

    def dev_piece(self, method: str) -> str:
        """Logits of a method on source-dev."""
        return f"{self.folder}/{self.table}/{method}-dev.npz"

    def target_piece(self, method: str, target: str, view: str) -> str:
        """Logits of a method on a target."""
        digest = table_piece(self.domain(target), "test").removeprefix("tables/")
        return f"{self.folder}/{self.table}/{method}-{digest}-{view}.npz"

    def knobs_piece(self, method: str) -> str:
        """What tuning chose for a method."""
        return f"knobs/{self.training}/{self.table}/{method}.json"

    def pieces(self) -> list[str]:
        """Every piece that a finished cell has left."""
        targets = [(t, v) for t in self.split.targets for v in self.views]
        found = [
            piece
            for method in self.methods
            for piece in (self.dev_piece(method), *(self.target_piece(method, t, v) for t, v in targets))
        ]
        return [*found, self.cosines_piece] if self.table == ABLATION_TABLE else found

    @property
    def cosines_piece(self) -> str:
        """Predicted against true features of ours, on the first target (ablation only)."""
        return f"{self.folder}/{self.table}/cosines-{self.split.targets[0]}.json"

    @property
    def spent(self) -> str:
        """Under what name the journal has the processor time of this cell."""
        return f"spent/{self.training}-s{self.seed}-{self.table}"


def run_cell(cell: Cell, canceled: Canceled) -> None:
    """Make every piece of the cell that does not lie there.

    Raises:
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    work = Work(cell.root)
    if all(work.has(piece) for piece in cell.pieces()):
        return
    torch.set_num_threads(1)
    started = time.process_time()
    bench = _Bench(cell, work, canceled)
    try:
        for entry in cell.entries:
            if isinstance(entry, Variant):
                bench.run_whole(entry)
            else:
                bench.run(entry)
    finally:
        bench.clear()
        work.note(cell.spent, time.process_time() - started)


class _Bench:
    """Trunk and cached maps of a cell while it runs."""

    def __init__(self, cell: Cell, work: Work, canceled: Canceled) -> None:
        self._cell, self._work, self._canceled = cell, work, canceled
        self._temporary = f"maps/{cell.training}-s{cell.seed}-{cell.table}"
        if cell.table == WHOLE:
            return
        trunk = self._trunk()
        with torch.inference_mode():
            blank = trunk.stems(empty_inputs(cell.size.pixels))[0].clone()
        self._base = Base(trunk.last_stages(), blank, cell.size.widths, len(cell.split.sources))
        self._train = self._maps("train", trunk, *self._sources("train"))
        self._dev = self._maps("dev", trunk, *self._sources("dev"))
        self._targets = {
            (target, view): self._maps(f"{target}-{view}", trunk, *self._target(target, view))
            for target in cell.split.targets
            for view in cell.views
        }

    def run(self, entry: Entry) -> None:
        """Tune, fit and ask one method, unless everything of it lies there."""
        cell, name = self._cell, entry.name
        wanted = {cell.target_piece(name, *key): maps for key, maps in self._targets.items()}
        wanted[cell.dev_piece(name)] = self._dev
        missing = {piece: maps for piece, maps in wanted.items() if not self._work.has(piece)}
        compared = cell.table == ABLATION_TABLE and name == OURS
        if not missing and not (compared and not self._work.has(cell.cosines_piece)):
            return
        knobs = self._knobs(entry)
        with self._work.making(f"{cell.folder}/fitted-{cell.table}-{name}") as mark:
            method = self._fitted(entry, knobs, cell.size.peer_epochs)
            mark.write_text(json.dumps({"parameters": method.parameters, "knobs": asdict(knobs)}), encoding="utf-8")
        for piece, maps in missing.items():
            presence = np.asarray(maps.presence[:, 0])
            save_logits(self._work, piece, method.logits(maps), presence, maps.people, method.parameters)
        if compared and isinstance(method, NetworkMethod) and isinstance(method.peer, Ours):
            rows = cosines(method.peer, self._train, self._targets[cell.split.targets[0], CLEAN])
            self._work.save_json(cell.cosines_piece, {"rows": rows})

    def run_whole(self, variant: Variant) -> None:
        """Train a variant without the trunk and ask it, unless everything of it lies there."""
        cell, name = self._cell, variant.name
        sets = {cell.target_piece(name, t, v): self._target(t, v) for t in cell.split.targets for v in cell.views}
        sets[cell.dev_piece(name)] = self._sources("dev")
        missing = {piece: found for piece, found in sets.items() if not self._work.has(piece)}
        if not missing:
            return
        prepared, people = self._sources("train")
        rows = people.rows_of(~np.isin(people.species, cell.split.unseen))
        network = train_whole(variant, prepared, people, rows, cell.size, cell.seed, self._canceled)
        count = sum(p.numel() for p in network.parameters())
        for piece, (inputs, who) in missing.items():
            every = np.arange(len(inputs))
            presence = inputs.inputs(every, np.zeros_like(every)).presence.numpy()
            save_logits(self._work, piece, whole_logits(network, inputs, every), presence, who, count)

    def clear(self) -> None:
        """Throw the cached maps away."""
        shutil.rmtree(self._work.path(self._temporary), ignore_errors=True)

    def _knobs(self, entry: Entry) -> Knobs:
        """The trial that does best on source-dev, at the first seed that comes to this training."""
        piece = self._cell.knobs_piece(entry.name)
        trials = TRIALS[: self._cell.size.trials]
        if not self._work.has(piece):
            losses = [self._dev_loss(entry, knobs) for knobs in trials] if len(trials) > 1 else [0.0]
            best = int(np.argmin(losses))
            told = {"chosen": best, "dev_macro_hter": losses, "knobs": asdict(trials[best]), "seed": self._cell.seed}
            self._work.save_json(piece, told)
        return Knobs(**self._work.load_json(piece)["knobs"])

    def _dev_loss(self, entry: Entry, knobs: Knobs) -> float:
        """Mean macro HTER over the seven masks on source-dev after a short fit."""
        method = self._fitted(entry, knobs, self._cell.size.trial_epochs)
        logits, dev = method.logits(self._dev), self._dev
        found, presence = calibrations(logits, dev.people), np.asarray(dev.presence[:, 0])
        each = [figures(judge(logits, dev.people, found, columns_under(presence, mask))) for mask in MASKS.numpy()]
        return float(np.nanmean([one["macro_hter"] for one in each]))

    def _fitted(self, entry: Entry, knobs: Knobs, epochs: int) -> Method:
        torch.manual_seed(self._cell.seed)
        method = entry.make(self._base, knobs)
        schedule = Schedule(epochs, self._cell.size.batch, self._cell.seed, knobs, self._canceled)
        method.fit(self._train, self._dev, schedule)
        return method

    def _trunk(self) -> Trunk:
        cell, piece = self._cell, f"{self._cell.folder}/trunk.safetensors"
        if not self._work.has(piece):
            prepared, people = self._sources("train")
            rows = people.rows_of(~np.isin(people.species, cell.split.unseen))
            with self._work.making(piece) as path:
                save_trunk(train_trunk(prepared, people, rows, cell.size, cell.seed, self._canceled), path)
        return load_trunk(self._work.path(piece), cell.size)

    def _sources(self, split: str) -> tuple[Joined, People]:
        names = self._cell.split.sources
        parts = [open_prepared(self._work.path(inputs_piece(self._cell.domain(n), split))) for n in names]
        return Joined(parts), People.of([self._table(n, split) for n in names])

    def _target(self, target: str, view: str) -> tuple[Joined, People]:
        piece = inputs_piece(self._cell.domain(target), "test", view)
        return Joined([open_prepared(self._work.path(piece))]), People.of([self._table(target, "test")])

    def _table(self, name: str, split: str) -> CropTable:
        return open_table(self._work.path(table_piece(self._cell.domain(name), split)))

    def _maps(self, name: str, trunk: Trunk, prepared: Joined, people: People) -> Maps:
        """Cached maps of the rows that this split may see."""
        split = self._cell.split
        unseen = np.isin(people.species, split.unseen)
        judged = name not in ("train", "dev")
        kept = (people.bona_fide | unseen) if judged and split.unseen else ~unseen
        rows = people.rows_of(kept)
        folder = self._work.path(f"{self._temporary}/{name}")
        if folder.exists():
            shutil.rmtree(folder)
        write_maps(folder, trunk, prepared, rows, self._canceled)
        return open_maps(folder, people.subset(rows), split.sources)


def inputs_piece(domain: Domain, split: str, view: str = CLEAN) -> str:
    """Where the prepared inputs of a table lie."""
    return f"inputs/{table_piece(domain, split).removeprefix('tables/')}-{view}"


def make_inputs(work: Work, domain: Domain, split: str, size: Size, view: str, canceled: Canceled) -> Prepared:
    """Prepare a table's inputs unless they lie there: with versions to train on, or under one view."""
    piece = inputs_piece(domain, split, view)
    if view == SITE_MISSING:
        return prepare(work, piece, lossy_table(work, domain, split), size, (None,), canceled)
    changes = training_changes(size) if split == "train" else (VIEWS[view],)
    return prepare(work, piece, open_table(work.path(table_piece(domain, split))), size, changes, canceled)


def save_logits(
    work: Work,
    piece: str,
    logits: NDArray[np.float32],
    presence: NDArray[np.bool_],
    people: People,
    parameters: int,
) -> None:
    """Logits ``(N, 7)`` with who they are of and what was there."""
    with work.making(piece) as path, path.open("wb") as file:
        np.savez_compressed(
            file, logits=logits, presence=presence, owner=people.owner, ids=people.ids,
            subjects=people.subjects, species=people.species, domains=people.domains, parameters=parameters,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Logits of one method on one set: ``logits (N, 7)``, ``presence bool (N, 3)``, the people, the parameters."""

    logits: NDArray[np.float32]
    presence: NDArray[np.bool_]
    people: People
    parameters: int


def load_answers(work: Work, piece: str) -> Answers:
    """What `save_logits` wrote."""
    found: dict[str, NDArray[Any]] = work.load_arrays(piece)
    people = People(found["owner"], found["ids"], found["subjects"], found["species"], found["domains"])
    return Answers(found["logits"], found["presence"], people, int(found["parameters"]))
