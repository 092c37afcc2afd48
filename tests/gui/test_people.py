"""Log-in, roles and the second person, through the window."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from core.access import LOCAL, Actor, DeniedError, Permission, Role
from core.codes import Outcome, SecondLineResult, SessionPurpose, SiteKeyMethod
from core.door.output import DoorPlaces
from core.station.ports import SessionOrder
from gui.actions import PAGES
from gui.app import Desk, SallyportApp
from gui.command import Command
from gui.main_window import LOG_IN
from gui.services import Services
from gui.views.checkpoint.page import CheckpointPage
from gui.views.collect.page import CollectPage
from gui.views.log_in import LogInPage
from gui.views.people.approvals import Approvals
from gui.views.people.dialogs import AccountDialog, CodeDialog, SecretDialog
from gui.views.people.page import PeoplePage
from gui.views.protection.door_key_dialog import DoorKeyDialog
from gui.views.protection.keys_dialog import KeysDialog
from gui.views.protection.policy_dialog import PolicyDialog
from gui.views.settings import SettingsDialog
from gui.widgets.toast import Toast
from storage.catalogue import Catalogue
from storage.key_care import key_status, recover, rotate
from storage.people_commands import TOKEN_VARIABLE
from storage.repositories.proposals import Proposal, ProposalState, ProposedError
from tests.gui.fakes import FakeFrames, FakeStation, committed, frame_set, ready, verdict
from tests.people import PASSPHRASE, PEOPLE, add_people, cheap_site_key
from tests.unit.test_second_line import checkpoint, stopped


@pytest.fixture
def catalogue(services: Services) -> Iterator[Catalogue]:
    """The office's own look at the same data folder."""
    with services.open_catalogue() as opened:
        yield opened


@pytest.fixture
def closed_desk(qapp: SallyportApp, services: Services, catalogue: Catalogue, qtbot: QtBot) -> Iterator[Desk]:
    """A window on a station with accounts, before anybody has logged in; its commands are real processes."""
    add_people(catalogue)

    def command(arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "main.py", *arguments, "--data", str(services.data_dir)]

    desk = Desk(qapp, replace(services, command=command))
    desk.open()
    qtbot.waitUntil(lambda: desk.door.asks and desk.link.connected)
    yield desk
    desk.close()
    assert not desk.crash.path.exists(), desk.crash.path.read_text()


def page_of(desk: Desk, name: str) -> object:
    desk.window.go_to(name)
    return desk.window.pages[name]


def log_in(desk: Desk, qtbot: QtBot, name: str, passphrase: str = PASSPHRASE) -> None:
    page = desk.window.pages[LOG_IN]
    assert isinstance(page, LogInPage)
    qtbot.keyClicks(page.account, name)
    qtbot.keyClick(page.account, Qt.Key.Key_Return)
    qtbot.keyClicks(page.passphrase, passphrase)
    qtbot.keyClick(page.passphrase, Qt.Key.Key_Return)


def enter(desk: Desk, qtbot: QtBot, name: str) -> None:
    log_in(desk, qtbot, name)
    qtbot.waitUntil(lambda: desk.door.actor is not None and desk.door.actor.id == name)


def visible_pages(desk: Desk) -> list[str]:
    return [info.id for info in PAGES if desk.window.actions_table[info.id].isVisible()]


def test_an_open_station_says_so_and_asks_nobody(desk: Desk) -> None:
    assert desk.door.actor == LOCAL
    assert "no accounts" in desk.window.who_line.who.text()
    assert visible_pages(desk) == [info.id for info in PAGES]
    assert not desk.window.actions_table["log_out"].isVisible()


