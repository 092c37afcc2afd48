"""The command ``benchmark --scenes --protocol P``: from the options to a result, its tables and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.benchmark.command_line import command_line
from core.benchmark.complementary import mean_of
from core.benchmark.hardware import described
from core.benchmark.markdown import report_text
from core.benchmark.methods.registry import OURS, chosen
from core.benchmark.plots import write_figures
from core.benchmark.protocols import Split, splits
from core.benchmark.result import (
    CELL_COLUMNS,
    cell_rows,
    conditions,
    judgements,
    parameters,
    species_rows,
    summary,
    without_nan,
)
from core.benchmark.runner import run_study
from core.benchmark.scenes import frozen_domains, further_domain, identity, joint_domain, recipe_digest
from core.benchmark.sizes import EARLY, EARLY_QUICK, FULL, QUICK, Size
from core.benchmark.study import ABLATION_TABLE, CLEAN, METHODS, TABLES, WHOLE, Cell
from core.benchmark.work import Canceled, Report, Work
from core.errors import UsageError
from core.results import write_json, writing
from core.scenes.domain import Domain

SCHEMA = 1
_TABLES = {"ablation": ABLATION_TABLE, "joint": ABLATION_TABLE, "whole": WHOLE, "early": WHOLE}


@dataclass(frozen=True, slots=True)
class StudyOrder:
    """What a person asked for; the defaults are those of the command line."""

    protocol: str
    out: Path
    work: Path
    quick: bool = False
    domain: Path | None = None
    methods: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    processes: int = 1
    size: Size | None = None

    @property
    def sized(self) -> Size:
        """The size that was asked for."""
        quick, full = (EARLY_QUICK, EARLY) if self.protocol == "early" else (QUICK, FULL)
        return self.size or (quick if self.quick else full)


def run(order: StudyOrder, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Run or finish the study, write ``OUT``, ``OUT.md`` and the figures, and return the result.

    Raises:
        UsageError: an unknown protocol, method or target.
        InputError: the domain file cannot be used.
        HostError: the result or the work folder cannot be written.
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    cells, work = plan(order)
    run_study(cells, work, order.processes, report, canceled)
    report("figures", 1.0)
    result = told(order, cells, work)
    write(result, order.out)
    return result


def plan(order: StudyOrder) -> tuple[list[Cell], Work]:
    """The cells of an order and the folder of their pieces."""
    size, further, domains = order.sized, further_domain(order.domain), frozen_domains()
    joint = joint_domain()
    presented = {name: domain.species for name, domain in domains.items()}
    found = splits(order.protocol, presented, "" if further is None else further.name, joint.name)
    found = _chosen(found, order.targets)
    every: dict[str, Domain] = {**domains, joint.name: joint, **({} if further is None else {further.name: further})}
    table = {"ablation": ABLATION_TABLE, "joint": ABLATION_TABLE, "whole": WHOLE, "early": WHOLE}.get(
        order.protocol, METHODS
    )
    methods = chosen([*order.methods, OURS] if order.methods else [], [entry.name for entry in TABLES[table]])
    folder = order.work / f"{size.name}-{size.digest()[:8]}-{recipe_digest()[:12]}"
    seeds = order.seeds or tuple(range(size.seeds))
    cells = [
        Cell(
            root=folder,
            size=size,
            domains=tuple(every.values()),
            split=split,
            seed=seed,
            methods=methods,
            table=table,
            views=_views(order.protocol),
        )
        for seed in seeds
        for split in found
    ]
    return cells, Work(folder)


def told(order: StudyOrder, cells: Sequence[Cell], work: Work) -> dict[str, Any]:
    """The result as plain data."""
    wanted = conditions(order.protocol, cells[0].views)
    found = judgements(work, cells, wanted)
    methods, counts = list(cells[0].methods), parameters(work, cells)
    known = {entry.name: entry for entry in cells[0].entries}
    people = {j.target: j.judged.people for j in found}
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "scenes",
        "protocol": order.protocol,
        "command": command_line(
            order.protocol,
            order.out,
            domain=order.domain,
            quick=order.quick,
            seeds=order.seeds,
            methods=order.methods,
            targets=order.targets,
        ),
        "scenes": identity(further_domain(order.domain)),
        "size": order.sized.model_dump(mode="json"),
        "seeds": sorted({cell.seed for cell in cells}),
        "targets": list(people),
        "counts": {
            "presentations": sum(len(p) for p in people.values()),
            "subjects": len({s for p in people.values() for s in p.subjects.tolist()}),
        },
        "conditions": [condition.name for condition in wanted],
        "methods": {
            m: {
                "title": known[m].title,
                "kind": known[m].kind,
                "parameters": counts[m],
                "tuning": {c.training: _tuning(work, c, m) for c in cells},
            }
            for m in methods
        },
        "summary": summary(found, methods, wanted),
        "apcer_by_species": species_rows(found, methods),
        "cells": {"columns": list(CELL_COLUMNS), "rows": cell_rows(found)},
        "hours": work.seconds(_prefixes(cells)) / 3600.0,
        "hardware": described(),
    }
    if cells[0].table == ABLATION_TABLE:
        result["complementary"] = mean_of([work.load_json(cell.cosines_piece)["rows"] for cell in cells])
    cleaned: dict[str, Any] = without_nan(result)
    return cleaned


def write(result: dict[str, Any], out: Path) -> None:
    """The JSON, and beside it the Markdown and the figures.

    Raises:
        HostError: they cannot be written.
    """
    write_json(result, out, indent=None)
    with writing(out):
        out.with_suffix(".md").write_text(report_text(result), encoding="utf-8")
        write_figures(result, out.with_suffix(""))


def _tuning(work: Work, cell: Cell, method: str) -> Any:
    """What tuning chose; nothing is tuned where the network is trained whole."""
    return None if cell.table == WHOLE else work.load_json(cell.knobs_piece(method))


def _views(protocol: str) -> tuple[str, ...]:
    if protocol != "P5":
        return (CLEAN,)
    from core.benchmark.changes import VIEWS
    from core.benchmark.site_loss import SITE_MISSING

    return (*VIEWS, SITE_MISSING)


def _chosen(found: tuple[Split, ...], targets: tuple[str, ...]) -> tuple[Split, ...]:
    if not targets:
        return found
    kept = tuple(split for split in found if set(split.targets) & set(targets) or split.name in targets)
    known = {name for split in found for name in (*split.targets, split.name)}
    for name in targets:
        if name not in known:
            raise UsageError(f"There is no target {name!r} here.", f"Name some of {', '.join(sorted(known))}.")
    return kept


def _prefixes(cells: Sequence[Cell]) -> tuple[str, ...]:
    return ("tables/", "inputs/", *(cell.spent for cell in cells))
