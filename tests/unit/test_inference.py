from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np
import pytest

from core.camera_identity import calibration_sha256
from core.clock import FakeClock
from core.codes import Framing, Hint, Outcome, Reason, SourceKind
from core.decision import DecisionWindow
from core.errors import InputError
from core.face.sampler import FaceSampler
from core.frames import FaceCrop, FrameSet, Modality, ModalityMask
from core.inference.engine import Engine
from core.inference.selftest import self_test
from core.inference.worker import InferenceWorker, limit_threads, run_inference
from core.messages import (
    BeginPresentation,
    EndPresentation,
    LoadModel,
    LockOutChanged,
    ModelReady,
    ObservationMade,
    Problem,
    SetPolicy,
    SetSession,
    Shutdown,
    Unlock,
    VerdictReached,
)
from core.policy import SitePolicy
from core.ports import Scorer
from core.verdict import Evidence, Verdict, sigmoid
from tests.patience import PATIENCE_S
from tests.perception import ReliefScorer, drawn_pixels, frame_set


class NanScorer(ReliefScorer):
    def score(self, crops: object) -> list[Evidence]:
        return [Evidence(ModalityMask(7), float("nan"), float("nan"))] * len(crops)  # type: ignore[arg-type]


class NovelNanScorer(ReliefScorer):
    """Cannot say how familiar a crop is."""

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        return [replace(one, novelty=float("nan")) for one in super().score(crops)]


class ForgetfulScorer(ReliefScorer):
    """Claims all modalities for every crop."""

    def score(self, crops: object) -> list[Evidence]:
        return [Evidence(ModalityMask(7), 1.0, 0.73)] * len(crops)  # type: ignore[arg-type]


class RestlessScorer(ReliefScorer):
    def _one(self, crop: FaceCrop) -> Evidence:
        self.offset += 0.01
        return super()._one(crop)


class FrozenScorer(ReliefScorer):
    """Of one crop it says what it said of the first one, as a recorded graph does whose inputs are not copied."""

    kept: float | None = None

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        answers = super().score(crops)
        if len(crops) > 1:
            return answers
        self.kept = answers[0].logit if self.kept is None else self.kept
        return [Evidence(crops[0].mask, self.kept, sigmoid(self.kept))]


class LonelyScorer(ReliefScorer):
    """Of one crop it says something else than of the same among others, a little or nothing valid."""

    apart: float = 0.01

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        answers = super().score(crops)
        if len(crops) > 1:
            return answers
        return [Evidence(one.mask, one.logit + self.apart, sigmoid(one.logit + self.apart)) for one in answers]


class LonelyNanScorer(LonelyScorer):
    apart = float("nan")


class LonelyRestlessScorer(LonelyScorer):
    """Within what one crop and several may differ by, and yet never the same."""

    apart = 0.0

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        if len(crops) == 1:
            self.apart += 2e-4 / 7
        return super().score(crops)


class RoundingScorer(LonelyScorer):
    """Other kernels for one crop than for several."""

    apart = 5e-4


class Camera:
    """A frame source under the control of a test."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.shown: tuple[FrameSet, float] | None = None
        self.closed = False

    def show(self, frames: FrameSet) -> None:
        self.shown = (frames, self.clock.now_ms())

    def newest(self, after: int, timeout_ms: float) -> tuple[FrameSet, float] | None:
        if self.shown is None or self.shown[0].number <= after:
            self.clock.advance(timeout_ms)
            return None
        return self.shown[0], self.clock.now_ms() - self.shown[1]

    def close(self) -> None:
        self.closed = True


class Bench:
    """An inference worker in this process, between a pipe and a camera."""

    def __init__(self, load: Callable[[str], Scorer] | None = None, automatic: bool = False) -> None:
        self.clock = FakeClock()
        self.camera = Camera(self.clock)
        self.ours, theirs = multiprocessing.Pipe()
        self.decision = DecisionWindow(SitePolicy(), automatic)
        loader = load or (lambda path: ReliefScorer(sha256=path))
        self.worker = InferenceWorker(theirs, self.camera, loader, FaceSampler(), self.decision, self.clock)
        self.number = 0

    def order(self, *messages: object) -> list[object]:
        for message in messages:
            self.ours.send(message)
        return self.step()

    def step(self) -> list[object]:
        self.worker.step()
        return self.answers()

    def answers(self) -> list[object]:
        got = []
        while self.ours.poll():
            got.append(self.ours.recv())
        return got

    def show(self, times: int = 1, flat: bool = False) -> list[object]:
        got = []
        for _ in range(times):
            self.number += 1
            self.clock.advance(66.0)
            self.camera.show(frame_set(drawn_pixels(flat=flat), self.number, 5000.0 + 66.0 * self.number))
            got += self.step()
        return got


def verdicts(messages: list[object]) -> list[Verdict]:
    return [message.verdict for message in messages if isinstance(message, VerdictReached)]


def begin(presentation: str = "p") -> BeginPresentation:
    return BeginPresentation(presentation, "s", SourceKind.SIMULATED)


@pytest.mark.parametrize(("usable", "threads"), [({5}, 1), ({0, 1}, 1), ({0, 1, 6, 7}, 3)])
def test_inference_takes_all_but_one_of_the_cores_that_it_may_use(
    usable: set[int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container of two cores on a machine of 64 has no 63 to compute with: its threads would wait for each other."""
    taken: list[int] = []
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: usable)
    monkeypatch.setattr("torch.set_num_threads", taken.append)
    monkeypatch.setattr("cv2.setNumThreads", taken.append)
    limit_threads()
    assert taken == [threads, threads]


