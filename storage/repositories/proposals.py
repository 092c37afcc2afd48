"""The two-person rule: what one person proposes and another approves (thresholds, retention, keys, promotion).

How a change uses it (retention, keys and whatever else is in `core.access.NEEDS_SECOND_PERSON`): its operation begins
with

    catalogue.proposals.authorize(Permission.RETENTION, "set_retention", {"purpose": "train", "days": 30}, reason)

and goes on when that returns. With the rule on, the first call stores a proposal and raises `ProposedError`, which the
command line tells as "proposed, not done" (exit code 0) and the window as a notice. Another account that holds the
permission approves it (`main.py proposals approve N`, or the page People). The next call of the same operation with the
same arguments, by one of these two, uses the approval up and goes on. An approval runs the operation at once where it
knows the action (`storage.people_actions`); where a secret has to be typed, `storage.approved` says what is left to do.
``arguments`` are JSON, name the whole change, and never hold a secret or a name of a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any

from core.access import NEEDS_SECOND_PERSON, DeniedError, Permission
from core.errors import ExitCode, InputError, KnownError, sentence
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.forms import canonical
from storage.repositories.accounts import Accounts
from storage.repositories.audit import AuditLog
from storage.repositories.credentials import Credentials

TERM_S = 7 * 24 * 3600.0
"""How long a proposal stands, approved or not."""
RULE = "two_person_rule"


class ProposalState(StrEnum):
    """Life of a proposal. DONE: the approval was used."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    DONE = "done"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for a second person, or did."""

    id: int
    permission: Permission
    action: str
    arguments: Mapping[str, Any]
    reason: str
    proposed_by: str
    created_utc_s: float
    expires_utc_s: float
    state: ProposalState
    decided_by: str
    decided_utc_s: float | None
    decided_reason: str


class ProposedError(KnownError):
    """The change was not made: it is proposed, and waits for a second person. No failure of the command."""

    exit_code = ExitCode.DONE

    def __init__(self, proposal: Proposal, who: str) -> None:
        super().__init__(
            sentence(
                "proposed {number}: {action} is not done yet, a second person has to approve it.",
                number=proposal.id,
                action=proposal.action,
            ),
            sentence("{who}: `main.py proposals approve {number}`, or the page People.", who=who, number=proposal.id),
        )
        self.proposal = proposal


