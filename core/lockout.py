"""Lock-out after repeated attacks: a supervisor ends it, nothing else does."""

from __future__ import annotations

from collections import defaultdict

from core.codes import Outcome, SourceKind
from core.policy import SitePolicy


class LockOut:
    """Counts attack verdicts in a row, apart for each kind of source: a simulated attack never locks a live camera.

    A bona fide verdict starts the count again; a referral or a non-response does not, so that an attacker gains
    nothing by stepping away in between.
    """

    def __init__(self) -> None:
        self._attacks_ms: dict[SourceKind, list[float]] = defaultdict(list)
        self._locked: set[SourceKind] = set()

    def locked(self, kind: SourceKind) -> bool:
        """Whether sources of this kind are locked."""
        return kind in self._locked

    def lock(self, kind: SourceKind) -> None:
        """Lock (again): the state that stood before a restart."""
        self._locked.add(kind)

    def unlock(self) -> None:
        """A supervisor's decision."""
        self._locked.clear()
        self._attacks_ms.clear()

    def record(self, outcome: Outcome, time_ms: float, kind: SourceKind, policy: SitePolicy) -> None:
        """Take one verdict into account. ``time_ms`` is camera time; a clock that went back still counts."""
        if outcome is Outcome.BONA_FIDE:
            self._attacks_ms[kind].clear()
        if outcome is not Outcome.ATTACK or policy.lock_out_attacks == 0:
            return
        recent = [t for t in self._attacks_ms[kind] if time_ms - t <= policy.lock_out_window_ms]
        self._attacks_ms[kind] = [*recent, time_ms]
        if len(self._attacks_ms[kind]) >= policy.lock_out_attacks:
            self._locked.add(kind)