def test_from_model_to_verdict() -> None:
    bench = Bench()
    (ready,) = bench.order(LoadModel("m1"))
    assert ready == ModelReady("m1", "relief", "cpu")
    bench.order(SetSession("s", SourceKind.SIMULATED), begin())
    (verdict,) = verdicts(bench.show(6))
    assert (verdict.outcome, verdict.presentation, verdict.session) == (Outcome.BONA_FIDE, "p", "s")
    assert verdict.model == "m1"
    assert verdict.trace.frame_sets == (1, 2, 3, 4, 5)
    assert verdict.trace.calibration_sha256 == calibration_sha256(bench.camera.shown[0].profiles)  # type: ignore[index]


def test_a_model_that_fails_its_self_test_leaves_the_old_one_in_use() -> None:
    def load(path: str) -> Scorer:
        if path == "missing":
            raise InputError("There is no model at missing.", "Name another.")
        return NanScorer() if path == "nan" else ReliefScorer(sha256=path)

    bench = Bench(load)
    bench.order(LoadModel("good"))
    for bad in ("nan", "missing"):
        (problem,) = bench.order(LoadModel(bad))
        assert isinstance(problem, Problem)
        assert not problem.fatal
        assert "stays in use" in problem.what
        assert problem.remedy
    bench.order(begin())
    (verdict,) = verdicts(bench.show(6))
    assert verdict.model == "good"