def test_nobody_sees_anything_but_the_log_in_and_nobody_is_decided_about(
    closed_desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: closed_desk.window.front == LOG_IN)
    assert visible_pages(closed_desk) == []
    closed_desk.window.go_to("people")
    assert closed_desk.window.front == LOG_IN
    qtbot.waitUntil(lambda: station.named("act_as") == [None])
    assert station.named("open_session") == []


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("olga", ["checkpoint"]),
        ("carl", ["collect", "review"]),
        ("tim", ["checkpoint", "review", "recalibrate", "devices", "people"]),
        ("ada", ["checkpoint", "review", "recalibrate", "people", "audit"]),
    ],
)
def test_pages_open_by_role_and_what_is_not_theirs_is_absent(
    closed_desk: Desk, station: FakeStation, qtbot: QtBot, name: str, pages: list[str]
) -> None:
    enter(closed_desk, qtbot, name)
    assert visible_pages(closed_desk) == pages
    assert closed_desk.window.front in pages
    assert closed_desk.window.who_line.who.text().startswith(name)
    operates = closed_desk.door.actor is not None and closed_desk.door.actor.may(Permission.OPERATE)
    if operates:
        qtbot.waitUntil(lambda: closed_desk.link.session != "")
    else:
        qtbot.waitUntil(lambda: len(station.named("act_as")) == 2)
        assert station.named("open_session") == []
    if name == "ada":
        assert not closed_desk.window.actions_table["next_person"].isVisible()


