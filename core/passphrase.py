"""Pass-phrases: which ones are accepted, and how one is kept (argon2id, its cost beside it).

Rules of NIST SP 800-63B: length instead of composition, a block list, no expiry. Only the derived key is kept; a pass-
phrase is never stored, logged or put on a command line.
"""

from __future__ import annotations

import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from core.errors import InputError, sentence

MIN_LENGTH = 15
"""Characters of a pass-phrase that stands alone (NIST SP 800-63B-4, single factor)."""
MAX_LENGTH = 256
PIN_LENGTH = 6
_SALT_BYTES = 16
_KEY_BYTES = 32
_LONGEST_PERIOD = 4
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter can be taken for a digit when it is copied from paper."""
_CODE_GROUPS, _CODE_GROUP = 8, 4

_BLOCKED = frozenset(
    {
        "correcthorsebatterystaple", "passwordpassword", "passphrasepassphrase", "iloveyouiloveyou", "letmeinletmein",
        "qwertyuiopasdfghjkl", "qwertyuiopasdfg", "qwertzuiopasdfghjkl", "administrator123", "sallyportsallyport",
        "sallyportstation", "thisismypassword", "thisismypassphrase", "changemechangeme", "adminadminadmin",
        "passwort12345678", "passwortpasswort", "meinpasswortistgeheim", "password12345678", "thequickbrownfox",
        "thequickbrownfoxjumpsoverthelazydog", "maytheforcebewithyou", "tobeornottobethatisthequestion",
    }
)  # fmt: skip
_RUNS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try costs: memory in KiB, passes over it, lanes."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def grew_since(self, older: Cost) -> bool:
        """Whether a secret that was sealed at ``older`` should be sealed again."""
        return self.memory_kib > older.memory_kib or self.iterations > older.iterations


COST = Cost()
"""RFC 9106's second recommendation (64 MiB, three passes): about 0.15 s on two cores."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is kept; `matches` is the only question it answers."""

    salt: bytes
    key: bytes
    cost: Cost

    def matches(self, secret: str) -> bool:
        """Whether ``secret`` is the one; takes as long as the cost says (not for the GUI thread)."""
        return hmac.compare_digest(_derive(secret, self.salt, self.cost), self.key)


def seal(secret: str, cost: Cost = COST) -> Sealed:
    """Derive what is kept of ``secret``; takes as long as the cost says (not for the GUI thread)."""
    salt = os.urandom(_SALT_BYTES)
    return Sealed(salt, _derive(secret, salt, cost), cost)


def _derive(secret: str, salt: bytes, cost: Cost) -> bytes:
    text = unicodedata.normalize("NFKC", secret).encode()
    kdf = Argon2id(
        salt=salt, length=_KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return kdf.derive(text)


def check_passphrase(text: str, account: str) -> None:
    """Accept a new pass-phrase for ``account``.

    Raises:
        InputError: too short, too long, on the block list, one pattern over and over, or little more than the name.
    """
    remedy = sentence(
        "Several words that only you would put together, {min_length} characters or more.", min_length=MIN_LENGTH
    )
    plain = unicodedata.normalize("NFKC", text)
    if len(plain) < MIN_LENGTH:
        raise InputError(
            sentence(
                "The pass-phrase has {n} characters, at least {min_length} are needed.",
                n=len(plain),
                min_length=MIN_LENGTH,
            ),
            remedy,
        )
    if len(plain) > MAX_LENGTH:
        raise InputError(
            sentence("The pass-phrase has more than {max_length} characters.", max_length=MAX_LENGTH),
            "Choose a shorter one.",
        )
    folded = "".join(plain.casefold().split())
    without_name = folded.replace(account.casefold(), "").replace("sallyport", "")
    guessable = folded.strip("0123456789.!?-_") in _BLOCKED or folded in _BLOCKED
    if guessable or len(without_name) < MIN_LENGTH // 2 or _repeats(folded) or any(folded in run for run in _RUNS):
        raise InputError("The pass-phrase is one of those that are tried first.", remedy)


def check_pin(text: str) -> None:
    """Accept a new kiosk PIN. Raises `InputError`: it must be digits, and no pattern."""
    if not text.isascii() or not text.isdigit() or len(text) < PIN_LENGTH:
        raise InputError(
            "The PIN is not usable.", sentence("Choose {pin_length} digits or more.", pin_length=PIN_LENGTH)
        )
    if _repeats(text) or text in _RUNS[0] or text in _RUNS[0][::-1]:
        raise InputError("The PIN is one of those that are tried first.", "Choose digits without a pattern.")


def _repeats(text: str) -> bool:
    """Whether the text is a few characters over and over."""
    return any(text == (text[:n] * len(text))[: len(text)] for n in range(1, min(_LONGEST_PERIOD, len(text) // 2) + 1))


def make_code() -> str:
    """A recovery code for paper: 160 random bits in groups of four."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_CODE_GROUP)) for _ in range(_CODE_GROUPS))
    return "-".join(groups)


def read_code(text: str) -> str:
    """A recovery code as somebody typed it: case, spaces and letters that look like digits do not matter."""
    characters = "".join(text.upper().replace("-", "").split()).translate(str.maketrans("OIL", "011"))
    return "-".join(characters[at : at + _CODE_GROUP] for at in range(0, len(characters), _CODE_GROUP))
