"""The door of a station: looks at it, and tells every gate controller. Belongs to the thread that polls the station.

There is no thread of its own on purpose: a heartbeat proves that the loop which stores verdicts still turns.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock
from core.door.channels import Channel, HookChannel, SocketChannel
from core.door.line import DoorLine
from core.door.machine import DoorMachine, StationView
from core.door.signing import DoorKey, read_door_key
from core.messages import DoorChanged, Message, Problem
from core.verdict import Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DoorPlaces:
    """Where a site wants its verdict events; false when nowhere. ``key``: file of the key that signs them, or empty."""

    socket: str = ""
    hook: str = ""
    key: str = ""

    def __bool__(self) -> bool:
        return bool(self.socket or self.hook)


class DoorOutput:
    """The state machine, and the channels it speaks through."""

    def __init__(self, channels: Sequence[Channel], clock: Clock, key: DoorKey | None = None) -> None:
        self._channels = tuple(channels)
        self._key = key
        self._clock = clock
        self._machine = DoorMachine(secrets.token_hex(16))
        self._told: DoorChanged | None = None

    @classmethod
    def connect(cls, places: DoorPlaces, clock: Clock) -> DoorOutput:
        """Claim what ``places`` names. Raises `UsageError` or `HostError`; nothing is left claimed then."""
        key = read_door_key(Path(places.key)) if places.key else None
        channels: list[Channel] = []
        if places.hook:
            channels.append(HookChannel(places.hook))
        if places.socket:
            channels.append(SocketChannel(Path(places.socket).expanduser()))
        return cls(channels, clock, key)

    def look(self, view: StationView) -> list[Message]:
        """Every round of the station: heartbeats, changes, controllers that come and go."""
        now_ms = self._clock.now_ms()
        problems = [problem for channel in self._channels for problem in channel.service(now_ms)]
        return self._tell(self._machine.look(view, now_ms, self._clock.utc_s()), problems)

    def take(self, row: int, verdict: Verdict, view: StationView) -> list[Message]:
        """A verdict was stored."""
        return self._tell(self._machine.take(row, verdict, view, self._clock.now_ms(), self._clock.utc_s()), [])

    def close(self) -> None:
        """Say that it is over, then let everybody go."""
        self._tell(self._machine.stop(self._clock.now_ms(), self._clock.utc_s()), [])
        for channel in self._channels:
            channel.close()

    def _tell(self, line: DoorLine | None, problems: list[Problem]) -> list[Message]:
        if line is not None:
            raw = line.encode() if self._key is None else self._key.signed(line.encode())
            problems = problems + [problem for channel in self._channels for problem in channel.send(raw)]
        for problem in problems:
            log.warning("%s", problem.what)
        controllers = sum(channel.controllers for channel in self._channels)
        state = DoorChanged(self._machine.open, self._machine.reason, controllers)
        changed = [state] if state != self._told else []
        self._told = state
        return [*changed, *problems]
