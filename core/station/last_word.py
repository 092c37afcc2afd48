"""From a verdict that inference reached to one that is stored: only then it is an event, and told to the door."""

from __future__ import annotations

import logging
from dataclasses import replace

from core.codes import Outcome, Reason, Rule, SourceKind
from core.errors import KnownError
from core.frames import ModalityMask
from core.messages import Message, ShadowSaid, Standing, VerdictCommitted
from core.qualification.shadow import is_shadow
from core.station.doorway import Doorway
from core.station.following import Following
from core.station.ports import StationLedger
from core.station.restraint import Restraint
from core.station.running import RunningSession
from core.verdict import Trace, Verdict

log = logging.getLogger(__name__)


class LastWord:
    """The station's last word on every verdict, its commit, and what follows from it."""

    def __init__(
        self,
        source_kind: SourceKind,
        running: RunningSession,
        following: Following,
        restraint: Restraint,
        doorway: Doorway,
        ledger: StationLedger,
    ) -> None:
        self._source_kind = source_kind
        self._running = running
        self._following = following
        self._restraint = restraint
        self._doorway = doorway
        self._ledger = ledger
        self._newest: VerdictCommitted | None = None

    def conclude(self, verdict: Verdict) -> list[Message]:
        """Store a verdict; whoever tries again and again is made to wait, and somebody is told.

        A presentation has one answer: what comes for one that is over is dropped.
        """
        if verdict.presentation and verdict.presentation not in self._running.awaited:
            log.warning("an answer came too late for presentation %s and is dropped", verdict.presentation)
            return []
        stored = self._commit(verdict)
        return [stored, *self._doorway.take(stored), *self._restraint.weigh(stored.verdict)]

    def abandon(self) -> list[Message]:
        """Nobody will answer any more what is still to be answered: the answer is no response, and it is stored."""
        left = tuple(self._running.awaited.items())
        return [event for one, test in left for event in self.conclude(self._no_response(one, test))]

    def _no_response(self, presentation: str, test: bool) -> Verdict:
        champion, policy = self._following.champion, self._following.policy
        return Verdict(
            presentation=presentation,
            session=self._running.session,
            source_kind=self._source_kind,
            shadow=test or is_shadow(self._source_kind, ModalityMask(0), self._following.standing.qualified),
            t_s=self._running.camera_s,
            outcome=Outcome.NON_RESPONSE,
            reason=Reason.MODEL_ERROR,
            mask=ModalityMask(0),
            score=None,
            threshold=None,
            rule=Rule.ENDED,
            model=champion,
            trace=Trace((), (), {}, {}, None, None, Rule.ENDED, champion, policy.sha256()),
        )

    def note_shadow(self, said: ShadowSaid) -> None:
        """It comes right after the verdict that it speaks of; of one that was replaced meanwhile it says nothing."""
        newest = self._newest
        if newest is not None and newest.verdict.t_s == said.t_s and said.model == self._following.shadow:
            try:
                self._ledger.note_shadow(newest.row_id, said)
            except KnownError:
                log.exception("an answer of the shadow run could not be stored; the verdict stands")

    def _commit(self, verdict: Verdict) -> VerdictCommitted:
        verdict = _permitted(self._placed(verdict), self._following.standing, self._following.champion)
        try:
            row = self._ledger.commit_verdict(verdict)
        except BaseException:
            self._doorway.close()  # at once: whoever polls us may take its time to shut us down
            raise
        self._running.answered(verdict.presentation)
        self._newest = VerdictCommitted(row, verdict)
        return self._newest

    def _placed(self, verdict: Verdict) -> Verdict:
        """What began by itself in a session that is over is stored outside of sessions, never with the next.

        What began before inference heard of the session that runs is of that one.
        """
        if verdict.presentation:
            return verdict
        session = self._running.session if verdict.session in ("", self._running.session) else ""
        return replace(verdict, session=session, source_kind=self._source_kind)


def _permitted(verdict: Verdict, standing: Standing, champion: str) -> Verdict:
    """What may be said of it, whatever inference knew of camera, revocation or shift check when it answered.

    What stands is the champion's: a model that inference still has, or has kept, decides by no other's qualification.
    """
    qualified = standing.qualified if verdict.model in ("", champion) else ()
    shadow = is_shadow(verdict.source_kind, verdict.mask, qualified)
    if not verdict.shadow and (shadow or standing.withheld is not Reason.NONE):
        verdict = replace(verdict, shadow=True)
    accepted = standing.commissioned or verdict.source_kind is not SourceKind.LIVE
    if accepted or verdict.outcome is Outcome.NON_RESPONSE:
        return verdict
    return replace(
        verdict,
        outcome=Outcome.NON_RESPONSE,
        reason=Reason.NOT_COMMISSIONED,
        score=None,
        rule=Rule.NOT_COMMISSIONED,
    )
