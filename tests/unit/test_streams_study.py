"""The streams study from the order to the page, on drawn tables: resumable, told whole, and deaf to nobody's cancel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.benchmark.sizes import SplitSize
from core.benchmark.streams import whole
from core.benchmark.streams.base import Answer
from core.benchmark.streams.cells import CELLS, SEVERITY
from core.benchmark.streams.command import StreamsOrder, run
from core.benchmark.streams.folds import open_fold
from core.benchmark.streams.harm import harm
from core.benchmark.streams.harm_command import HarmOrder
from core.benchmark.streams.harm_command import run as run_harm
from core.benchmark.streams.material import Material
from core.benchmark.streams.methods.registry import (
    BY_NAME,
    NONE,
    ORACLE,
    OURS,
    OURS_BOUND,
    THRESHOLD,
    THRESHOLD_BOUND,
)
from core.benchmark.streams.result import aims
from core.benchmark.streams.runs import Record, Stream, record, run_stream
from core.benchmark.streams.size import StreamSize
from core.benchmark.streams.study import HARM_METHODS, StreamsPlan, fold_of, work_of
from core.benchmark.work import Work
from core.errors import CanceledError, UsageError
from tests.unit.study_bench import TINY, draw_pairs

SMALL = StreamSize(
    **{
        **TINY.model_dump(),
        "name": "streams-tiny",
        "stream": SplitSize(presentations=40, frames=1),
        "test": SplitSize(presentations=24, frames=1),
        "steps": 2,
        "rows": 4,
    }
)


def order(folder: Path, **more: Any) -> StreamsOrder:
    given = {"quick": True, "targets": ("desk",), "methods": ("labels_replay",), "size": SMALL, **more}
    return StreamsOrder(folder / "streams.json", folder / "work", **given)


def never() -> bool:
    return False


def silent(what: str, share: float) -> None:
    assert what
    assert 0.0 <= share <= 1.0


def with_tables(wanted: StreamsOrder) -> StreamsOrder:
    """Drawn tables instead of rendered ones."""
    work = work_of(wanted.work, SMALL)
    draw_pairs(work, fold_of(SMALL, work, "desk", 0).sets, SMALL)
    return wanted


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StreamsOrder:
    wanted = with_tables(order(tmp_path_factory.mktemp("streams"), quick=False, seeds=(0,), draws=2))
    run(wanted, silent, never)
    return wanted


def read(wanted: StreamsOrder) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(wanted.out.read_text())
    return told


def test_the_command_tells_both_tables_the_harm_and_the_aims(finished: StreamsOrder) -> None:
    told = read(finished)
    labelled = told["label_equal"]["methods"]
    assert {NONE, THRESHOLD, THRESHOLD_BOUND, OURS, OURS_BOUND, ORACLE, "labels_replay"} == set(labelled)
    assert THRESHOLD not in told["unlabelled"]["methods"]
    assert len(told["cells"]) == 4
    assert told["harm"]["streams"] == 8
    assert told["harm"]["methods"].keys() == set(HARM_METHODS)
    assert [row["streams"] for row in told["harm"]["cells"]] == [2] * 4
    for one in labelled.values():
        split = one["split"]
        assert split["gain"] == pytest.approx(split["threshold"] + split["calibration"] + split["ranking"])
    page = finished.out.with_suffix(".md").read_text()
    assert "| ours" in page
    assert "## Harm" in page
    assert "<svg" in (finished.out.parent / "streams-methods.svg").read_text()


def test_closer_looks_tell_the_curve_the_checkpoint_the_ablations_and_the_proofs(finished: StreamsOrder) -> None:
    told = read(finished)
    assert list(told["curve"][OURS]) == ["5", "10", "20", "50"]
    assert told["checkpoint"].keys() >= {"none", OURS}
    assert len(told["ablation"]) == 10
    assert told["proofs"]["pseudo_labels"]["mean"]["kept"].keys() == {"bona_fide", "attack"}
    assert "## Proofs" in finished.out.with_suffix(".md").read_text()


def test_bound_rows_stand_in_the_label_equal_table_only_and_are_a_family_of_their_own(finished: StreamsOrder) -> None:
    told = read(finished)
    assert OURS_BOUND not in told["unlabelled"]["methods"]
    assert "comparison_bound" not in told["unlabelled"]
    assert [one["other"] for one in told["label_equal"]["comparison"]] == [NONE, THRESHOLD, "labels_replay"]
    bound = told["label_equal"]["comparison_bound"]
    assert [one["other"] for one in bound] == [NONE, THRESHOLD_BOUND, OURS]
    split = told["label_equal"]["methods"][OURS_BOUND]["split"]
    assert split["threshold"] == told["label_equal"]["methods"][THRESHOLD_BOUND]["split"]["gain"]


def test_rows_of_one_adaptation_adapt_once_and_leave_kept_records_alone(finished: StreamsOrder, tmp_path: Path) -> None:
    fold = fold_of(SMALL, work_of(finished.work, SMALL), "desk", 0)
    opened = open_fold(fold, never)
    elsewhere = replace(fold, root=tmp_path)
    stream, made = Stream(CELLS[12], 0, 0, SMALL.labels), 0

    def counted(material: Material) -> Answer:
        nonlocal made
        made += 1
        return BY_NAME[OURS].adapt(material)

    both = [replace(BY_NAME[name], adapt=counted) for name in (OURS, OURS_BOUND)]
    run_stream(opened, elsewhere, stream, both)
    assert made == 1
    kept = Work(tmp_path)
    for name in (OURS, OURS_BOUND):
        before = record(Work(fold.root), stream.of(name))
        assert all(np.array_equal(before.figures[k], v) for k, v in record(kept, stream.of(name)).figures.items())
    ours = kept.path(stream.of(OURS)).stat().st_mtime_ns
    kept.path(stream.of(OURS_BOUND)).unlink()
    run_stream(opened, elsewhere, stream, both)
    assert made == 2
    assert kept.has(stream.of(OURS_BOUND))
    assert kept.path(stream.of(OURS)).stat().st_mtime_ns == ours


def test_a_plan_names_every_adaptation_once(finished: StreamsOrder) -> None:
    plan = finished.plan()
    told = plan.adaptations("desk", 0)
    assert len({(stream, methods[0].adapt) for stream, methods in told}) == len(told)
    assert sorted((s.piece, m.name) for s, shared in told for m in shared) == sorted(
        (s.piece, m.name) for s, m in plan.streams("desk", 0)
    )
    of_first = {m.name for s, shared in told for m in shared if s == Stream(CELLS[12], 0, 1, SMALL.labels)}
    assert of_first == set(HARM_METHODS)


def test_harm_alone_counts_what_the_whole_study_counts(finished: StreamsOrder) -> None:
    """Its own command finds the pieces of the study, and tells the same figures without the other methods."""
    wanted = HarmOrder(
        finished.out.with_name("harm.json"), finished.work, size=SMALL, targets=finished.targets, draws=2
    )
    told = run_harm(wanted, silent, never)
    assert told["harm"] == read(finished)["harm"]
    assert "2 draws of each" in wanted.out.with_suffix(".md").read_text()


def test_harm_runs_all_draws_on_the_networks_of_every_seed_that_is_named(tmp_path: Path) -> None:
    order = HarmOrder(tmp_path / "harm.json", tmp_path, size=SMALL, targets=("desk",), seeds=(1, 2), draws=3)
    plan = order.plan()
    for seed in (1, 2):
        assert {stream.draw for stream, _ in plan.streams("desk", seed)} == {0, 1, 2}
    first = StreamsPlan(SMALL, ("desk",), (1, 2), HARM_METHODS, harm=2)
    assert {stream.draw for stream, _ in first.streams("desk", 2)} == {0}


def test_harm_counts_streams_clearly_worse_than_unadapted_cell_by_cell() -> None:
    hter = {NONE: 0.20, OURS: 0.25, OURS_BOUND: 0.21}
    streams = [Stream(cell, 0, draw, 20) for cell in CELLS[:2] for draw in range(2)]

    def of(stream: Stream, method: str) -> Record:
        worse = method != OURS or stream.draw == 1 or stream.cell == CELLS[0]
        value = np.full(7, hter[method] if worse else 0.15)
        return Record({"macro_hter": value, "bpcer": value + 0.1, "oracle_hter": value}, ())

    told = harm(streams, (OURS, OURS_BOUND, NONE), of)
    ours = told["methods"][OURS]
    assert (ours["harmed"]["errors"], ours["harmed"]["trials"]) == (3, 4)
    assert (ours["labels"]["errors"], ours["labels"]["trials"]) == (2, 2)
    assert ours["apcer"] == pytest.approx(ours["bpcer"] - 0.2)
    assert ours["gain"]["lowest"] == pytest.approx(-0.05)
    assert [(one["cell"], one["draw"]) for one in ours["harmed_streams"]] == [
        (CELLS[0].name, 0),
        (CELLS[0].name, 1),
        (CELLS[1].name, 1),
    ]
    assert told["methods"][OURS_BOUND]["harmed"]["errors"] == 0
    assert [row["harmed"][OURS] for row in told["cells"]] == [2, 1]


def test_a_finished_study_is_read_and_not_run_again(finished: StreamsOrder) -> None:
    pieces = {path: path.stat().st_mtime_ns for path in finished.work.rglob("*.npz")}
    before = read(finished)
    run(finished, silent, never)
    assert {path: path.stat().st_mtime_ns for path in finished.work.rglob("*.npz")} == pieces
    after = read(finished)
    assert {**after, "hours": 0} == {**before, "hours": 0}


def test_a_study_that_was_canceled_ends_as_one_that_was_not(finished: StreamsOrder, tmp_path: Path) -> None:
    """The quick form has two of the four cells: what stands there for a cell is the same."""
    wanted = with_tables(order(tmp_path))
    seen: list[str] = []

    def soon(what: str, share: float) -> None:
        del share
        seen.append(what)

    with pytest.raises(CanceledError):
        run(wanted, soon, lambda: seen.count("streams") > 4)
    assert not wanted.out.exists()
    run(wanted, silent, never)
    told, whole = read(wanted)["label_equal"]["cells"], read(finished)["label_equal"]["cells"]
    assert len(told) == 2
    assert all(row in whole for row in told)


@pytest.mark.parametrize("given", [{"targets": ("moon",)}, {"methods": ("magic",)}])
def test_unknown_names_are_answered_with_the_known_ones(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="There is no"):
        order(tmp_path, **given).plan()


def test_aims_are_measured_over_the_hard_cells_and_against_the_best_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEVERITY, "turnstile", "mild")
    cells = [cell for cell in CELLS if cell.target in ("turnstile", "lobby")][3:6]
    rows = [{"none": 0.1, THRESHOLD: 0.1, OURS: 0.3, ORACLE: 0.0}] + [
        {"none": 0.4, THRESHOLD: 0.25, OURS: 0.2, ORACLE: 0.1} for _ in cells[1:]
    ]
    found = aims({"methods": dict.fromkeys(rows[0]), "cells": rows}, cells)
    assert found["below_unadapted"]["found"] == pytest.approx(0.5)
    assert found["below_threshold_only"]["met"]
    assert found["way_to_oracle"]["found"] == pytest.approx(2 / 3)
    assert found["best_on_the_mean"]["met"]
    assert found["worst_behind_the_best"] == {"asked": 0.01, "found": pytest.approx(0.2), "met": False}
    better = [{**row, OURS_BOUND: 0.0} for row in rows]
    assert aims({"methods": dict.fromkeys(better[0]), "cells": better}, cells) == found


def test_the_whole_trunk_adapts_on_one_stream_beside_its_last_stage(tmp_path: Path) -> None:
    wanted = whole.WholeOrder(tmp_path / "whole.json", tmp_path / "work", seeds=(0,), size=SMALL)
    work = work_of(wanted.work, SMALL)
    draw_pairs(work, fold_of(SMALL, work, whole.CELL.target, 0).sets, SMALL)
    found = whole.run(wanted, silent, never)
    last, every = (found["stages"][depth] for depth in ("1", str(len(SMALL.widths))))
    assert list(last) == list(every)
    assert last[NONE]["macro_hter"] == pytest.approx(every[NONE]["macro_hter"], abs=0.02)  # planes as half floats
    assert {name: row["auc"] for name, row in last.items()} != {name: row["auc"] for name, row in every.items()}
    assert every[OURS]["seconds"] > 0.0
    assert -1.0 <= found["agreement"]["kendall_tau"] <= 1.0
    assert BY_NAME[OURS].title in wanted.out.with_suffix(".md").read_text()
    pieces = {path: path.stat().st_mtime_ns for path in work.root.rglob("*.npz")}
    assert whole.run(wanted, silent, never)["stages"] == found["stages"]  # and nothing is done twice
    assert {path: path.stat().st_mtime_ns for path in work.root.rglob("*.npz")} == pieces