def test_a_collector_who_leaves_the_page_leaves_no_session_that_records(
    closed_desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = station.open_session

    def as_the_ledger_does(order: SessionOrder) -> str:
        if order.purpose is SessionPurpose.CHECKPOINT:
            raise DeniedError("carl may not do this (operate).", "Ask an operator.")
        return opened(order)

    monkeypatch.setattr(station, "open_session", as_the_ledger_does)
    enter(closed_desk, qtbot, "carl")
    frames.push(frame_set(1))
    ready(station)
    page = page_of(closed_desk, "collect")
    assert isinstance(page, CollectPage)
    qtbot.waitUntil(lambda: page.allowed)
    page.start_take()
    qtbot.waitUntil(lambda: station.session != "" and len(station.named("begin_presentation")) == 1)
    closed_desk.window.go_to("review")
    qtbot.waitUntil(lambda: station.session == "" and closed_desk.link.session == "")
    assert not closed_desk.window.toasts.findChildren(Toast)


def test_nobody_at_the_log_in_and_no_operator_says_what_opens_the_door(closed_desk: Desk, qtbot: QtBot) -> None:
    for name in ("", "olga"):
        if name:
            enter(closed_desk, qtbot, name)
        closed_desk.window.actions_table.invoke("settings")
        qtbot.waitUntil(lambda: bool(closed_desk.window.findChildren(SettingsDialog)))
        dialog = closed_desk.window.findChildren(SettingsDialog)[-1]
        assert not dialog.door_hook.isVisibleTo(dialog)
        dialog.door_hook.setText("/bin/sh -c something")
        dialog.accept()
        assert (closed_desk.settings.door_hook, closed_desk.link.door_places) == ("", DoorPlaces())
        chosen = closed_desk.settings.model_copy(update={"door_hook": "/bin/sh", "theme": "dark"})
        closed_desk.window._take_settings(chosen)
        assert closed_desk.settings.door_hook == ""


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


def test_a_wrong_pass_phrase_is_told_with_its_wait_and_is_not_left_in_the_field(
    closed_desk: Desk, qtbot: QtBot
) -> None:
    page = closed_desk.window.pages[LOG_IN]
    assert isinstance(page, LogInPage)
    for told in ("Try again", "Try again", " seconds", " seconds"):
        page.account.clear()
        log_in(closed_desk, qtbot, "olga", "not the one at all")
        qtbot.waitUntil(lambda: page.button.isEnabled())
        assert told in page.message.text()
        assert page.passphrase.text() == ""
    assert page.passphrase.echoMode() is QLineEdit.EchoMode.Password
    assert closed_desk.door.actor is None


def test_log_out_ends_the_session_and_the_commands_of_the_one_who_left(
    closed_desk: Desk, station: FakeStation, catalogue: Catalogue, qtbot: QtBot
) -> None:
    enter(closed_desk, qtbot, "olga")
    qtbot.waitUntil(lambda: closed_desk.link.session != "")
    assert os.environ[TOKEN_VARIABLE]
    closed_desk.window.actions_table["log_out"].trigger()
    qtbot.waitUntil(lambda: closed_desk.door.actor is None and not closed_desk.tasks.busy)
    assert closed_desk.window.front == LOG_IN
    assert TOKEN_VARIABLE not in os.environ
    qtbot.waitUntil(lambda: station.named("act_as")[-1] is None)
    assert station.named("close_session")
    assert catalogue.file.value("SELECT count(*) FROM log_ins") == 0
    enter(closed_desk, qtbot, "tim")


def test_an_idle_window_logs_out_and_input_or_a_verdict_keeps_it(
    closed_desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    enter(closed_desk, qtbot, "olga")
    qtbot.waitUntil(lambda: closed_desk.link.session != "")
    closed_desk._idle.start(60_000)
    station.say(committed(Outcome.BONA_FIDE))
    qtbot.waitUntil(lambda: closed_desk._idle.remainingTime() > 59_000)
    closed_desk._idle.setInterval(1)
    closed_desk._idle.start()
    qtbot.waitUntil(lambda: closed_desk.door.actor is None)
    assert "Logged out" in closed_desk.window.toasts.shown[0].what


def test_a_desk_that_was_closed_goes_on_by_no_clock(
    qapp: SallyportApp, services: Services, catalogue: Catalogue, qtbot: QtBot
) -> None:
    add_people(catalogue)
    desk = Desk(qapp, services)
    desk.open()
    qtbot.waitUntil(lambda: desk.door.asks and desk.link.connected)
    enter(desk, qtbot, "olga")
    assert desk._idle.isActive()
    desk.close()
    widget = QLineEdit()
    qtbot.addWidget(widget)
    qtbot.keyClick(widget, Qt.Key.Key_A)
    assert not desk._idle.isActive(), "it would log out in a window that is gone"
    assert not desk.retention._timer.isActive()


def test_the_first_account_closes_the_station_and_its_code_is_shown_once(desk: Desk, qtbot: QtBot) -> None:
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None)
    desk.window.actions_table["add_account"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.account.setText("ada")
    dialog.secret.setText(PASSPHRASE)
    assert not dialog.buttons.buttons()[0].isEnabled() or dialog.again.text() == PASSPHRASE
    dialog.again.setText(PASSPHRASE)
    dialog.accept()
    qtbot.waitUntil(lambda: page.findChild(CodeDialog) is not None)
    code = page.findChild(CodeDialog)
    assert code is not None
    assert len(code.code.text()) == 39
    code.accept()
    qtbot.waitUntil(lambda: desk.window.front == LOG_IN)
    enter(desk, qtbot, "ada")


def test_a_window_that_was_open_before_accounts_came_asks_to_log_in(
    desk: Desk, catalogue: Catalogue, qtbot: QtBot
) -> None:
    add_people(catalogue)
    desk.window.go_to("review")
    qtbot.waitUntil(lambda: desk.window.front == LOG_IN)


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


def test_the_share_that_an_operator_overrides_is_shown_with_its_bounds(
    closed_desk: Desk, catalogue: Catalogue, qtbot: QtBot
) -> None:
    catalogue.log_ins.log_in("olga", PASSPHRASE)
    session = checkpoint(catalogue)
    rows = [stopped(catalogue, session)[0] for _ in range(4)]
    catalogue.verdicts.override(rows[0], Outcome.BONA_FIDE, "knows her")
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.operators.rowCount() == 1)
    shown = [page.operators.data(page.operators.index(0, column)) for column in range(page.operators.columnCount())]
    assert shown == ["olga", "4", "1", "25.0% (0.6% … 80.6%)", "0"]


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


def test_the_second_line_takes_two_keystrokes_and_holds_nobody_up(
    desk: Desk, catalogue: Catalogue, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    page = page_of(desk, "checkpoint")
    assert isinstance(page, CheckpointPage)
    frames.push(frame_set(1))
    ready(station)
    first = catalogue.verdicts.commit(verdict(Outcome.ATTACK, session="", presentation=""))
    second = catalogue.verdicts.commit(verdict(Outcome.REFER, session="", presentation=""))
    station.say(committed(Outcome.REFER, second))
    qtbot.waitUntil(lambda: page.second_line.choice.count() == 2)
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_L)
    qtbot.keyClick(page, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: page.second_line.choice.count() == 1)
    assert catalogue.second_line.of(first) is SecondLineResult.FALSE_ALARM
    page.next_person()
    qtbot.waitUntil(lambda: station.named("begin_presentation") != [])
    assert page.second_line.chosen == second
    qtbot.keyClick(page, Qt.Key.Key_L)
    qtbot.keyClick(page, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: page.second_line.isHidden())
    assert catalogue.second_line.of(second) is SecondLineResult.CONFIRMED


def test_the_full_screen_is_left_with_the_pin_only(desk: Desk, catalogue: Catalogue, qtbot: QtBot) -> None:
    catalogue.accounts.set_kiosk_pin("739154")
    window = desk.window
    window.actions_table["full_screen"].trigger()
    qtbot.waitUntil(window.isFullScreen)
    window.close()
    assert window.isVisible(), "closing is leaving"
    qtbot.waitUntil(lambda: window.findChild(SecretDialog) is not None)
    dialog = window.findChild(SecretDialog)
    assert dialog is not None
    dialog.secret.setText("111222")
    dialog.accept()
    qtbot.waitUntil(lambda: bool(window.toasts.shown))
    assert window.isFullScreen()
    window.actions_table["full_screen"].trigger()
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(SecretDialog)))
    again = next(one for one in window.findChildren(SecretDialog) if one.isVisible())
    again.secret.setText("739154")
    again.accept()
    qtbot.waitUntil(lambda: not window.isFullScreen())


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


