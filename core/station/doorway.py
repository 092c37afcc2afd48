"""The door of a station as its loop serves it: connected or not, and closed whenever anything is in doubt."""

from __future__ import annotations

from dataclasses import replace

from core.clock import Clock
from core.codes import Reason, SourceKind
from core.door.machine import StationView
from core.door.output import DoorOutput, DoorPlaces
from core.messages import Message, VerdictCommitted
from core.station.children import Children
from core.station.following import Following
from core.station.ports import StationLedger
from core.station.restraint import Restraint
from core.station.running import RunningSession


class Doorway:
    """Shows the station to its door, if a site has one. ``paused``: a person keeps it closed whatever verdicts say."""

    def __init__(
        self,
        source_kind: SourceKind,
        children: Children,
        running: RunningSession,
        following: Following,
        restraint: Restraint,
        ledger: StationLedger,
        clock: Clock,
    ) -> None:
        self.paused = False
        self._source_kind = source_kind
        self._children = children
        self._running = running
        self._following = following
        self._restraint = restraint
        self._ledger = ledger
        self._clock = clock
        self._door: DoorOutput | None = None

    def connect(self, places: DoorPlaces) -> None:
        """Tell ``places`` and nobody else from now on; nobody if it is empty.

        Raises `core.errors.KnownError` when the place cannot be used; the door that was before is closed all the same.
        """
        self.close()
        if places:
            self._ledger.note_door(places)
            self._door = DoorOutput.connect(places, self._clock)

    def close(self) -> None:
        """Close it for good, and let the controllers go."""
        door, self._door = self._door, None
        if door is not None:
            door.close()

    def look(self) -> list[Message]:
        """Every round: obstacles that came or went, heartbeats, controllers."""
        return [] if self._door is None else self._door.look(self.view())

    def take(self, stored: VerdictCommitted) -> list[Message]:
        """A verdict was stored: open, or close. One of a session that is over finds no checkpoint."""
        if self._door is None:
            return []
        view, verdict = self.view(), stored.verdict
        here = verdict.session == self._running.session
        return self._door.take(stored.row_id, verdict, view if here else replace(view, checkpoint=False))

    def view(self) -> StationView:
        """The station, as far as a door has to know it."""
        health, standing = self._children.health, self._following.standing
        return StationView(
            source_kind=self._source_kind,
            camera=None if health is None else health.state,
            model=self._children.model is not None,
            qualified=bool(standing.qualified),
            locked=self._restraint.locked,
            checkpoint=self._running.at_checkpoint,
            paused=self.paused,
            shift_passed=standing.withheld is Reason.NONE,
            policy_trusted=not self._following.policy_refused,
            audit_trusted=not self._following.audit_broken,
            stored=not self._running.storage_failed,
        )
