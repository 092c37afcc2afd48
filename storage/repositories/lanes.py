"""Lanes: stations that exchange models by file. A lane signs what it sends; another takes it from lanes that it trusts.

Trust is a row that an administrator set, sealed under the data folder's audit key: one that was put in or edited by
hand counts for nothing.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict, dataclass

from core.access import Permission
from core.clock import Clock
from core.errors import InputError, UsageError, sentence
from storage.acting import Acting
from storage.audit_key import is_public_key
from storage.database import DatabaseFile, Row
from storage.forms import canonical
from storage.repositories.audit import AuditLog
from storage.repositories.proposals import Proposals

TRUST = "trust_lane"
"""Action of the audit entry, and of the proposal."""
FORGET = "forget_lane"


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane that is trusted here; ``public`` is its key (Ed25519, hexadecimal)."""

    public: str
    name: str
    actor: str
    reason: str
    utc_s: float


class Lanes:
    """This lane's own key, and those that are trusted."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting, proposals: Proposals) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting
        self._proposals = proposals

    def own_key(self) -> str:
        """The public key that others trust this lane by. Raises `HostError`: the audit key is missing or damaged."""
        return self._audit.lane_key()

    def all(self) -> list[Lane]:
        """Those whose seal holds, by name."""
        rows = self._file.rows("SELECT * FROM lanes ORDER BY name")
        return [Lane(**_covered(row)) for row in rows if self._sealed(row)]

    def knows(self, public: str) -> Lane | None:
        """The trusted lane of that key; this lane trusts itself."""
        if public == self.own_key():
            return Lane(public, "", "", "", 0.0)
        return next((lane for lane in self.all() if lane.public == public), None)

    def trust(self, public: str, name: str, reason: str) -> Lane:
        """Take models from this lane from now on.

        Raises:
            DeniedError: whoever acts may not.
            ProposedError: a second person has to approve.
            UsageError: that is no key, or no name.
            InputError: no reason, the key is known already, or another lane has that name.
        """
        self._acting.require(Permission.KEYS)
        if not is_public_key(public):
            raise UsageError("That is no lane's key.", "Copy what `main.py lanes key` prints on that lane, 64 digits.")
        if not name.strip():
            raise UsageError("A lane needs a name.", "Give it one with --name.")
        _require_reason(reason)
        for known in self.all():
            if public == known.public or name == known.name:
                raise InputError(
                    sentence("The lane {name} is trusted already.", name=known.name), "See `main.py lanes list`."
                )
        self._proposals.authorize(Permission.KEYS, TRUST, {"public": public, "name": name}, reason)
        lane = Lane(public, name, self._acting.actor.id, reason, float(self._clock.utc_s()))
        row = asdict(lane)
        with self._file.transaction():
            details = {"name": name}
            self._audit.append(TRUST, "lane", public, actor=lane.actor, reason=reason, details=details)
            self._file.change("DELETE FROM lanes WHERE public = ? OR name = ?", (public, name))  # whose seal is broken
            self._file.insert("lanes", {**row, "seal": self._audit.seal(canonical(row).encode())})
        return lane

    def forget(self, name: str, reason: str) -> None:
        """Take nothing more from the lane; models that came from it stay. Raises `DeniedError`, `InputError`."""
        self._acting.require(Permission.KEYS)
        _require_reason(reason)
        lane = next((lane for lane in self.all() if lane.name == name), None)
        if lane is None:
            raise InputError(sentence("There is no lane {name!r}.", name=name), "List them with `main.py lanes list`.")
        with self._file.transaction():
            self._file.change("DELETE FROM lanes WHERE public = ?", (lane.public,))
            self._audit.append(FORGET, "lane", lane.public, actor=self._acting.actor.id, reason=reason)

    def _sealed(self, row: Row) -> bool:
        return hmac.compare_digest(self._audit.seal(canonical(_covered(row)).encode()), bytes(row["seal"]))


def _covered(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "seal"}


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("A change of trust needs a reason.", "Say in a few words why: --reason TEXT.")
