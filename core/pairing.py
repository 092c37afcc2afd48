"""Frames in, frame sets out: pairing on the device clock, with measured skew (architecture.md section 4).

The rules, all on device time:

* Every accepted frame belongs to exactly one frame set. Frames within ``max_skew_ms`` of each other make one set;
  a frame without a partner makes a set of its own, with that modality alone in the mask.
* A frame that arrives after the set it belonged to has gone out (its stream lags) is stored with the next set, with
  its skew, but is not in the mask.
* A repeated frame number or repeated pixels mean a frozen stream: the frame is counted and dropped, so that its
  modality is absent. Times that are zero, not finite, run backward, jump ahead or change their clock are counted and
  rejected.
* What no sensor does (`core.authenticity`) is a flaw of the next set, and makes a set of its own where none comes.
* A set waits for a missing stream for about one period, and not at all for a stream that has dropped.

Pure: time comes in with the frames; `Pairer.poll` says what the host's clock shows.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from core.authenticity import Authenticity
from core.codes import Reason
from core.frames import MODALITIES, Frame, FrameSet, Modality, ModalityMask, StreamProfile

MIN_SKEW_MS = 20.0
PATIENCE_PERIODS = 1.2
HOST_PATIENCE = 2.5
"""The host's clock only matters when every stream is silent; a busy machine must not split a set."""
DROPPED_PERIODS = 3.0
DROPPED_FRAMES = 3
"""A stream has dropped when so many periods passed and another stream went so many frames ahead: a camera that
slows down as a whole has dropped nothing."""
MAX_JUMP_MS = 1000.0
MAX_RIDE_MS = 1000.0
"""A late frame that is older than this goes out on its own: its skew would say nothing of the camera."""
SILENT_FLAWS = 3
"""So many frames in a row that could not be used tell of their flaw without waiting for one that can."""
LATE_LIMIT = 2
"""Late frames of one stream that may wait for a set; beyond it they go out on their own."""


@dataclass(slots=True)
class PairingCounts:
    """What happened to the frames of one stream."""

    frames: int = 0
    duplicates: int = 0
    rejected: int = 0
    late: int = 0
    lost: int = 0
    """Gaps in the frame numbers: frames that the device took and nobody received."""


def default_skew_ms(profiles: Mapping[Modality, StreamProfile]) -> float:
    """``max(20 ms, half the slowest period)``."""
    return max(MIN_SKEW_MS, max(_periods_ms(profiles)) / 2.0)


def _periods_ms(profiles: Mapping[Modality, StreamProfile]) -> list[float]:
    return [1000.0 / p.fps_hz for p in profiles.values() if p.fps_hz > 0] or [1000.0 / 30.0]


