"""Accounts: the people of a station by a name that stands in the audit log, and what they are trusted with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.access import Actor, Permission, Role
from core.errors import InputError, UsageError, sentence
from core.passphrase import check_passphrase, check_pin, make_code, read_code
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.forms import canonical
from storage.repositories.audit import AuditLog
from storage.repositories.credentials import Credentials

RECOVERY = "recovery"
KIOSK = "kiosk"
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_RESERVED = frozenset({"local", "nobody", "station", "program", "adaptation", "salvage", "import", "retention"})
"""Names under which the program itself stands in the audit log."""


@dataclass(frozen=True, slots=True)
class Account:
    """One person. ``wait_s``: how long the next log-in has to wait, ``None`` = until somebody else opens it."""

    name: str
    roles: tuple[Role, ...]
    created_utc_s: float
    created_by: str
    last_log_in_utc_s: float | None
    wait_s: float | None


class Accounts:
    """All accounts of this station. Without any, the station is open and everybody at it is `core.access.LOCAL`."""

    def __init__(self, file: DatabaseFile, audit: AuditLog, acting: Acting, credentials: Credentials) -> None:
        self._file = file
        self._audit = audit
        self._acting = acting
        self._credentials = credentials

    # --- reading ------------------------------------------------------------------------------------------------

    def exist(self) -> bool:
        """Whether this station asks people to log in."""
        return self._acting.accounts_exist()

    def all(self) -> list[Account]:
        """All standing accounts by name (for administrators)."""
        self._acting.require(Permission.ACCOUNTS)
        sql = "SELECT * FROM accounts WHERE removed_utc_s IS NULL ORDER BY name"
        return [self._account(row) for row in self._file.rows(sql)]

    def holders(self, permission: Permission) -> list[str]:
        """The names of the standing accounts that hold ``permission``."""
        rows = self._file.rows("SELECT name, roles FROM accounts WHERE removed_utc_s IS NULL ORDER BY name")
        return [row["name"] for row in rows if Actor.of(row["name"], _roles(row)).may(permission)]

    # --- changing -----------------------------------------------------------------------------------------------

    def add(self, name: str, roles: Iterable[Role], passphrase: str) -> str:
        """Make an account; the first one closes the station, and its recovery code is returned (else an empty text).

        Raises:
            DeniedError: whoever acts may not.
            InputError: the name is taken or no name, the pass-phrase is refused, or the first is no administrator.
            UsageError: no role was named.
        """
        self._acting.require(Permission.ACCOUNTS)
        given = _given(roles)
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise InputError(
                sentence("{name!r} cannot be the name of an account.", name=name),
                "Take 2 to 32 small letters, digits, dots or dashes: a pseudonym, as it stands in the audit log.",
            )
        check_passphrase(passphrase, name)
        code = "" if self.exist() else make_code()
        sealed, sealed_code = self._credentials.seal(passphrase), self._credentials.seal(code)
        with self._file.transaction():
            first = not self.exist()
            self._insert(name, given, first)
            self._credentials.put(_identity(name), sealed)
            if first:
                self._credentials.put(RECOVERY, sealed_code)
        return code if first else ""

    def set_roles(self, name: str, roles: Iterable[Role]) -> None:
        """Trust an account with other roles. Raises `InputError`: no such account, or nobody would administer."""
        self._acting.require(Permission.ACCOUNTS)
        given = _given(roles)
        with self._file.transaction():
            before = self._roles_of(name)
            self._keep_an_administrator(name, given)
            self._file.change("UPDATE accounts SET roles = ? WHERE name = ?", (canonical(given), name))
            details = {"from": [str(role) for role in before], "to": given}
            self._audit.append("change_roles", "account", name, actor=self._acting.actor.id, details=details)

    def set_passphrase(self, name: str, passphrase: str) -> None:
        """Set a new pass-phrase: one's own, or an administrator somebody else's. Its failures are forgotten.

        Raises:
            DeniedError: it is another one's, and whoever acts is no administrator.
            InputError: no such account, or the pass-phrase is refused.
        """
        if self._acting.actor.id != name:
            self._acting.require(Permission.ACCOUNTS)
        self._roles_of(name)
        check_passphrase(passphrase, name)
        sealed = self._credentials.seal(passphrase)
        with self._file.transaction():
            self._credentials.put(_identity(name), sealed)
            self._forget_log_ins(name)
            self._audit.append("change_passphrase", "account", name, actor=self._acting.actor.id)

    def remove(self, name: str) -> None:
        """Take an account away; its name is never given again. Raises `InputError` as `set_roles` does."""
        self._acting.require(Permission.ACCOUNTS)
        with self._file.transaction():
            self._roles_of(name)
            self._keep_an_administrator(name, [])
            sql = "UPDATE accounts SET removed_utc_s = ?, roles = '[]' WHERE name = ?"
            self._file.change(sql, (self._credentials.time.latest_utc_s(), name))
            self._credentials.drop(_identity(name))
            self._forget_log_ins(name)
            self._audit.append("remove", "account", name, actor=self._acting.actor.id)

    # --- recovery -----------------------------------------------------------------------------------------------

    def new_recovery_code(self) -> str:
        """A new recovery code, for paper; the one before it is void."""
        self._acting.require(Permission.ACCOUNTS)
        code = make_code()
        sealed = self._credentials.seal(code)
        with self._file.transaction():
            self._credentials.put(RECOVERY, sealed)
            self._audit.append("renew_recovery_code", "account", "recovery", actor=self._acting.actor.id)
        return code

    def recover(self, name: str, code: str, passphrase: str) -> str:
        """Set an administrator's pass-phrase with the recovery code, which is used up; returns the next code.

        Raises:
            WrongSecretError, WaitError: it is not the code (see `Credentials.check`).
            InputError: the account is no administrator's, or the pass-phrase is refused.
        """
        check_passphrase(passphrase, name)
        if Role.ADMINISTRATOR not in self._roles_of(name):
            raise InputError(
                sentence("{name} is no administrator.", name=name),
                "The recovery code opens an administrator's account only.",
            )
        try:
            self._credentials.check(RECOVERY, read_code(code))
        except Exception:
            self._audit.append("recovery_refused", "account", name, actor="nobody")
            raise
        following = make_code()
        sealed, sealed_code = self._credentials.seal(passphrase), self._credentials.seal(following)
        with self._file.transaction():
            self._credentials.put(RECOVERY, sealed_code)
            self._credentials.put(_identity(name), sealed)
            self._forget_log_ins(name)
            self._audit.append("use_recovery_code", "account", name, actor="nobody")
        return following

    # --- kiosk --------------------------------------------------------------------------------------------------

    def set_kiosk_pin(self, pin: str) -> None:
        """The PIN that leaves the full screen; an empty one takes it away. Raises `InputError` when it is refused."""
        self._acting.require(Permission.ACCOUNTS)
        if pin:
            check_pin(pin)
        sealed = self._credentials.seal(pin) if pin else None
        with self._file.transaction():
            if sealed is not None:
                self._credentials.put(KIOSK, sealed)
            else:
                self._credentials.drop(KIOSK)
            self._audit.append("set_pin" if pin else "drop_pin", "station", "kiosk", actor=self._acting.actor.id)

    def has_kiosk_pin(self) -> bool:
        """Whether leaving the full screen asks for a PIN."""
        return self._credentials.exists(KIOSK)

    def check_kiosk_pin(self, pin: str) -> None:
        """Go on only with the PIN. Raises `WrongSecretError` or `WaitError`; both are logged."""
        try:
            self._credentials.check(KIOSK, pin)
        except Exception:
            self._audit.append("pin_refused", "station", "kiosk", actor=self._acting.actor.id)
            raise
        self._audit.append("leave_full_screen", "station", "kiosk", actor=self._acting.actor.id)

    # --- small things -------------------------------------------------------------------------------------------

    def _insert(self, name: str, roles: list[str], first: bool) -> None:
        if self._file.value("SELECT 1 FROM accounts WHERE name = ?", (name,)) is not None:
            raise InputError(
                sentence("The name {name} was given before.", name=name),
                "Choose another one: names are never given twice.",
            )
        if first and Role.ADMINISTRATOR not in roles:
            raise InputError(
                "The first account must be an administrator's.", "Otherwise nobody could make the next one."
            )
        actor = self._acting.actor.id
        row = {
            "name": name,
            "roles": canonical(roles),
            "created_utc_s": self._credentials.time.latest_utc_s(),
            "created_by": actor,
        }
        self._file.insert("accounts", row)
        self._audit.append("add", "account", name, actor=actor, details={"roles": roles})

    def _roles_of(self, name: str) -> tuple[Role, ...]:
        row = self._file.row("SELECT roles FROM accounts WHERE name = ? AND removed_utc_s IS NULL", (name,))
        if row is None:
            raise InputError(
                sentence("There is no account {name!r}.", name=name), "List them with `main.py accounts list`."
            )
        return _roles(row)

    def _keep_an_administrator(self, name: str, roles: list[str]) -> None:
        others = [holder for holder in self.holders(Permission.ACCOUNTS) if holder != name]
        if Role.ADMINISTRATOR not in roles and not others:
            raise InputError(sentence("{name} is the last administrator.", name=name), "Make another one first.")

    def _forget_log_ins(self, name: str) -> None:
        self._file.change("DELETE FROM log_ins WHERE account = ?", (name,))

    def _account(self, row: Row) -> Account:
        return Account(
            name=row["name"],
            roles=_roles(row),
            created_utc_s=row["created_utc_s"],
            created_by=row["created_by"],
            last_log_in_utc_s=row["last_log_in_utc_s"],
            wait_s=self._credentials.wait_s(_identity(row["name"])),
        )


def _identity(name: str) -> str:
    return f"account:{name}"


def _roles(row: Row) -> tuple[Role, ...]:
    return tuple(Role(role) for role in json.loads(row["roles"]))


def _given(roles: Iterable[Role]) -> list[str]:
    """In the order of `Role`, each once."""
    wanted = set(roles)
    if not wanted:
        raise UsageError("An account needs a role.", sentence("Name one or more of {roles}.", roles=", ".join(Role)))
    return [str(role) for role in Role if role in wanted]
