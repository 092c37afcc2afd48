"""Where a site key can lie: a file of this user beside the data, or the keystore of the operating system.

The file keeps frames from whoever gets hold of a copy of the databases alone; it does not keep them from whoever gets
the whole folder. A keystore that would write the key in plain text is refused.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from core.errors import HostError, sentence
from storage.atomic import fsync_folder
from storage.sealing import KEY_BYTES, LockedError
from storage.site_key import SiteKey

SERVICE = "sallyport"
_REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
"""Backends that keep nothing, or keep it in plain text."""
_RECOVER = "Put it back, or use the recovery code: `main.py keys recover`."


class LostKeyError(LockedError):
    """The site key is gone from where it was kept."""


def write_key_file(path: Path, site: SiteKey) -> None:
    """Make the file, for this user alone; raises `HostError` when it cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(site.secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        fsync_folder(path.parent)
    except OSError as error:
        raise HostError(
            sentence("The site key {path} cannot be written: {strerror}.", path=path, strerror=error.strerror),
            "Check the folder.",
        ) from error


def read_key_file(path: Path, identity: str) -> SiteKey:
    """The key in the file.

    Raises:
        LostKeyError: the file is gone, damaged, or others may read it.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise LostKeyError(sentence("The site key {path} cannot be read.", path=path), _RECOVER) from error
    if os.name == "posix" and mode & 0o077:
        raise LockedError(
            sentence("Others may read the site key {path}.", path=path),
            sentence("Take that away: `chmod 600 {path}`.", path=path),
        )
    with contextlib.suppress(ValueError):
        secret = bytes.fromhex(text)
        if len(secret) == KEY_BYTES:
            return SiteKey(identity, secret)
    raise LostKeyError(sentence("The site key {path} is damaged.", path=path), _RECOVER)


def remove_key_file(path: Path) -> None:
    """Overwrite and remove the file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(os.urandom(2 * KEY_BYTES + 1))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        fsync_folder(path.parent)


def keystore_problem() -> str:
    """Why the operating system's keystore cannot be used; empty when it can."""
    import keyring

    backend = keyring.get_keyring()
    backends = list(getattr(backend, "backends", ())) or [backend]
    names = [f"{type(one).__module__}.{type(one).__qualname__}" for one in backends]
    bad = [name for name in names if name.startswith(_REFUSED) or "plaintext" in name.lower()]
    if bad:
        return sentence("this session has no keystore that keeps secrets ({name})", name=bad[0])
    return ""


def write_to_keystore(site: SiteKey) -> None:
    """Keep the key in the keystore, and read it back as a test.

    Raises:
        HostError: there is no keystore, it keeps secrets in plain text, or it refuses.
    """
    import keyring
    from keyring.errors import KeyringError

    if problem := keystore_problem():
        raise HostError(
            sentence("The site key cannot go to the keystore: {problem}.", problem=problem),
            "Use a passphrase (`main.py keys protect --with passphrase`), or unlock the keystore first.",
        )
    try:
        keyring.set_password(SERVICE, site.id, site.secret.hex())
    except KeyringError as error:
        raise HostError(
            sentence("The keystore refuses the site key: {error}.", error=error), "Unlock the keystore, then again."
        ) from error
    if read_from_keystore(site.id) != site:
        raise HostError("The keystore did not keep the site key.", "Use a passphrase instead.")


def read_from_keystore(identity: str) -> SiteKey:
    """The key of that id.

    Raises:
        LostKeyError: the keystore has none.
        LockedError: the keystore is locked, or there is none in this session.
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        text = None if keystore_problem() else keyring.get_password(SERVICE, identity)
    except KeyringError as error:
        raise LockedError(
            sentence("The keystore does not answer: {error}.", error=error), "Unlock it, then again."
        ) from error
    if problem := keystore_problem():
        raise LockedError(sentence("The site key is in a keystore, but {problem}.", problem=problem), _RECOVER)
    if text is None or len(text) != 2 * KEY_BYTES:
        raise LostKeyError("The keystore does not have the site key any more.", _RECOVER)
    return SiteKey(identity, bytes.fromhex(text))


def remove_from_keystore(identity: str) -> None:
    """Forget it there; a keystore that is gone has forgotten it already."""
    import keyring
    from keyring.errors import KeyringError

    with contextlib.suppress(KeyringError):
        keyring.delete_password(SERVICE, identity)
