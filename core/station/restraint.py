"""Who attacks is locked out, and who tries again and again is made to wait; both rest on what is stored."""

from __future__ import annotations

from core.codes import Outcome, SourceKind
from core.messages import Delay, LockOutChanged, Message, SetSession, Unlock
from core.probing import AlarmRaised, is_suspicious
from core.station.inference import InferenceLink
from core.station.ports import StationLedger
from core.station.running import RunningSession
from core.verdict import Verdict


class Restraint:
    """The lock-out and the delays of one kind of source. Inference applies them; a process started anew is told."""

    def __init__(
        self, source_kind: SourceKind, inference: InferenceLink, ledger: StationLedger, running: RunningSession
    ) -> None:
        self.locked = False
        self._source_kind = source_kind
        self._inference = inference
        self._ledger = ledger
        self._running = running

    def tell_session(self) -> None:
        """Tell inference which session runs, and whether it is locked."""
        self._inference.send(self._session())

    def remember_lock_out(self) -> list[Message]:
        """A lock-out that is stored is one for inference too, whatever was started anew since."""
        if self.locked or not self._ledger.locked(self._source_kind):
            return []
        self.locked = True
        self.tell_session()
        return [LockOutChanged(self._source_kind, True)]

    def remember_delay(self) -> None:
        """A delay that stood when the station, or its inference, was stopped goes on."""
        found = self._ledger.probing(self._source_kind)
        if found.left_s > 0.0:
            self._inference.send(Delay(1000.0 * found.left_s))

    def lock_out_changed(self, locked: bool) -> None:
        """Inference has locked, or unlocked."""
        self.locked = locked
        self._inference.remember(self._session())

    def unlock(self, reason: str) -> None:
        """A supervisor ends the lock-out, and a delay with it, with a reason; it is audited first."""
        self._ledger.note_unlock(self._running.session, reason)
        self.lock_out_changed(False)
        self._inference.send(Unlock())
        self._inference.send(Delay(0.0))

    def weigh(self, verdict: Verdict) -> list[Message]:
        """After this answer was stored: lock out, or make wait and tell somebody."""
        if verdict.shadow or not is_suspicious(verdict.outcome, verdict.reason):
            return []
        locked = self.remember_lock_out() if verdict.outcome is Outcome.ATTACK else []
        found = self._ledger.probing(self._source_kind)
        if found.delay_s <= 0.0:
            return locked
        self._inference.send(Delay(1000.0 * found.left_s))
        alarm = AlarmRaised(self._source_kind, found.steps, found.delay_s)
        self._ledger.raise_alarm(self._running.session, alarm)
        return [*locked, alarm]

    def _session(self) -> SetSession:
        return SetSession(self._running.session, self._source_kind, self.locked)
