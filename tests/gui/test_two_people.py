"""What takes a second person, through the window."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.access import Actor, Permission, Role
from core.codes import SiteKeyMethod
from gui.app import Desk
from gui.command import Command
from gui.main_window import LOG_IN
from gui.services import Services
from gui.views.people.approvals import Approvals
from gui.views.people.dialogs import CodeDialog
from gui.views.people.page import PeoplePage
from gui.views.protection.door_key_dialog import DoorKeyDialog
from gui.views.protection.keys_dialog import KeysDialog
from gui.views.protection.policy_dialog import PolicyDialog
from storage.catalogue import Catalogue
from storage.key_care import key_status, recover, rotate
from storage.repositories.proposals import Proposal, ProposalState, ProposedError
from tests.gui.logging_in import enter, page_of
from tests.people import PASSPHRASE, PEOPLE, cheap_site_key


def before_a_proposal(desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> PeoplePage:
    """Bea has proposed to drop the two-person rule; Ada looks at it."""
    catalogue.log_ins.log_in("bea", PASSPHRASE)
    with pytest.raises(ProposedError):
        catalogue.proposals.set_rule(False, "a small lab")
    enter(desk, qtbot, "ada")
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.approvals.selected is not None)
    return page


def test_a_change_that_was_chosen_stays_chosen_until_it_is_gone(qtbot: QtBot) -> None:
    approved: list[Proposal] = []
    holder = QWidget()
    qtbot.addWidget(holder)
    approvals = Approvals(approved.append, approved.append, approved.append, holder)
    waiting = [
        Proposal(n, Permission.POLICY, "policy", {}, "", "bea", 0.0, 9e9, ProposalState.OPEN, "", None, "")
        for n in (1, 2, 3)
    ]
    ada = Actor("ada", frozenset({Role.ADMINISTRATOR}))
    approvals.show_proposals(waiting, ada, "")
    approvals.table.selectRow(2)
    approvals.show_proposals(list(waiting), ada, "")
    approvals.show_proposals(waiting[1:], ada, "")  # the first one was decided elsewhere
    approvals.approve.click()
    assert [one.id for one in approved] == [3]
    approvals.show_proposals(waiting[:2], ada, "")
    assert approvals.selected is None
    assert not approvals.approve.isEnabled()


def test_one_proposes_and_another_approves_in_the_window(closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> None:
    page = before_a_proposal(closed_desk, catalogue, qtbot)
    assert page.approvals.approve.isEnabled()
    assert page.view is not None
    assert [account.name for account in page.view.accounts] == sorted(PEOPLE)
    page.approvals.approve.click()
    qtbot.waitUntil(lambda: any("Approved" in toast.what for toast in closed_desk.window.toasts.shown))
    qtbot.waitUntil(lambda: page.approvals.selected is None)
    assert not catalogue.proposals.rule_is_on
    qtbot.waitUntil(lambda: "off" in closed_desk.window.who_line.warning.text())
    assert [(e.actor, e.action) for e in catalogue.audit.of("rule", "two_person_rule")] == [("ada", "switch")]


def test_approving_a_new_site_key_makes_it_and_shows_its_recovery_code(
    closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot
) -> None:
    catalogue.log_ins.log_in("bea", PASSPHRASE)
    before = catalogue.vault.site_key().id
    with pytest.raises(ProposedError):
        rotate(catalogue, reason="yearly")
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.approvals.selected is not None)
    assert page.approvals.make.isHidden()
    page.approvals.approve.click()
    qtbot.waitUntil(lambda: bool(page.findChildren(CodeDialog)))
    dialog = page.findChildren(CodeDialog)[0]
    assert catalogue.vault.site_key().id != before
    recover(catalogue, dialog.code.text(), SiteKeyMethod.FILE)
    dialog.reject()
    qtbot.waitUntil(lambda: page.approvals.selected is None)


def test_a_passphrase_is_proposed_without_being_typed_and_typed_by_one_of_the_two_once_it_is_approved(
    closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap_site_key(monkeypatch)
    catalogue.vault.site_key()
    enter(closed_desk, qtbot, "ada")
    closed_desk.window.actions_table["site_keys"].trigger()
    dialog = closed_desk.window.findChildren(KeysDialog)[-1]
    qtbot.waitUntil(lambda: dialog.status is not None)
    assert (dialog.passphrase.isVisible(), dialog.verb.text()) == (False, "Propose a passphrase")
    assert not dialog.verb.isEnabled()
    qtbot.keyClicks(dialog.reason, "the machine may be stolen")
    dialog.verb.click()
    qtbot.waitUntil(lambda: bool(catalogue.proposals.open_ones()))
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    catalogue.log_ins.log_in("bea", PASSPHRASE)
    catalogue.proposals.approve(catalogue.proposals.open_ones()[0].id)
    qtbot.waitUntil(lambda: page.approvals.make.isVisible())
    assert not page.approvals.approve.isEnabled()
    assert page.approvals.left.text().startswith("ada or bea makes the change until ")
    page.approvals.make.click()
    dialog = closed_desk.window.findChildren(KeysDialog)[-1]
    qtbot.waitUntil(lambda: "ada or bea" in dialog.approval.text())
    assert dialog.passphrase.isVisible()
    for field in (dialog.passphrase, dialog.again):
        qtbot.keyClicks(field, "four quiet green herons")
    dialog.verb.click()
    qtbot.waitUntil(lambda: dialog.code.text() != "")
    dialog.reject()
    assert key_status(catalogue).method is SiteKeyMethod.PASSPHRASE
    qtbot.waitUntil(lambda: page.approvals.selected is None)


def test_nobody_approves_their_own_proposal(closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> None:
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    with pytest.raises(ProposedError):
        catalogue.proposals.set_rule(False, "a small lab")
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.approvals.selected is not None)
    assert not page.approvals.approve.isEnabled()
    assert page.approvals.decline.isEnabled()


def test_a_site_policy_takes_two_people_in_the_window(closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> None:
    enter(closed_desk, qtbot, "tim")
    closed_desk.window.actions_table["site_policy"].trigger()
    dialog = closed_desk.window.findChildren(PolicyDialog)[-1]
    qtbot.waitUntil(lambda: dialog.found is not None)
    assert "second person" in dialog.notice.text()
    dialog.fields["shift_hours"].setText("8")  # type: ignore[union-attr]
    qtbot.keyClicks(dialog.reason, "short shifts")
    dialog.buttons.button(dialog.buttons.StandardButton.Ok).click()
    qtbot.waitUntil(lambda: any("Proposed" in toast.what for toast in closed_desk.window.toasts.shown))
    assert catalogue.policies.in_force().is_factory
    closed_desk.window.logged_out.emit("")
    qtbot.waitUntil(lambda: closed_desk.window.front == LOG_IN)
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.approvals.selected is not None)
    assert page.approvals.model.index(0, 2).data() == "shift_hours 8.0"
    page.approvals.approve.click()
    qtbot.waitUntil(lambda: not catalogue.policies.in_force().is_factory)
    assert catalogue.policies.in_force().policy.shift_hours == 8.0


def test_a_key_of_the_door_takes_two_people_in_the_window(
    closed_desk: Desk, services: Services, catalogue: Catalogue, qtbot: QtBot
) -> None:
    enter(closed_desk, qtbot, "bea")
    closed_desk.window.actions_table["door_key"].trigger()
    dialog = closed_desk.window.findChildren(DoorKeyDialog)[-1]
    qtbot.waitUntil(lambda: dialog.view is not None)
    assert "second person" in dialog.notice.text()
    qtbot.keyClicks(dialog.reason, "a gate")
    dialog.make.click()
    qtbot.waitUntil(lambda: any("Proposed" in toast.what for toast in closed_desk.window.toasts.shown))
    assert not services.door_key.exists()
    closed_desk.window.logged_out.emit("")
    qtbot.waitUntil(lambda: closed_desk.window.front == LOG_IN)
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.approvals.selected is not None)
    page.approvals.approve.click()
    qtbot.waitUntil(services.door_key.exists)
    assert [one.action for one in catalogue.audit.of("door", "")] == ["make_door_key"]


def test_a_change_is_approved_once(closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> None:
    page = before_a_proposal(closed_desk, catalogue, qtbot)
    for _ in range(2):
        page.approvals.approve.click()
    assert len(page.findChildren(Command)) == 1
    qtbot.waitUntil(lambda: page.approvals.selected is None)
    qtbot.waitUntil(page.approvals.isEnabled)


def test_a_second_recovery_code_is_not_made_before_the_first_is_shown(closed_desk: Desk, qtbot: QtBot) -> None:
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    for _ in range(2):
        closed_desk.window.actions_table["new_recovery_code"].trigger()
    qtbot.waitUntil(lambda: bool(page.findChildren(CodeDialog)) and not closed_desk.tasks.busy)
    assert len(page.findChildren(CodeDialog)) == 1
    page.findChildren(CodeDialog)[0].accept()
