"""`make challenge`: what a challenge costs a bona fide person, and what it stops, on the simulated camera.

The frames come through the SDK from rendered scenes of many seeds, rooms and sensors, on a clock that waits for the
renderer: the figures do not depend on the machine. Three attackers put a stream in the camera's place:

* *replay*: a stream that was filmed while nobody challenged the camera;
* *recorded answer*: the stream of an earlier challenge, begun at the very frame at which the new one begins;
* *recorded answer, unaligned*: the same, begun at a random frame of a second in which it plays.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.challenge import Challenge, ChallengeAnswer
from core.codes import ChallengeResult, Reason
from core.frames import FrameSet
from core.metrics.rate import Rate, rate_of
from core.scenes.live import LiveScene
from core.scenes.spec import SceneSpec
from devices.challenger import Challenger
from tests.studio import Studio

SENSORS = ("d435", "d415", "d455", "sr300")
ROOMS = ("booth", "corridor")
SCENES = 20
PER_SCENE = 16
KEPT = 3
"""Recorded answers of each scene, of which every one is played to `REPLAYS` new challenges."""
REPLAYS = 6
FPS_HZ = 30.0
SECOND = 30


def filmed(spec: str, seed: int) -> tuple[list[tuple[ChallengeAnswer, int, int]], list[list[FrameSet]], list[FrameSet]]:
    """Challenges of one bona fide person (answer, frames until it, frames set aside), some of their streams, and a
    stream without a challenge."""
    rng = random.Random(seed)
    answers: list[tuple[ChallengeAnswer, int, int]] = []
    kept: list[list[FrameSet]] = []
    with Studio(make_scene=lambda: LiveScene(SceneSpec.parse(spec))) as studio:
        said: list[ChallengeAnswer] = []
        challenger = Challenger(lambda _nonce, answer: said.append(answer), rng)
        quiet = studio.film(1.4)
        for number in range(PER_SCENE):
            stream: list[FrameSet] = []
            aside = 0
            said.clear()
            challenger.ask(str(number), studio.camera.stimulus)
            while not said:
                for frame_set in studio.film(1.0 / FPS_HZ):
                    stream.append(frame_set)
                    aside += challenger.watch(frame_set).flaw is Reason.CHALLENGE
            answers.append((said[0], len(stream), aside))
            if len(kept) < KEPT:
                kept.append(stream)
    return answers, kept, quiet


def passes(stream: Sequence[FrameSet], rng: random.Random) -> bool:
    """Whether a stream passes a new challenge; it is played from its beginning again when it is over."""
    challenge = Challenge("emitter_enabled", True, rng)
    for number in range(60):
        challenge.take(stream[number % len(stream)])
        if challenge.answer is not None:
            return challenge.answer.result is ChallengeResult.PASSED
    return False


def measure() -> dict[str, object]:
    """All figures. Rates are of false failures, and of attacks that were not stopped."""
    failed: list[bool] = []
    until: list[int] = []
    aside: list[int] = []
    let_through: dict[str, list[bool]] = {"replay": [], "recorded answer": [], "recorded answer, unaligned": []}
    for scene in range(SCENES):
        spec = f"{ROOMS[scene % 2]},seed={900 + scene},sensor={SENSORS[scene // 2 % len(SENSORS)]}"
        answers, kept, quiet = filmed(spec, scene)
        failed += [answer.result is not ChallengeResult.PASSED for answer, _, _ in answers]
        until += [frames for _, frames, _ in answers]
        aside += [frames for _, _, frames in answers]
        rng = random.Random(1000 + scene)
        for stream in kept:
            for _ in range(REPLAYS):
                start = rng.randrange(len(quiet))
                let_through["replay"].append(passes([*quiet[start:], *quiet[:start]], rng))
                let_through["recorded answer"].append(passes(stream, rng))
                before = rng.randrange(SECOND)
                let_through["recorded answer, unaligned"].append(passes([*quiet[:before], *stream, *quiet], rng))
        print(f"{spec}: {sum(failed)} of {len(failed)} failed", flush=True)
    return {
        "false_failures": _rate(failed),
        "frames_until_the_answer": _spread(until),
        "milliseconds_at_30_hz": _spread([1000.0 * frames / FPS_HZ for frames in until]),
        "frames_set_aside": _spread(aside),
        "not_stopped": {name: _rate(trials) for name, trials in let_through.items()},
    }


def _rate(errors: Sequence[bool]) -> dict[str, float | int]:
    found: Rate | None = rate_of(errors)
    assert found is not None
    return found.as_json()


def _spread(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(float(max(values)), 1)}


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.challenge")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = json.dumps(measure(), indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
