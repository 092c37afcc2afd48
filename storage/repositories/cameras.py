"""Live cameras: what a technician accepted, what was seen last, and how the two differ."""

from __future__ import annotations

from dataclasses import dataclass

from core.camera_identity import CameraIdentity, IdentityChange
from core.clock import Clock
from core.errors import InputError, sentence
from storage.database import DatabaseFile, Row
from storage.repositories.audit import AuditLog

NOTHING = CameraIdentity(name="")
"""What a camera that was never accepted is compared with: every field differs."""


@dataclass(frozen=True, slots=True)
class Commissioning:
    """One camera. ``pinned`` is ``None`` before it was accepted for the first time."""

    serial: str
    seen: CameraIdentity
    pinned: CameraIdentity | None
    accepted_utc_s: float | None = None
    accepted_by: str = ""
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the camera that was seen is exactly the one that was accepted: only then may it decide."""
        return self.pinned == self.seen

    @property
    def changes(self) -> tuple[IdentityChange, ...]:
        """Field by field, what a technician has to judge."""
        return (self.pinned or NOTHING).changes(self.seen)


class Cameras:
    """All live cameras of this station."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit

    def see(self, seen: CameraIdentity) -> Commissioning:
        """Remember what a camera says of itself now; a difference from what was accepted is audited, once.

        Raises:
            InputError: the camera states no serial number.
        """
        _must_have_serial(seen)
        with self._file.transaction():
            known = self._file.row("SELECT fingerprint FROM sightings WHERE serial = ?", (seen.serial,))
            if known is None or known["fingerprint"] != seen.fingerprint:
                self._remember(seen)
                found = self.get(seen.serial)
                if not found.accepted:
                    differing = {"fields": [change.field for change in found.changes]}
                    self._audit.append("camera_differs", "camera", seen.fingerprint, actor="station", details=differing)
            return self.get(seen.serial)

    def accept(self, seen: CameraIdentity, reason: str, actor: str) -> Commissioning:
        """A technician takes this camera, in this state, as the one that may decide here.

        Raises:
            InputError: no reason, or the camera states no serial number.
        """
        if not reason.strip():
            raise InputError("A camera is accepted only with a reason.", "Say in a few words what you checked.")
        _must_have_serial(seen)
        row = {
            "serial": seen.serial,
            "identity": seen.to_json(),
            "fingerprint": seen.fingerprint,
            "accepted_utc_s": self._clock.utc_s(),
            "accepted_by": actor,
            "reason": reason.strip(),
        }
        with self._file.transaction():
            self._remember(seen)
            before = self.get(seen.serial)
            self._file.change("DELETE FROM cameras WHERE serial = ?", (seen.serial,))
            self._file.insert("cameras", row)
            details = {
                "before": before.pinned.fingerprint if before.pinned is not None else "",
                "fields": [change.field for change in before.changes],
            }
            self._audit.append(
                "commission", "camera", seen.fingerprint, actor=actor, reason=reason.strip(), details=details
            )
            return self.get(seen.serial)

    def get(self, serial: str) -> Commissioning:
        """The camera of that serial number. Raises `InputError` when none was seen."""
        found = [camera for camera in self.all() if camera.serial == serial]
        if not found:
            raise InputError(
                sentence("No live camera {serial} was seen here.", serial=serial),
                "Connect it, then run `main.py commission`.",
            )
        return found[0]

    def all(self) -> list[Commissioning]:
        """Every live camera that was seen, in the order of its serial number."""
        sql = """
            SELECT sightings.serial, sightings.identity AS seen, cameras.identity AS pinned,
                   accepted_utc_s, accepted_by, reason
            FROM sightings LEFT JOIN cameras USING (serial) ORDER BY sightings.serial
        """
        return [_camera(row) for row in self._file.rows(sql)]

    def _remember(self, seen: CameraIdentity) -> None:
        self._file.change("DELETE FROM sightings WHERE serial = ?", (seen.serial,))
        row = {
            "serial": seen.serial,
            "identity": seen.to_json(),
            "fingerprint": seen.fingerprint,
            "seen_utc_s": self._clock.utc_s(),
        }
        self._file.insert("sightings", row)


def _must_have_serial(seen: CameraIdentity) -> None:
    if not seen.serial:
        raise InputError(sentence("{name} states no serial number.", name=seen.name), "Use a camera that does.")


def _camera(row: Row) -> Commissioning:
    return Commissioning(
        serial=row["serial"],
        seen=CameraIdentity.from_json(row["seen"]),
        pinned=None if row["pinned"] is None else CameraIdentity.from_json(row["pinned"]),
        accepted_utc_s=row["accepted_utc_s"],
        accepted_by=row["accepted_by"] or "",
        reason=row["reason"] or "",
    )
