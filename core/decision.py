"""From observations to verdicts: a state machine without clock, camera or model. It fails closed.

A presentation starts on command, or by itself when a face comes into view, and ends at a verdict, at its deadline or
when the face is gone. A jump of the face box is another person: on command the evidence starts anew, else another
presentation begins. All times are camera time, taken from the observations.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field

from core.assessment import Assessment, Thresholds, assess, valid
from core.challenge import ChallengeAnswer
from core.codes import TAMPERED, ChallengeResult, Outcome, Reason, Rule, SourceKind
from core.face.finder import overlap
from core.frames import ModalityMask
from core.lockout import LockOut
from core.policy import SitePolicy
from core.qualification.shadow import is_shadow
from core.verdict import Evidence, Observation, Trace, Verdict

FACE_OUT_MS = 1000.0
"""A face that is not seen for this long has left."""
TRACK_GAP_MS = 500.0
"""After a longer gap nobody knows whether it is the same person: evidence from before it is not used."""
TRACK_OVERLAP = 0.1
"""Successive boxes that share less than this are two people."""
MAX_STEP_MS = 2000.0
"""No two observations lie further apart unless a clock jumped: silence, too, is observed ten times a second."""
LOCKED_ANSWER_MS = 1000.0
"""A presentation at a locked station is answered after this time, so that nobody can ask at camera rate."""


@dataclass
class _Presentation:
    """The running presentation. ``started_ms`` is unknown until its first observation."""

    id: str
    session: str
    source_kind: SourceKind
    policy: SitePolicy
    commanded: bool
    test: bool = False
    started_ms: float | None = None
    mask: ModalityMask = field(default_factory=ModalityMask)
    window: list[Observation] = field(default_factory=list)
    evidence_count: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    hints: Counter[str] = field(default_factory=Counter)
    masks: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    tampered: Reason = Reason.NONE
    nonce: str = ""
    """Of the challenge that was asked for; empty before."""
    challenge: ChallengeAnswer | None = None

    def start_anew(self, note: str) -> None:
        """Forget the evidence and the challenge, not the time that has passed and not a sign of tampering."""
        if self.window:
            self.notes.append(note)
        self.window.clear()
        self.evidence_count = 0
        self.nonce, self.challenge = "", None

    def speaking(self, now_ms: float) -> ModalityMask | None:
        """The mask of the newest evidence; ``None`` where that is not fresh: then older masks do not speak either."""
        if not self.window or now_ms - self.window[-1].time_ms > self.policy.stale_ms:
            return None
        return self.window[-1].mask

    def prune(self, now_ms: float) -> None:
        """Keep the newest evidence of each mask; of the mask that speaks, only what is fresh.

        What another mask said stays until the presentation ends, because it may veto (`core.assessment`).
        """
        speaking, kept = self.speaking(now_ms), Counter[ModalityMask]()
        newest_first = []
        for observation in reversed(self.window):
            fresh = now_ms - observation.time_ms <= self.policy.stale_ms
            if (observation.mask == speaking and not fresh) or kept[observation.mask] >= self.policy.max_frame_sets:
                continue
            kept[observation.mask] += 1
            newest_first.append(observation)
        self.window = newest_first[::-1]


WITHHELD_BY = {
    Reason.SHIFT_CHECK: Rule.SHIFT_CHECK,
    Reason.POLICY_REFUSED: Rule.POLICY_REFUSED,
    Reason.AUDIT_BROKEN: Rule.AUDIT_BROKEN,
}
"""Why a station may give no verdicts at all, and the rule that says so."""


class DecisionWindow:
    """Feed observations in order, take verdicts out.

    Args:
        policy: the site policy.
        automatic: whether presentations start by themselves when a face comes into view.
        challenging: whether nobody is accepted before the camera has answered a challenge (all but what is played).
    """

    def __init__(self, policy: SitePolicy, automatic: bool, challenging: bool = False) -> None:
        self.lock_out = LockOut()
        self.calibration_sha256 = ""
        """Digest of the camera's calibration, for the trace."""
        self.qualified: frozenset[ModalityMask] = frozenset()
        """Masks under which the camera stands qualified; a live verdict under another is a shadow verdict."""
        self.withheld = Reason.NONE
        """Why no verdict is given but to a test (`WITHHELD_BY`): the start-of-shift check is due, for instance."""
        self.camera = ""
        """Fingerprint of the camera's identity, for the trace."""
        self.commissioned = False
        """Whether the camera is the one that a technician has accepted; what is not live needs nobody's acceptance."""
        self._challenging = challenging
        self._policy = policy
        self._automatic = automatic
        self._model: Thresholds | None = None
        self._session = ""
        self._source_kind: SourceKind | None = None
        self._session_start_ms: float | None = None
        self._running: _Presentation | None = None
        self._last_seen: Observation | None = None
        self._last_ms: float | None = None
        self._waiting_for_exit = False
        self._hold_ms = 0.0
        """What is left of a delay."""
        self._host_time = False
        """Whether the newest time was counted by the host, because the camera was silent."""

    @property
    def policy(self) -> SitePolicy:
        """The policy of the next presentation."""
        return self._policy

    @property
    def running(self) -> str | None:
        """Id of the running presentation; empty for one that started by itself, ``None`` when there is none."""
        return self._running.id if self._running is not None else None

    # --- commands -----------------------------------------------------------------------------------------------

    def set_model(self, model: Thresholds) -> None:
        """Judge by this model from now on. Evidence of another model is not pooled with its own."""
        if self._running is not None and self._model is not None:
            self._running.start_anew("model changed")
        self._model = model

    def set_policy(self, policy: SitePolicy) -> None:
        """Use this policy from the next presentation on."""
        self._policy = policy

    def set_session(self, session: str, source_kind: SourceKind, locked: bool = False) -> Verdict | None:
        """Presentations that start by themselves belong to this session; a running one of another session ends."""
        verdict = self.end() if self._running is not None and self._running.session != session else None
        if session != self._session:
            self._session_start_ms = None
            self._waiting_for_exit = False
        self._session, self._source_kind = session, source_kind
        if locked:
            self.lock_out.lock(source_kind)
        return verdict

    def begin(self, presentation: str, session: str, source_kind: SourceKind, test: bool = False) -> Verdict | None:
        """Start a presentation on command; returns the verdict of one that was still running.

        The verdict of a ``test`` of the camera is a shadow verdict.
        """
        verdict = self.end()
        if session != self._session:
            self.set_session(session, source_kind)
        self._running = _Presentation(presentation, session, source_kind, self._policy, commanded=True, test=test)
        return verdict

    def end(self) -> Verdict | None:
        """End the running presentation now: it answers with what it has."""
        if self._running is None:
            return None
        return self._close(self._running, Rule.ENDED)

    def hold(self, duration_ms: float) -> None:
        """Answer nobody for so much camera time from now on; 0 ends a delay."""
        self._hold_ms = duration_ms

    # --- challenge ----------------------------------------------------------------------------------------------

    def wanted_challenge(self) -> str:
        """Nonce of the challenge to ask for at this moment; empty when none is due."""
        running = self._running
        if not self._challenging or running is None or running.nonce or not self._must_answer(running):
            return ""
        if self._last_seen is None or self._last_seen.time_ms != self._last_ms:
            return ""  # nobody is in view: the challenge belongs to the presentation of a face
        running.nonce = secrets.token_hex(8)
        return running.nonce

    def challenged(self, nonce: str, answer: ChallengeAnswer) -> None:
        """What a challenge came to; one that nobody waits for any more is dropped."""
        if self._running is not None and nonce and nonce == self._running.nonce:
            self._running.challenge = answer

    def _must_answer(self, running: _Presentation) -> bool:
        return self._challenging and running.source_kind is not SourceKind.PLAYBACK

    def _proven(self, running: _Presentation) -> bool:
        """Whether the camera has answered, or is one that cannot be asked."""
        if not self._must_answer(running):
            return True
        answer = running.challenge
        return answer is not None and answer.result in (ChallengeResult.PASSED, ChallengeResult.NOT_SUPPORTED)

    # --- observations -------------------------------------------------------------------------------------------

    def feed(self, observation: Observation) -> Verdict | None:
        """Take one observation; returns the verdict that it brought about, if any."""
        self._follow_clock(observation.time_ms, silent=observation.reason is Reason.STALE)
        if self._session_start_ms is None and observation.reason is not Reason.STALE:
            self._session_start_ms = observation.time_ms
        another = self._is_another_person(observation)
        gone = self._face_gone(observation)
        lost_sight = self._lost_sight(observation)
        if another or gone:
            self._waiting_for_exit = False
        verdict = None
        if self._running is not None and not self._running.commanded and (another or gone):
            verdict = self._close(self._running, Rule.ENDED)
            self._waiting_for_exit = False
        elif self._running is not None and (another or lost_sight):
            self._running.start_anew("another face" if another else "face lost from sight")
        if self._running is None and verdict is None and self._may_start(observation):
            assert self._source_kind is not None
            self._running = _Presentation("", self._session, self._source_kind, self._policy, commanded=False)
        if observation.box is not None or observation.evidence is not None:
            self._last_seen = observation
        return verdict if self._running is None else self._take(self._running, observation)

    def _take(self, running: _Presentation, observation: Observation) -> Verdict | None:
        now = observation.time_ms
        if running.started_ms is None:
            running.started_ms = now
        running.hints.update(str(hint) for hint in observation.hints)
        running.masks[str(observation.mask)] += 1
        running.mask = observation.mask
        usable = self._usable(observation)
        if usable is not Reason.NONE:
            running.reasons[usable] += 1
        else:
            running.window.append(observation)
            running.evidence_count += 1
        running.prune(now)
        if observation.reason in TAMPERED:
            running.tampered = observation.reason
        barred = self._barred(running)
        if barred is not None:
            waited = now - running.started_ms >= LOCKED_ANSWER_MS
            return self._close(running, barred[1]) if waited else None
        found = self._assess(running)
        full = found is not None and (found.settled or running.evidence_count >= running.policy.max_frame_sets)
        if found is not None and full and (found.outcome is not Outcome.BONA_FIDE or self._proven(running)):
            return self._answer(running, found)
        if now - running.started_ms >= running.policy.deadline_ms:
            return self._close(running, Rule.DEADLINE)
        return None

    def _usable(self, observation: Observation) -> Reason:
        """`Reason.NONE` where the observation carries evidence that may be pooled, else why it does not."""
        if observation.evidence is None:
            return observation.reason if observation.reason is not Reason.NONE else Reason.MODEL_ERROR
        if observation.reason is not Reason.NONE:
            return observation.reason
        ok = valid(observation.evidence) and observation.evidence.mask == observation.mask
        return Reason.NONE if ok else Reason.MODEL_ERROR

    def _may_start(self, observation: Observation) -> bool:
        in_view = observation.box is not None or observation.evidence is not None
        free = not self._waiting_for_exit and self._hold_ms <= 0.0
        return self._automatic and in_view and free and bool(self._session)

    def _is_another_person(self, observation: Observation) -> bool:
        last = self._last_seen
        if last is None or last.box is None or observation.box is None:
            return False
        near = observation.time_ms - last.time_ms <= TRACK_GAP_MS
        return near and overlap(last.box, observation.box) < TRACK_OVERLAP

    def _lost_sight(self, observation: Observation) -> bool:
        return self._last_seen is not None and observation.time_ms - self._last_seen.time_ms > TRACK_GAP_MS

    def _face_gone(self, observation: Observation) -> bool:
        if observation.box is not None or observation.evidence is not None or self._last_seen is None:
            return False
        return observation.time_ms - self._last_seen.time_ms >= FACE_OUT_MS

    def _follow_clock(self, now_ms: float, silent: bool) -> None:
        """A device clock that starts anew must not stretch or end a deadline or a delay, nor keep old evidence fresh.

        It goes back, or, after a silence that the host has counted, on from somewhere else.
        """
        step = now_ms - (self._last_ms if self._last_ms is not None else now_ms)
        if step < 0.0:
            self._last_seen = None
            if self._running is not None:
                self._running.start_anew("camera clock went back")
        if step < 0.0 or (self._host_time and not silent and step > MAX_STEP_MS):
            if self._session_start_ms is not None:
                self._session_start_ms += step
            if self._running is not None and self._running.started_ms is not None:
                self._running.started_ms += step
        else:
            self._hold_ms = max(0.0, self._hold_ms - min(step, MAX_STEP_MS))
        self._last_ms, self._host_time = now_ms, silent

    def _barred(self, running: _Presentation) -> tuple[Reason, Rule] | None:
        """Why nothing may be decided whatever the evidence says; ``None`` where something may."""
        if self.lock_out.locked(running.source_kind):
            return Reason.LOCK_OUT, Rule.LOCKED_OUT
        if self.withheld is not Reason.NONE and not running.test:
            return self.withheld, WITHHELD_BY[self.withheld]
        if self._hold_ms > 0.0:
            return Reason.DELAYED, Rule.DELAYED
        if running.source_kind is SourceKind.LIVE and not self.commissioned:
            return Reason.NOT_COMMISSIONED, Rule.NOT_COMMISSIONED
        if running.tampered is not Reason.NONE:
            return running.tampered, Rule.TAMPERED
        if running.challenge is not None and running.challenge.result is ChallengeResult.FAILED:
            return Reason.CHALLENGE_FAILED, Rule.CHALLENGE
        return None

    # --- answers ------------------------------------------------------------------------------------------------

    def _assess(self, running: _Presentation) -> Assessment | None:
        if self._model is None or self._last_ms is None or running.speaking(self._last_ms) is None:
            return None
        return assess(_evidence(running), running.policy, self._model)

    def _close(self, running: _Presentation, rule: Rule) -> Verdict:
        """Answer at an end that is no decision: a referral where there is enough evidence, else no response."""
        barred = self._barred(running)
        found = self._assess(running) if barred is None else None
        if found is not None and (found.outcome is not Outcome.BONA_FIDE or self._proven(running)):
            return self._answer(running, found)
        if barred is not None:
            reason, rule = barred
        elif found is not None:
            reason, rule = Reason.CHALLENGE_OPEN, Rule.CHALLENGE
        elif running.reasons:
            reason = running.reasons.most_common(1)[0][0]
        else:
            reason = Reason.TIMEOUT if rule is Rule.DEADLINE else Reason.OPERATOR
        nothing = Assessment(Outcome.NON_RESPONSE, reason, rule, running.mask, 0.0, None, None, settled=True)
        return self._answer(running, nothing)

    def _answer(self, running: _Presentation, found: Assessment) -> Verdict:
        now = self._last_ms if self._last_ms is not None else 0.0
        self._running = None
        self._waiting_for_exit = True
        shadow = running.test or is_shadow(running.source_kind, found.mask, self.qualified)
        if not shadow:
            self.lock_out.record(found.outcome, now, running.source_kind, running.policy)
        model = self._model.sha256 if self._model is not None else ""
        trace = Trace(
            frame_sets=tuple(observation.frame_set for observation in running.window),
            evidence=tuple(_evidence(running)),
            hints=dict(running.hints),
            masks=dict(running.masks),
            threshold=found.threshold,
            abstain_band=found.band,
            rule=found.rule,
            model=model,
            policy_sha256=running.policy.sha256(),
            calibration_sha256=self.calibration_sha256,
            camera=self.camera,
            challenge=running.challenge,
            notes=tuple(running.notes),
            qualified=tuple(str(mask) for mask in sorted(self.qualified)),
            boxes=tuple(observation.box for observation in running.window),
        )
        return Verdict(
            presentation=running.id,
            session=running.session,
            source_kind=running.source_kind,
            shadow=shadow,
            t_s=0.0 if self._session_start_ms is None else (now - self._session_start_ms) / 1000.0,
            outcome=found.outcome,
            reason=found.reason,
            mask=found.mask,
            score=None if found.outcome is Outcome.NON_RESPONSE else found.score,
            threshold=found.threshold,
            rule=found.rule,
            model=model,
            trace=trace,
            duration_ms=now - running.started_ms if running.started_ms is not None else 0.0,
        )


def _evidence(running: _Presentation) -> list[Evidence]:
    return [observation.evidence for observation in running.window if observation.evidence is not None]
