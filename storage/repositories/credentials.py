"""Secrets as they are kept, and how often they were tried in vain (`core.passphrase`, `core.throttle`)."""

from __future__ import annotations

from core.clock import Clock
from core.errors import sentence
from core.passphrase import COST, Cost, Sealed, seal
from core.throttle import WaitError, WrongSecretError, in_words, remaining_s
from storage.database import DatabaseFile, Row
from storage.repositories.trusted_time import TrustedTime

_WRONG = "This name and this pass-phrase do not belong together."
_CLOSED = "An administrator sets a new pass-phrase (`main.py accounts passphrase`), or use the recovery code."


class Credentials:
    """One row per secret. A try is counted before it is made: who pulls the plug meanwhile has used it up."""

    def __init__(self, file: DatabaseFile, clock: Clock, cost: Cost = COST) -> None:
        self._file = file
        self._clock = clock
        self.cost = cost
        """What a new secret is sealed with."""
        self.time = TrustedTime(file, clock)

    def seal(self, secret: str) -> Sealed:
        """What `put` keeps of a secret; takes as long as `cost` says, so it is done outside of transactions."""
        return seal(secret, self.cost)

    def put(self, identity: str, sealed: Sealed) -> None:
        """Keep a new secret; failures are forgotten."""
        row = {
            "id": identity,
            "salt": sealed.salt,
            "derived": sealed.key,
            "memory_kib": sealed.cost.memory_kib,
            "iterations": sealed.cost.iterations,
            "lanes": sealed.cost.lanes,
            "changed_utc_s": self._clock.utc_s(),
        }
        with self._file.transaction():
            self.drop(identity)
            self._file.insert("credentials", row)

    def set(self, identity: str, secret: str) -> None:
        """`seal` and `put`."""
        self.put(identity, self.seal(secret))

    def drop(self, identity: str) -> None:
        """Forget a secret."""
        self._file.change("DELETE FROM credentials WHERE id = ?", (identity,))

    def exists(self, identity: str) -> bool:
        """Whether there is such a secret."""
        return self._row(identity) is not None

    def wait_s(self, identity: str) -> float | None:
        """Seconds that the next try has to wait, 0 = none; ``None``: it does not end by itself."""
        row = self._row(identity)
        return 0.0 if row is None else remaining_s(row["failures"], row["failed_s"], self.time.passed_s())

    def check(self, identity: str, secret: str) -> None:
        """Go on only if ``secret`` is the one of ``identity``; takes as long as its cost says.

        A secret that was sealed at a lower cost is sealed again.

        Raises:
            WaitError: the wait after earlier failures is not over, or too many of them; nothing was tried.
            WrongSecretError: it is not the one, or there is no such identity.
        """
        sealed = self._begin(identity)
        if sealed is None:
            seal(secret, self.cost)  # as long as for a name that exists
            raise WrongSecretError(_WRONG, "Try again.")
        if not sealed.matches(secret):
            raise WrongSecretError(_WRONG, self._remedy(identity))
        if self.cost.grew_since(sealed.cost):
            self.set(identity, secret)
        else:
            self._file.change("UPDATE credentials SET failures = 0 WHERE id = ?", (identity,))

    def _begin(self, identity: str) -> Sealed | None:
        """Count the try and hand out what it is compared with."""
        now = self.time.passed_s()
        with self._file.transaction():
            row = self._row(identity)
            if row is None:
                return None
            left = remaining_s(row["failures"], row["failed_s"], now)
            if left is None or left > 0:
                raise _wait(left)
            sql = "UPDATE credentials SET failures = failures + 1, failed_s = ? WHERE id = ?"
            self._file.change(sql, (now, identity))
        return Sealed(row["salt"], row["derived"], Cost(row["memory_kib"], row["iterations"], row["lanes"]))

    def _remedy(self, identity: str) -> str:
        left = self.wait_s(identity)
        if left is None:
            return _CLOSED
        return sentence("The next try is possible in {time}.", time=in_words(left)) if left else "Try again."

    def _row(self, identity: str) -> Row | None:
        return self._file.row("SELECT * FROM credentials WHERE id = ?", (identity,))


def _wait(left: float | None) -> WaitError:
    if left is None:
        return WaitError("Too many failures in a row: this way in is closed.", _CLOSED, None)
    return WaitError(
        sentence("After earlier failures the next try is possible in {time}.", time=in_words(left)),
        "Then try again.",
        left,
    )
