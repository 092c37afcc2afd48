"""The page of administrators: accounts, figures of operators; and for whoever approves: what waits for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from core.access import Permission
from core.errors import KnownError
from gui.command import Command
from gui.context import PageContext
from gui.i18n import people_codes, tr
from gui.i18n.errors import told
from gui.models.table_model import TextTable
from gui.views.page import Page
from gui.views.people.approvals import Approvals
from gui.views.people.dialogs import AccountDialog, CodeDialog
from gui.views.people.reading import Bounds, PeopleView, read_people
from gui.widgets.ask import ask_reason
from gui.widgets.forms import Plate, VerbButton, heading, quiet
from gui.widgets.tables import make_table
from gui.widgets.toast import Level
from storage.approved import left_to_do
from storage.catalogue import Catalogue
from storage.key_care import PROTECT, ROTATE
from storage.repositories.accounts import Account
from storage.repositories.proposals import Proposal
from storage.repositories.second_line import OperatorFigures

WATCH_MS = 2000


class PeoplePage(Page):
    """Reads everything anew after each change; secrets go to the background and are forgotten here."""

    name = "people"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.view: PeopleView | None = None
        self._administers = context.actor is not None and context.actor.may(Permission.ACCOUNTS)
        self.accounts = TextTable((tr("Name"), tr("Roles"), tr("Last log-in"), tr("State")))
        self.table = make_table(tr("Accounts"), self)
        self.table.setModel(self.accounts)
        self.table.setMinimumHeight(140)
        self.operators = TextTable((tr("Operator"), tr("Verdicts"), tr("Overridden"), tr("Rate"), tr("Second line")))
        self.operator_table = make_table(tr("Operators"), self)
        self.operator_table.setModel(self.operators)
        self.operator_table.setFixedHeight(84)
        self.state = quiet("", self)
        self.approvals = Approvals(self.approve, self.decline, self.make, self)
        self.rule = QPushButton(self)
        self.rule.clicked.connect(self.switch_rule)
        self._build()
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(WATCH_MS)
        self._timer.timeout.connect(self.read)

    def _build(self) -> None:
        self.column.addWidget(heading(tr("People"), self, 1.4))
        self.column.addWidget(self.state)
        if self._administers:
            self.column.addWidget(self._account_plate(), 1)
            figures = Plate(self)
            figures.column.addWidget(heading(tr("Operators: how often they decide otherwise"), figures))
            figures.column.addWidget(self.operator_table)
            self.column.addWidget(figures)
        else:
            for unused in (self.table, self.operator_table, self.rule):
                unused.hide()
        self.column.addWidget(self.approvals)

    def _account_plate(self) -> Plate:
        plate, actions = Plate(self), self.context.actions
        plate.column.addWidget(self.table, 1)
        row = QHBoxLayout()
        for verb in ("add_account", "change_roles", "new_passphrase", "remove_account"):
            row.addWidget(VerbButton(actions[verb], self, primary=verb == "add_account"))
        row.addStretch(1)
        row.addWidget(VerbButton(actions["retention"], self))
        station = QHBoxLayout()
        for verb in ("new_recovery_code", "kiosk_pin", "site_policy"):
            station.addWidget(VerbButton(actions[verb], self))
        station.addWidget(self.rule)
        station.addStretch(1)
        plate.column.addLayout(row)
        plate.column.addLayout(station)
        return plate

    def _connect(self) -> None:
        actions = self.context.actions
        for verb, slot in (
            ("add_account", self.add_account),
            ("change_roles", self.change_roles),
            ("new_passphrase", self.new_passphrase),
            ("remove_account", self.remove_account),
            ("new_recovery_code", self.new_recovery_code),
            ("kiosk_pin", self.set_pin),
        ):
            actions.connect(verb, slot)

    def entered(self) -> None:
        """Read, and go on reading: another person may propose meanwhile."""
        self.setFocus()
        self._timer.start()
        self.read()

    def left(self) -> None:
        """Stop reading."""
        self._timer.stop()

    # --- showing ------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read everything anew."""
        self.context.tasks.run(read_people, self._show, self._failed, self)

    def _failed(self, error: BaseException) -> None:
        self._timer.stop()
        self.context.show_error(error)

    def _show(self, view: PeopleView) -> None:
        if view == self.view:
            return
        at = self.table.currentIndex().row()
        chosen = self.view.accounts[at].name if self.view is not None and 0 <= at < len(self.view.accounts) else ""
        self.view = view
        self.accounts.show([_account_row(one) for one in view.accounts])
        names = [one.name for one in view.accounts]
        if not chosen or chosen in names:
            self.table.selectRow(names.index(chosen) if chosen else 0)
        self.operators.show(
            [
                (one.operator, str(one.verdicts), str(one.overrides), _rate(one, bounds), str(one.second_line))
                for one, bounds in view.operators
            ]
        )
        self.state.setText(
            "" if view.exist else tr("No accounts: everybody here may do everything. Begin with yourself.")
        )
        self.state.setVisible(not view.exist)
        rule = tr("The two-person rule is on.") if view.rule_is_on else tr("The two-person rule is off.")
        if self.context.actor is not None:
            self.approvals.show_proposals(view.proposals, self.context.actor, rule if view.exist else "")
        self.rule.setText(
            tr("Switch the two-person rule off") if view.rule_is_on else tr("Switch the two-person rule on")
        )
        self.rule.setVisible(self._administers and view.exist)

    @property
    def _selected(self) -> Account | None:
        row = self.table.currentIndex().row()
        return self.view.accounts[row] if self.view is not None and 0 <= row < len(self.view.accounts) else None

    # --- accounts -----------------------------------------------------------------------------------------------

    def add_account(self) -> None:
        """A new account; the first closes the station and shows its recovery code."""
        first = self.view is not None and not self.view.exist
        dialog = AccountDialog(
            tr("New account"),
            tr("The name stands in the audit log: a pseudonym will do. The pass-phrase: several words, 15 characters."),
            self,
            with_name=True,
            roles=list(self.context.actor.roles) if first and self.context.actor is not None else [],
            secret=tr("&Pass-phrase"),
        )

        def typed() -> Callable[[Catalogue], str]:
            name, roles, secret = dialog.account.text().strip(), dialog.chosen_roles, dialog.secret.text()
            return lambda catalogue: catalogue.accounts.add(name, roles, secret)

        self._ask(dialog, typed, self._added)

    def _added(self, code: str) -> None:
        self.read()
        if code:
            dialog = CodeDialog(code, self)
            dialog.finished.connect(lambda _result: self.context.log_out(""))
            dialog.open()

    def change_roles(self) -> None:
        """Other roles for the selected account."""
        one = self._selected
        if one is None:
            return
        dialog = AccountDialog(tr("Roles of {name}", name=one.name), tr("They hold at once."), self, roles=one.roles)

        def typed() -> Callable[[Catalogue], object]:
            roles = dialog.chosen_roles
            return lambda catalogue: catalogue.accounts.set_roles(one.name, roles)

        self._ask(dialog, typed)

    def new_passphrase(self) -> None:
        """A new pass-phrase for the selected account; its waits are over."""
        one = self._selected
        if one is None:
            return
        title = tr("Pass-phrase of {name}", name=one.name)
        dialog = AccountDialog(title, tr("Several words, 15 characters or more."), self, secret=tr("&Pass-phrase"))

        def typed() -> Callable[[Catalogue], object]:
            secret = dialog.secret.text()
            return lambda catalogue: catalogue.accounts.set_passphrase(one.name, secret)

        self._ask(dialog, typed)

    def remove_account(self) -> None:
        """Take the selected account away, after a question."""
        one = self._selected
        if one is None:
            return
        dialog = AccountDialog(
            tr("Remove {name}?", name=one.name), tr("The name stays in the audit log and is never given again."), self
        )
        self._ask(dialog, lambda: lambda catalogue: catalogue.accounts.remove(one.name))

    def new_recovery_code(self) -> None:
        """A new recovery code; the one before is void, so that a second one is not made before the first is shown."""
        action = self.context.actions["new_recovery_code"]

        def made(code: str) -> None:
            action.setEnabled(True)
            CodeDialog(code, self).open()

        def failed(error: BaseException) -> None:
            action.setEnabled(True)
            self.context.show_error(error)

        action.setEnabled(False)
        self.context.tasks.run(lambda catalogue: catalogue.accounts.new_recovery_code(), made, failed, self)

    def set_pin(self) -> None:
        """The PIN that leaves the full screen."""
        dialog = AccountDialog(
            tr("PIN of the full screen"), tr("Six digits or more, without a pattern."), self, secret=tr("&PIN")
        )

        def typed() -> Callable[[Catalogue], object]:
            pin = dialog.secret.text()
            return lambda catalogue: catalogue.accounts.set_kiosk_pin(pin)

        self._ask(dialog, typed)

    def _ask(
        self,
        dialog: AccountDialog,
        read: Callable[[], Callable[[Catalogue], Any]],
        done: Callable[[Any], object] | None = None,
    ) -> None:
        dialog.ask(self.context.tasks, read, done or (lambda _result: self.read()), self.context.show_error)

    def _do(self, work: Callable[[Catalogue], Any]) -> None:
        self.context.tasks.run(work, lambda _result: self.read(), self.context.show_error, self)

    # --- the second person --------------------------------------------------------------------------------------

    def approve(self, proposal: Proposal) -> None:
        """Approve; the change is made by a process of its own (a promotion tests the model first)."""
        arguments = ["proposals", "approve", str(proposal.id)]

        def approved(output: str) -> None:
            self._approved(output, proposal)

        self.approvals.setEnabled(False)  # it takes seconds, and is approved once
        command = Command(self.context.services.command(arguments), approved, self._not_made, self)
        command.ended.connect(lambda: self.approvals.setEnabled(True))

    def _approved(self, output: str, proposal: Proposal) -> None:
        self.view = None
        self.read()
        _done, *code = output.splitlines()
        if code and proposal.action in (PROTECT, ROTATE):
            words = tr("It opens the site when passphrase or keystore are lost. Print it: it is not shown again.")
            CodeDialog(code[-1], self, words).open()
        self.context.tasks.run(
            lambda catalogue: left_to_do(catalogue.proposals.get(proposal.id)),
            lambda left: self.context.notify(tr("Approved."), told(left), Level.INFO),
            self.context.show_error,
            self,
        )

    def _not_made(self, error: BaseException) -> None:
        """Approved or not, the list says what is left."""
        self.view = None
        self.read()
        self.context.show_error(error)

    def make(self, proposal: Proposal) -> None:
        """Make a change that was approved and asks for a secret: the dialog of the keys says which, and for what."""
        if proposal.action in (PROTECT, ROTATE):
            self.context.actions["site_keys"].trigger()

    def decline(self, proposal: Proposal) -> None:
        """Decline, with a reason."""
        ask_reason(
            self,
            tr("Decline the change"),
            people_codes.change(proposal.action),
            lambda _value, reason: self._do(lambda catalogue: catalogue.proposals.decline(proposal.id, reason)),
        )

    def switch_rule(self) -> None:
        """The two-person rule itself; switching it off may need a second administrator."""
        if self.view is None:
            return
        active = not self.view.rule_is_on

        def answered(_value: str, reason: str) -> None:
            self.context.tasks.run(
                lambda catalogue: catalogue.proposals.set_rule(active, reason),
                lambda _nothing: self.read(),
                self._proposed,
                self,
            )

        explanation = tr("Thresholds, retention, keys and promotions then need one person only.")
        ask_reason(self, self.rule.text(), "" if active else explanation, answered)

    def _proposed(self, error: BaseException) -> None:
        self.read()
        if isinstance(error, KnownError) and not error.exit_code:
            self.context.notify(tr("Proposed."), tr("A second person has to approve it."), Level.INFO)
        else:
            self.context.show_error(error)


def _account_row(one: Account) -> tuple[str, ...]:
    roles = ", ".join(people_codes.person_role(role) for role in one.roles)
    seen = one.last_log_in_utc_s
    when = tr("never") if seen is None else datetime.fromtimestamp(seen).strftime("%Y-%m-%d %H:%M")
    if one.wait_s is None:
        state = tr("closed after too many failures")
    else:
        state = tr("waits {n} s", n=round(one.wait_s)) if one.wait_s else ""
    return (one.name, roles, when, state)


def _rate(one: OperatorFigures, bounds: Bounds | None) -> str:
    if bounds is None:
        return "–"
    low, high = bounds
    return f"{one.overrides / one.verdicts:.1%} ({low:.1%} … {high:.1%})"
