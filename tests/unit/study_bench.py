"""A study small enough for a test: drawn tables in the place of rendered ones, and methods on random maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from core.benchmark.command import StudyOrder, plan
from core.benchmark.inputs import empty_inputs
from core.benchmark.maps import Maps
from core.benchmark.methods.base import Base
from core.benchmark.people import People
from core.benchmark.sizes import Size, SplitSize
from core.benchmark.tables import SPLITS, table_piece
from core.benchmark.trunk import Trunk
from core.benchmark.work import Work
from core.codes import Species
from core.frames import CROP_PX, FaceCrop
from core.model.evidence import EVIDENCE
from core.scenes.domain import Domain
from core.training.table import LabelledCrops, write_table

WIDTHS = (4, 6, 8, 12)
TINY = Size(
    name="tiny",
    train=SplitSize(presentations=12, frames=1),
    dev=SplitSize(presentations=12, frames=1),
    test=SplitSize(presentations=12, frames=2),
    variants=2,
    pixels=32,
    widths=WIDTHS,
    trunk_epochs=1,
    peer_epochs=1,
    batch=6,
    trials=1,
    trial_epochs=1,
    seeds=1,
)
_ATTACKS = (Species.PRINT_FLAT, Species.MASK_RIGID)


def order(folder: Path, protocol: str = "P2", name: str = "result", **more: object) -> StudyOrder:
    """A tiny order whose pieces lie in ``folder``."""
    given = {"methods": ("drop_renormalise", "late_fusion"), "targets": ("desk",), "size": TINY, **more}
    return StudyOrder(protocol, folder / f"{name}.json", folder / "work", **given)  # type: ignore[arg-type]


def draw_tables(wanted: StudyOrder, blank_test: bool = False) -> None:
    """Put a drawn table in the place of every one that the order would render.

    ``blank_test``: the names of test tables say nothing: people are numbers, species are all alike.
    """
    cells, work = plan(wanted)
    pairs = [(domain, split) for domain in cells[0].domains for split in SPLITS]
    draw_pairs(work, pairs, TINY, blank_test)


def draw_pairs(work: Work, pairs: Iterable[tuple[Domain, str]], size: Size, blank_test: bool = False) -> None:
    """Drawn tables of these domains and splits."""
    for seed, (domain, split) in enumerate(pairs):
        rows = size.split(split)
        drawn = _drawn(domain.name, rows.presentations, rows.frames, seed, blank_test and split == "test")
        with work.making(table_piece(domain, split)) as folder:
            write_table(folder, drawn, rows.presentations * rows.frames)


def _drawn(domain: str, count: int, frames: int, seed: int, blank: bool) -> Iterator[LabelledCrops]:
    random = np.random.default_rng(seed)
    for i in range(count):
        attack = i % 2 == 1
        kind = "attack" if blank else str(_ATTACKS[i // 2 % len(_ATTACKS)])
        species = kind if attack else ""
        name = f"{seed * 100 + i}" if blank else f"{domain}-{seed}-{i}"
        yield LabelledCrops(name, f"{name}-s", species, domain, tuple(_crop(random, attack) for _ in range(frames)))


def _crop(random: np.random.Generator, attack: bool) -> FaceCrop:
    """A dome of depth for bona fide, a sheet for attacks; brightness tells a little."""
    at = np.linspace(-1.0, 1.0, CROP_PX)
    dome = 60.0 * (at[None] ** 2 + at[:, None] ** 2) * (0.05 if attack else 1.0)
    depth = (600.0 + dome + random.normal(0.0, 1.0, dome.shape)).astype(np.float32)
    level = 90 if attack else 140
    rgb = np.clip(random.normal(level, 20.0, (CROP_PX, CROP_PX, 3)), 1, 254).astype(np.uint8)
    infrared = np.clip(random.normal(level / 255.0, 0.05, dome.shape), 0.05, 0.95).astype(np.float32)
    return FaceCrop(rgb=rgb, depth=depth, ir=infrared, metric_depth=True, face_mm=220.0)


def base(sources: int = 2) -> Base:
    """Where methods start, from an untrained trunk."""
    torch.manual_seed(0)
    trunk = Trunk(WIDTHS).channels_last().eval()
    with torch.inference_mode():
        blank = trunk.stems(empty_inputs(32))[0].clone()
    return Base(trunk.last_stages(), blank, WIDTHS, sources)


def maps(count: int = 24, seed: int = 0) -> Maps:
    """Random maps with a signal in every modality; one crop a presentation, the classes in turn, two sources."""
    random = np.random.default_rng(seed)
    live = np.arange(count) % 2 == 0
    stems = random.random((count, 1, 3, WIDTHS[-2], 4, 4)) + live[:, None, None, None, None, None] * 1.0
    numbers = np.arange(count)
    species = np.where(live, "", np.array(_ATTACKS)[numbers // 2 % 2])
    names = np.array([f"p{i}" for i in numbers])
    people = People(numbers, names, names, species, np.array(["one", "two"])[numbers // 4 % 2])
    signal = np.where(live, 1.0, -1.0)[:, None, None] * np.ones((1, 1, len(EVIDENCE)))
    return Maps(
        stems.astype(np.float16),
        np.ones((count, 1, 3), np.float32),
        (signal + random.normal(0.0, 0.5, signal.shape)).astype(np.float32),
        np.ones((count, 1, 3), bool),
        people,
        ("one", "two"),
    )
