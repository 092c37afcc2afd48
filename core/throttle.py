"""How long a log-in has to wait after failures in a row (NIST SP 800-63B: growing, told, at most a hundred).

Pure figures: `storage.repositories.credentials` keeps the count and the times, so that a restart forgets nothing.
"""

from __future__ import annotations

from core.errors import HostError, sentence

FREE = 2
"""Failures in a row that cost no wait: a slip of the finger is not an attack."""
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 3600.0
MOST_FAILURES = 100
"""Failures in a row after which only somebody else, or the recovery code, opens the account again."""


class WrongSecretError(HostError):
    """No such account, or not its pass-phrase: which of them is not told."""


class WaitError(HostError):
    """The wait after earlier failures is not over. ``wait_s``: seconds left; ``None``: it does not end by itself."""

    def __init__(self, what: str, remedy: str, wait_s: float | None) -> None:
        super().__init__(what, remedy)
        self.wait_s = wait_s


def wait_after(failures: int) -> float:
    """Seconds of wait after so many failures in a row."""
    if failures <= FREE:
        return 0.0
    doublings = min(failures - FREE - 1, 12)
    return min(FIRST_WAIT_S * 2.0**doublings, LONGEST_WAIT_S)


def remaining_s(failures: int, failed_s: float, now_s: float) -> float | None:
    """Seconds that the next try has to wait; ``None`` when there is no next try.

    Both times are on a scale that never runs backwards and nobody can set (`storage.repositories.trusted_time`).
    """
    if failures >= MOST_FAILURES:
        return None
    return max(0.0, failed_s + wait_after(failures) - now_s)


def in_words(wait_s: float) -> str:
    """``45 seconds`` or ``12 minutes``, rounded up."""
    seconds = max(1, int(-(-wait_s // 1)))
    return sentence("{n} seconds", n=seconds) if seconds < 120 else sentence("{n} minutes", n=-(-seconds // 60))
