"""The inference process as it runs: spawned, fed through the shared-memory ring by a simulated D435."""

from __future__ import annotations

import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from core.codes import Outcome, SourceKind
from core.face.sampler import FaceSampler
from core.frames import Frame, FrameSet, ModalityMask
from core.inference.worker import OBSERVATION_PERIOD_MS, run_inference
from core.messages import BeginPresentation, LoadModel, ModelReady, ObservationMade, VerdictReached
from core.model.baseline import SheetScorer
from core.policy import SitePolicy
from core.processes import Child
from core.replay import replay_verdict
from core.scenes.live import LiveScene, SceneSpec
from core.verdict import Verdict
from devices.ring import FrameRing, RingReader, RingWriter
from tests.patience import PATIENCE_S

POLICY = SitePolicy(stale_ms=1000.0 * PATIENCE_S)
"""A machine that is busy between two frame sets is no camera that fell silent."""
ALWAYS_TOLD_S = 1.5 * OBSERVATION_PERIOD_MS / 1000.0
"""Observations that lie so far apart are told one by one, on a machine that keeps its times."""
NOT_TOLD_S = 2.0
"""One that is not told by then followed too soon on the one before: the next frame set is shown."""


def serve(pipe: Connection, ring: str) -> None:
    """Entry point of the spawned process."""
    run_inference(pipe, RingReader(ring), lambda path: SheetScorer(), POLICY, automatic=False)


@pytest.fixture(scope="module")
def ring() -> Iterator[FrameRing]:
    made = FrameRing.create()
    yield made
    made.close()


@pytest.fixture(scope="module")
def inference(ring: FrameRing) -> Iterator[Child]:
    child = Child("inference", serve, ring.name)
    child.start()
    child.send(LoadModel("builtin:sheet"))
    assert child.pipe is not None
    assert child.pipe.poll(PATIENCE_S)
    assert isinstance(child.pipe.recv(), ModelReady)
    yield child
    child.close()
    assert child.join(PATIENCE_S), "the process must end with its pipe"
    assert child.exit_code == 0


def play(child: Child, ring: FrameRing, scene: str, first: int) -> tuple[Verdict, list[FrameSet]]:
    """Show 3 s of a scene, each frame set once the one before was looked at; returns the verdict and what was shown."""
    live, writer = LiveScene(SceneSpec.parse(scene)), RingWriter(ring.name)
    child.send(BeginPresentation(scene, "session", SourceKind.SIMULATED))
    assert child.pipe is not None
    shown: list[FrameSet] = []
    try:
        for i in range(first, first + 90):
            frames = {m: Frame(m, pixels, i, 33.3 * i) for m, pixels in live.render(i / 30).items()}
            shown.append(FrameSet(i, 33.3 * i, frames, ModalityMask.of(frames), live.profiles))
            time.sleep(ALWAYS_TOLD_S)
            assert writer.offer(shown[-1])
            seen = 0
            while seen < i and child.pipe.poll(NOT_TOLD_S):
                message = child.pipe.recv()
                if isinstance(message, ObservationMade):
                    seen = message.observation.frame_set
                elif isinstance(message, VerdictReached):
                    return message.verdict, shown
    finally:
        writer.close()
    raise AssertionError("three seconds of a face gave no verdict")


def test_bona_fide_and_print_are_told_apart_and_replay_to_the_same_logits(ring: FrameRing, inference: Child) -> None:
    verdict, shown = play(inference, ring, "booth,seed=5", first=1)
    assert verdict.outcome is Outcome.BONA_FIDE
    assert str(verdict.mask) == "rgb+depth+ir"
    report = replay_verdict(verdict.trace, shown, SheetScorer(), FaceSampler())
    assert report.equal
    assert len(report.logits) >= POLICY.min_frame_sets
    attack, _ = play(inference, ring, "booth,seed=7,species=print_flat", first=len(shown) + 1)
    assert attack.outcome is Outcome.ATTACK
    assert attack.trace.boxes[0] is not None
