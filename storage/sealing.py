"""Payloads under lock: AES-256-GCM with the identity of the row as associated data (reliability.md section 2.3).

A sealed payload is nonce (12 random bytes), ciphertext and tag (16 bytes). The identity is not stored in it: whoever
opens it says which row it should be, so a payload that was moved to another row does not open.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import HostError, InputError, sentence

ALGORITHM: Final = "aes-256-gcm"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBrokenError(InputError):
    """A payload or a key was changed, exchanged or moved to another row since it was sealed."""


class LockedError(HostError):
    """The site key is not at hand: frames can be neither stored nor read, decisions go on."""


class KeyMissingError(InputError):
    """The data key of a session is not in this data folder: it was destroyed, or it never came with a backup."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A 256-bit key with its name. Its secret is never shown, not even in a traceback."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls, identity: str) -> DataKey:
        """A fresh random key."""
        return cls(identity, secrets.token_bytes(KEY_BYTES))

    def seal(self, plain: bytes | memoryview, identity: bytes) -> bytearray:
        """``plain`` under this key, bound to ``identity``."""
        sealed = bytearray(NONCE_BYTES + len(plain) + TAG_BYTES)
        sealed[:NONCE_BYTES] = os.urandom(NONCE_BYTES)
        # Written in place: a second buffer of a megabyte costs more than the encryption.
        AESGCM(self.secret).encrypt_into(bytes(sealed[:NONCE_BYTES]), plain, identity, memoryview(sealed)[NONCE_BYTES:])
        return sealed

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """What was sealed as ``identity``.

        Raises:
            SealBrokenError: it was not sealed by this key as that, or it was changed.
        """
        try:
            return AESGCM(self.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], identity)
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError(
                "The seal is broken: what is stored was changed, or belongs elsewhere.",
                "Restore it from a backup, and find out who could write to the data folder.",
            ) from error


@dataclass(frozen=True, slots=True)
class Opener:
    """How the frames of one session are read.

    ``find`` gives the key of that id (`LockedError`, `KeyMissingError`). ``plain``: whether a payload without a key
    may be read. Only a session that was stored before encryption may hold such; in any other it was smuggled in.
    """

    find: Callable[[str], DataKey]
    plain: bool


def _no_key(key: str) -> DataKey:
    raise KeyMissingError(
        sentence("These frames are encrypted by the key {key}, which is not given.", key=key),
        "Open the session through its catalogue.",
    )


PLAIN = Opener(_no_key, plain=True)
"""Reads what was never encrypted, and refuses the rest."""
