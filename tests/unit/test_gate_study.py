"""The gate's study on drawn tables: both parts are told, and what is poisoned is what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.benchmark.gate import poisoning, sites
from core.benchmark.gate.command import GateOrder, run
from core.benchmark.gate.poisons import POISONS, Poison
from core.benchmark.gate.second_look import caught
from core.benchmark.streams.study import fold_of, work_of
from core.errors import CanceledError
from tests.unit.stream_material import people
from tests.unit.study_bench import draw_pairs
from tests.unit.test_streams_study import SMALL, never, silent


def test_the_command_tells_power_harm_and_poisoning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poisoning, "SHARES", (0.0, 0.2))
    monkeypatch.setattr(poisoning, "FLIPPED", (0.2,))
    monkeypatch.setattr(poisoning, "TWICE", (1.0,))
    wanted = GateOrder(tmp_path / "gate.json", tmp_path / "work", quick=True, size=SMALL)
    work = work_of(wanted.work, SMALL)
    draw_pairs(work, fold_of(SMALL, work, "lobby", 0).sets, SMALL)
    run(wanted, silent, never)
    told = json.loads(wanted.out.read_text())
    assert told["drawn_sites"]["harmful_promoted"]["trials"] == 20 * 5 * 4
    assert len(told["trades"]) == len(sites.RISES) * len(sites.MARGINS) * len(sites.PEOPLE)
    assert len(told["poisoning"]) == 2 * len(POISONS)
    for row in told["poisoning"]:
        assert row["worse_passed"] <= min(row["worse"], row["passed"])
    (twice,) = told["second_labels"]
    assert 0 < twice["found"] <= twice["flipped"]
    page = wanted.out.with_suffix(".md").read_text()
    assert "Harmful candidates promoted" in page
    assert "| BPCER rises by | margin | 25 |" in page
    assert "labels flipped | 20.0 %" in page
    assert "| 20.0 % | 100.0 % |" in page
    monkeypatch.setattr(poisoning, "_outcome", None)
    run(wanted, silent, never)  # every pass lies in the work folder
    assert json.loads(wanted.out.read_text()) == told


def test_the_margin_of_a_plan_decides_how_many_refusals_fewer_attacks_may_cost() -> None:
    rows = {
        (row["rise"], row["margin"], row["people"]): row["passed"]["errors"] for row in sites.trades(10, silent, never)
    }
    assert rows[0.0, 0.02, 150] >= 8, "half of the attacks at no cost is promoted"
    assert rows[0.02, 0.02, 150] <= 1 < 8 <= rows[0.02, 0.05, 150], "two people in a hundred need a wider margin"
    assert rows[0.08, 0.05, 150] == 0, "what costs more than the margin is not"


def test_a_canceled_study_writes_nothing(tmp_path: Path) -> None:
    wanted = GateOrder(tmp_path / "gate.json", tmp_path / "work", quick=True, size=SMALL)
    with pytest.raises(CanceledError):
        run(wanted, silent, lambda: True)
    assert not wanted.out.exists()


def test_a_second_look_finds_flips_in_the_share_that_was_looked_at() -> None:
    rows = caught(40, silent, never)
    found = {(row["share"], row["twice"]): row for row in rows}
    for share in (0.05, 0.2):
        assert found[share, 0.2]["found"] == pytest.approx(0.2, abs=0.06)
        assert found[share, 0.5]["found"] == pytest.approx(0.5, abs=0.06)
        assert found[share, 1.0]["found"] == pytest.approx(0.98, abs=0.02), "the second labeller errs in one of fifty"
    assert found[0.05, 0.2]["noticed"]["value"] < found[0.2, 0.2]["noticed"]["value"]
    assert found[0.2, 1.0]["wronged"] == pytest.approx(1.6, abs=0.6)


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.name)
def test_a_poison_spoils_as_many_presentations_as_it_says(poison: Poison) -> None:
    who, random = people(40, "site"), np.random.default_rng(0)
    noted, often = poison.spoil(who, 8, random.normal(size=40), random)
    lies = int((noted != who.species).sum())
    if poison.lies:
        assert lies == 8
        assert (often == 1).all()
    else:
        assert often.sum() - len(often) in (7, 8)
        assert lies <= 1
    assert all(species == "" for species in noted[(often > 1)])
