"""Tables of a domain's presentations: rendered by several processes, one memory-mapped folder a split.

The people of a split are its own: every domain and split renders from a seed that nothing else uses, and
`require_disjoint` refuses tables that share a subject.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

from core.benchmark.sizes import Size
from core.benchmark.work import Canceled, Report, Work, stop_if
from core.codes import Species
from core.scenes.crops import by_person, presentation
from core.scenes.domain import Domain
from core.training.table import CropTable, LabelledCrops, has_table, open_table, write_table

SPLITS = ("train", "dev", "test")
_FIRST_SEED, _SEED_RANGE = 600_000_000, 300_000_000
"""Apart from the seeds of training (`core.training.simulation.FIRST_SEED`) and from those that a person types."""
_BONA_FIDE_NAME = "bona_fide"


@dataclass(frozen=True, slots=True)
class Order:
    """One presentation to render."""

    domain: Domain
    species: Species
    seed: int
    index: int


def split_seed(domain: Domain, split: str) -> int:
    """The seed of a domain's split: from their names only, so that no two share people."""
    digest = hashlib.sha256(f"{domain.name}/{split}".encode()).digest()
    return _FIRST_SEED + int.from_bytes(digest[:6], "big") % _SEED_RANGE


def orders(domain: Domain, split: str, size: Size) -> list[Order]:
    """What a split renders: half bona fide, the rest over the domain's species in turn."""
    wanted = size.split(split)
    site = domain.model_copy(update={"frames": wanted.frames})
    attacks = [Species(name) for name in domain.species if name != _BONA_FIDE_NAME]
    seed = split_seed(domain, split)
    return [
        Order(site, attacks[i // 2 % len(attacks)] if i % 2 else Species.BONA_FIDE, seed, i)
        for i in range(wanted.presentations)
    ]


def table_piece(domain: Domain, split: str) -> str:
    """Where the table of a split lies in the work folder; a domain that was edited has another."""
    digest = hashlib.sha256(domain.model_dump_json().encode()).hexdigest()[:12]
    return f"tables/{domain.name}-{digest}-{split}"


def make_table(work: Work, domain: Domain, split: str, size: Size, processes: int, canceled: Canceled) -> CropTable:
    """The table of a split, rendered unless it lies there.

    Raises:
        CanceledError: the person asked to stop.
    """
    piece = table_piece(domain, split)
    if not work.has(piece):
        every = orders(domain, split, size)
        todo = [every[i] for i in by_person(domain, split_seed(domain, split), range(len(every)))]
        with work.making(piece) as folder:
            write_table(folder, _rendered(todo, processes, canceled), len(todo) * size.split(split).frames)
    if not has_table(work.path(piece)):
        raise ValueError(f"{piece} is no table")
    return open_table(work.path(piece))


def make_tables(
    work: Work,
    wanted: Sequence[tuple[Domain, str]],
    size: Size,
    processes: int,
    report: Report,
    canceled: Canceled,
) -> dict[tuple[str, str], CropTable]:
    """Tables by the name of the domain and the split; all of them together are checked for shared subjects."""
    tables = {}
    for number, (domain, split) in enumerate(wanted):
        report(f"scenes: {domain.name}, {split}", number / len(wanted))
        tables[domain.name, split] = make_table(work, domain, split, size, processes, canceled)
    require_disjoint(tables)
    return tables


def require_disjoint(tables: dict[tuple[str, str], CropTable]) -> None:
    """Raise `ValueError` where two tables share a subject."""
    owner: dict[str, tuple[str, str]] = {}
    for key, table in tables.items():
        for subject in set(table.subjects):
            if owner.setdefault(subject, key) != key:
                raise ValueError(f"the subject {subject} is in {owner[subject]} and in {key}")


def _rendered(todo: Sequence[Order], processes: int, canceled: Canceled) -> Iterator[LabelledCrops]:
    made: Iterable[LabelledCrops | None]
    if processes <= 1:
        made = map(render, todo)
        for finished in made:
            stop_if(canceled)
            if finished is not None:
                yield finished
        return
    waiting: list[Future[LabelledCrops | None]] = []
    order = iter(todo)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            waiting += [pool.submit(render, one) for one in islice(order, 4 * processes)]
            for _ in todo:
                stop_if(canceled)
                found = waiting.pop(0).result()
                waiting += [pool.submit(render, one) for one in islice(order, 1)]
                if found is not None:
                    yield found
        finally:
            pool.shutdown(cancel_futures=True)


def render(order: Order) -> LabelledCrops | None:
    """One presentation; ``None`` where no crop has any modality."""
    made = presentation(order.domain, order.species, order.seed, order.index)
    crops = tuple(crop for crop in made.crops if crop.mask)
    if not crops:
        return None
    return LabelledCrops(made.id, made.subject, str(order.species), order.domain.name, crops)
