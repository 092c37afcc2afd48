"""Runs a study in pieces: tables, inputs, cells; in this process or in several, with progress and cancel.

Order matters in one place only: the first seed of a training tunes the methods, so the cells of one seed are finished
before those of the next begin.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from core.benchmark.sizes import Size
from core.benchmark.study import CLEAN, Cell, make_inputs, run_cell
from core.benchmark.tables import make_tables
from core.benchmark.work import Canceled, Report, Work, stop_if
from core.logs import leave_interrupts_to_the_parent
from core.scenes.domain import Domain

_POLL_S = 0.5
Task = tuple[Callable[..., object], tuple[object, ...]]


def run_study(cells: Sequence[Cell], work: Work, processes: int, report: Report, canceled: Canceled) -> None:
    """Make every piece of the cells.

    Raises:
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    if all(work.has(piece) for cell in cells for piece in cell.pieces()):
        return
    work.sweep()
    size = cells[0].size
    wanted = _wanted(cells)
    make_tables(work, list(dict.fromkeys((d, s) for d, s, _ in wanted)), size, processes, report, canceled)
    inputs: list[Task] = [(_inputs, (work.root, domain, split, size, view)) for domain, split, view in wanted]
    _run(inputs, work, processes, lambda: report("inputs", 0.0), canceled)
    pieces = [piece for cell in cells for piece in cell.pieces()]
    for seed in sorted({cell.seed for cell in cells}):
        todo: list[Task] = [(run_cell, (cell,)) for cell in cells if cell.seed == seed]
        _run(todo, work, processes, lambda: report("methods", _share(work, pieces)), canceled)


def _wanted(cells: Sequence[Cell]) -> list[tuple[Domain, str, str]]:
    """Domain, split and view of every set that the cells read, once each."""
    found: dict[tuple[str, str, str], Domain] = {}
    for cell in cells:
        for name in cell.split.sources:
            found |= {(name, "train", CLEAN): cell.domain(name), (name, "dev", CLEAN): cell.domain(name)}
        found |= {(name, "test", view): cell.domain(name) for name in cell.split.targets for view in cell.views}
    return [(domain, split, view) for (_, split, view), domain in found.items()]


def _inputs(root: Path, domain: Domain, split: str, size: Size, view: str, canceled: Canceled) -> None:
    make_inputs(Work(root), domain, split, size, view, canceled)


def _share(work: Work, pieces: Sequence[str]) -> float:
    return sum(work.has(piece) for piece in pieces) / max(1, len(pieces))


def _run(tasks: Sequence[Task], work: Work, processes: int, look: Callable[[], None], canceled: Canceled) -> None:
    """Run the tasks, each of which takes ``canceled`` last; ``look`` is called now and then."""
    if processes <= 1 or len(tasks) <= 1:
        for function, arguments in tasks:
            look()
            function(*arguments, _looking(look, canceled))
        return
    with _stop_file(work) as stop:
        context = multiprocessing.get_context("spawn")
        count = min(processes, len(tasks))
        with ProcessPoolExecutor(count, mp_context=context, initializer=leave_interrupts_to_the_parent) as pool:
            waiting: set[Future[object]] = {
                pool.submit(_task, function, arguments, stop) for function, arguments in tasks
            }
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                    look()
                    stop_if(canceled)
            finally:
                stop.touch()
                pool.shutdown(cancel_futures=True)


def _task(function: Callable[..., object], arguments: tuple[object, ...], stop: Path) -> None:
    function(*arguments, stop.exists)


def _looking(look: Callable[[], None], canceled: Canceled) -> Canceled:
    """`canceled` that also reports, at most every half second."""
    last = [time.monotonic()]

    def asked() -> bool:
        if time.monotonic() - last[0] > _POLL_S:
            last[0] = time.monotonic()
            look()
        return canceled()

    return asked


@contextmanager
def _stop_file(work: Work) -> Iterator[Path]:
    """A file whose existence tells the other processes to stop."""
    path = work.root / f".stop-{os.getpid()}"
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
