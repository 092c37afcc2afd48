"""Settings are weighed on sources in the role of a site: the target has no part in it, and all get the same trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.benchmark.people import People
from core.benchmark.sizes import SplitSize
from core.benchmark.streams import tuning
from core.benchmark.streams.cells import SEVERITY
from core.benchmark.streams.methods.registry import BY_NAME, NONE, OURS, THRESHOLD
from core.benchmark.streams.rates import CHOSEN, FACTORS, TARGETS, factor_of
from core.benchmark.streams.sites import alike, drawn_apart, open_site, site_for
from core.benchmark.streams.study import work_of
from core.benchmark.streams.tuning import TuningOrder, chosen, run, tuned
from core.errors import UsageError
from tests.unit.study_bench import draw_pairs
from tests.unit.test_streams_study import SMALL, never, silent

SIZE = SMALL.model_copy(update={"name": "tuning-tiny", "train": SplitSize(presentations=80, frames=1)})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> TuningOrder:
    folder = tmp_path_factory.mktemp("tuning")
    wanted = TuningOrder(folder / "rates.json", folder / "work", targets=("desk", "lobby"), size=SIZE)
    work = work_of(wanted.work, SIZE)
    pairs = [pair for target in wanted.targets for pair in site_for(SIZE, work, target, 0).sets]
    draw_pairs(work, pairs, SIZE)
    patch = pytest.MonkeyPatch()
    patch.setattr(tuning, "METHODS", tuple(BY_NAME[name] for name in (OURS, NONE, THRESHOLD, "linear_probe")))
    patch.setattr("core.benchmark.streams.sites.ADAPTED", 40)
    patch.setattr("core.benchmark.streams.sites.JUDGED", 30)
    run(wanted, silent, never)
    patch.undo()
    return wanted


def test_the_target_has_no_part_in_what_is_set_for_it(tmp_path: Path) -> None:
    for target in SEVERITY:
        fold = site_for(SIZE, work_of(tmp_path, SIZE), target, 0)
        assert target not in {domain.name for domain, _ in fold.sets}
        assert fold.target.name == alike(target)
        assert alike(alike(target)) == target
        assert fold.target.name not in {domain.name for domain in fold.sources}


def test_nobody_is_adapted_on_and_judged(finished: TuningOrder) -> None:
    fold = site_for(SIZE, work_of(finished.work, SIZE), "desk", 0)
    opened = open_site(fold, work_of(finished.work, SIZE), never)
    assert set(opened.site.people.subjects.tolist()).isdisjoint(opened.test.people.subjects.tolist())
    assert set(opened.site.people.domains.tolist()) == {alike("desk")}


def test_people_are_drawn_until_there_are_enough() -> None:
    names = np.array([f"p{i // 3}" for i in range(60)])
    people = People(np.arange(60), np.arange(60).astype(str), names, np.full(60, ""), np.full(60, "desk"))
    first, second = drawn_apart(people, (10, 10))
    assert len(first) == len(second) == 4
    assert not set(first) & set(second)


def test_every_method_has_the_same_trials_and_the_best_is_chosen(finished: TuningOrder) -> None:
    told: dict[str, Any] = json.loads(finished.out.read_text())
    for target in finished.targets:
        rows = told["trials"][target]
        assert set(rows) == {OURS, NONE, THRESHOLD, "linear_probe"}
        for method in (OURS, "linear_probe"):
            assert set(rows[method]) == {f"{factor:g}" for factor in FACTORS}
            best = told["chosen"][target][method]
            assert rows[method][f"{best:g}"]["macro_hter"] == min(r["macro_hter"] for r in rows[method].values())
        assert NONE not in told["chosen"][target]
    assert "for desk, at archive" in finished.out.with_suffix(".md").read_text()


def test_among_equals_a_method_keeps_its_own_rate() -> None:
    assert chosen({"m": {f"{f:g}": {"macro_hter": 0.2} for f in FACTORS}}) == {"m": 1.0}


def test_what_was_chosen_names_methods_and_factors_that_there_are() -> None:
    known = {method.name for method in tuned()}
    assert set(TARGETS) == set(SEVERITY)
    assert set(CHOSEN) == known
    assert {factor for factors in CHOSEN.values() for factor in factors} <= set(FACTORS)
    assert factor_of("nowhere", OURS) == factor_of("desk", NONE) == 1.0
    assert factor_of("desk", "a_one") == factor_of("desk", "ours_bound") == factor_of("desk", OURS)


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no target"):
        run(TuningOrder(tmp_path / "x.json", tmp_path, targets=("nowhere",), size=SIZE), silent, never)