class Proposals:
    """All proposals of this station, and the switch of the rule."""

    def __init__(
        self, file: DatabaseFile, audit: AuditLog, acting: Acting, accounts: Accounts, credentials: Credentials
    ) -> None:
        self._file = file
        self._audit = audit
        self._acting = acting
        self._accounts = accounts
        self._credentials = credentials

    # --- the rule -----------------------------------------------------------------------------------------------

    @property
    def rule_is_on(self) -> bool:
        """Whether this station wants a second person: with accounts always, until it was switched off."""
        active = self._file.value("SELECT active FROM two_person_rule")
        return self._accounts.exist() and (active is None or bool(active))

    def set_rule(self, active: bool, reason: str) -> None:
        """Switch the rule; switching it off needs a second administrator where there is one, and is logged.

        A lab with one administrator has no second person: that one may switch it off alone. The window says so for as
        long as it is off.

        Raises:
            DeniedError: whoever acts is no administrator.
            ProposedError: the second administrator has not approved yet.
            InputError: no reason.
        """
        self._acting.require(Permission.ACCOUNTS)
        _require_reason(reason)
        if not self._accounts.exist():
            raise InputError("A station without accounts has no second person.", "Add accounts first.")
        alone = len(self._accounts.holders(Permission.ACCOUNTS)) < 2
        if not active and self.rule_is_on and not alone:
            self._use_approval(Permission.ACCOUNTS, RULE, {"active": False}, reason)
        with self._file.transaction():
            sql = """
                INSERT INTO two_person_rule (only, active, changed_utc_s) VALUES (1, ?, ?)
                ON CONFLICT (only) DO UPDATE SET active = excluded.active, changed_utc_s = excluded.changed_utc_s
            """
            self._file.execute(sql, (int(active), self._credentials.time.latest_utc_s()))
            details = {"active": active, "alone": alone}
            self._audit.append("switch", "rule", RULE, actor=self._acting.actor.id, reason=reason, details=details)

    # --- proposing and deciding ---------------------------------------------------------------------------------

    def needed(self, permission: Permission) -> bool:
        """Whether a change under ``permission`` needs a second person here and now."""
        return permission in NEEDS_SECOND_PERSON and self.rule_is_on

    def authorize(self, permission: Permission, action: str, arguments: Mapping[str, Any], reason: str) -> None:
        """Go on with a change only with the permission and, where the rule wants it, a second person's approval.

        Raises:
            DeniedError: whoever acts does not hold ``permission``.
            ProposedError: the change is proposed now, or was before, and nobody has approved it yet.
        """
        self._acting.require(permission)
        if self.needed(permission):
            self._use_approval(permission, action, arguments, reason)

    def ready(self, permission: Permission, action: str, arguments: Mapping[str, Any]) -> bool:
        """Whether `authorize` would go on now: for changes that ask for a secret only then."""
        if not self.needed(permission):
            return True
        row = self._standing(permission, action, arguments)
        return row is not None and row["state"] == ProposalState.APPROVED

    def approve(self, proposal: int) -> Proposal:
        """Approve another one's proposal.

        Raises:
            DeniedError: whoever acts made it, or does not hold its permission.
            InputError: there is no open proposal of that number.
        """
        return self._decide(proposal, ProposalState.APPROVED, "")

    def decline(self, proposal: int, reason: str) -> Proposal:
        """Decline a proposal, or take one's own back. Raises as `approve`, and `InputError` without a reason."""
        _require_reason(reason)
        return self._decide(proposal, ProposalState.DECLINED, reason)

    # --- reading ------------------------------------------------------------------------------------------------

    def open_ones(self) -> list[Proposal]:
        """What waits for a second person, oldest first."""
        sql = "SELECT * FROM proposals WHERE state = 'open' AND expires_utc_s > ? ORDER BY id"
        return [self._proposal(row) for row in self._file.rows(sql, (self._credentials.time.latest_utc_s(),))]

    def approved_ones(self) -> list[Proposal]:
        """What was approved, and not yet made by one of the two, oldest first."""
        sql = "SELECT * FROM proposals WHERE state = 'approved' AND expires_utc_s > ? ORDER BY id"
        return [self._proposal(row) for row in self._file.rows(sql, (self._credentials.time.latest_utc_s(),))]

    def all(self, limit: int = 200) -> list[Proposal]:
        """The newest proposals, whatever became of them."""
        rows = self._file.rows("SELECT * FROM proposals ORDER BY id DESC LIMIT ?", (limit,))
        return [self._proposal(row) for row in rows]

    def get(self, proposal: int) -> Proposal:
        """The proposal; raises `InputError` when there is none of that number."""
        row = self._file.row("SELECT * FROM proposals WHERE id = ?", (proposal,))
        if row is None:
            raise InputError(
                sentence("There is no proposal {proposal}.", proposal=proposal),
                "List them with `main.py proposals list`.",
            )
        return self._proposal(row)

    # --- small things -------------------------------------------------------------------------------------------

    def _use_approval(self, permission: Permission, action: str, arguments: Mapping[str, Any], reason: str) -> None:
        """Use an approval up, or propose. Outside of the change's transaction: an error must not undo the proposal."""
        row = self._standing(permission, action, arguments)
        used = "UPDATE proposals SET state = 'done' WHERE id = ? AND state = 'approved'"
        if row is not None and self._file.change(used, (row["id"],)):
            return
        if row is None:
            number = self._propose(permission, action, arguments, reason)
            row = self._file.row("SELECT * FROM proposals WHERE id = ?", (number,))
            assert row is not None
        raise ProposedError(self._proposal(row), self._who(permission))

    def _standing(self, permission: Permission, action: str, arguments: Mapping[str, Any]) -> Row | None:
        """The proposal of this very change that stands; one that was approved is for the two people alone."""
        sql = """
            SELECT * FROM proposals
            WHERE permission = ? AND action = ? AND arguments = ? AND expires_utc_s > ?
                AND (state = 'open' OR (state = 'approved' AND ? IN (proposed_by, decided_by)))
            ORDER BY state, id LIMIT 1
        """
        now, actor = self._credentials.time.latest_utc_s(), self._acting.actor.id
        return self._file.row(sql, (str(permission), action, canonical(dict(arguments)), now, actor))

    def _propose(self, permission: Permission, action: str, arguments: Mapping[str, Any], reason: str) -> int:
        _require_reason(reason)
        actor, now = self._acting.actor.id, self._credentials.time.latest_utc_s()
        row = {
            "permission": str(permission),
            "action": action,
            "arguments": canonical(dict(arguments)),
            "reason": reason,
            "proposed_by": actor,
            "created_utc_s": now,
            "expires_utc_s": now + TERM_S,
            "state": str(ProposalState.OPEN),
        }
        with self._file.transaction():
            number = self._file.insert("proposals", row)
            details = {"permission": str(permission), "action": action, "arguments": dict(arguments)}
            self._audit.append("propose", "proposal", str(number), actor=actor, reason=reason, details=details)
        return number

    def _decide(self, proposal: int, state: ProposalState, reason: str) -> Proposal:
        found = self.get(proposal)
        self._acting.require(found.permission)
        actor = self._acting.actor.id
        own = actor == found.proposed_by
        if own and state is ProposalState.APPROVED:
            self._audit.append("denied", "proposal", str(proposal), actor=actor)
            raise DeniedError(
                sentence("{actor} made this proposal.", actor=actor),
                sentence("It needs a second person: {who}.", who=self._who(found.permission, but=actor)),
            )
        sql = """
            UPDATE proposals SET state = ?, decided_by = ?, decided_utc_s = ?, decided_reason = ?
            WHERE id = ? AND state = 'open' AND expires_utc_s > ?
        """
        now = self._credentials.time.latest_utc_s()
        with self._file.transaction():
            if not self._file.change(sql, (str(state), actor, now, reason, proposal, now)):
                raise InputError(
                    sentence("Proposal {proposal} is {state}.", proposal=proposal, state=found.state),
                    "Propose the change again.",
                )
            action = "approve" if state is ProposalState.APPROVED else "decline"
            self._audit.append(action, "proposal", str(proposal), actor=actor, reason=reason)
        return self.get(proposal)

    def _who(self, permission: Permission, but: str = "") -> str:
        others = [name for name in self._accounts.holders(permission) if name != (but or self._acting.actor.id)]
        if not others:
            return sentence("Nobody else holds the permission yet; an administrator adds an account")
        return reduce(lambda one, other: sentence("{one} or {other}", one=one, other=other), others)

    def _proposal(self, row: Row) -> Proposal:
        state = ProposalState(row["state"])
        waits = state in (ProposalState.OPEN, ProposalState.APPROVED)
        if waits and row["expires_utc_s"] <= self._credentials.time.latest_utc_s():
            state = ProposalState.EXPIRED
        return Proposal(
            **{
                **row,
                "permission": Permission(row["permission"]),
                "arguments": json.loads(row["arguments"]),
                "state": state,
            }
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("Such a change needs a reason.", "Say in a few words why.")