class Pairer:
    """Pairs the frames of the streams in ``profiles``.

    Args:
        profiles: the opened streams; a modality that is not here is never waited for.
        max_skew_ms: largest skew within a set; default `default_skew_ms`.
        patience_ms: how long a set waits for a missing stream, on the device clock (2.5 times that on the host's);
            default 1.2 periods of the slowest stream. Files give more: their frames do not come in order of time.
        max_jump_ms: how far ahead of all streams (beyond the host time that has passed) a frame may be; infinite for
            files, whose gaps are real.
        first_number: number of the first set.
        counts: counters to go on with (the same camera, opened again).
    """

    def __init__(
        self,
        profiles: Mapping[Modality, StreamProfile],
        *,
        max_skew_ms: float | None = None,
        patience_ms: float | None = None,
        max_jump_ms: float = MAX_JUMP_MS,
        first_number: int = 1,
        counts: dict[Modality, PairingCounts] | None = None,
    ) -> None:
        periods_ms = _periods_ms(profiles)
        period_ms = max(periods_ms)
        self.profiles = dict(profiles)
        self.max_skew_ms = default_skew_ms(profiles) if max_skew_ms is None else max_skew_ms
        self.patience_ms = PATIENCE_PERIODS * period_ms if patience_ms is None else patience_ms
        self.counts = {} if counts is None else counts
        for modality in profiles:
            self.counts.setdefault(modality, PairingCounts())
        self._near_ms = min(self.max_skew_ms, min(periods_ms) / 2.0)
        self._dropped_ms = max(DROPPED_PERIODS * period_ms, self.patience_ms)
        self._max_jump_ms = max_jump_ms
        self._number = first_number
        self._pending: dict[Modality, deque[tuple[Frame, float]]] = {m: deque() for m in profiles}
        self._late: dict[Modality, deque[Frame]] = {m: deque() for m in profiles}
        self._last: dict[Modality, Frame] = {}
        self._behind: dict[Modality, Counter[Modality]] = {m: Counter() for m in profiles}
        self._streams = {m: Authenticity() for m in profiles}
        self._flaw = Reason.NONE
        self._unusable = 0
        self._first_ms = math.inf
        self._newest_ms = -math.inf
        self._newest_arrival_ms = 0.0
        self._emitted_ms = -math.inf
        self._emitted: frozenset[Modality] = frozenset()

    def add(self, frame: Frame, arrival_ms: float) -> list[FrameSet]:
        """Take one frame, which arrived at ``arrival_ms`` on the host's monotonic clock; returns the finished sets."""
        if not self._accept(frame, arrival_ms):
            self._unusable += 1
            silent = self._flaw is not Reason.NONE and self._unusable >= SILENT_FLAWS
            return [self._flawed_set(arrival_ms)] if silent else []
        if self._is_late(frame):
            self.counts[frame.modality].late += 1
            self._late[frame.modality].append(frame)
            if len(self._late[frame.modality]) <= LATE_LIMIT:
                return []
            waiting = (queue[0][0].device_time_ms for queue in self._pending.values() if queue)
            return [self._late_set(min(waiting, default=self._newest_ms))]
        self._pending[frame.modality].append((frame, arrival_ms))
        return self._finished(None)

    def poll(self, now_ms: float) -> list[FrameSet]:
        """Give up waiting where patience has run out on the host's clock. Call when no frame is waiting outside."""
        return self._finished(now_ms)

    def flush(self) -> list[FrameSet]:
        """The source has ended: everything that is still held, in order."""
        sets = self._finished(math.inf)
        while any(self._late.values()):
            sets.append(self._late_set(self._newest_ms))
        return sets

    # --- acceptance ---------------------------------------------------------------------------------------------

    def _accept(self, frame: Frame, arrival_ms: float) -> bool:
        counts = self.counts[frame.modality]
        last = self._last.get(frame.modality)
        stream = self._streams[frame.modality]
        time_ms = frame.device_time_ms
        if last is not None and frame.number == last.number:
            counts.duplicates += 1
            return False
        repeated = stream.pixels(frame.pixels)
        if repeated is not Reason.NONE:
            counts.duplicates += 1
            self._flaw = repeated
            return False
        allowed_ms = self._newest_ms + self._max_jump_ms + max(0.0, arrival_ms - self._newest_arrival_ms)
        ahead = math.isfinite(self._newest_ms) and time_ms > allowed_ms
        backward = last is not None and (time_ms <= last.device_time_ms or frame.time_domain != last.time_domain)
        fits = math.isfinite(time_ms) and time_ms > 0.0 and not ahead and not backward
        timed = stream.times(fits)
        self._flaw = timed if timed is not Reason.NONE else self._flaw
        if not fits:
            counts.rejected += 1
            return False
        counts.frames += 1
        if last is not None:
            counts.lost += max(0, frame.number - last.number - 1)
        self._last[frame.modality] = frame
        for modality, passed_by in self._behind.items():
            passed_by[frame.modality] += modality != frame.modality
        self._behind[frame.modality].clear()
        self._first_ms = min(self._first_ms, time_ms)
        if time_ms > self._newest_ms:
            self._newest_ms, self._newest_arrival_ms = time_ms, arrival_ms
        return True

    def _is_late(self, frame: Frame) -> bool:
        """Whether the set of this frame's instant has gone out without it."""
        since_ms = frame.device_time_ms - self._emitted_ms
        belongs = since_ms <= self._near_ms and frame.modality not in self._emitted
        return since_ms < 0.0 or belongs or self._newest_ms - frame.device_time_ms >= self.patience_ms

    # --- pairing ------------------------------------------------------------------------------------------------

    def _finished(self, now_ms: float | None) -> list[FrameSet]:
        """Sets that need not wait any longer; with ``now_ms``, those also whose patience ended by that host time."""
        sets: list[FrameSet] = []
        while True:
            heads = {m: queue[0] for m, queue in self._pending.items() if queue}
            if not heads:
                return sets
            oldest, (head, arrival_ms) = min(heads.items(), key=lambda item: item[1][0].device_time_ms)
            waited = self._newest_ms - head.device_time_ms >= self.patience_ms
            if now_ms is not None:
                waited = waited or now_ms - arrival_ms >= HOST_PATIENCE * self.patience_ms
            members, complete = self._members(oldest, {m: entry[0] for m, entry in heads.items()})
            if not (complete or waited):
                return sets
            for modality in members:
                self._pending[modality].popleft()
            sets += self._emit(members)

    def _members(self, oldest: Modality, heads: Mapping[Modality, Frame]) -> tuple[dict[Modality, Frame], bool]:
        """Frames that belong with the head of ``oldest``; whether a frame that is still to come could change that."""
        head = heads[oldest]
        members = {oldest: head}
        complete = True
        for modality in self.profiles:
            if modality == oldest:
                continue
            frame = heads.get(modality)
            if frame is None:
                complete = complete and self._has_dropped(modality)
            elif frame.device_time_ms - head.device_time_ms <= self.max_skew_ms:
                nearer, known = self._next_is_nearer(oldest, head, frame)
                complete = complete and known
                if not nearer:
                    members[modality] = frame
        return members, complete

    def _next_is_nearer(self, oldest: Modality, head: Frame, frame: Frame) -> tuple[bool, bool]:
        """Whether the stream's next frame is nearer to ``frame`` than ``head`` is, and whether that is known yet."""
        queue = self._pending[oldest]
        distance_ms = frame.device_time_ms - head.device_time_ms
        if len(queue) > 1:
            return abs(queue[1][0].device_time_ms - frame.device_time_ms) < distance_ms, True
        fps_hz = self.profiles[oldest].fps_hz
        expected_ms = head.device_time_ms + (1000.0 / fps_hz if fps_hz > 0 else math.inf)
        return False, abs(expected_ms - frame.device_time_ms) >= distance_ms or self._has_dropped(oldest)

    def _has_dropped(self, modality: Modality) -> bool:
        last = self._last.get(modality)
        since_ms = self._first_ms if last is None else last.device_time_ms
        ahead = max(self._behind[modality].values(), default=0)
        return ahead > DROPPED_FRAMES and self._newest_ms - since_ms > self._dropped_ms

    # --- sets ---------------------------------------------------------------------------------------------------

    def _emit(self, members: Mapping[Modality, Frame]) -> list[FrameSet]:
        """The set of ``members``; late frames ride with it, or go before it where their place is taken."""
        sets = []
        time_ms = min(frame.device_time_ms for frame in members.values())
        while any(
            late and (m in members or time_ms - late[0].device_time_ms > MAX_RIDE_MS) for m, late in self._late.items()
        ):
            sets.append(self._late_set(time_ms))
        self._emitted_ms = time_ms
        self._emitted = frozenset(members)
        frames = {m: late.popleft() for m, late in self._late.items() if late}
        frames.update(members)
        return [*sets, self._build(frames, ModalityMask.of(members), self._emitted_ms)]

    def _late_set(self, to_come_ms: float) -> FrameSet:
        """Late frames that no set has room for: stored, nothing usable, at the time of the set before them.

        ``to_come_ms`` is the time of the next set, which counts where there was none before.
        """
        frames = {m: late.popleft() for m, late in self._late.items() if late}
        time_ms = self._emitted_ms if math.isfinite(self._emitted_ms) else to_come_ms
        return self._build(frames, ModalityMask(0), time_ms)

    def _flawed_set(self, arrival_ms: float) -> FrameSet:
        """No frame that could be used, only word of the flaw, at the time that it would be."""
        since_ms = max(0.0, arrival_ms - self._newest_arrival_ms)
        time_ms = self._newest_ms + since_ms if math.isfinite(self._newest_ms) else since_ms
        return self._build({}, ModalityMask(0), time_ms)

    def _build(self, frames: Mapping[Modality, Frame], mask: ModalityMask, time_ms: float) -> FrameSet:
        times = [frame.device_time_ms for frame in frames.values()]
        number = self._number
        self._number += 1
        flaw, self._flaw, self._unusable = self._flaw, Reason.NONE, 0
        return FrameSet(
            number=number,
            time_ms=time_ms,
            frames={m: frames[m] for m in MODALITIES if m in frames},
            mask=mask,
            profiles=self.profiles,
            skew_ms=max(times) - min(times) if times else 0.0,
            flaw=flaw,
        )
