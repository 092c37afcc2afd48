"""The data keys of a data folder: made, wrapped, unwrapped. Who changes the site key itself: `storage.key_care`.

Site key -> key of a subject -> key of one of its sessions. Erasing a subject destroys its key and with it all of its
sessions; retention destroys the key of one session. A session of nobody has a key that the site key wraps.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from core.codes import SiteKeyMethod
from core.errors import InputError, UsageError, sentence
from storage.database import DatabaseFile, Row
from storage.forms import canonical
from storage.identifiers import random_id
from storage.paths import DataFolder
from storage.repositories.audit import AuditLog
from storage.sealing import ALGORITHM, DataKey, KeyMissingError, LockedError, Opener
from storage.site_key import SiteKey, unwrap, unwrap_with_passphrase, wrap, wrap_with_passphrase
from storage.site_key_places import read_from_keystore, read_key_file, write_key_file, write_to_keystore

_UNLOCK = "Unlock the site with its passphrase; `main.py keys status` tells more."


class SiteAccess:
    """The site key of this process once it is known, shared by all catalogues that were opened with it.

    ``ask`` gives the passphrase when one is needed: a prompt, a file descriptor. Without it the site stays locked until
    somebody calls `Vault.unlock`.
    """

    def __init__(self, ask: Callable[[], str] | None = None) -> None:
        self.ask = ask
        self.key: SiteKey | None = None
        self.by_passphrase = False
        """Whether other processes need to be handed the key, because nobody would give them the passphrase."""
        self._handed: tuple[SiteKey, int] | None = None

    def descriptor(self) -> int | None:
        """A descriptor of anonymous memory with the key, which processes that are started by this one inherit.

        ``None`` where they find the key themselves, or where the system has no such memory.
        """
        if self.key is None or not self.by_passphrase or not hasattr(os, "memfd_create"):
            return None
        if self._handed is None or self._handed[0] != self.key:
            if self._handed is not None:
                os.close(self._handed[1])
            memory = os.memfd_create("site-key", 0)
            os.write(memory, f"{self.key.id} {self.key.secret.hex()}".encode())
            self._handed = (self.key, memory)
        return self._handed[1]

    @classmethod
    def from_descriptor(cls, descriptor: int) -> SiteAccess:
        """What another process handed over by `descriptor`; raises `UsageError` when it is no key."""
        access = cls()
        try:
            identity, secret = os.pread(descriptor, 200, 0).decode().split()
            access.key = SiteKey(identity, bytes.fromhex(secret))
        except (OSError, ValueError) as error:
            raise UsageError("No site key was handed over.", "Only the window gives this option.") from error
        return access


@dataclass(frozen=True, slots=True)
class VaultState:
    """How the site key is kept. ``method`` is ``None`` before the first key; ``problem`` says why it is not at hand."""

    method: SiteKeyMethod | None
    recovery: bool
    locked: bool
    problem: str = ""


class Vault:
    """Data keys by session."""

    def __init__(
        self, folder: DataFolder, file: DatabaseFile, clock: Clock, audit: AuditLog, access: SiteAccess
    ) -> None:
        self.access = access
        self._folder = folder
        self._file = file
        self._clock = clock
        self._audit = audit

    # --- the site key -------------------------------------------------------------------------------------------

    def state(self) -> VaultState:
        """How it is protected, and whether frames can be stored and read now. Asks nobody for a passphrase."""
        row = self._row()
        if row is None:
            return VaultState(None, recovery=False, locked=False)
        problem = ""
        try:
            self._found(row, ask=False)
        except (LockedError, InputError) as error:
            problem = error.in_one()
        return VaultState(SiteKeyMethod(row["method"]), row["recovery"] is not None, bool(problem), problem)

    def site_key(self) -> SiteKey:
        """The site key; a data folder that has none yet gets one in a file of its own, so that nobody is asked.

        Raises:
            LockedError: nobody gave the passphrase, or the key is gone from where it was kept.
            SealBrokenError: another key is there.
            HostError: a new one cannot be written.
        """
        row = self._row()
        if row is not None:
            return self._found(row, ask=True)
        with self._file.transaction():
            row = self._row()
            if row is not None:
                return self._found(row, ask=True)
            site = SiteKey.generate()
            self._file.insert("site_keys", self.keep(site, SiteKeyMethod.FILE))
            self._audit.append("add", "site_key", site.id, actor="program", details={"method": "file"})
        self.access.key = site
        return site

    def unlock(self, passphrase: str) -> None:
        """Open the site with its passphrase. Slow on purpose: not for the GUI thread.

        Raises:
            LockedError: it is the wrong one.
        """
        row = self._row()
        if row is not None and row["method"] == SiteKeyMethod.PASSPHRASE:
            form = json.loads(row["form"])
            self.access.key = unwrap_with_passphrase(row["id"], form, passphrase).require(row["proof"])
            self.access.by_passphrase = True

    def keep(self, site: SiteKey, method: SiteKeyMethod, passphrase: str = "") -> Row:
        """Put ``site`` where ``method`` says; returns its row. Call it within the transaction that stores the row."""
        form: dict[str, Any] = {}
        if method is SiteKeyMethod.FILE:
            write_key_file(self._folder.site_key(site.id), site)
        elif method is SiteKeyMethod.KEYRING:
            write_to_keystore(site)
        else:
            form = wrap_with_passphrase(site, passphrase)
        return {
            "id": site.id,
            "method": str(method),
            "form": canonical(form),
            "proof": site.proof,
            "created_utc_s": self._clock.utc_s(),
        }

    def _row(self) -> Row | None:
        return self._file.row("SELECT * FROM site_keys")

    def _found(self, row: Row, ask: bool) -> SiteKey:
        identity, method = row["id"], SiteKeyMethod(row["method"])
        held = self.access.key
        if held is not None and held.id == identity:
            return held.require(row["proof"])
        if method is SiteKeyMethod.FILE:
            site = read_key_file(self._folder.site_key(identity), identity)
        elif method is SiteKeyMethod.KEYRING:
            site = read_from_keystore(identity)
        elif ask and self.access.ask is not None:
            site = unwrap_with_passphrase(identity, json.loads(row["form"]), self.access.ask())
        else:
            raise LockedError("The site is locked: frames can be neither stored nor read.", _UNLOCK)
        self.access.key = site.require(row["proof"])
        return site

    # --- data keys ----------------------------------------------------------------------------------------------

    def for_session(self, session: str, given: DataKey | None = None) -> DataKey:
        """The key under which the frames of ``session`` are stored: ``given``, or a fresh one, where it has none.

        Raises:
            LockedError: the site key is not at hand: nothing may be recorded.
            KeyMissingError: the session's key was destroyed.
            InputError: there is no such session, or its subject is being erased.
        """
        with self._file.transaction():
            row = self._file.row("SELECT key, subject FROM sessions WHERE id = ?", (session,))
            if row is None:
                raise InputError(
                    sentence("There is no session {session!r}.", session=session), "List them with `main.py sessions`."
                )
            if row["key"] is not None:
                return self.key(row["key"])
            key = self.store_key(given or DataKey.generate(random_id("key")), row["subject"] or "")
            self._file.change("UPDATE sessions SET key = ? WHERE id = ?", (key.id, session))
        return key

    def store_key(self, key: DataKey, subject: str) -> DataKey:
        """Wrap and store the key of one session of ``subject`` (empty = of nobody)."""
        with self._file.transaction():
            by = self._subject_key(subject) if subject else self.site_key().wrapping
            self._store(key, by, subject, parent=by.id if subject else None)
        return key

    def session_key(self, session: str) -> DataKey | None:
        """The key of the frames of ``session``; ``None`` where they were never encrypted. Errors as `key`."""
        identity = self._file.value("SELECT key FROM sessions WHERE id = ?", (session,))
        return None if identity is None else self.key(str(identity))

    def has_frames(self, session: str) -> bool:
        """Whether frames of ``session`` must be there: they were recorded, and nobody has destroyed their key."""
        sql = """
            SELECT s.recorded > 0 AND k.destroyed_utc_s IS NULL FROM sessions AS s LEFT JOIN keys AS k ON k.id = s.key
            WHERE s.id = ?
        """
        return bool(self._file.value(sql, (session,)))

    def opener(self, session: str) -> Opener:
        """How the stored frames of ``session`` are read; keys are unwrapped when the first frame needs them."""
        known: dict[str, DataKey] = {}
        plain = self._file.value("SELECT key FROM sessions WHERE id = ?", (session,)) is None

        def find(key: str) -> DataKey:
            if key not in known:
                known[key] = self.key(key)
            return known[key]

        return Opener(find, plain)

    def key(self, identity: str) -> DataKey:
        """The key of that id.

        Raises:
            LockedError: the site key is not at hand.
            KeyMissingError: it was destroyed, or is not in this data folder.
            SealBrokenError: what is stored of it was changed.
        """
        row = self._file.row("SELECT * FROM keys WHERE id = ?", (identity,))
        if row is None or (row["wrapped"] is None and row["destroyed_utc_s"] is None):
            raise KeyMissingError(
                sentence("The key {identity} of these frames is not in this data folder.", identity=identity),
                "Backups hold no keys: bring in an export of them with `main.py keys import`.",
            )
        if row["wrapped"] is None:
            raise KeyMissingError(
                sentence("The key {identity} of these frames was destroyed: they were erased.", identity=identity),
                "They are gone for good.",
            )
        by = self.site_key().wrapping if row["parent"] is None else self.key(row["parent"])
        return unwrap(identity, row["wrapped"], by, row["subject"] or "")

    def _subject_key(self, subject: str) -> DataKey:
        sql = """
            SELECT id FROM keys
            WHERE subject = ? AND parent IS NULL AND wrapped IS NOT NULL AND destroyed_utc_s IS NULL
        """
        known = self._file.value(sql, (subject,))
        if known is not None:
            return self.key(str(known))
        key = DataKey.generate(random_id("key"))
        self._store(key, self.site_key().wrapping, subject, parent=None)
        return key

    def _store(self, key: DataKey, by: DataKey, subject: str, parent: str | None) -> None:
        row = {
            "id": key.id,
            "subject": subject or None,
            "parent": parent,
            "algorithm": ALGORITHM,
            "wrapped": wrap(key, by, subject),
            "created_utc_s": self._clock.utc_s(),
        }
        self._file.insert("keys", row)
