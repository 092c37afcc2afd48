"""Log-in: a name and its pass-phrase, or the token that the window hands to the commands which it starts."""

from __future__ import annotations

import hashlib
import json
import secrets

from core.access import Actor, Role
from core.errors import HostError, KnownError
from storage.acting import Acting
from storage.database import DatabaseFile
from storage.repositories.audit import AuditLog
from storage.repositories.credentials import Credentials

TOKEN_S = 12 * 3600.0
"""How long a token lives: a shift."""


class LogIns:
    """Everything here is logged, the failures too; a name that does not exist is not (it may be a pass-phrase)."""

    def __init__(self, file: DatabaseFile, audit: AuditLog, acting: Acting, credentials: Credentials) -> None:
        self._file = file
        self._audit = audit
        self._acting = acting
        self._credentials = credentials

    def log_in(self, name: str, passphrase: str) -> Actor:
        """Let the account act through this catalogue; takes as long as its secret's cost (not for the GUI thread).

        Raises:
            WrongSecretError: the two do not belong together.
            WaitError: earlier failures; the error says how long to wait.
        """
        try:
            self._credentials.check(f"account:{name}", passphrase)
        except KnownError:
            known = self._credentials.exists(f"account:{name}")
            self._audit.append("log_in_failed", "account", name if known else "unknown", actor="nobody")
            raise
        now = self._credentials.time.latest_utc_s()
        with self._file.transaction():
            self._file.change("UPDATE accounts SET last_log_in_utc_s = ? WHERE name = ?", (now, name))
            self._audit.append("log_in", "account", name, actor=name)
        return self._act_as(name)

    def log_out(self, token: str = "") -> None:
        """Nobody acts from now on; ``token`` is void."""
        actor = self._acting.actor
        with self._file.transaction():
            self._file.change("DELETE FROM log_ins WHERE token_sha256 = ?", (_digest(token),))
            self._audit.append("log_out", "account", actor.id, actor=actor.id)
        self._acting.act_as(None)

    def make_token(self) -> str:
        """A token with which commands of this log-in act as the same account; only its digest is stored."""
        token, now = secrets.token_urlsafe(32), self._credentials.time.latest_utc_s()
        row = {
            "token_sha256": _digest(token),
            "account": self._acting.actor.id,
            "created_utc_s": now,
            "expires_utc_s": now + TOKEN_S,
        }
        with self._file.transaction():
            self._file.change("DELETE FROM log_ins WHERE expires_utc_s <= ?", (now,))
            self._file.insert("log_ins", row)
        return token

    def log_in_with(self, token: str) -> Actor:
        """Let the account of a token act. Raises `HostError`: it is void, for example because of a log-out."""
        sql = "SELECT account FROM log_ins WHERE token_sha256 = ? AND expires_utc_s > ?"
        row = self._file.row(sql, (_digest(token), self._credentials.time.latest_utc_s()))
        if row is None:
            self._audit.append("log_in_failed", "account", "token", actor="nobody")
            raise HostError("This log-in is over.", "Log in again.")
        return self._act_as(row["account"])

    def _act_as(self, name: str) -> Actor:
        roles = json.loads(self._file.value("SELECT roles FROM accounts WHERE name = ?", (name,)))
        actor = Actor.of(name, [Role(role) for role in roles])
        self._acting.act_as(actor)
        return actor


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
