"""Changing how the site key is kept: protect it, replace it, recover it.

Each of them makes a new site key and wraps the data keys anew, in one transaction: what was copied of the old one opens
nothing that this folder holds now. Nothing of the frames is rewritten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.access import Permission
from core.codes import SiteKeyMethod
from core.errors import InputError
from storage.catalogue import Catalogue
from storage.sealing import DataKey, LockedError
from storage.site_key import (
    SiteKey,
    new_recovery_code,
    require_passphrase,
    unwrap,
    unwrap_for_recovery,
    wrap,
    wrap_for_recovery,
)
from storage.site_key_places import remove_from_keystore, remove_key_file

PROTECT, ROTATE = "protect_keys", "rotate_keys"
"""Actions of the proposals; the entries of the audit log say ``protect`` and ``rotate``."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What protects the frames of a data folder, in figures."""

    method: SiteKeyMethod | None
    locked: bool
    problem: str
    recovery: bool
    encrypted: int
    plain: int
    """Sessions with frames that were stored before encryption."""
    missing: int
    """Sessions whose key is not here: they came with a backup."""


def key_status(catalogue: Catalogue) -> KeyStatus:
    """Look it up; asks nobody for a passphrase."""
    state = catalogue.vault.state()
    sql = "SELECT s.id, s.key, k.wrapped IS NULL AND k.destroyed_utc_s IS NULL AS missing FROM sessions AS s "
    sql += "LEFT JOIN keys AS k ON k.id = s.key WHERE s.mode = 'frames'"
    rows = [row for row in catalogue.file.rows(sql) if catalogue.frames_path(row["id"]).is_file()]
    return KeyStatus(
        method=state.method,
        locked=state.locked,
        problem=state.problem,
        recovery=state.recovery,
        encrypted=sum(row["key"] is not None for row in rows),
        plain=sum(row["key"] is None for row in rows),
        missing=sum(row["key"] is not None and bool(row["missing"]) for row in rows),
    )


def protect(catalogue: Catalogue, method: SiteKeyMethod, passphrase: str = "", reason: str = "") -> str:
    """Keep the site key by ``method`` from now on; returns the recovery code, which is shown once and kept nowhere.

    Slow on purpose with a passphrase: not for the GUI thread.

    Raises:
        DeniedError: whoever acts may not change keys.
        ProposedError: a second person has to approve; the same call goes on then. Nothing is asked of a passphrase yet.
        LockedError: the present site key is not at hand (`recover`).
        UsageError: the passphrase is too short.
        HostError: the place refuses the key; everything stays as it was.
    """
    arguments = {"method": str(method)}
    site = _site_key_when_ready(catalogue, PROTECT, arguments, method, passphrase)
    catalogue.proposals.authorize(Permission.KEYS, PROTECT, arguments, reason)
    return _renew(catalogue, site or catalogue.vault.site_key(), method, passphrase, "protect", reason)


def rotate(catalogue: Catalogue, passphrase: str = "", reason: str = "") -> str:
    """Replace the site key and keep the new one as the old one was kept; returns the new recovery code.

    Raises:
        See `protect`.
    """
    method = method_of(catalogue)
    site = _site_key_when_ready(catalogue, ROTATE, {}, method, passphrase)
    catalogue.proposals.authorize(Permission.KEYS, ROTATE, {}, reason)
    return _renew(catalogue, site or catalogue.vault.site_key(), method, passphrase, "rotate", reason)


def method_of(catalogue: Catalogue) -> SiteKeyMethod:
    """How the site key is kept; a folder that has none yet will keep it in a file."""
    return catalogue.vault.state().method or SiteKeyMethod.FILE


def _site_key_when_ready(
    catalogue: Catalogue, action: str, arguments: Mapping[str, Any], method: SiteKeyMethod, passphrase: str
) -> SiteKey | None:
    """The site key, with what is missing for the change told before an approval is used up; ``None``: none stands yet.

    Raises:
        DeniedError, LockedError, UsageError: see `protect`.
    """
    catalogue.require(Permission.KEYS)
    if not catalogue.proposals.ready(Permission.KEYS, action, arguments):
        return None
    if method is SiteKeyMethod.PASSPHRASE:
        require_passphrase(passphrase)
    return catalogue.vault.site_key()


def recover(catalogue: Catalogue, code: str, method: SiteKeyMethod, passphrase: str = "") -> str:
    """Open the site by its recovery code and keep the key by ``method``; returns a new code, the old one is void.

    Raises:
        InputError: the code is mistyped, or this folder never gave one out.
        LockedError: it is not the newest code of this folder.
        See `protect` for the rest.
    """
    catalogue.require(Permission.KEYS)
    row = catalogue.file.row("SELECT id, proof, recovery FROM site_keys")
    if row is None or row["recovery"] is None:
        raise InputError(
            "This data folder never gave out a recovery code.", "Protect the site key first: `main.py keys protect`."
        )
    site = SiteKey(row["id"], unwrap_for_recovery(row["recovery"], row["id"], code)).require(row["proof"])
    return _renew(catalogue, site, method, passphrase, "recover", "recovery code")


def _renew(catalogue: Catalogue, old: SiteKey, method: SiteKeyMethod, passphrase: str, action: str, reason: str) -> str:
    vault, file = catalogue.vault, catalogue.file
    new, code = SiteKey.generate(), new_recovery_code()
    with catalogue.transaction():
        row = file.row("SELECT id, method FROM site_keys")
        if row is not None and row["id"] != old.id:
            raise LockedError("The site key was replaced by somebody else at this moment.", "Try again.")
        # The new key is in its place before the rows that need it are there; a cut between leaves a key of nothing.
        kept = vault.keep(new, method, passphrase)
        _rewrap(catalogue, old.wrapping, new.wrapping)
        file.change("DELETE FROM site_keys")
        file.insert("site_keys", {**kept, "recovery": wrap_for_recovery(new.secret, new.id, code)})
        details = {"method": str(method), "replaced": old.id}
        catalogue.audit.append(action, "site_key", new.id, actor=catalogue.actor.id, reason=reason, details=details)
    vault.access.key, vault.access.by_passphrase = new, method is SiteKeyMethod.PASSPHRASE
    if row is not None and row["method"] == SiteKeyMethod.KEYRING:
        remove_from_keystore(old.id)
    _remove_stray_files(catalogue)
    file.checkpoint()
    return code


def _rewrap(catalogue: Catalogue, old: DataKey, new: DataKey) -> None:
    sql = "SELECT id, subject, wrapped FROM keys WHERE parent IS NULL AND wrapped IS NOT NULL"
    for row in catalogue.file.rows(sql):
        subject = row["subject"] or ""
        wrapped = wrap(unwrap(row["id"], row["wrapped"], old, subject), new, subject)
        catalogue.file.change("UPDATE keys SET wrapped = ? WHERE id = ?", (wrapped, row["id"]))


def _remove_stray_files(catalogue: Catalogue) -> None:
    """Key files of site keys that are in use no more. Under the write lock: nobody is between file and row now."""
    with catalogue.transaction():
        current = catalogue.file.value("SELECT id FROM site_keys WHERE method = 'file'")
        for path in catalogue.folder.root.glob("site-*.key"):
            if path.stem != current:
                with contextlib.suppress(OSError):
                    remove_key_file(path)
