"""The gate's study on drawn tables: both parts are told, and what is poisoned is what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.benchmark.gate import poisoning
from core.benchmark.gate.command import GateOrder, run
from core.benchmark.gate.poisons import POISONS, Poison
from core.benchmark.streams.study import fold_of, work_of
from core.errors import CanceledError
from tests.unit.stream_material import people
from tests.unit.study_bench import draw_pairs
from tests.unit.test_streams_study import SMALL, never, silent


def test_the_command_tells_power_harm_and_poisoning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poisoning, "SHARES", (0.0, 0.2))
    wanted = GateOrder(tmp_path / "gate.json", tmp_path / "work", quick=True, size=SMALL)
    work = work_of(wanted.work, SMALL)
    draw_pairs(work, fold_of(SMALL, work, "lobby", 0).sets, SMALL)
    run(wanted, silent, never)
    told = json.loads(wanted.out.read_text())
    assert told["drawn_sites"]["harmful_promoted"]["trials"] == 20 * 3 * 4
    assert len(told["poisoning"]) == 2 * len(POISONS)
    for row in told["poisoning"]:
        assert row["worse_passed"] <= min(row["worse"], row["passed"])
    page = wanted.out.with_suffix(".md").read_text()
    assert "Harmful candidates promoted" in page
    assert "labels flipped | 20.0 %" in page


def test_a_canceled_study_writes_nothing(tmp_path: Path) -> None:
    wanted = GateOrder(tmp_path / "gate.json", tmp_path / "work", quick=True, size=SMALL)
    with pytest.raises(CanceledError):
        run(wanted, silent, lambda: True)
    assert not wanted.out.exists()


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
