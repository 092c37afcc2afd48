"""`main.py adapt power` on stored sessions: what a collector reads before a pass is worth starting."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from core.adaptation.power_report import read_power
from core.codes import Species
from storage.catalogue import open_catalogue
from storage.commands_power import power
from storage.opening import models_of
from tests import stored


def test_a_collector_is_told_how_many_people_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        models_of(catalogue)
        sessions = []
        for number in range(8):
            session = stored.open_session(catalogue, subject=f"p{number}")
            for species in ("", "", Species.PRINT_FLAT, Species.REPLAY_PHONE):
                presentation = catalogue.presentations.open(session, species=species)
                catalogue.presentations.close(presentation, 1, 1, 0.1)
            catalogue.sessions.close(session)
            sessions.append(session)
        given = {"sessions": sessions, "seed": 0, "cut": 0.5, "bpcer": 0.2, "apcer": 0.2, "draws": 20}
        assert power(catalogue, Namespace(**given, bpcer_margin=None, json=tmp_path / "power.json")) == 0
        lines = capsys.readouterr().out.splitlines()
        assert power(catalogue, Namespace(**given, bpcer_margin=None, json=Path("-"))) == 0
        heard = capsys.readouterr()
    assert lines[1].split()[:2] == ["8", "people,"]
    assert "0% would pass" in lines[1]
    told = json.loads((tmp_path / "power.json").read_text())
    assert told["tried"][0]["design"]["people"] == 4
    assert told["tried"][-1]["passed"]["value"] >= told["wanted"]
    people = [one["design"]["people"] for one in told["tried"]]
    assert people == sorted(people)
    assert told["more"]["people"] == 2 * (people[-1] - people[0]) > 0
    assert read_power(heard.out).as_json() == told, "nothing else stands on stdout"
    assert "sizes 1 of " in heard.err
