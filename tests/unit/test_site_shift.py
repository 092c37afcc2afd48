"""What the shift meter reads: the champion's own checkpoint verdicts, the first against the newest."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.camera_identity import CameraIdentity
from core.codes import Movement, Outcome, RecordMode, SessionPurpose, SourceKind
from core.frames import Modality
from core.verdict import sigmoid
from storage.catalogue import Catalogue, open_catalogue
from storage.commands_site_shift import shift
from storage.opening import models_of
from storage.qualification import check_shift
from storage.site_shift import SPAN, read_shift
from tests import stored


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


def decide(
    catalogue: Catalogue, count: int, ir: float = 0.0, purpose: SessionPurpose = SessionPurpose.CHECKPOINT,
    kind: SourceKind = SourceKind.SIMULATED, model: str = "",
) -> None:  # fmt: skip
    """Verdicts of two frame sets each; ``ir`` is added to the infrared's log-odds."""
    champion = models_of(catalogue).champion().sha256
    session = catalogue.sessions.open(purpose, RecordMode.DECISIONS, kind)
    random = np.random.default_rng(count)
    one = stored.verdict(session)
    evidence = one.trace.evidence[0]
    with catalogue.transaction():
        for _ in range(count):
            scores = {str(m): sigmoid(random.normal() + (ir if m is Modality.IR else 0.0)) for m in Modality}
            seen = tuple(replace(evidence, modality_scores=scores) for _ in range(2))
            trace = replace(one.trace, evidence=seen)
            catalogue.verdicts.commit(replace(one, trace=trace, model=model or champion, source_kind=kind))
    catalogue.sessions.close(session)


def test_the_sensor_that_moved_is_named_over_what_the_champion_saw_first(catalogue: Catalogue) -> None:
    decide(catalogue, 320)
    decide(catalogue, 310, ir=-2.0)
    found = read_shift(catalogue)
    assert found.before is not None
    assert found.now is not None
    assert (found.kind, found.before.verdicts, found.now.verdicts) == (SourceKind.SIMULATED, SPAN, SPAN)
    assert found.before.to_utc_s <= found.now.from_utc_s
    assert {one.modality: one.movement for one in found.shifts} == {
        Modality.RGB: Movement.AS_BEFORE,
        Modality.DEPTH: Movement.AS_BEFORE,
        Modality.IR: Movement.MOVED_FAR,
    }


def test_few_verdicts_are_halved_and_too_little(catalogue: Catalogue) -> None:
    assert read_shift(catalogue).shifts == ()
    decide(catalogue, 1)
    assert read_shift(catalogue).before is None
    decide(catalogue, 90)
    found = read_shift(catalogue)
    assert found.before is not None
    assert found.now is not None
    assert (found.before.verdicts, found.now.verdicts) == (45, 46)
    assert {one.movement for one in found.shifts} == {Movement.TOO_LITTLE}


def test_only_the_champions_own_checkpoint_traffic_of_one_kind_counts(catalogue: Catalogue) -> None:
    decide(catalogue, 100)
    decide(catalogue, 50, ir=9.0, purpose=SessionPurpose.COLLECTION)
    decide(catalogue, 50, ir=9.0, model="c" * 64)
    decide(catalogue, 50, ir=9.0, kind=SourceKind.SCRIPTED)
    decide(catalogue, 4)
    found = read_shift(catalogue)
    assert found.before is not None
    assert found.now is not None
    assert (found.kind, found.before.verdicts + found.now.verdicts) == (SourceKind.SIMULATED, 104)


def test_answers_of_a_shift_check_are_no_traffic(catalogue: Catalogue) -> None:
    decide(catalogue, 10)
    session = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED)
    champion = models_of(catalogue).champion().sha256
    answers = []
    for species, outcome in (("", Outcome.BONA_FIDE), ("print_flat", Outcome.ATTACK)):
        presentation = catalogue.presentations.open(session, species=species)
        given = {"outcome": outcome, "shadow": True, "model": champion}
        answers.append(catalogue.verdicts.commit(stored.verdict(session, presentation, **given)))
    camera = CameraIdentity("Simulated D435", "simulated")
    check_shift(catalogue, camera, SourceKind.SIMULATED, champion, answers[0], answers[1])
    found = read_shift(catalogue)
    assert found.before is not None
    assert found.now is not None
    assert found.before.verdicts + found.now.verdicts == 10


def test_verdicts_without_evidence_and_damaged_traces_are_passed_over(catalogue: Catalogue) -> None:
    decide(catalogue, 100)
    empty = '{"evidence":[]}'
    with catalogue.transaction():
        catalogue.file.change("UPDATE verdicts SET trace = ? WHERE id IN (3, 4)", (empty,))
        catalogue.file.change("UPDATE verdicts SET trace = 'damaged' WHERE id = 5")
    found = read_shift(catalogue)
    assert found.before is not None
    assert found.now is not None
    assert found.before.verdicts + found.now.verdicts == 97


def test_the_command_says_the_same(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    shift(catalogue, Namespace(json=False))
    assert "Nothing to compare" in capsys.readouterr().out
    decide(catalogue, 320)
    decide(catalogue, 310, ir=-2.0)
    shift(catalogue, Namespace(json=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Its first verdicts (300, ")
    assert lines[3].split()[:3] == ["ir", "moved", "far"]
    shift(catalogue, Namespace(json=True))
    told = json.loads(capsys.readouterr().out)
    assert [one["movement"] for one in told["shifts"]] == ["as_before", "as_before", "moved_far"]
