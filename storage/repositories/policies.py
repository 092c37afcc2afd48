"""The site policy in force: the newest row, if its seal and the audit log bear it out.

A row carries an HMAC under the data folder's audit key and the number of its audit entry. A row that was edited, put in
or taken away by hand is refused, and so is one of a restored backup, which holds no key: the factory policy stands in,
and the station gives no verdicts until somebody sets the policy again (`PolicyInForce.refused`).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from core.access import Permission
from core.clock import Clock
from core.errors import InputError, KnownError
from core.policy import PolicyInForce, SitePolicy
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.forms import canonical
from storage.repositories.audit import AuditLog
from storage.repositories.proposals import Proposals

log = logging.getLogger(__name__)

SET_POLICY = "set_policy"
"""Action of the audit entry, and of the proposal."""


class Policies:
    """All policies of this site."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting, proposals: Proposals) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting
        self._proposals = proposals

    def in_force(self) -> PolicyInForce:
        """What the station decides by: the factory policy before anybody has set one, and while a row is refused."""
        with self._file.snapshot():  # somebody may set one at this moment
            row = self._file.row("SELECT * FROM policies ORDER BY id DESC LIMIT 1")
            logged = self._file.row(
                "SELECT id, object FROM audit WHERE action = ? AND object_kind = 'policy' ORDER BY id DESC LIMIT 1",
                (SET_POLICY,),
            )
        if row is None and logged is None:
            return PolicyInForce()
        if row is None or logged is None or (row["audit"], row["sha256"]) != (logged["id"], logged["object"]):
            log.error("the newest site policy is not the one that the audit log tells of: it is refused")
            return PolicyInForce(refused=True)
        policy = self._read(row)
        if policy is None:
            log.error("the site policy %s does not bear its seal: it is refused", row["sha256"][:12])
            return PolicyInForce(refused=True)
        return PolicyInForce(policy, actor=row["actor"], reason=row["reason"], utc_s=row["utc_s"])

    def change(self, changes: Mapping[str, Any], reason: str, of: str = "") -> PolicyInForce:
        """Set these fields of the policy in force; ``{}`` stores the factory policy again where a row is refused.

        ``of``: sha256 of the policy that the change was made for; empty = the one in force now.

        Raises:
            DeniedError: whoever acts may not.
            ProposedError: a second person has to approve.
            UsageError: a field or a value that no policy can have.
            InputError: no reason, nothing that changes, or the policy is not ``of`` any more.
        """
        self._acting.require(Permission.POLICY)
        if not reason.strip():
            raise InputError("A change of the site policy needs a reason.", "Say in a few words why.")
        now = self.in_force()
        before = now.policy.sha256()
        if of and of != before:
            raise InputError("The site policy was changed since this was proposed.", "Propose the change again.")
        policy = now.policy.changed(changes)
        differing = policy.differing(now.policy)
        if not differing and not now.refused:
            raise InputError("That is the site policy already.", "See it with `main.py policy show`.")
        self._proposals.authorize(Permission.POLICY, SET_POLICY, {"changes": differing, "of": before}, reason)
        with self._file.transaction():
            if self.in_force() != now:
                raise InputError("Somebody else changed the site policy just now.", "Look at it, and change it again.")
            self._store(policy, before, differing, reason)
        return self.in_force()

    def _store(self, policy: SitePolicy, before: str, changes: Mapping[str, Any], reason: str) -> None:
        actor, sha256 = self._acting.actor.id, policy.sha256()
        details = {"changes": dict(changes), "previous": before}
        entry = self._audit.append(SET_POLICY, "policy", sha256, actor=actor, reason=reason, details=details)
        row = {
            "policy": policy.model_dump_json(),
            "sha256": sha256,
            "previous": before,
            "actor": actor,
            "reason": reason,
            "utc_s": float(self._clock.utc_s()),
            "audit": entry,
        }
        self._file.insert("policies", {**row, "seal": self._audit.seal(canonical(row).encode())})

    def _read(self, row: Row) -> SitePolicy | None:
        """The policy of a row whose seal holds; ``None`` otherwise."""
        covered = {name: value for name, value in row.items() if name not in ("id", "seal")}
        try:
            sealed = hmac.compare_digest(self._audit.seal(canonical(covered).encode()), bytes(row["seal"]))
            named = hashlib.sha256(row["policy"].encode()).hexdigest() == row["sha256"]
            return SitePolicy.model_validate_json(row["policy"]) if sealed and named else None
        except (KnownError, ValidationError, ValueError) as error:
            log.warning("the site policy cannot be checked: %s", error)
            return None
