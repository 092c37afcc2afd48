"""The start-of-shift check without a window: what it asks, what it stores, and what it holds back until it passes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.codes import Outcome
from core.errors import CanceledError, HostError
from core.messages import ModelReady
from core.station.shift import ATTEMPTS, SHOWN, ShiftAnswers, present_all, sources_of
from tests.gui.fakes import MODEL, FakeStation, committed, health
from tests.integration.test_commands import PATIENCE, run, sallyport

SOURCE = "simulated:booth,seed=3,sensor=d435,species=bona_fide"


class AnsweringStation(FakeStation):
    """Answers each presentation at once, in the order that the test wants."""

    def __init__(self, answers: list[Outcome]) -> None:
        super().__init__()
        self.health, self.model = health(), ModelReady(MODEL, "factory", "cpu")
        self._answers = answers

    def begin_presentation(self, label: object = None) -> str:
        running = super().begin_presentation(label)  # type: ignore[arg-type]
        row = len(self.named("begin_presentation"))
        self.say(committed(self._answers.pop(0), row=row, presentation=running))
        return running


def present(
    stations: list[FakeStation], sources: tuple[str, str], canceled: Callable[[], bool] = lambda: False
) -> ShiftAnswers:
    waiting = list(stations)
    return present_all(lambda _source: waiting.pop(0), sources, lambda _n: lambda: True, canceled)  # type: ignore[arg-type, return-value]


def test_a_camera_shows_both_in_one_station_and_a_person_nobody_saw_is_asked_again() -> None:
    station = AnsweringStation([Outcome.NON_RESPONSE, Outcome.BONA_FIDE, Outcome.ATTACK])
    answers = present([station], ("realsense", "realsense"))
    assert answers.rows == (2, 3)
    assert [verdict.outcome for verdict in answers.verdicts] == [Outcome.BONA_FIDE, Outcome.ATTACK]
    assert station.named("begin_presentation") == [SHOWN[0], SHOWN[0], SHOWN[1]]
    assert station.ended


def test_what_shows_something_else_is_a_station_of_its_own() -> None:
    stations = [AnsweringStation([Outcome.BONA_FIDE]), AnsweringStation([Outcome.ATTACK])]
    answers = present(list(stations), sources_of("simulated", None))
    assert [verdict.outcome for verdict in answers.verdicts] == [Outcome.BONA_FIDE, Outcome.ATTACK]
    assert all(station.ended for station in stations)


def test_nobody_ever_seen_or_a_person_who_stops_ends_it_and_the_station() -> None:
    station = AnsweringStation([Outcome.NON_RESPONSE] * ATTEMPTS)
    with pytest.raises(HostError, match="Nothing was decided 3 times"):
        present([station], ("realsense", "realsense"))
    assert station.ended
    stopped = FakeStation()
    with pytest.raises(CanceledError):
        present([stopped], ("realsense", "realsense"), canceled=lambda: True)
    assert stopped.ended


def checked(*more: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, again where the machine was too busy to decide anything: nothing is stored then."""
    for _ in PATIENCE:
        done = sallyport("shift", "check", "--source", SOURCE, *more)
        if done.returncode != 4:
            break
    return done


def test_nobody_gets_a_verdict_until_the_check_has_passed(tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    assert sallyport("policy", "set", "shift_check=always", "--reason", "a test", *data).returncode == 0
    failed = checked("--kit-print", SOURCE, *data)
    assert failed.returncode == 3, failed.stderr
    assert failed.stdout.splitlines() == ["bona_fide: bona_fide", "print_flat: bona_fide", "failed"]
    assert "Call the technician" in failed.stderr
    before, _ = run(tmp_path / "before.json", SOURCE, *map(str, data))
    assert {v["reason"] for v in before["verdicts"]} == {"shift_check"}
    passed = checked("--json", *data)
    assert passed.returncode == 0, passed.stderr
    assert json.loads(passed.stdout)["passed"]
    rows = json.loads(sallyport("shift", "status", "--json", *data).stdout)
    assert [row["passed"] for row in rows] == [True, False]
    outcomes = set()
    for seconds in PATIENCE:
        after, _ = run(tmp_path / "after.json", SOURCE, *map(str, data), seconds=seconds)
        outcomes = {v["outcome"] for v in after["verdicts"]}
        if "bona_fide" in outcomes:
            break
    assert "bona_fide" in outcomes
