"""What the catalogue says, followed: anybody may change it, also from the command line, and it takes effect here."""

from __future__ import annotations

import logging
from dataclasses import replace

from core.clock import Clock, ClockWatch
from core.codes import Reason, SourceKind
from core.errors import sentence
from core.messages import CameraHealth, LoadModel, LoadShadow, Message, Problem, SetPolicy, Standing
from core.policy import SitePolicy
from core.qualification.shift import withheld
from core.station.inference import InferenceLink
from core.station.ports import StationLedger

log = logging.getLogger(__name__)

CATALOGUE_CHECK_MS = 500.0


class Following:
    """The champion, the model beside it, the site policy, and what the camera may do under them; told to inference."""

    def __init__(self, source_kind: SourceKind, inference: InferenceLink, ledger: StationLedger, clock: Clock) -> None:
        self.champion = ""
        self.shadow = ""
        self.policy = SitePolicy()
        self.policy_refused = False
        self.audit_broken = False
        self.standing = Standing()
        self._source_kind = source_kind
        self._inference = inference
        self._ledger = ledger
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._changes: int | None = None
        self._next_check_ms = 0.0

    def begin(self, health: CameraHealth | None) -> list[Message]:
        """Before inference starts: all that it has to know from its first moment."""
        self._inference.send(SetPolicy(self.policy))
        self._look_up()
        return self.stand(health)

    def look(self, health: CameraHealth | None) -> list[Message]:
        """Twice a second, called more often: what has changed, the machine's clock included."""
        if self._clock.now_ms() < self._next_check_ms:
            return []
        jumped = self._watch_clock()
        changed = self._look_up()
        return jumped + (self.stand(health) if changed else self._tell(self.standing))

    def stand(self, health: CameraHealth | None) -> list[Message]:
        """Another camera, another model, a qualification or its revocation: what may be done now, told to everybody."""
        return self._tell(self._ledger.standing(self._source_kind, health, self.champion))

    def _tell(self, standing: Standing) -> list[Message]:
        """Apply the policy of shift checks, which time alone may make due; tell what has changed."""
        standing = replace(standing, withheld=self._withheld(standing), own_policy=self.policy != SitePolicy())
        if standing == self.standing:
            return []
        log.info("qualified: %s", ", ".join(map(str, sorted(standing.qualified))) or "nothing")
        self.standing = standing
        self._inference.send(standing)
        return [standing]

    def _withheld(self, standing: Standing) -> Reason:
        if self.policy_refused:
            return Reason.POLICY_REFUSED
        if self.audit_broken:
            return Reason.AUDIT_BROKEN
        now_s = self._clock.utc_s()
        return withheld(self.policy, self._source_kind, standing.qualified, standing.checked_utc_s, now_s)

    def _look_up(self) -> bool:
        """Champion, model beside it, policy, a broken audit log; says whether anybody wrote to the catalogue."""
        self._next_check_ms = self._clock.now_ms() + CATALOGUE_CHECK_MS
        changes = self._ledger.changes()
        if changes == self._changes:
            return False
        self._changes = changes
        self._look_up_models()
        self._look_up_policy()
        self.audit_broken = self._ledger.audit_broken()
        return True

    def _look_up_models(self) -> None:
        champion, path = self._ledger.champion()
        if champion != self.champion:
            log.info("champion is now %s", champion[:12])
            self.champion = champion
            self._inference.send(LoadModel(path))
        shadow, beside = self._ledger.shadow()
        if shadow != self.shadow:
            log.info("beside the champion runs %s", shadow[:12] or "nothing")
            self.shadow = shadow
            self._inference.send(LoadShadow(beside))

    def _look_up_policy(self) -> None:
        """Decide by the stored policy from the next presentation on; by none while it cannot be trusted."""
        found = self._ledger.policy()
        self.policy_refused = found.refused
        if found.policy != self.policy:
            log.info("the site policy is now %s", found.policy.sha256()[:12])
            self.policy = found.policy
            self._inference.send(SetPolicy(self.policy))

    def _watch_clock(self) -> list[Message]:
        """Durations come from a clock that never jumps; times of records do not: whoever reads them must know."""
        seconds = self._clock_watch.jump_s()
        if not seconds:
            return []
        log.warning("the clock jumped by %.1f s", seconds)
        self._ledger.note_clock_jump(seconds)
        what = sentence("The clock jumped by {seconds:+.0f} s.", seconds=seconds)
        return [Problem(what, "It was set, or the machine slept.")]
