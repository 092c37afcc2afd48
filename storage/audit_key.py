"""The secret of the audit chain: it makes the hashes of entries and signs checkpoints.

It lies in the data folder in a file of its own, for this user alone, and not under the site key: a station whose site
is locked must still log that somebody tried to unlock it. Whoever may read this file can write a chain that verifies,
but not one that agrees with a checkpoint kept elsewhere (`storage.anchors`); hence no ratchet, which would keep only
entries from before a break-in, as the checkpoints do.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import HostError, sentence
from storage.atomic import write_secret
from storage.database import Row
from storage.forms import canonical

KEY_BYTES = 32
HASH_BYTES = 32
GENESIS = bytes(HASH_BYTES)
"""What stands before the first entry."""
_ID_BYTES = 8


class ChainKey:
    """One data folder's secret; ``id`` names it without telling it, ``public`` verifies its signatures (hex)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._chain = _derived(secret, b"sallyport audit chain 1")
        self._seal = _derived(secret, b"sallyport policy seal 1")
        self._signer = Ed25519PrivateKey.from_private_bytes(_derived(secret, b"sallyport audit anchor 1"))
        self._lane = Ed25519PrivateKey.from_private_bytes(_derived(secret, b"sallyport lane 1"))
        self.lane = self._lane.public_key().public_bytes_raw().hex()
        """What other lanes trust this one by (`storage.repositories.lanes`)."""
        self.public = self._signer.public_key().public_bytes_raw().hex()
        self.id = _derived(secret, b"sallyport audit name 1")[:_ID_BYTES].hex()

    def entry_hash(self, row: Row) -> bytes:
        """Hash of an entry: every column but the hash itself.

        Raises:
            ValueError: a value that no entry of ours can hold (an attacker's infinity, for instance).
        """
        covered = {name: value for name, value in row.items() if name not in ("previous_hash", "entry_hash")}
        return hmac.digest(self._chain, bytes(row["previous_hash"]) + canonical(covered).encode(), "sha256")

    def wrote(self, row: Row) -> bool:
        """Whether the holder of this key wrote the entry as it stands."""
        try:
            mine = row["chain"] == self.id and row["previous_hash"] is not None
            return mine and hmac.compare_digest(self.entry_hash(row), bytes(row["entry_hash"]))
        except (ValueError, TypeError):
            return False

    def seal(self, content: bytes) -> bytes:
        """HMAC of a row elsewhere in the catalogue that nobody may edit by hand."""
        return hmac.digest(self._seal, content, "sha256")

    def sign(self, content: bytes) -> str:
        """Ed25519 signature, in hexadecimal."""
        return self._signer.sign(content).hex()

    def sign_for_lanes(self, content: bytes) -> str:
        """The same as the lane that others trust."""
        return self._lane.sign(content).hex()


def is_public_key(text: str) -> bool:
    """Whether a text is an Ed25519 key in hexadecimal."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        return False
    return len(text) == 2 * KEY_BYTES


def signed_by(public: str, content: bytes, signature: str) -> bool:
    """Whether ``signature`` is that of the holder of ``public`` on ``content``."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_chain_key(path: Path) -> ChainKey | None:
    """The key in the file; ``None`` when there is none.

    Raises:
        HostError: it cannot be read, or is damaged. It is never replaced by itself: that would hide a loss.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unusable(path) from error
    with contextlib.suppress(ValueError):
        secret = bytes.fromhex(text)
        if len(secret) == KEY_BYTES:
            return ChainKey(secret)
    raise _unusable(path)


def make_chain_key(path: Path) -> ChainKey:
    """A new key in a new file, for this user alone. Call it while holding the catalogue's write lock.

    Raises:
        HostError: the file cannot be written.
    """
    secret = secrets.token_bytes(KEY_BYTES)
    write_secret(path, secret.hex() + "\n")
    return ChainKey(secret)


def _derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def _unusable(path: Path) -> HostError:
    return HostError(
        sentence("The key of the audit log {path} cannot be read.", path=path),
        "Put the right file back; if it is lost, move it away: a new chain begins, and says that the key was lost.",
    )
