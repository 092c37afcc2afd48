"""The challenge: the camera's own light is switched in a drawn rhythm, and its frames must follow.

A stream that was put in the camera's place (a recording, a loop, a generator) cannot know the rhythm. What must follow
the projector: infrared, which loses its brightness or its dots, and depth, which collapses and returns; both, where
both come. A step of exposure or laser power moves infrared alone.

The rhythm is *off, on, off*, each held for 2, 4 or 6 frames, which leaves a recorded answer to an earlier challenge one
chance in 27 even if it begins in time. How late the camera obeys is not known, only bounded: the whole rhythm must fit
with one delay. The first frame after each switch says nothing (it may be exposed across it).

Pure: frames come in, `Challenge.on` says what is to be switched.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.codes import ChallengeResult
from core.frames import FrameSet, Modality

HOLDS = (2, 4, 6)
SEGMENTS = 3
LEAD_FRAMES = 2
"""Frames with the light on before the first switch: their level is part of the rhythm."""
SETTLE_FRAMES = 7
"""Frames before those where a challenge before this one was broken off and may still show."""
MAX_DELAY = 4
"""Frames from a command to the first that shows it: one is exposed, some are on their way."""
SAMPLE_STEP = 8
INFRARED_EFFECT = 0.08
"""Share of its brightness or contrast that infrared must lose."""
DEPTH_EFFECT = 0.05
"""Share of all pixels that must lose their depth."""


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """What a challenge came to. ``delay`` in frames; effects are shares (0 to 1), ``None`` where a stream was absent.

    ``stimulus`` is the camera setting that was switched; ``holds`` the rhythm in frames.
    """

    result: ChallengeResult
    stimulus: str = ""
    holds: tuple[int, ...] = ()
    delay: int | None = None
    infrared_effect: float | None = None
    depth_effect: float | None = None

    @classmethod
    def from_plain(cls, form: Mapping[str, Any] | None) -> ChallengeAnswer | None:
        """Read what ``dataclasses.asdict`` and JSON made of one. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
        if form is None:
            return None
        return cls(**{**form, "result": ChallengeResult(form["result"]), "holds": tuple(form["holds"])})


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one frame set shows; ``None`` where the stream is absent."""

    level: float | None
    contrast: float | None
    fill: float | None


class Challenge:
    """One challenge. Give it every frame set, obey `on` after each; it is over when `answer` is there.

    Args:
        stimulus: name of what is switched.
        moves_depth: whether depth must follow too.
        rng: draws the rhythm; only a test gives another than the system's.
        settled: whether no challenge was broken off just before.
    """

    def __init__(
        self, stimulus: str, moves_depth: bool, rng: random.Random | None = None, *, settled: bool = True
    ) -> None:
        rng = rng or random.SystemRandom()
        self.answer: ChallengeAnswer | None = None
        self.on = True
        self._stimulus = stimulus
        self._moves_depth = moves_depth
        self._holds = tuple(rng.choice(HOLDS) for _ in range(SEGMENTS))
        self._lead = LEAD_FRAMES + (0 if settled else SETTLE_FRAMES)
        self._commands = rhythm(self._holds, self._lead)
        self._seen: list[_Seen] = []

    @property
    def disturbs(self) -> bool:
        """Whether the newest frame set may show the challenge."""
        return len(self._seen) > self._lead or self._lead > LEAD_FRAMES

    def take(self, frame_set: FrameSet) -> None:
        """Take the next frame set; afterwards `on` is what the light must be."""
        if self.answer is not None:
            return
        self._seen.append(_look(frame_set))
        taken = len(self._seen)
        self.on = self._commands[taken] if taken < len(self._commands) else True
        over = self._lead + sum(self._holds) + 2  # the second frame with the light back on, if nothing were late
        if taken < over:
            return
        first = self._lead - LEAD_FRAMES
        found = judge(
            self._stimulus, self._holds, self._commands[first:], self._seen[first:], self._moves_depth, taken - over
        )
        if found.result is ChallengeResult.PASSED or taken == len(self._commands):
            self.answer = found


def rhythm(holds: Sequence[int], lead: int = LEAD_FRAMES) -> list[bool]:
    """What was commanded before each frame: on, then off and on in turn, then on until the last can be seen."""
    commands = [True] * lead
    for turn, hold in enumerate(holds):
        commands += [bool(turn % 2)] * hold
    return commands + [True] * (MAX_DELAY + 2)


def judge(
    stimulus: str,
    holds: tuple[int, ...],
    commands: Sequence[bool],
    seen: Sequence[_Seen],
    moves_depth: bool,
    max_delay: int = MAX_DELAY,
) -> ChallengeAnswer:
    """Whether the frames followed the commands with one delay of at most ``max_delay`` frames."""
    levels, contrasts, fills = [s.level for s in seen], [s.contrast for s in seen], [s.fill for s in seen]
    sees_infrared, sees_depth = _enough(levels), moves_depth and _enough(fills)
    if not (sees_infrared or sees_depth):
        return ChallengeAnswer(ChallengeResult.UNSEEN, stimulus, holds)
    best = ChallengeAnswer(ChallengeResult.FAILED, stimulus, holds)
    for delay in range(min(max_delay, MAX_DELAY) + 1):
        infrared = max(_effect(commands, levels, delay, True), _effect(commands, contrasts, delay, True))
        depth = _effect(commands, fills, delay, False)
        followed = (not sees_infrared or infrared >= INFRARED_EFFECT) and (not sees_depth or depth >= DEPTH_EFFECT)
        found = ChallengeAnswer(
            ChallengeResult.PASSED if followed else ChallengeResult.FAILED,
            stimulus,
            holds,
            delay if followed else None,
            round(infrared, 4) if sees_infrared else None,
            round(depth, 4) if sees_depth else None,
        )
        if followed:
            return found
        if (found.infrared_effect or 0.0) + (found.depth_effect or 0.0) >= (best.infrared_effect or 0.0) + (
            best.depth_effect or 0.0
        ):
            best = found
    return best


def _effect(commands: Sequence[bool], values: Sequence[float | None], delay: int, relative: bool) -> float:
    """How far the darkest frame of the light lies above the brightest without it; 0 where they are not apart."""
    lit: list[float] = []
    dark: list[float] = []
    for frame in range(delay + 1, len(values)):
        value, now, before = values[frame], commands[frame - delay], commands[frame - delay - 1]
        if value is not None and now == before:
            (lit if now else dark).append(value)
    if not lit or not dark or min(lit) <= max(dark):
        return 0.0
    gap = min(lit) - max(dark)
    return gap / min(lit) if relative else gap


def _enough(values: Sequence[float | None]) -> bool:
    """A stream that lost some frames can still be judged; one that lost many cannot."""
    return sum(value is not None for value in values) >= 0.75 * len(values)


def _look(frame_set: FrameSet) -> _Seen:
    level = contrast = fill = None
    if Modality.IR in frame_set.mask:
        image = frame_set[Modality.IR].pixels
        rows = image[::SAMPLE_STEP].astype(np.float32)
        level = float(rows.mean())
        contrast = float(np.abs(np.diff(rows, axis=1)).mean())
    if Modality.DEPTH in frame_set.mask:
        sample = frame_set[Modality.DEPTH].pixels[::SAMPLE_STEP, ::2]
        fill = float(np.count_nonzero(sample)) / sample.size
    return _Seen(level, contrast, fill)