@pytest.mark.parametrize(
    ("scorer", "complaint"),
    [
        (NanScorer, "no valid score"),
        (NovelNanScorer, "no valid score"),
        (ForgetfulScorer, "no valid"),
        (RestlessScorer, "two answers"),
        (FrozenScorer, "two answers"),
        (LonelyScorer, "two answers"),
        (LonelyNanScorer, "no valid score"),
        (LonelyRestlessScorer, "two answers"),
    ],
)
def test_the_self_test_names_what_is_wrong(scorer: type[ReliefScorer], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        self_test(scorer())


def test_the_self_test_lets_one_crop_be_rounded_otherwise_than_several() -> None:
    self_test(RoundingScorer())


def test_the_next_verdict_carries_the_new_model() -> None:
    bench = Bench()
    bench.order(LoadModel("m1"))
    bench.order(begin())
    bench.show(3)
    bench.order(LoadModel("m2"))
    (verdict,) = verdicts(bench.show(6))
    assert verdict.model == "m2"
    assert len(verdict.trace.evidence) == 5


def test_a_camera_that_falls_silent_ends_in_a_non_response() -> None:
    bench = Bench()
    bench.order(LoadModel("m"), begin())
    messages = bench.show(4)
    while not verdicts(messages):
        messages += bench.step()
        assert bench.clock.now_ms() < 20_000.0
    (verdict,) = verdicts(messages)
    assert (verdict.outcome, verdict.reason) == (Outcome.NON_RESPONSE, Reason.STALE)
    observations = [m.observation for m in messages if isinstance(m, ObservationMade)]
    assert observations[-1].reason is Reason.STALE


def test_a_frame_set_that_waited_too_long_is_stale() -> None:
    bench = Bench()
    bench.order(LoadModel("m"), begin())
    bench.camera.show(frame_set(drawn_pixels(), 1, 100.0))
    bench.clock.advance(1500.0)
    (seen,) = [m.observation for m in bench.step() if isinstance(m, ObservationMade)]
    assert (seen.evidence, seen.reason) == (None, Reason.STALE)


def test_without_a_model_a_presentation_ends_without_response() -> None:
    bench = Bench()
    bench.order(begin())
    (verdict,) = verdicts(bench.show(80))
    assert (verdict.outcome, verdict.reason) == (Outcome.NON_RESPONSE, Reason.MODEL_ERROR)


def test_a_camera_that_starts_again_from_one_is_followed() -> None:
    bench = Bench()
    bench.order(LoadModel("m"))
    bench.show(40)
    bench.number = 0
    bench.camera.shown = None
    for _ in range(15):
        bench.step()
    bench.order(begin())
    (verdict,) = verdicts(bench.show(8))
    assert verdict.outcome is Outcome.BONA_FIDE


def test_the_end_of_a_short_recording_still_counts_its_last_frame_set() -> None:
    bench = Bench()
    bench.order(LoadModel("m"))
    bench.camera.show(replace(frame_set(drawn_pixels(), 1, 100.0), framing=Framing.FRAME))
    bench.order(begin(), EndPresentation())
    bench.number = 1
    bench.camera.show(frame_set(dict.fromkeys(Modality, np.zeros((0, 0), np.uint8)), 2, 133.0))
    bench.order(begin("q"))
    (verdict,) = verdicts(bench.order(EndPresentation()))
    assert (verdict.outcome, verdict.reason) == (Outcome.NON_RESPONSE, Reason.INVALID_PIXELS)


def test_lock_out_is_told_and_a_supervisor_ends_it() -> None:
    bench = Bench()
    bench.order(LoadModel("m"), SetSession("s", SourceKind.SIMULATED))
    messages: list[object] = []
    for i in range(3):
        bench.order(begin(str(i)))
        messages += bench.show(6, flat=True)
    assert [v.outcome for v in verdicts(messages)] == [Outcome.ATTACK] * 3
    assert LockOutChanged(SourceKind.SIMULATED, True) in messages
    assert bench.order(Unlock())[0] == LockOutChanged(SourceKind.SIMULATED, False)


def test_observations_are_sent_at_the_rate_of_the_picture() -> None:
    bench = Bench()
    bench.order(LoadModel("m"))
    sent = 0
    for i in range(90):
        bench.clock.advance(1000.0 / 90.0)
        bench.camera.show(frame_set(drawn_pixels(), i + 1, i * 11.0))
        sent += sum(isinstance(m, ObservationMade) for m in bench.step())
    assert 10 <= sent <= 16


def test_a_policy_counts_from_the_next_presentation() -> None:
    bench = Bench()
    bench.order(LoadModel("m"), begin())
    bench.show(1)
    bench.order(SetPolicy(SitePolicy(min_frame_sets=2)))
    assert len(verdicts(bench.show(6))[0].trace.evidence) == 5
    bench.order(begin())
    assert len(verdicts(bench.show(6))[0].trace.evidence) == 2


def test_the_engine_never_lets_a_broken_score_through() -> None:
    frames = frame_set(drawn_pixels())
    for scorer in (NanScorer(), ForgetfulScorer()):
        observation = Engine(scorer, FaceSampler()).observe(frames.restricted(ModalityMask(6)))
        assert observation.evidence is None
        assert observation.reason is Reason.MODEL_ERROR
    good = Engine(ReliefScorer(), FaceSampler()).observe(frames, age_ms=5.0)
    assert good.evidence is not None
    assert good.hints == (Hint.OK,)
    assert good.latency_ms > 5.0


def test_the_engine_answers_for_frames_that_cannot_be_registered() -> None:
    pixels = drawn_pixels()
    pixels[Modality.IR] = pixels[Modality.IR][:80]
    observation = Engine(ReliefScorer(), FaceSampler()).observe(frame_set(pixels))
    assert (observation.evidence, observation.reason) == (None, Reason.INVALID_PIXELS)


def serve(pipe: Connection, camera: Camera) -> None:
    run_inference(pipe, camera, lambda path: ReliefScorer(sha256=path), SitePolicy(), automatic=True)


@pytest.mark.parametrize("how", ["shutdown", "closed pipe"])
def test_the_process_body_ends_when_told_or_left_alone(how: str) -> None:
    ours, theirs = multiprocessing.Pipe()
    camera = Camera(FakeClock())
    thread = threading.Thread(target=serve, args=(theirs, camera))
    thread.start()
    ours.send(LoadModel("m"))
    assert ours.poll(PATIENCE_S)
    if how == "shutdown":
        ours.send(Shutdown())
    else:
        ours.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert camera.closed
