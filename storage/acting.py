"""Who acts through a catalogue, and the check that every operation of the service layer begins with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.access import LOCAL, NOBODY, STATION, Actor, DeniedError, Permission, Role
from core.errors import sentence
from storage.database import DatabaseFile
from storage.repositories.audit import AuditLog


class Acting:
    """The person behind one catalogue. Roles are read anew at every check: what was taken away is gone at once."""

    def __init__(self, file: DatabaseFile, audit: AuditLog) -> None:
        self._file = file
        self._audit = audit
        self._given: Actor | None = None
        self._local = threading.local()

    @property
    def actor(self) -> Actor:
        """Whoever acts now: the account that logged in, `LOCAL` on a station without accounts, else `NOBODY`."""
        if getattr(self._local, "station", False):
            return STATION
        given = self._given
        row = self._file.row("SELECT roles, removed_utc_s FROM accounts WHERE name = ?", (given.id if given else "",))
        if row is not None:
            roles = [Role(role) for role in json.loads(row["roles"])]
            return NOBODY if row["removed_utc_s"] is not None or given is None else Actor.of(given.id, roles)
        if self.accounts_exist():
            return NOBODY
        return LOCAL if given is None else given

    def act_as(self, actor: Actor | None) -> None:
        """Let ``actor`` act from now on; ``None``: nobody has logged in."""
        self._given = actor

    def accounts_exist(self) -> bool:
        """Whether this station asks people to log in (a removed account counts: a station never opens again)."""
        return bool(self._file.value("SELECT EXISTS (SELECT 1 FROM accounts)"))

    def require(self, *permissions: Permission) -> None:
        """Go on only if whoever acts holds one of ``permissions``; a denial is logged.

        Within `granted` the smaller operations of a greater one pass.

        Raises:
            DeniedError: no role grants it.
        """
        if getattr(self._local, "granted", 0):
            return
        actor = self.actor
        if any(actor.may(permission) for permission in permissions):
            return
        self._audit.append("denied", "permission", str(permissions[0]), actor=actor.id)
        actor.require(permissions[0])
        raise DeniedError(sentence("{id} may not do this ({permission}).", id=actor.id, permission=permissions[0]))

    @contextmanager
    def granted(self, *permissions: Permission) -> Iterator[None]:
        """Ask once for a greater operation; what this thread does within may use the smaller ones.

        Raises:
            DeniedError: see `require`.
        """
        self.require(*permissions)
        with self.going_on():
            yield

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Finish, without asking again, what somebody who was allowed to had begun before the program was cut off."""
        self._local.granted = getattr(self._local, "granted", 0) + 1
        try:
            yield
        finally:
            self._local.granted -= 1

    @contextmanager
    def as_station(self) -> Iterator[None]:
        """In this thread the station itself acts, whoever is here, and nothing is asked.

        For one duty that a service has checked by itself, right before, and for nothing else (`storage.retention_run`).
        """
        self._local.station = True
        try:
            with self.going_on():
                yield
        finally:
            self._local.station = False
