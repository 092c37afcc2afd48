"""The challenge: frames that follow the light pass, all others do not, whatever their rhythm and delay."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.challenge import HOLDS, MAX_DELAY, Challenge, ChallengeAnswer, rhythm
from core.codes import ChallengeResult, Reason
from core.errors import HostError
from core.frames import ALL_MODALITIES, Frame, FrameSet, Modality, ModalityMask
from devices.challenger import Challenger
from tests.noise_scene import profile

PROFILES = {m: profile(m) for m in Modality}


def lit_set(number: int, lit: bool, rng: np.random.Generator, mask: ModalityMask = ALL_MODALITIES) -> FrameSet:
    """A coarse picture of what the projector does: level of infrared, holes of depth; with noise."""
    infrared = rng.normal(80.0 if lit else 20.0, 4.0, (48, 64)).clip(0, 255).astype(np.uint8)
    depth = rng.integers(500, 700, (48, 64)).astype(np.uint16)
    depth[rng.random((48, 64)) < (0.05 if lit else 0.6)] = 0
    pixels: dict[Modality, Any] = {
        Modality.RGB: rng.integers(0, 255, (48, 64, 3), dtype=np.uint8),
        Modality.DEPTH: depth,
        Modality.IR: infrared,
    }
    time_ms = 33.3 * number
    frames = {m: Frame(m, pixels[m], number, time_ms) for m in Modality}
    return FrameSet(number, time_ms, frames, mask, PROFILES)


def run(seed: int, delay: int, *, follows: bool = True, mask: ModalityMask = ALL_MODALITIES) -> ChallengeAnswer:
    rng = np.random.default_rng(seed)
    challenge = Challenge("emitter_enabled", True, random.Random(seed))
    commanded: list[bool] = []
    for number in range(100):
        commanded.append(challenge.on)
        shown = commanded[max(0, number - delay)] if follows else True
        challenge.take(lit_set(number, shown, rng, mask))
        if challenge.answer is not None:
            return challenge.answer
    raise AssertionError("it never ends")


@given(st.integers(0, 10**6), st.integers(0, MAX_DELAY))
def test_a_camera_that_obeys_passes_with_every_rhythm_and_delay(seed: int, delay: int) -> None:
    answer = run(seed, delay)
    assert answer.result is ChallengeResult.PASSED
    assert set(answer.holds) <= set(HOLDS)
    assert answer.infrared_effect is not None
    assert answer.infrared_effect > 0.5
    assert answer.depth_effect is not None
    assert answer.depth_effect > 0.3


@given(st.integers(0, 10**6))
def test_a_stream_that_does_not_follow_fails(seed: int) -> None:
    assert run(seed, 0, follows=False).result is ChallengeResult.FAILED


def test_a_camera_that_obeys_too_late_fails() -> None:
    assert run(1, MAX_DELAY + 2).result is ChallengeResult.FAILED


@pytest.mark.parametrize("missing", [Modality.DEPTH, Modality.IR])
def test_the_stream_that_is_left_is_enough_and_is_asked(missing: Modality) -> None:
    mask = ModalityMask.of(m for m in Modality if m is not missing)
    assert run(5, 1, mask=mask).result is ChallengeResult.PASSED
    assert run(5, 1, mask=mask, follows=False).result is ChallengeResult.FAILED


def test_colour_alone_shows_nothing() -> None:
    assert run(5, 1, mask=ModalityMask.of([Modality.RGB])).result is ChallengeResult.UNSEEN


def test_infrared_that_follows_does_not_make_up_for_depth_that_does_not() -> None:
    rng = np.random.default_rng(2)
    challenge = Challenge("emitter_enabled", True, random.Random(2))
    number, lit = 0, True
    while challenge.answer is None:
        shown = lit_set(number, lit, rng)
        still = lit_set(number, True, rng)[Modality.DEPTH]
        challenge.take(replace(shown, frames={**shown.frames, Modality.DEPTH: still}))
        number, lit = number + 1, challenge.on
    assert challenge.answer.result is ChallengeResult.FAILED


def test_the_recorded_answer_to_another_rhythm_fails() -> None:
    """The stream of another challenge, begun in time: only the same rhythm may pass."""
    passed, trials = 0, 0
    for holds in [(a, b, c) for a in HOLDS for b in HOLDS for c in HOLDS]:
        recorded = rhythm(holds)
        for seed in range(12):
            rng = np.random.default_rng(seed)
            challenge = Challenge("emitter_enabled", True, random.Random(seed))
            drawn = challenge._holds
            for number in range(100):
                challenge.take(lit_set(number, recorded[number] if number < len(recorded) else True, rng))
                if challenge.answer is not None:
                    break
            assert challenge.answer is not None
            if challenge.answer.result is ChallengeResult.PASSED:
                assert drawn == holds
                passed += 1
            trials += 1
    assert passed <= trials / 20


# --- carried out in the capture process ------------------------------------------------------------------------------


class Light:
    """A camera setting, as `devices.stimulus.Stimulus`."""

    name = "emitter_enabled"
    moves_depth = True

    def __init__(self, broken: bool = False, refuses_once: bool = False) -> None:
        self.lit, self.switched, self.broken, self.refuses_once = True, 0, broken, refuses_once

    def switch(self, on: bool) -> None:
        self.switched += 1
        if on and self.refuses_once:
            self.refuses_once = False
            raise HostError("The camera refused.", "Check its cable.")
        self.lit = on
        if self.broken and not on:
            raise HostError("The camera refused.", "Check its cable.")


def carried_out(light: Light) -> tuple[list[tuple[str, ChallengeAnswer]], list[FrameSet]]:
    said: list[tuple[str, ChallengeAnswer]] = []
    challenger = Challenger(lambda nonce, answer: said.append((nonce, answer)), random.Random(4))
    challenger.ask("n", light)  # type: ignore[arg-type]
    rng = np.random.default_rng(4)
    handed = [challenger.watch(lit_set(number, light.lit, rng)) for number in range(60)]
    return said, handed


def test_frames_of_the_challenge_are_kept_but_only_their_colour_is_used() -> None:
    light = Light()
    said, handed = carried_out(light)
    assert [(nonce, answer.result) for nonce, answer in said] == [("n", ChallengeResult.PASSED)]
    assert (light.lit, light.switched) == (True, 4)
    aside = [s for s in handed if s.flaw is Reason.CHALLENGE]
    assert 10 <= len(aside) <= 24
    assert {str(s.mask) for s in aside} == {"rgb"}
    assert all(len(s.frames) == 3 for s in aside)
    assert all(s.mask == ALL_MODALITIES for s in handed if s.flaw is Reason.NONE)
    dark = [s for s in handed if s[Modality.IR].pixels.mean() < 50]
    assert dark
    assert all(s.flaw is Reason.CHALLENGE for s in dark)


def test_a_light_that_cannot_be_switched_answers_for_nobody() -> None:
    said, _ = carried_out(Light(broken=True))
    assert said == []


def test_a_light_that_refused_to_come_on_once_does_not_stay_off() -> None:
    light = Light(refuses_once=True)
    said, _ = carried_out(light)
    assert (said, light.lit) == ([], True)


def test_what_has_nothing_to_switch_says_so_at_once() -> None:
    said: list[ChallengeResult] = []
    Challenger(lambda _nonce, answer: said.append(answer.result)).ask("n", None)
    assert said == [ChallengeResult.NOT_SUPPORTED]


def test_a_challenge_that_is_broken_off_leaves_the_light_on() -> None:
    light = Light()
    said: list[str] = []
    challenger = Challenger(lambda nonce, _answer: said.append(nonce), random.Random(4))
    challenger.ask("first", light)  # type: ignore[arg-type]
    rng = np.random.default_rng(4)
    for number in range(3):
        challenger.watch(lit_set(number, light.lit, rng))
    switched = light.switched
    assert switched == 1
    challenger.ask("second", light)  # type: ignore[arg-type]
    assert light.switched == switched + 1, "the light is on again"
    for number in range(3, 80):
        challenger.watch(lit_set(number, light.lit, rng))
    assert said == ["second"], "the first is not answered, the second is not misled by what the first left"
