"""The two-person rule: nobody changes alone what two people have to agree on."""

from __future__ import annotations

import pytest

from core.access import NEEDS_SECOND_PERSON, DeniedError, Permission
from core.clock import FakeClock
from core.errors import InputError
from storage.catalogue import Catalogue
from storage.repositories.proposals import TERM_S, ProposalState, ProposedError
from tests.people import PASSPHRASE, add_people

CHANGE = (Permission.RETENTION, "set_retention", {"purpose": "train", "days": 30})


def act(catalogue: Catalogue, name: str) -> None:
    catalogue.log_ins.log_in(name, PASSPHRASE)


def propose(catalogue: Catalogue, name: str = "ada") -> int:
    act(catalogue, name)
    with pytest.raises(ProposedError) as told:
        catalogue.proposals.authorize(*CHANGE, "shorter is better")
    return told.value.proposal.id


def test_without_accounts_nobody_is_asked(catalogue: Catalogue) -> None:
    assert not catalogue.proposals.rule_is_on
    for permission in NEEDS_SECOND_PERSON:
        catalogue.proposals.authorize(permission, "change", {}, "")
    assert catalogue.proposals.all() == []


def test_one_proposes_another_approves_and_the_approval_is_used_up(catalogue: Catalogue) -> None:
    add_people(catalogue)
    number = propose(catalogue)
    assert propose(catalogue) == number, "the same change is proposed once"
    with pytest.raises(DeniedError, match="second person: bea"):
        catalogue.proposals.approve(number)
    act(catalogue, "bea")
    assert [one.id for one in catalogue.proposals.open_ones()] == [number]
    assert catalogue.proposals.approve(number).decided_by == "bea"
    catalogue.proposals.authorize(*CHANGE, "shorter is better")
    assert catalogue.proposals.get(number).state is ProposalState.DONE
    assert propose(catalogue) != number
    trail = [(e.actor, e.action) for e in catalogue.audit.of("proposal", str(number))]
    assert trail == [("ada", "propose"), ("ada", "denied"), ("bea", "approve")]


def test_an_approval_is_for_one_change_only(catalogue: Catalogue) -> None:
    add_people(catalogue)
    number = propose(catalogue)
    act(catalogue, "bea")
    catalogue.proposals.approve(number)
    with pytest.raises(ProposedError):
        catalogue.proposals.authorize(Permission.RETENTION, "set_retention", {"purpose": "train", "days": 3}, "other")


def test_whoever_lacks_the_permission_neither_proposes_nor_approves(catalogue: Catalogue) -> None:
    add_people(catalogue)
    number = propose(catalogue)
    for name in ("olga", "carl", "tim"):
        act(catalogue, name)
        with pytest.raises(DeniedError):
            catalogue.proposals.authorize(*CHANGE, "mine")
        with pytest.raises(DeniedError):
            catalogue.proposals.approve(number)
        with pytest.raises(DeniedError):
            catalogue.proposals.decline(number, "no")
    assert catalogue.proposals.get(number).state is ProposalState.OPEN


def test_a_proposal_is_declined_taken_back_or_runs_out(catalogue: Catalogue, clock: FakeClock) -> None:
    add_people(catalogue)
    number = propose(catalogue)
    act(catalogue, "bea")
    with pytest.raises(InputError, match="reason"):
        catalogue.proposals.decline(number, " ")
    catalogue.proposals.decline(number, "too short")
    with pytest.raises(InputError, match="declined"):
        catalogue.proposals.approve(number)
    own = propose(catalogue)
    catalogue.proposals.decline(own, "a mistake")
    late = propose(catalogue)
    clock.advance(1000.0 * TERM_S)
    act(catalogue, "bea")
    with pytest.raises(InputError, match="expired"):
        catalogue.proposals.approve(late)
    assert catalogue.proposals.open_ones() == []


def test_an_approval_that_was_not_used_runs_out_too(catalogue: Catalogue, clock: FakeClock) -> None:
    add_people(catalogue)
    number = propose(catalogue)
    act(catalogue, "bea")
    catalogue.proposals.approve(number)
    clock.advance(1000.0 * TERM_S)
    assert catalogue.proposals.get(number).state is ProposalState.EXPIRED
    assert propose(catalogue, "bea") != number


def test_switching_the_rule_off_needs_the_second_administrator(catalogue: Catalogue) -> None:
    add_people(catalogue)
    act(catalogue, "ada")
    with pytest.raises(ProposedError) as told:
        catalogue.proposals.set_rule(False, "a small lab")
    assert catalogue.proposals.rule_is_on
    act(catalogue, "bea")
    catalogue.proposals.approve(told.value.proposal.id)
    catalogue.proposals.set_rule(False, "a small lab")
    catalogue.proposals.authorize(*CHANGE, "alone now")
    catalogue.proposals.set_rule(True, "grown")
    with pytest.raises(ProposedError):
        catalogue.proposals.authorize(*CHANGE, "not alone any more")


def test_a_lab_of_one_may_switch_it_off_alone_and_that_is_written_down(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada", "tim")
    act(catalogue, "tim")
    with pytest.raises(DeniedError):
        catalogue.proposals.set_rule(False, "tired of it")
    act(catalogue, "ada")
    catalogue.proposals.set_rule(False, "one person works here")
    entry = catalogue.audit.of("rule", "two_person_rule")[-1]
    assert (entry.actor, entry.reason) == ("ada", "one person works here")
    assert entry.details == {"active": False, "alone": True}
