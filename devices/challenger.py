"""Carries a challenge out in the capture process: switches the light, watches every frame set, tells the answer."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.challenge import Challenge, ChallengeAnswer
from core.codes import ChallengeResult, Reason
from core.errors import HostError
from core.frames import FrameSet, Modality, ModalityMask

if TYPE_CHECKING:
    from devices.stimulus import Stimulus

log = logging.getLogger(__name__)

_UNDISTURBED = ModalityMask.of([Modality.RGB])
"""The colour camera does not see the projector, and its exposure is not touched."""


class Challenger:
    """At most one challenge at a time; a later one replaces it.

    Args:
        tell: takes the nonce and the answer of a challenge that is over.
        rng: draws the rhythms; only a test gives another than the system's.
    """

    def __init__(self, tell: Callable[[str, ChallengeAnswer], None], rng: random.Random | None = None) -> None:
        self._tell = tell
        self._rng = rng
        self._running: Challenge | None = None
        self._nonce = ""
        self._stimulus: Stimulus | None = None
        self._lit = True
        """Whether the light is known to be as usual."""

    def ask(self, nonce: str, stimulus: Stimulus | None) -> None:
        """Begin with the next frame set; a camera without anything to switch is answered for at once."""
        settled = self._running is None
        self.break_off()
        if stimulus is None:
            self._tell(nonce, ChallengeAnswer(ChallengeResult.NOT_SUPPORTED))
            return
        self._nonce, self._stimulus = nonce, stimulus
        self._running = Challenge(stimulus.name, stimulus.moves_depth, self._rng, settled=settled)

    def watch(self, frame_set: FrameSet) -> FrameSet:
        """Take the next frame set; returns it as it may be used while the light is not as usual."""
        challenge, stimulus = self._running, self._stimulus
        if challenge is None or stimulus is None:
            return frame_set
        before = challenge.on
        challenge.take(frame_set)
        if challenge.on != before and not self._switch(stimulus, challenge.on):
            self.break_off()
            return _set_aside(frame_set)
        used = _set_aside(frame_set) if challenge.disturbs else frame_set
        if challenge.answer is not None:
            log.info("challenge %s: %s", self._nonce, challenge.answer)
            self._running = None
            self._tell(self._nonce, challenge.answer)
        return used

    def break_off(self) -> None:
        """Switch back; nobody is told: a presentation without an answer accepts nobody."""
        self._running = None
        if not self._lit and self._stimulus is not None:
            self._switch(self._stimulus, True)

    def _switch(self, stimulus: Stimulus, on: bool) -> bool:
        """Whether the camera took it; where it refused, nobody knows what its light does."""
        self._lit = False
        try:
            stimulus.switch(on)
        except HostError as error:
            log.warning("%s", error)
            return False
        self._lit = on
        return True


def _set_aside(frame_set: FrameSet) -> FrameSet:
    """Kept as it is, but only its colour may be used, and nothing is judged by it."""
    flaw = Reason.CHALLENGE if frame_set.flaw is Reason.NONE else frame_set.flaw
    return replace(frame_set, mask=frame_set.mask & _UNDISTURBED, flaw=flaw)
