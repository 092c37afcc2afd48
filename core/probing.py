"""Probing: somebody who tries again and again learns where the threshold lies, unless trying becomes slow.

Every suspicious answer fills a bucket, every clear bona fide one drains half a step of it; from the third step on
nobody is answered for a while, and twice as long at each further step. The count rests on the stored verdicts alone,
so that a restart forgets nothing (reliability.md section 5, "repeated probing").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.assessment import log_odds
from core.codes import TAMPERED, Outcome, Reason, SourceKind

WINDOW_S = 600.0
"""Older verdicts say nothing any more."""
FREE_STEPS = 3
"""A person who is refused once or twice is not probing."""
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 300.0
DRAIN = 0.5
NEAR_LOGITS = 1.0
"""An acceptance that close to the threshold drains nothing."""
_SUSPICIOUS = TAMPERED | {Reason.IN_BAND, Reason.UNFAMILIAR, Reason.CHALLENGE_FAILED}


def is_suspicious(outcome: Outcome, reason: Reason) -> bool:
    """An attack, or an answer that tells somebody how near they came."""
    return outcome is Outcome.ATTACK or reason in _SUSPICIOUS


@dataclass(frozen=True, slots=True)
class Attempt:
    """One stored verdict, as far as it matters here. ``time_s`` is when it was stored, by a clock that nobody sets."""

    time_s: float
    outcome: Outcome
    reason: Reason
    score: float | None
    threshold: float | None

    @property
    def suspicious(self) -> bool:
        """See `is_suspicious`."""
        return is_suspicious(self.outcome, self.reason)

    @property
    def clear(self) -> bool:
        """Accepted well above the threshold."""
        score, threshold = self.score, self.threshold
        if self.outcome is not Outcome.BONA_FIDE or score is None or threshold is None or not 0.0 < threshold < 1.0:
            return False
        return score >= 1.0 or (score > 0.0 and log_odds(score) - log_odds(threshold) >= NEAR_LOGITS)


@dataclass(frozen=True, slots=True)
class Probing:
    """How far it has gone: steps in the bucket, the delay that they ask for, and what of it is left (seconds)."""

    steps: float = 0.0
    delay_s: float = 0.0
    left_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Somebody is probing a source of this kind: told in the window, in the event stream, and audited."""

    source_kind: SourceKind
    steps: float
    delay_s: float


def probing(attempts: Sequence[Attempt], now_s: float) -> Probing:
    """What the newest attempts, oldest first, amount to.

    Times are seconds of one clock. An attempt that looks as if it were to come counts as one of just now.
    """
    steps, last_s = 0.0, 0.0
    for attempt in attempts:
        if now_s - attempt.time_s > WINDOW_S:
            continue
        if attempt.suspicious:
            steps, last_s = steps + 1.0, attempt.time_s
        elif attempt.clear:
            steps = max(0.0, steps - DRAIN)
    if steps < FREE_STEPS:
        return Probing(steps)
    delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** int(steps - FREE_STEPS))
    return Probing(steps, delay_s, min(delay_s, max(0.0, last_s + delay_s - now_s)))