def test_an_operator_does_not_see_the_site_policy(closed_desk: Desk, qtbot: QtBot) -> None:
    enter(closed_desk, qtbot, "olga")
    assert not closed_desk.window.actions_table["site_policy"].isVisible()


def test_an_account_that_is_refused_can_be_corrected(desk: Desk, qtbot: QtBot) -> None:
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None)
    desk.window.actions_table["add_account"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.account.setText("ada")
    for field in (dialog.secret, dialog.again):
        field.setText("short")
    dialog.accept()
    qtbot.waitUntil(dialog.problem.isVisible)
    assert "15 characters" in dialog.problem.text()
    assert dialog.account.text() == "ada"
    for field in (dialog.secret, dialog.again):
        field.setText(PASSPHRASE)
    dialog.accept()
    qtbot.waitUntil(lambda: page.findChild(CodeDialog) is not None)


def roles_shown(page: PeoplePage) -> list[str]:
    accounts = page.view.accounts if page.view is not None else ()
    return [f"{one.name} {role}" for one in accounts for role in one.roles]


def test_roles_change_also_where_the_answer_has_to_wait(closed_desk: Desk, qtbot: QtBot) -> None:
    """What was ticked is read at once: the work is done in another thread, when the dialog may be gone."""
    enter(closed_desk, qtbot, "ada")
    page = page_of(closed_desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None and bool(page.view.accounts))
    assert page.view is not None
    page.table.selectRow([one.name for one in page.view.accounts].index("olga"))
    gate = threading.Event()
    closed_desk.tasks.run(lambda _catalogue: gate.wait(30), lambda _nothing: None)
    closed_desk.window.actions_table["change_roles"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.roles[Role.COLLECTOR].setChecked(True)
    dialog.accept()
    qtbot.wait(100)
    gate.set()
    qtbot.waitUntil(lambda: "olga collector" in roles_shown(page))


def test_a_recovery_code_stays_on_screen_whoever_walks_by(desk: Desk, station: FakeStation, qtbot: QtBot) -> None:
    """From the first account on the open station may do nothing any more; its window stays until the code was read."""
    page = page_of(desk, "people")
    assert isinstance(page, PeoplePage)
    qtbot.waitUntil(lambda: page.view is not None)
    desk.window.actions_table["add_account"].trigger()
    dialog = page.findChild(AccountDialog)
    assert dialog is not None
    dialog.account.setText("ada")
    for field in (dialog.secret, dialog.again):
        field.setText(PASSPHRASE)
    dialog.accept()
    qtbot.waitUntil(lambda: page.findChild(CodeDialog) is not None)
    code = page.findChild(CodeDialog)
    station.say(committed(Outcome.ATTACK))
    qtbot.wait(300)
    assert isValid(code), "the window was renewed, and the code is lost"
    assert code is not None
    code.accept()
    qtbot.waitUntil(lambda: desk.window.front == LOG_IN)


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
