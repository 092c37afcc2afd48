"""Signed lines: whoever lacks the key of the door cannot speak for the station to a controller that has it.

The last field of a signed line, ``mac``, is an HMAC-SHA256 (hex) under that key over the id of the machine's boot, a
line feed, and the line as it was without the field. A line is counted and timed by what it says itself
(`core.door.line`); the boot is in it because the monotonic clock begins anew with each, so that lines of an earlier one
fit no moment of this.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from core.errors import HostError, sentence

KEY_BYTES = 32
_MAC_HEX = 64
_FIELD = b',"mac":"'
_END = b'"}'
_BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Linux. Elsewhere lines are not bound to a boot."""


def boot_id() -> str:
    """Names the time since the machine was started; empty where the system has no name for it."""
    with suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    return ""


class DoorKey:
    """The secret that a station and its controllers share."""

    def __init__(self, secret: bytes, boot: str | None = None) -> None:
        self._secret = secret
        self._boot = (boot_id() if boot is None else boot).encode()

    @property
    def id(self) -> str:
        """Eight characters that tell one key from another; `sha256sum` of a whole copy of its file begins with them."""
        return sha256(_written(self._secret).encode("ascii")).hexdigest()[:8]

    def signed(self, line: bytes) -> bytes:
        """A line (a JSON object with its line feed) with its ``mac``."""
        body = line.rstrip(b"\n")
        return body[:-1] + _FIELD + self._mac(body).encode() + _END + b"\n"

    def wrote(self, raw: bytes) -> bool:
        """Whether a line, with or without its line feed, was signed by this key since this boot."""
        head, field, tail = raw.rstrip(b"\n").rpartition(_FIELD)
        if not field or len(tail) != _MAC_HEX + len(_END) or not tail.endswith(_END):
            return False
        return hmac.compare_digest(self._mac(head + b"}").encode(), tail[:_MAC_HEX])

    def _mac(self, body: bytes) -> str:
        return hmac.new(self._secret, self._boot + b"\n" + body, "sha256").hexdigest()


def read_door_key(path: Path) -> DoorKey:
    """The key in a file.

    Raises:
        HostError: it cannot be read, is damaged, or others may read it.
    """
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise _unusable(path) from error
    if len(secret) != KEY_BYTES:
        raise _unusable(path)
    if os.name == "posix" and mode & 0o077:
        raise HostError(
            sentence("Others may read the door's key {path}.", path=path),
            sentence("Take that away: `chmod 600 {path}`.", path=path),
        )
    return DoorKey(secret)


def new_door_key() -> str:
    """A new secret, as it stands in the file."""
    return _written(secrets.token_bytes(KEY_BYTES))


def _written(secret: bytes) -> str:
    return secret.hex() + "\n"


def _unusable(path: Path) -> HostError:
    return HostError(
        sentence("The door's key {path} cannot be read.", path=path),
        "Put the file back, or make another: `main.py door key`.",
    )
