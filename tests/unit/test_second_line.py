"""What the second line found becomes a label that adaptation uses; overrides are counted per operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import FakeClock
from core.codes import Outcome, RecordMode, SecondLineResult, SessionPurpose, SourceKind
from core.errors import InputError
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry
from storage.repositories.proposals import ProposedError
from storage.repositories.second_line import QUEUE_S, OperatorFigures
from tests.people import PASSPHRASE, add_people
from tests.stored import verdict


def stopped(catalogue: Catalogue, session: str, outcome: Outcome = Outcome.ATTACK) -> tuple[int, str]:
    presentation = catalogue.presentations.open(session)
    row = catalogue.verdicts.commit(verdict(session, presentation, outcome=outcome))
    catalogue.presentations.close(presentation, 1, 2, 1.0)
    return row, presentation


def checkpoint(catalogue: Catalogue) -> str:
    return catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.FRAMES, SourceKind.SIMULATED)


@pytest.mark.parametrize(
    ("result", "species"),
    [
        (SecondLineResult.CONFIRMED, "unknown"),
        (SecondLineResult.FALSE_ALARM, ""),
        (SecondLineResult.UNKNOWN, None),
    ],
)
def test_a_result_labels_the_presentation_that_adaptation_reads(
    catalogue: Catalogue, result: SecondLineResult, species: str | None
) -> None:
    session = checkpoint(catalogue)
    row, presentation = stopped(catalogue, session)
    catalogue.second_line.record(row, result)
    material = {one.id: one.species for one in catalogue.material.presentations([session])}
    assert material[presentation] == species
    catalogue.second_line.record(row, SecondLineResult.UNKNOWN)
    assert catalogue.presentations.get(presentation).species is None, "a result may be taken back"
    assert [e.details["result"] for e in catalogue.audit.of("verdict", str(row)) if e.action == "second_line"] == [
        str(result),
        "unknown",
    ]


def test_a_label_of_more_knowledge_stays(catalogue: Catalogue) -> None:
    row, presentation = stopped(catalogue, checkpoint(catalogue))
    catalogue.presentations.relabel(presentation, "print_flat", "it lies on the table")
    catalogue.second_line.record(row, SecondLineResult.FALSE_ALARM)
    assert catalogue.presentations.get(presentation).species == "print_flat"
    with pytest.raises(InputError):
        catalogue.second_line.record(99, SecondLineResult.CONFIRMED)


def test_the_queue_holds_who_was_stopped_in_this_shift(catalogue: Catalogue, clock: FakeClock) -> None:
    session = checkpoint(catalogue)
    first, _ = stopped(catalogue, session)
    stopped(catalogue, session, Outcome.BONA_FIDE)
    let_through, _ = stopped(catalogue, session)
    catalogue.verdicts.override(let_through, Outcome.BONA_FIDE, "knows her")
    held_up, _ = stopped(catalogue, session, Outcome.BONA_FIDE)
    catalogue.verdicts.override(held_up, Outcome.REFER, "looks odd")
    catalogue.verdicts.commit(verdict(session, outcome=Outcome.ATTACK, shadow=True))
    assert [one.verdict for one in catalogue.second_line.waiting()] == [first, held_up]
    catalogue.second_line.record(first, SecondLineResult.CONFIRMED)
    assert [one.verdict for one in catalogue.second_line.waiting()] == [held_up]
    clock.advance(1000.0 * (QUEUE_S + 1))
    assert catalogue.second_line.waiting() == []


def test_overrides_are_counted_for_whoever_was_there(catalogue: Catalogue) -> None:
    add_people(catalogue)
    catalogue.log_ins.log_in("olga", PASSPHRASE)
    session = checkpoint(catalogue)
    rows = [stopped(catalogue, session)[0] for _ in range(3)]
    catalogue.verdicts.override(rows[0], Outcome.BONA_FIDE, "knows her")
    catalogue.second_line.record(rows[1], SecondLineResult.CONFIRMED)
    catalogue.verdicts.override(rows[2], Outcome.ATTACK, "as the program says: no override")
    catalogue.log_ins.log_in("tim", PASSPHRASE)
    stopped(catalogue, session)
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    assert catalogue.second_line.operators() == [OperatorFigures("olga", 3, 1, 1), OperatorFigures("tim", 1, 0, 0)]
    commit = catalogue.audit.of("verdict", str(rows[0]))[0]
    assert (commit.actor, commit.details["attended_by"]) == ("station", "olga")


def test_a_promotion_is_proposed_by_one_and_made_by_another(catalogue: Catalogue, tmp_path: Path) -> None:
    from core.model.manifest import FACTORY_BUNDLE
    from core.model.trusted import FACTORY_SHA256

    registry = ModelRegistry(catalogue)
    registry.install_factory(FACTORY_BUNDLE, FACTORY_SHA256)
    catalogue.models.set_alias(registry.champion().roles[0], "")  # so that there is something to promote
    add_people(catalogue)
    tested: list[Path] = []
    catalogue.log_ins.log_in("tim", PASSPHRASE)
    with pytest.raises(ProposedError) as told:
        registry.promote(FACTORY_SHA256, "better", tested.append)
    number = told.value.proposal.id
    assert catalogue.models.deployments()[0].action == "install", "nothing has changed yet"
    catalogue.log_ins.log_in("tom", PASSPHRASE)
    catalogue.proposals.approve(number)
    assert registry.promote(FACTORY_SHA256, "better", tested.append).sha256 == FACTORY_SHA256
    deployment = catalogue.models.deployments()[0]
    assert (deployment.action, deployment.actor, deployment.reason) == ("promote", "tom", "better")
    assert len(tested) == 2
