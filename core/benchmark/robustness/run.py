"""The command ``benchmark --robustness``: attacks on pixels, planted conflicts and the red team, in one report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.benchmark.robustness.conflict import plant, report_conflicts
from core.benchmark.robustness.decisions import (
    FULL_MASK,
    LEVELS,
    PARTIAL_MASKS,
    Cell,
    cells,
    clean_decisions,
    separation,
    table,
)
from core.benchmark.robustness.material import SEED, Case, draw_cases
from core.benchmark.robustness.page import text
from core.benchmark.robustness.pgd import STEPS, attacked
from core.benchmark.robustness.redteam import Find, hunt, write_recipes
from core.benchmark.robustness.sheet import write_sheet
from core.benchmark.robustness.square import searched
from core.benchmark.work import Canceled, Report
from core.codes import Species
from core.errors import HostError, UsageError
from core.frames import ModalityMask
from core.metrics.rate import rate_of
from core.model.scorer import NetworkScorer
from core.ports import Scorer
from core.scenes import frozen

SCHEMA = 1
SHEET_FILE, RECIPES_FILE, PAGE_FILE = "finds.png", "recipes.json", "robustness.md"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is tried: ``cases`` a class, ``conflicts`` a modality, ``evaluations`` a search of the red team.

    ``levels`` with every modality present; the largest of them under each of ``masks``.
    """

    name: str
    cases: int
    levels: tuple[float, ...]
    masks: tuple[ModalityMask, ...]
    queries: int
    conflicts: int
    evaluations: int
    domains: int = 4


QUICK = Budget("quick", 16, (8.0,), (), 30, 24, 12, 1)
FULL = Budget("full", 32, LEVELS, PARTIAL_MASKS, 100, 120, 40)


def run(
    scorer: Scorer,
    budget: Budget,
    out_dir: Path,
    report: Report,
    canceled: Canceled,
    surrogate: Scorer | None = None,
) -> dict[str, Any]:
    """Attack ``scorer`` and write the finds of the red team to ``out_dir``.

    Args:
        scorer: a network; it is asked on the CPU.
        budget: `QUICK`, `FULL` or one's own.
        out_dir: receives `SHEET_FILE`, `RECIPES_FILE` and `PAGE_FILE`.
        report: told what is done and how much of it.
        canceled: asked often.
        surrogate: another network, from another seed, that attacks are made on and transferred from.

    Returns:
        The report as plain data.

    Raises:
        UsageError: a model without a network has no pixels' gradient.
        HostError: ``out_dir`` cannot be written.
        CanceledError: ``canceled``.
    """
    for model in (scorer, surrogate):
        if model is not None and not isinstance(model, NetworkScorer):
            raise UsageError(f"The model {model.name} is no network and cannot be attacked.", "Name another --model.")
    assert isinstance(scorer, NetworkScorer)
    torch.set_num_threads(1)
    for parameter in scorer.network.parameters():
        parameter.requires_grad_(False)
    _make(out_dir)
    domains = list(frozen.domains().values())[: budget.domains]
    bona_fide, attacks = draw_cases(domains, budget.cases, budget.cases, report, canceled)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "robustness",
        "budget": budget.name,
        "model": {"name": scorer.name, "sha256": scorer.sha256},
        "scenes": {"name": frozen.NAME, "digest": frozen.digest(), "frozen": frozen.is_frozen(), "seed": SEED},
        "clean": clean_decisions(scorer, bona_fide, attacks),
        "pgd": {
            "steps": STEPS,
            "rows": table(scorer, bona_fide, attacks, _wanted(budget), report, canceled),
        },
        "square": _searched(scorer, bona_fide, attacks, budget, report, canceled),
    }
    if isinstance(surrogate, NetworkScorer):
        found["transfer"] = _transferred(scorer, surrogate, bona_fide, attacks, budget, report, canceled)
    planted = plant(domains, budget.conflicts, report, canceled)
    found["explanation"] = report_conflicts(scorer, planted, report, canceled)
    finds = hunt(scorer, domains, budget.evaluations, report, canceled)
    write_sheet(out_dir / SHEET_FILE, finds)
    write_recipes(out_dir / RECIPES_FILE, [find for find in finds if find.passes])
    found["red_team"] = _red_team(finds, budget)
    (out_dir / PAGE_FILE).write_text(text(found), encoding="utf-8")
    return found


def _searched(
    scorer: NetworkScorer,
    bona_fide: Sequence[Case],
    attacks: Sequence[Case],
    budget: Budget,
    report: Report,
    canceled: Canceled,
) -> dict[str, Any]:
    """Gradient attacks that a search without gradients goes on from, at the greatest strength."""
    rows = table(
        scorer,
        bona_fide,
        attacks,
        _towards_bona_fide(cells(budget.levels[-1:], FULL_MASK)),
        report,
        canceled,
        attack=lambda network, clean, threat, seed: searched(
            network, clean, threat, budget.queries, seed, attacked(network, clean, threat, seed)
        ),
        what="gradient attacks and searches",
    )
    return {"queries": budget.queries, "rows": rows}


def _transferred(
    scorer: NetworkScorer,
    surrogate: NetworkScorer,
    bona_fide: Sequence[Case],
    attacks: Sequence[Case],
    budget: Budget,
    report: Report,
    canceled: Canceled,
) -> dict[str, Any]:
    """Attacks that were made on another network, and how far both tell bona fide from attacks."""
    rows = table(
        scorer,
        bona_fide,
        attacks,
        _towards_bona_fide(cells(budget.levels, FULL_MASK)),
        report,
        canceled,
        maker=surrogate.network,
        what="transferred attacks",
    )
    return {
        "from": {"sha256": surrogate.sha256, "auc": separation(surrogate, bona_fide, attacks)},
        "to_auc": separation(scorer, bona_fide, attacks),
        "rows": rows,
    }


def _wanted(budget: Budget) -> list[Cell]:
    return cells(budget.levels, FULL_MASK) + cells(budget.levels[-1:], budget.masks)


def _towards_bona_fide(wanted: list[Cell]) -> list[Cell]:
    return [cell for cell in wanted if cell.threat.towards > 0]


def _red_team(finds: list[Find], budget: Budget) -> dict[str, Any]:
    """What the searches reached, by species and by sensor."""
    rows = [
        {
            "species": str(find.recipe.species),
            "domain": find.recipe.domain.name,
            "sensor": find.recipe.domain.sensor,
            "margin": find.recipe.margin if math.isfinite(find.recipe.margin) else None,
            "passes": find.passes,
            "person_passes": find.person_passes,
            "craft": find.recipe.domain.craft[0],
        }
        for find in finds
    ]
    species = sorted({find.recipe.species for find in finds}, key=list(Species).index)
    return {
        "evaluations_each": budget.evaluations,
        "searches_that_passed": _rate([find.passes for find in finds]),
        "where_a_person_passes": _rate([find.passes for find in finds if find.person_passes]),
        "by_species": {
            str(one): _rate([find.passes for find in finds if find.recipe.species is one]) for one in species
        },
        "rows": rows,
    }


def _rate(said: list[bool]) -> dict[str, float | int] | None:
    found = rate_of(said)
    return None if found is None else found.as_json()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(f"The folder {folder.name} cannot be made: {error.strerror}.", "Choose another one.") from error
