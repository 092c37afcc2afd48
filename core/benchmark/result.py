"""The result of a study as plain data: every cell's figures, each method's estimate, ours against each other.

Everything is computed from the logits that the cells left; nothing is fitted or chosen here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.benchmark.judging import Judged, calibrations, columns_under, judge
from core.benchmark.methods.base import MASKS
from core.benchmark.scores import FIGURES, apcer, figures
from core.benchmark.statistics import Cells, Counts, Sample, compare, counts_of, estimate
from core.benchmark.study import CLEAN, Answers, Cell, load_answers
from core.benchmark.work import Work
from core.frames import EVERY_MASK
from core.training.calibration import Calibration

TABLE_MASKS = tuple(str(mask) for mask in reversed(EVERY_MASK))
COMPLETE = str(EVERY_MASK[-1])
_COLUMN = {str(mask): number for number, mask in enumerate(EVERY_MASK)}
COMES_AND_GOES = "comes_and_goes"
"""A view without another picture: in every frame one modality, drawn anew, is missing."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Under what presentations are judged: a view of the target and a mask."""

    view: str
    mask: str

    @property
    def name(self) -> str:
        """In tables."""
        return self.mask if self.view == CLEAN else self.view


def conditions(protocol: str, views: Sequence[str]) -> tuple[Condition, ...]:
    """The columns of a protocol's table."""
    if protocol in ("P2", "ablation", "joint", "whole"):
        return tuple(Condition(CLEAN, mask) for mask in TABLE_MASKS)
    if protocol == "P5":
        return tuple(Condition(view, COMPLETE) for view in (*views, COMES_AND_GOES))
    return (Condition(CLEAN, COMPLETE),)


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """One method under one condition in one target and seed."""

    split: str
    target: str
    seed: int
    method: str
    condition: Condition
    judged: Judged


def judgements(work: Work, cells: Sequence[Cell], wanted: Sequence[Condition]) -> list[Judgement]:
    """Every judged set of the cells, in their order."""
    found = []
    for cell in cells:
        for method in cell.methods:
            dev = load_answers(work, cell.dev_piece(method))
            calibration = calibrations(dev.logits, dev.people)
            for target in cell.split.targets:
                answers = {v: load_answers(work, cell.target_piece(method, target, v)) for v in cell.views}
                for condition in wanted:
                    judged = _judged(answers, calibration, condition)
                    name = target if len(cell.split.targets) == 1 else f"{cell.split.name}: {target}"
                    found.append(Judgement(cell.split.name, name, cell.seed, method, condition, judged))
    return found


def parameters(work: Work, cells: Sequence[Cell]) -> dict[str, int]:
    """Fitted numbers of each method."""
    first = cells[0]
    return {method: load_answers(work, first.dev_piece(method)).parameters for method in first.methods}


def _judged(answers: Mapping[str, Answers], calibration: list[Calibration], condition: Condition) -> Judged:
    one = answers[CLEAN if condition.view == COMES_AND_GOES else condition.view]
    mask = MASKS[_COLUMN[condition.mask]].numpy()
    if condition.view == COMES_AND_GOES:
        random = np.random.default_rng(len(one.logits))
        mask = np.arange(3)[None] != random.integers(0, 3, len(one.logits))[:, None]
    return judge(one.logits, one.people, calibration, columns_under(one.presence, mask))


def summary(found: Sequence[Judgement], methods: Sequence[str], wanted: Sequence[Condition]) -> dict[str, Any]:
    """Estimates by method and condition, the mean over conditions, and ours against every other method."""
    counted = {(j.method, j.condition, j.target, j.seed): counts_of(j.judged) for j in found}
    by_method = {m: [Sample.of(_cells(counted, m, c)) for c in wanted] for m in methods}
    rows: dict[str, Any] = {}
    for method in methods:
        conditions_told = {
            condition.name: {
                "macro_hter_estimate": asdict(estimate(sample)),
                **_means([j for j in found if j.method == method and j.condition == condition]),
            }
            for condition, sample in zip(wanted, by_method[method], strict=True)
        }
        rows[method] = {"conditions": conditions_told, **_overall(conditions_told)}
    ours, others = methods[0], methods[1:]
    told: dict[str, Any] = {"methods": rows}
    if others:
        told["comparison"] = _compared(by_method[ours], {m: by_method[m] for m in others})
        told["comparison_by_condition"] = {
            condition.name: _compared([by_method[ours][i]], {m: [by_method[m][i]] for m in others})
            for i, condition in enumerate(wanted)
        }
    return told


CELL_COLUMNS = ("target", "seed", "method", "condition", *FIGURES, "non_response")
"""The columns of ``cells``: a table of numbers without a name beside each keeps the file small."""


def cell_rows(found: Sequence[Judgement]) -> list[list[Any]]:
    """One row a judged set, in the order of `CELL_COLUMNS`."""
    rows = []
    for j in found:
        told = figures(j.judged)
        values = [_rounded(told[name]) for name in CELL_COLUMNS[4:]]
        rows.append([j.target, j.seed, j.method, j.condition.name, *values])
    return rows


def species_rows(found: Sequence[Judgement], methods: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean APCER over targets and seeds by method, condition and species."""
    told: dict[str, dict[str, dict[str, list[float]]]] = {}
    for j in found:
        if j.method in methods:
            place = told.setdefault(j.method, {}).setdefault(j.condition.name, {})
            for species, value in apcer(j.judged).items():
                place.setdefault(species, []).append(value)
    means: dict[str, dict[str, dict[str, float]]] = _deep(told, lambda values: round(float(np.mean(values)), 4))
    return means


def _compared(ours: Sequence[Sample], others: Mapping[str, Sequence[Sample]]) -> list[dict[str, Any]]:
    return [{**asdict(one), "verdict": one.verdict} for one in compare(ours, others)]


def _cells(counted: Mapping[tuple[str, Condition, str, int], Counts], method: str, condition: Condition) -> Cells:
    return {(target, seed): c for (m, k, target, seed), c in counted.items() if (m, k) == (method, condition)}


def _means(found: Sequence[Judgement]) -> dict[str, float | None]:
    """Mean of every figure, over seeds first and then over targets."""
    by_target: dict[str, list[dict[str, float]]] = {}
    for j in found:
        by_target.setdefault(j.target, []).append(figures(j.judged))
    return {
        name: _rounded(float(np.mean([np.mean([one[name] for one in each]) for each in by_target.values()])))
        for name in (*FIGURES, "non_response")
    }


def _overall(conditions_told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    values = [one["macro_hter"] for one in conditions_told.values() if one["macro_hter"] is not None]
    return {"mean_macro_hter": _rounded(float(np.mean(values))) if values else None}


def _rounded(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None


def without_nan(value: Any) -> Any:
    """The same plain data with ``None`` in the place of what is not a number (JSON has no NaN)."""
    if isinstance(value, dict):
        return {k: without_nan(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _deep(value: Any, leaf: Callable[[Any], Any]) -> Any:
    return {k: _deep(v, leaf) for k, v in value.items()} if isinstance(value, dict) else leaf(value)
