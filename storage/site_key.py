"""The site key: it wraps the data keys, and is itself wrapped by a passphrase or by a recovery code.

Nothing here knows where anything is stored; `storage.vault` and `storage.site_key_places` do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import InputError, UsageError, sentence
from storage.forms import canonical
from storage.identifiers import random_id
from storage.sealing import KEY_BYTES, DataKey, LockedError, SealBrokenError

MIN_PASSPHRASE = 12
"""Characters. No composition rules: length is what counts (NIST SP 800-63B)."""
_CODE_BYTES = 20
_CHECK_CHARS = 4
_GROUP = 4
_LOOKALIKES = str.maketrans({"0": "O", "1": "I", "8": "B", "9": "P"})


@dataclass(frozen=True, slots=True)
class Argon2:
    """Cost of turning a passphrase into a key; RFC 9106, second recommended option. Stored beside what it wrapped."""

    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class SiteKey:
    """The key of one data folder."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> SiteKey:
        """A fresh random key."""
        return cls(random_id("site"), secrets.token_bytes(KEY_BYTES))

    @property
    def proof(self) -> bytes:
        """Tells whether a key that was found is this one, without telling the key."""
        return hmac.digest(self.secret, f"sallyport site key {self.id}".encode(), "sha256")

    def require(self, proof: bytes) -> SiteKey:
        """This key, if it is the one that ``proof`` was made of; raises `SealBrokenError` else."""
        if not hmac.compare_digest(self.proof, proof):
            raise SealBrokenError(
                "The site key that was found is not the one of this data folder.",
                "Put the right one back, or use the recovery code: `main.py keys recover`.",
            )
        return self

    @property
    def wrapping(self) -> DataKey:
        """It as a key that seals others."""
        return DataKey(self.id, self.secret)


def wrap(key: DataKey, by: DataKey, subject: str) -> bytes:
    """``key`` sealed by another, bound to both names and to the subject."""
    return bytes(by.seal(key.secret, _key_identity(key.id, by.id, subject)))


def unwrap(identity: str, wrapped: bytes, by: DataKey, subject: str) -> DataKey:
    """Inverse of `wrap`; raises `SealBrokenError`."""
    return DataKey(identity, by.open(wrapped, _key_identity(identity, by.id, subject)))


def _key_identity(key: str, by: str, subject: str) -> bytes:
    return canonical(["sallyport key", 1, key, by, subject]).encode()


# --- passphrase -----------------------------------------------------------------------------------------------------


def require_passphrase(passphrase: str) -> None:
    """Raises `UsageError`: it is too short."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise UsageError(
            sentence("The passphrase has {n} characters.", n=len(passphrase)),
            sentence(
                "Give at least {min_passphrase}; a few unrelated words are easy to remember.",
                min_passphrase=MIN_PASSPHRASE,
            ),
        )


def wrap_with_passphrase(site: SiteKey, passphrase: str, cost: Argon2 | None = None) -> dict[str, Any]:
    """What to store so that ``passphrase`` gives back the key; takes a tenth of a second on purpose.

    Raises:
        UsageError: the passphrase is too short.
    """
    require_passphrase(passphrase)
    cost, salt = cost or Argon2(), secrets.token_bytes(16)
    key = _derived(passphrase, salt, cost)
    return {
        "kdf": "argon2id",
        "iterations": cost.iterations,
        "lanes": cost.lanes,
        "memory_kib": cost.memory_kib,
        "salt": salt.hex(),
        "wrapped": key.seal(site.secret, _site_identity(site.id)).hex(),
    }


def unwrap_with_passphrase(identity: str, form: dict[str, Any], passphrase: str) -> SiteKey:
    """The site key; raises `LockedError` when the passphrase is wrong (or what is stored was changed)."""
    cost = Argon2(int(form["iterations"]), int(form["lanes"]), int(form["memory_kib"]))
    key = _derived(passphrase, bytes.fromhex(form["salt"]), cost)
    try:
        return SiteKey(identity, key.open(bytes.fromhex(form["wrapped"]), _site_identity(identity)))
    except SealBrokenError as error:
        raise LockedError(
            "This passphrase does not open the site key.",
            "Try again; who lost it uses the recovery code: `main.py keys recover`.",
        ) from error


def _derived(passphrase: str, salt: bytes, cost: Argon2) -> DataKey:
    kdf = Argon2id(
        salt=salt, length=KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return DataKey("passphrase", kdf.derive(passphrase.encode()))


def _site_identity(identity: str) -> bytes:
    return canonical(["sallyport site key", 1, identity]).encode()


# --- recovery code --------------------------------------------------------------------------------------------------


def new_recovery_code() -> str:
    """160 random bits in groups of four letters, the last group a check: to be printed and locked away."""
    raw = secrets.token_bytes(_CODE_BYTES)
    text = base64.b32encode(raw).decode() + _check(raw)
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def wrap_for_recovery(secret: bytes, identity: str, code: str) -> bytes:
    """``secret`` sealed so that ``code`` opens it. The code is random, so no slow derivation is needed."""
    return bytes(_recovery_key(code).seal(secret, _recovery_identity(identity)))


def unwrap_for_recovery(wrapped: bytes, identity: str, code: str) -> bytes:
    """Inverse of `wrap_for_recovery`.

    Raises:
        InputError: the code is mistyped.
        LockedError: it is a code, but another one.
    """
    try:
        return _recovery_key(code).open(wrapped, _recovery_identity(identity))
    except SealBrokenError as error:
        raise LockedError("This is not the code that was given out.", "Look for the newest one.") from error


def _recovery_key(code: str) -> DataKey:
    text = "".join(code.upper().split()).replace("-", "").translate(_LOOKALIKES)
    try:
        raw = base64.b32decode(text[:-_CHECK_CHARS])
    except ValueError:
        raw = b""
    if len(raw) != _CODE_BYTES or _check(raw) != text[-_CHECK_CHARS:]:
        raise InputError("The code is mistyped.", "It has nine groups of four letters and digits; type all of them.")
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"sallyport recovery 1")
    return DataKey("recovery", kdf.derive(raw))


def _recovery_identity(identity: str) -> bytes:
    return canonical(["sallyport recovery", 1, identity]).encode()


def _check(raw: bytes) -> str:
    return base64.b32encode(hashlib.sha256(raw).digest()).decode()[:_CHECK_CHARS]
