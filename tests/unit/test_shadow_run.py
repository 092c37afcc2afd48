"""A model in shadow: it answers on the same frame sets, opens and disturbs nothing, and ends with its promotion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import main as program
from core.codes import JobState, ModelRole, Outcome, SourceKind
from core.errors import InputError
from core.frames import ALL_MODALITIES, FaceCrop
from core.messages import EndPresentation, LoadModel, LoadShadow, Problem, SetPolicy, ShadowSaid, VerdictReached
from core.policy import SitePolicy
from core.ports import Scorer
from core.verdict import Evidence, Verdict
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger
from tests import stored
from tests.people import cheap_catalogue
from tests.perception import ReliefScorer
from tests.unit.test_inference import Bench, begin, verdicts
from tests.unit.test_lineage import bundle
from tests.unit.test_shadow import ACCEPTED
from tests.unit.test_shadow import Bench as StationBench


class Failing(ReliefScorer):
    """Passes its self-test, then breaks as only a bug can."""

    broken = False

    def _one(self, crop: FaceCrop) -> Evidence:
        if self.broken:
            raise RuntimeError("out of memory")
        return super()._one(crop)


def said(messages: list[object]) -> list[ShadowSaid]:
    return [message for message in messages if isinstance(message, ShadowSaid)]


def strict(path: str) -> Scorer:
    """The champion, or for ``strict`` one that takes a relief for flat."""
    return ReliefScorer(sha256=path, offset=-99.0 if path == "strict" else 0.0)


def test_it_answers_after_the_champion_on_the_same_frame_sets() -> None:
    bench = Bench(strict)
    bench.order(LoadModel("m1"), LoadShadow("strict"))
    bench.order(begin())
    messages = bench.show(6)
    (verdict,) = verdicts(messages)
    (answer,) = said(messages)
    assert verdict.outcome is Outcome.BONA_FIDE
    assert answer == ShadowSaid("strict", verdict.t_s, Outcome.ATTACK)
    kinds = [type(message) for message in messages]
    assert kinds.index(VerdictReached) < kinds.index(ShadowSaid), "the champion never waits for it"


def test_it_answers_at_the_end_of_a_recording_after_which_no_frame_set_comes() -> None:
    bench = Bench(lambda path: strict(path) if path == "strict" else ReliefScorer(thresholds={}, sha256=path))
    bench.order(LoadModel("m1"), LoadShadow("strict"))
    bench.order(begin())
    bench.show(6)
    messages = bench.order(EndPresentation())
    (verdict,) = verdicts(messages)
    assert verdict.outcome is Outcome.REFER
    assert said(messages) == [ShadowSaid("strict", verdict.t_s, Outcome.ATTACK)]


def test_a_run_that_begins_or_ends_within_a_presentation_says_nothing_of_it() -> None:
    bench = Bench(strict)
    bench.order(LoadModel("m1"))
    bench.order(begin("a"))
    messages = bench.show(2)
    bench.order(LoadShadow("m2"))
    messages += bench.show(4)
    assert verdicts(messages)
    assert not said(messages)
    bench.order(begin("b"))
    messages = bench.show(2)
    bench.order(LoadShadow(""))
    messages += bench.show(4)
    assert verdicts(messages)
    assert not said(messages)


def test_a_camera_that_was_opened_again_counts_anew() -> None:
    bench = Bench(strict)
    bench.order(LoadModel("m1"), LoadShadow("strict"))
    bench.show(40)
    bench.number = 0
    bench.camera.shown = None
    for _ in range(15):
        bench.step()
    bench.order(begin())
    messages = bench.show(8)
    (verdict,) = verdicts(messages)
    assert said(messages) == [ShadowSaid("strict", verdict.t_s, Outcome.ATTACK)]


def test_a_model_that_fails_ends_its_run_and_nothing_else() -> None:
    shadow = Failing(sha256="m2")

    def load(path: str) -> Scorer:
        if path == "missing":
            raise InputError("There is no model at missing.")
        return shadow if path == "m2" else ReliefScorer(sha256=path)

    bench = Bench(load)
    bench.order(LoadModel("m1"))
    (problem,) = [one for one in bench.order(LoadShadow("missing")) if isinstance(one, Problem)]
    assert "The shadow run is off" in problem.what
    bench.order(LoadShadow("m2"))
    shadow.broken = True
    bench.order(begin())
    messages = bench.show(6)
    (problem,) = [one for one in messages if isinstance(one, Problem)]
    assert not problem.fatal
    assert [verdict.outcome for verdict in verdicts(messages)] == [Outcome.BONA_FIDE]
    assert not said(messages)


def test_the_policy_binds_it_as_it_binds_the_champion() -> None:
    bench = Bench(strict)
    raised = SitePolicy(thresholds={str(ALL_MODALITIES): 0.9999999999999998})
    bench.order(LoadModel("m1"), LoadShadow("m2"), SetPolicy(raised))
    bench.order(begin())
    messages = bench.show(80)
    assert [one.outcome for one in said(messages)] == [verdict.outcome for verdict in verdicts(messages)]
    assert verdicts(messages)[0].outcome is not Outcome.BONA_FIDE


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with cheap_catalogue(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def registry(catalogue: Catalogue, tmp_path: Path) -> ModelRegistry:
    made = ModelRegistry(catalogue)
    factory = bundle(tmp_path, "factory")
    made.install_factory(factory, json.loads((factory / "manifest.json").read_text())["sha256"])
    made.add(bundle(tmp_path, "site-1", parent=made.champion().sha256))
    return made


def commit(catalogue: Catalogue, verdict: Verdict) -> int:
    return catalogue.verdicts.commit(replace(verdict, session="", presentation=""))


def test_the_station_follows_the_catalogue_and_stores_what_was_said(
    registry: ModelRegistry, catalogue: Catalogue
) -> None:
    bench = StationBench()
    ledger = CatalogueLedger(catalogue, registry)
    bench.ledger.shadow = ledger.shadow  # type: ignore[method-assign]
    bench.ledger.note_shadow = ledger.note_shadow  # type: ignore[method-assign]
    bench.ledger.changes = catalogue.changes  # type: ignore[method-assign]
    bench.ledger.commit_verdict = partial(commit, catalogue)  # type: ignore[method-assign]
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    bench.see("A")
    shadow = registry.run_in_shadow("site-1").sha256
    bench.ledger.changes = lambda: 99  # type: ignore[method-assign]
    bench.clock.advance(500.0)
    bench.station.poll(0.0)
    for other, t_s in ((Outcome.ATTACK, ACCEPTED.t_s), (Outcome.BONA_FIDE, ACCEPTED.t_s), (Outcome.ATTACK, -1.0)):
        bench.inference.send(VerdictReached(ACCEPTED))
        bench.inference.send(ShadowSaid(shadow, t_s, other))
        bench.station.poll(0.0)
    found = catalogue.shadow_answers.figures(shadow)
    assert found.outcomes == {"bona_fide": {"attack": 1, "bona_fide": 1}}, "an answer to another verdict is dropped"
    assert (found.answers, found.otherwise) == (2, 1)
    assert [(one.before, one.after) for one in found.differing] == [(Outcome.BONA_FIDE, Outcome.ATTACK)]


def test_it_ends_with_its_promotion_or_its_refusal_and_is_logged(registry: ModelRegistry, catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match="is the champion"):
        registry.run_in_shadow("factory")
    with pytest.raises(InputError, match="Nothing is in shadow"):
        registry.end_shadow()
    candidate = registry.run_in_shadow("site-1").sha256
    assert ModelRole.SHADOW in registry.resolve("site-1").roles
    registry.promote("site-1", "better", lambda _: None)
    assert registry.shadow() is None
    registry.rollback("worse after all", lambda _: None)
    registry.run_in_shadow("site-1")
    registry.end_shadow()
    actions = [entry.action for entry in catalogue.audit.of("model", candidate)]
    assert actions.count("shadow_begun") == 2
    assert actions.count("shadow_ended") == 1
    catalogue.models.set_alias(ModelRole.CANDIDATE, candidate)
    registry.run_in_shadow("site-1")
    other, its = (catalogue.jobs.create("{}", "00") for _ in range(2))
    for job in (other, its):
        catalogue.jobs.update(job, state=JobState.CANDIDATE)
    catalogue.jobs.update(other, candidate="f" * 64)
    registry.reject(other, "another one's candidate")
    assert registry.shadow() is not None
    assert catalogue.models.alias(ModelRole.CANDIDATE) == candidate
    catalogue.jobs.update(its, candidate=candidate)
    registry.reject(its, "not wanted")
    assert registry.shadow() is None
    assert not catalogue.models.alias(ModelRole.CANDIDATE)


def test_the_command_line(registry: ModelRegistry, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        code = program.main(["shadow", *arguments, "--data", str(catalogue.folder.root)])
        return code, capsys.readouterr().out

    assert "Nothing is in shadow" in run("status")[1]
    assert run("start", "none")[0] == 3
    assert run("start", "site-1")[0] == 0
    shadow = registry.shadow()
    assert shadow is not None
    row = catalogue.verdicts.commit(stored.verdict(source_kind=SourceKind.SIMULATED, outcome=Outcome.ATTACK))
    catalogue.shadow_answers.add(row, shadow.sha256, Outcome.REFER)
    told = json.loads(run("status", "--json")[1])
    assert (told["answers"], told["otherwise"], told["outcomes"]) == (1, 1, {"attack": {"refer": 1}})
    assert "attack       -> refer        1" in run("status", "site-1")[1]
    assert run("stop") == (0, "nothing is in shadow now\n")
    assert run("stop")[0] == 3
