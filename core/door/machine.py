"""When the door is open: a state machine without sockets, clocks or threads.

The door opens by one thing only, a stored verdict that may open (`Verdict.opens`) while nothing stands in the way. It
closes by any other verdict, by every obstacle, after `OPEN_MS`, and when the station itself was silent too long.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.codes import ConnectionState, DoorReason, SourceKind
from core.door.line import HEARTBEAT_MS, OPEN_MS, TIMEOUT_MS, DoorLine, DoorVerdict, LineKind
from core.verdict import Verdict

_DELIVERS = frozenset({ConnectionState.STREAMING, ConnectionState.DEGRADED})


@dataclass(frozen=True, slots=True)
class StationView:
    """What the door has to know of its station. The defaults keep it closed."""

    source_kind: SourceKind | None = None
    camera: ConnectionState | None = None
    model: bool = False
    """Whether a model is loaded and answers."""
    qualified: bool = False
    """Whether the camera is qualified with any sensors; each verdict says whether with its own."""
    locked: bool = True
    checkpoint: bool = False
    """Whether the open session is one of a checkpoint: a collection opens nothing."""
    paused: bool = False
    shift_passed: bool = False
    """Whether the start-of-shift check stands (or this site asks for none)."""
    policy_trusted: bool = False
    """Whether the site policy in force is the one that somebody set."""
    audit_trusted: bool = False
    """Whether the audit log is whole, or its break is acknowledged."""
    stored: bool = False
    """Whether everything that had to be stored was stored."""


def obstacle(view: StationView) -> DoorReason:
    """The first thing that keeps the door closed whatever a verdict says; ``NONE`` = nothing does."""
    checks = (
        (view.source_kind is SourceKind.LIVE, DoorReason.NOT_LIVE),
        (view.stored, DoorReason.STORAGE),
        (view.camera in _DELIVERS, DoorReason.CAMERA),
        (view.model, DoorReason.MODEL),
        (view.checkpoint, DoorReason.NO_CHECKPOINT),
        (view.qualified, DoorReason.NOT_QUALIFIED),
        (view.policy_trusted, DoorReason.POLICY_REFUSED),
        (view.audit_trusted, DoorReason.AUDIT_BROKEN),
        (view.shift_passed, DoorReason.SHIFT_CHECK),
        (not view.locked, DoorReason.LOCKED_OUT),
        (not view.paused, DoorReason.PAUSED),
    )
    return next((reason for holds, reason in checks if not holds), DoorReason.NONE)


class DoorMachine:
    """The station's side. Times are milliseconds of the machine's monotonic clock.

    ``utc_s`` is for people, and tells that the machine was suspended: the monotonic clock stands still meanwhile.
    """

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self.reason = DoorReason.NO_VERDICT
        self._seq = 0
        self._row = 0
        self._open_until_ms: float | None = None
        self._looked: tuple[float, float] | None = None
        """The newest look, on both clocks."""
        self._sent_ms = float("-inf")
        self._stopped = False

    @property
    def open(self) -> bool:
        """Whether the newest line said that the door is open."""
        return self.reason is DoorReason.NONE

    def look(self, view: StationView, now_ms: float, utc_s: float) -> DoorLine | None:
        """Look at the station, often; returns the line to send, if one is due."""
        if self._stopped:
            return None
        before, slept = self.reason, self._looked is not None and self._slept(now_ms, utc_s)
        self._looked = now_ms, utc_s
        self._close_if(obstacle(view))
        if self._open_until_ms is not None and now_ms >= self._open_until_ms:
            self._close_if(DoorReason.ELAPSED)
        if slept:
            self._close_if(DoorReason.SILENCE)
        if self.reason is not before:
            return self._line(LineKind.CHANGE, now_ms, utc_s)
        return self._line(LineKind.HEARTBEAT, now_ms, utc_s) if now_ms - self._sent_ms >= HEARTBEAT_MS else None

    def take(self, row: int, verdict: Verdict, view: StationView, now_ms: float, utc_s: float) -> DoorLine | None:
        """A verdict was stored as ``row`` of the catalogue: open, or close. Each row counts once."""
        if self._stopped or row <= self._row:
            return None
        stands_in_the_way = obstacle(view) or (DoorReason.SILENCE if self._slept(now_ms, utc_s) else DoorReason.NONE)
        self._row, self._looked = row, (now_ms, utc_s)
        if stands_in_the_way is DoorReason.NONE and verdict.opens:
            self.reason, self._open_until_ms = DoorReason.NONE, now_ms + OPEN_MS
        else:
            self.reason, self._open_until_ms = stands_in_the_way or _refusal(verdict), None
        told = DoorVerdict(
            row=row,
            presentation=verdict.presentation,
            outcome=verdict.outcome,
            source_kind=verdict.source_kind,
            shadow=verdict.shadow,
        )
        return self._line(LineKind.VERDICT, now_ms, utc_s, told)

    def stop(self, now_ms: float, utc_s: float) -> DoorLine | None:
        """The last line; whatever comes later opens nothing."""
        if self._stopped:
            return None
        self._stopped = True
        self.reason, self._open_until_ms = DoorReason.STOPPING, None
        return self._line(LineKind.CHANGE, now_ms, utc_s)

    def _slept(self, now_ms: float, utc_s: float) -> bool:
        """Whether nobody looked for so long that what arrives now may be about somebody who has gone.

        By the clock that has gone further: a wall clock that was set forward closes the door once.
        """
        if self._looked is None:
            return True
        looked_ms, looked_utc_s = self._looked
        return max(now_ms - looked_ms, 1000.0 * (utc_s - looked_utc_s)) > TIMEOUT_MS

    def _close_if(self, reason: DoorReason) -> None:
        """Close for ``reason``; a door that is closed already tells the newest obstacle, and goes back to none."""
        if reason is not DoorReason.NONE:
            self.reason, self._open_until_ms = reason, None
        elif self.reason is not DoorReason.NONE and self.reason not in _OF_VERDICTS:
            self.reason = DoorReason.NO_VERDICT

    def _line(self, kind: LineKind, now_ms: float, utc_s: float, verdict: DoorVerdict | None = None) -> DoorLine:
        self._seq += 1
        self._sent_ms = now_ms
        left_ms = 0.0 if self._open_until_ms is None else min(OPEN_MS, self._open_until_ms - now_ms)
        return DoorLine(
            nonce=self.nonce,
            seq=self._seq,
            mono_ms=round(now_ms, 3),
            utc_s=round(utc_s, 3),
            kind=kind,
            open=self.open,
            reason=self.reason,
            open_for_ms=left_ms,
            verdict=verdict,
        )


_OF_VERDICTS = frozenset({DoorReason.NO_VERDICT, DoorReason.NOT_BONA_FIDE, DoorReason.ELAPSED})
"""Reasons that stand until the next verdict; the others go with their obstacle."""


def _refusal(verdict: Verdict) -> DoorReason:
    if verdict.source_kind is not SourceKind.LIVE:
        return DoorReason.NOT_LIVE
    return DoorReason.NOT_QUALIFIED if verdict.shadow else DoorReason.NOT_BONA_FIDE
