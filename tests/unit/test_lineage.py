"""The registry's lineages: where a model comes from, and which champion it may replace."""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.adaptation.plan import Excision, Plan, verify_plan
from core.codes import JobState
from core.commandline import build_parser
from core.errors import InputError
from storage.catalogue import Catalogue
from storage.commands_jobs import excise, judge, plan, request
from storage.commands_models import list_models
from storage.lineage import refuse_excised
from storage.registry import ModelRegistry
from tests import stored
from tests.people import cheap_catalogue


def bundle(folder: Path, name: str, parent: str = "", **data: Any) -> Path:
    """A model of a few bytes: the registry looks at digests and manifests, not at networks."""
    path = folder / name
    path.mkdir()
    weights = name.encode() * 100
    (path / "model.safetensors").write_bytes(weights)
    manifest = {"name": name, "sha256": hashlib.sha256(weights).hexdigest(), "parent": parent, "data": data}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with cheap_catalogue(tmp_path) as opened:
        yield opened


@pytest.fixture
def registry(catalogue: Catalogue, tmp_path: Path) -> ModelRegistry:
    made = ModelRegistry(catalogue)
    factory = bundle(tmp_path, "factory")
    made.install_factory(factory, json.loads((factory / "manifest.json").read_text())["sha256"])
    return made


def deploy(registry: ModelRegistry, name: str) -> None:
    registry.promote(name, "better", lambda _: None)


