"""The catalogue as a station uses it (`core.station.ports.StationLedger`)."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

from core.access import OPENED_BY, Actor, Permission
from core.camera_identity import CameraIdentity
from core.codes import RecordMode, SessionPurpose, SessionState, SourceKind
from core.door.output import DoorPlaces
from core.errors import InputError, KnownError
from core.messages import CameraHealth, ShadowSaid, Standing, StartRecording
from core.policy import PolicyInForce
from core.probing import AlarmRaised, Probing, probing
from core.qualification.record import camera_key, qualified_masks
from core.station.ports import PresentationLabel, SessionOrder
from core.verdict import Verdict
from storage.audit_trust import AuditTrust, note_break
from storage.audit_verify import verify_tail
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry
from storage.replaying import inherit
from storage.repositories.sessions import SessionCounts
from storage.station_life import ACTOR

log = logging.getLogger(__name__)


class CatalogueLedger:
    """Writes a station's sessions, presentations and verdicts; reads the champion.

    ``replays``: id of the stored session that is the station's camera; its sessions inherit subject and basis of it.
    """

    def __init__(self, catalogue: Catalogue, registry: ModelRegistry, replays: str = "") -> None:
        self._catalogue = catalogue
        self._registry = registry
        self._replays = replays
        self._audit_trust = AuditTrust(catalogue)

    def open_session(self, order: SessionOrder, source_kind: SourceKind) -> tuple[str, StartRecording | None]:
        """See `StationLedger.open_session`. Errors: `LockedError`, `ReplayRefusedError`."""
        self._catalogue.require(OPENED_BY[order.purpose])  # before the transaction: a denial in it would not be logged
        with self._catalogue.transaction():
            taken = inherit(self._catalogue, self._replays, order.subject) if self._replays else None
            session = self._catalogue.sessions.open(
                order.purpose,
                order.mode,
                source_kind,
                subject=taken.subject if taken else order.subject,
                name=order.name,
                settings={**order.settings, **(taken.settings if taken else {})},
                no_person=taken.no_person if taken else None,
            )
            if order.purpose is SessionPurpose.QUALIFICATION:
                self._catalogue.qualifications.attach(order.qualification, session)
            if order.mode is RecordMode.DECISIONS:
                return session, None
            key = self._catalogue.vault.for_session(session)
        path = self._catalogue.folder.frames(session)
        return session, StartRecording(session, str(path), order.mode, key.id, key.secret)

    def describe_session(self, session: str, health: CameraHealth) -> None:
        """See `StationLedger.describe_session`."""
        self._catalogue.sessions.describe(session, device=asdict(health.device), profiles=health.profiles)

    def close_session(
        self, session: str, state: SessionState, health: CameraHealth | None, recorded: int, problem: str = ""
    ) -> None:
        """See `StationLedger.close_session`."""
        counts = SessionCounts(recorded=recorded)
        if health is not None:
            counts = SessionCounts(
                recorded, health.dropped_capture, health.dropped_recorder, health.camera_s, health.skew_ms
            )
        self._catalogue.sessions.close(session, state, counts, problem)

    def open_presentation(self, session: str, label: PresentationLabel, t_s: float) -> str:
        """See `StationLedger.open_presentation`."""
        return self._catalogue.presentations.open(
            session,
            subject=label.subject,
            species=label.species,
            artefact=label.artefact,
            condition=label.condition,
            start_s=t_s,
        )

    def close_presentation(self, presentation: str, first_set: int, last_set: int, t_s: float) -> None:
        """See `StationLedger.close_presentation`."""
        self._catalogue.presentations.close(presentation, first_set, last_set, t_s)

    def discard_presentation(self, presentation: str) -> None:
        """See `StationLedger.discard_presentation`."""
        self._catalogue.presentations.discard(presentation)

    def commit_verdict(self, verdict: Verdict) -> int:
        """See `StationLedger.commit_verdict`."""
        return self._catalogue.verdicts.commit(verdict)

    def require(self, permission: Permission) -> None:
        """See `StationLedger.require`."""
        self._catalogue.require(permission)

    def act_as(self, actor: Actor | None) -> None:
        """See `StationLedger.act_as`."""
        self._catalogue.actor = actor

    def note_unlock(self, session: str, reason: str) -> None:
        """See `StationLedger.note_unlock`. Raises `InputError` without a reason."""
        catalogue = self._catalogue
        catalogue.require(Permission.UNLOCK)
        if not reason.strip():
            raise InputError("A lock-out is ended only with a reason.", "Say in a few words why.")
        catalogue.lock_outs.unlock(session, catalogue.actor.id, reason)

    def note_door(self, places: DoorPlaces) -> None:
        """See `StationLedger.note_door`. Neither path nor command goes into the log: both may name people."""
        catalogue = self._catalogue
        catalogue.require(Permission.OPERATE)
        ways = {"socket": bool(places.socket), "command": bool(places.hook), "signed": bool(places.key)}
        catalogue.audit.append("door_connected", "door", "", actor=catalogue.actor.id, details=ways)

    def champion(self) -> tuple[str, str]:
        """See `StationLedger.champion`."""
        record = self._registry.champion()
        return record.sha256, str(Path(record.path))

    def shadow(self) -> tuple[str, str]:
        """See `StationLedger.shadow`."""
        record = self._registry.shadow()
        return ("", "") if record is None else (record.sha256, str(Path(record.path)))

    def note_shadow(self, verdict: int, said: ShadowSaid) -> None:
        """See `StationLedger.note_shadow`."""
        self._catalogue.shadow_answers.add(verdict, said.model, said.outcome)

    def policy(self) -> PolicyInForce:
        """See `StationLedger.policy`."""
        return self._catalogue.policies.in_force()

    def audit_broken(self) -> bool:
        """See `StationLedger.audit_broken`. Asked when somebody else wrote: what he wrote is looked at (15 ms)."""
        with self._catalogue.transaction():  # nobody writes between one look and the next
            note_break(self._catalogue, verify_tail(self._catalogue), ACTOR)
        return self._audit_trust.broken()

    def standing(self, source_kind: SourceKind, health: CameraHealth | None, model: str) -> Standing:
        """See `StationLedger.standing`. What a change of the camera ends is revoked here."""
        if health is None or not health.profiles:
            return Standing()
        identity = CameraIdentity.of(health.device, health.profiles)
        repository = self._catalogue.qualifications
        try:
            for ended in repository.follow(identity, source_kind):
                log.warning("qualification %d is revoked: the camera has changed", ended)
        except KnownError:
            log.exception("a revocation could not be stored; what changed counts for nothing all the same")
        if source_kind is SourceKind.LIVE and not identity.serial:
            return Standing()
        qualified = qualified_masks(repository.all(), source_kind, identity, model)
        checked = self._catalogue.shift_checks.checked_utc_s(camera_key(identity, source_kind), model)
        live = source_kind is SourceKind.LIVE
        commissioned = self._catalogue.cameras.see(identity).accepted if live else True
        return Standing(qualified, checked, camera=identity.fingerprint, commissioned=commissioned)

    def note_clock_jump(self, seconds: float) -> None:
        """See `StationLedger.note_clock_jump`."""
        details = {"seconds": round(seconds, 1)}
        self._catalogue.audit.append("clock_jump", "station", "", actor="station", details=details)

    def probing(self, source_kind: SourceKind) -> Probing:
        """See `StationLedger.probing`."""
        verdicts = self._catalogue.verdicts
        now_s = verdicts.passed_s()
        return probing(verdicts.attempts(source_kind, now_s), now_s)

    def locked(self, source_kind: SourceKind) -> bool:
        """See `StationLedger.locked`."""
        return self._catalogue.lock_outs.locked(source_kind)

    def raise_alarm(self, session: str, alarm: AlarmRaised) -> None:
        """See `StationLedger.raise_alarm`."""
        details = {"source_kind": str(alarm.source_kind), "steps": alarm.steps, "delay_s": alarm.delay_s}
        self._catalogue.audit.append("probing_alarm", "session", session, actor="station", details=details)

    def changes(self) -> int:
        """See `StationLedger.changes`."""
        return self._catalogue.changes()