def test_a_candidate_replaces_only_the_champion_that_it_was_judged_against(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    factory = registry.champion().sha256
    for name in ("first", "second"):
        registry.add(bundle(tmp_path, name, factory))
    deploy(registry, "first")
    with pytest.raises(InputError, match="second was not judged against the champion first"):
        deploy(registry, "second")
    assert registry.champion().name == "first"
    deploy(registry, "factory")
    deploy(registry, "second")
    registry.add(bundle(tmp_path, "third", registry.champion().sha256))
    deploy(registry, "third")
    deploy(registry, "second")
    assert registry.champion().name == "second", "an ancestor may always come back"


def test_a_champion_that_changes_during_the_self_test_stays(registry: ModelRegistry, tmp_path: Path) -> None:
    factory = registry.champion().sha256
    for name in ("first", "second"):
        registry.add(bundle(tmp_path, name, factory))
    with pytest.raises(InputError, match="not judged"):
        registry.promote("second", "better", lambda _: deploy(registry, "first"))
    assert registry.champion().name == "first"


def test_a_lineage_ends_with_what_was_not_adapted(registry: ModelRegistry, tmp_path: Path) -> None:
    factory = registry.champion().sha256
    trained = registry.add(bundle(tmp_path, "trained"), origin="training").sha256
    first = registry.add(bundle(tmp_path, "first", factory)).sha256
    second = registry.add(bundle(tmp_path, "second", first)).sha256
    assert [registry.root(one).name for one in (factory, first, second, trained)] == ["factory"] * 3 + ["trained"]


def recorded(catalogue: Catalogue, subject: str) -> str:
    """A session of two bona fide takes and an attack."""
    session = stored.open_session(catalogue, subject=subject)
    for species in ("", "", "print_flat"):
        catalogue.presentations.close(catalogue.presentations.open(session, species=species), 1, 1, 0.1)
    catalogue.sessions.close(session)
    return session


def test_a_plan_keeps_how_many_more_may_be_refused(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = ",".join(recorded(catalogue, f"p{number}") for number in range(4))
    for given, kept in (([], 0.02), (["--bpcer-margin", "0.05"], 0.05)):
        options = build_parser().parse_args(["adapt", "plan", "--sessions", sessions, *given])
        assert plan(catalogue, options) == 0
        stored_plan = catalogue.jobs.get(capsys.readouterr().out.split()[-1]).plan
        assert Plan.model_validate_json(stored_plan).gate.bpcer_margin == kept
    for wrong in ("0", "0.2", "much"):
        with pytest.raises(SystemExit):
            build_parser().parse_args(["adapt", "plan", "--sessions", sessions, "--bpcer-margin", wrong])


def test_whom_the_champion_has_learned_does_not_judge_the_next_plan(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def planned(seed: int) -> str:
        options = build_parser().parse_args(["adapt", "plan", "--sessions", sessions, "--seed", str(seed)])
        assert plan(catalogue, options) == 0
        return capsys.readouterr().out.split()[-1]

    sessions = ",".join(recorded(catalogue, f"p{number}") for number in range(8))
    first = planned(0)
    learned = Plan.model_validate_json(catalogue.jobs.get(first).plan).split
    registry.add(bundle(tmp_path, "first", registry.champion().sha256), job=first)
    deploy(registry, "first")
    for seed in range(1, 4):
        assert Plan.model_validate_json(catalogue.jobs.get(planned(seed)).plan).split.judge == learned.judge
    deploy(registry, "factory")
    again = [Plan.model_validate_json(catalogue.jobs.get(planned(seed)).plan).split for seed in range(1, 4)]
    assert any(one.judge != learned.judge for one in again), "the factory model has learned nobody"


def excised(catalogue: Catalogue, session: str, capsys: pytest.CaptureFixture[str]) -> Plan:
    assert excise(catalogue, Namespace(session=session, seed=0, bpcer_margin=None)) == 0
    return Plan.model_validate_json(catalogue.jobs.get(capsys.readouterr().out.split()[-1]).plan)


def test_a_session_is_excised_by_a_plan_from_the_last_model_that_had_not_learned_it(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factory = registry.champion().sha256
    one, two, three, four, five = (recorded(catalogue, f"p{number}") for number in range(5))
    for name, sessions in (("first", [one, two]), ("second", [three]), ("third", [four, five])):
        registry.add(bundle(tmp_path, name, registry.champion().sha256, sessions=sessions))
        deploy(registry, name)
    third = registry.champion().sha256
    late = excised(catalogue, three, capsys)
    assert (late.champion_name, late.sessions, late.root) == ("first", [four, five], factory)
    early = excised(catalogue, one, capsys)
    assert (early.champion, early.sessions) == (factory, [two, three, four, five])
    assert early.excision == Excision(sessions=[one], instead_of=third)
    assert early.replaces == third
    verify_plan(early, catalogue.material, third)
    with pytest.raises(InputError, match="deployed now"):
        verify_plan(early, catalogue.material, factory)

    registry.add(bundle(tmp_path, "anew", factory, sessions=early.sessions, excised=[one], instead_of=third))
    deploy(registry, "anew")
    assert list_models(catalogue, Namespace(json=True)) == 0
    told = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert (told["anew"]["lineage"], told["anew"]["excised"]) == (["anew", "factory"], [one])
    assert told["third"]["lineage"] == ["third", "second", "first", "factory"]
    with pytest.raises(InputError, match="was excised when anew was made"):
        refuse_excised(registry, [two, one])


def test_what_was_excised_once_stays_so_when_another_session_is(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factory = registry.champion().sha256
    one, two, three, four = (recorded(catalogue, f"p{number}") for number in range(4))
    registry.add(bundle(tmp_path, "first", factory, sessions=[one, two, three, four]))
    deploy(registry, "first")
    for session in (one, two):
        made = excised(catalogue, session, capsys)
        assert made.excision is not None
        told = {"sessions": made.sessions, "excised": made.excision.sessions, "instead_of": made.replaces}
        registry.add(bundle(tmp_path, f"without {session}", factory, **told))
        deploy(registry, f"without {session}")
    assert made.sessions == [three, four]
    for session in (one, two):
        with pytest.raises(InputError, match="was excised"):
            refuse_excised(registry, [session])


def test_what_cannot_be_excised_is_named(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = recorded(catalogue, "p0")
    registry.add(bundle(tmp_path, "first", registry.champion().sha256, sessions=[only]))
    deploy(registry, "first")
    with pytest.raises(InputError, match="was not adapted with session elsewhere"):
        excised(catalogue, "elsewhere", capsys)
    with pytest.raises(InputError, match="with nothing else") as raised:
        excised(catalogue, only, capsys)
    assert "main.py promote" in raised.value.remedy
    orphan = registry.add(bundle(tmp_path, "orphan", "f" * 64, sessions=[only]), origin="foreign")
    judged_here(catalogue, orphan.sha256, registry.champion().sha256)
    deploy(registry, orphan.name)
    with pytest.raises(InputError, match="is not here"):
        excised(catalogue, only, capsys)


def test_canceling_a_paused_job_leaves_nothing_of_its_checkpoint(catalogue: Catalogue) -> None:
    """Nobody goes on from it, and it holds weights that have seen the site's people."""
    job, other = (catalogue.jobs.create("{}", "00") for _ in range(2))
    for one in (job, other):
        catalogue.jobs.update(one, state=JobState.PAUSED)
        (catalogue.folder.jobs / one).mkdir(parents=True)
        (catalogue.folder.jobs / one / "checkpoint.safetensors").write_bytes(b"weights")
    assert request(catalogue, Namespace(job=job, handler="adapt cancel", json=None)) == 0
    assert catalogue.jobs.get(job).state is JobState.CANCELED
    assert not (catalogue.folder.jobs / job).exists()
    assert (catalogue.folder.jobs / other / "checkpoint.safetensors").is_file()


def test_only_people_whom_neither_model_has_learned_judge_one_from_elsewhere(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def planned(*arguments: str) -> tuple[str, Plan]:
        options = build_parser().parse_args(["adapt", *arguments, "--sessions", sessions])
        assert (plan if arguments[0] == "plan" else judge)(catalogue, options) == 0
        job = capsys.readouterr().out.split()[-1]
        return job, Plan.model_validate_json(catalogue.jobs.get(job).plan)

    people = [f"p{number}" for number in range(8)]
    sessions = ",".join(recorded(catalogue, person) for person in people)
    registry.add(bundle(tmp_path, "elsewhere", "f" * 64), origin="foreign")
    assert planned("judge", "elsewhere")[1].split.judge == people
    job, made = planned("plan")
    first = registry.add(bundle(tmp_path, "first", registry.champion().sha256), job=job)
    registry.add(bundle(tmp_path, "came back", first.sha256), origin="foreign")
    for champion, model in (("factory", "came back"), ("first", "elsewhere")):
        if champion == "first":
            deploy(registry, champion)
        judging = planned("judge", model)[1]
        assert judging.split.judge == made.split.judge
        assert {one.subject for one in judging.presentations} == set(made.split.judge)


def judged_here(catalogue: Catalogue, candidate: str, champion: str) -> str:
    """A job whose gate let the candidate pass beside the champion."""
    job = catalogue.jobs.create(json.dumps({"champion": champion}), "00")
    catalogue.jobs.update(job, state=JobState.CANDIDATE, candidate=candidate)
    return job


def test_a_model_from_another_lane_is_promoted_only_after_this_site_s_gate(
    registry: ModelRegistry, catalogue: Catalogue, tmp_path: Path
) -> None:
    model = registry.add(bundle(tmp_path, "elsewhere", "f" * 64), origin="foreign")
    with pytest.raises(InputError, match="was not judged here against the champion factory"):
        deploy(registry, "elsewhere")
    judged_here(catalogue, model.sha256, "e" * 64)
    with pytest.raises(InputError, match="was not judged here"):
        deploy(registry, "elsewhere")
    job = judged_here(catalogue, model.sha256, registry.champion().sha256)
    deploy(registry, "elsewhere")
    assert catalogue.jobs.get(job).state is JobState.PROMOTED
    registry.rollback("not yet", lambda _: None)
    deploy(registry, "elsewhere")
