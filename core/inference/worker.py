"""Body of the inference process: newest frame set -> engine -> decision -> station.

It obeys the messages of `core.messages` and ends within a poll when its pipe closes. It holds no queue: a frame set
that was overtaken is skipped, so that an answer is never about the past. A camera that delivers nothing gives stale
observations, and those end in a non-response.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

from core.camera_identity import calibration_sha256
from core.clock import Clock, SystemClock
from core.codes import Reason
from core.decision import DecisionWindow
from core.errors import KnownError, sentence
from core.face.sampler import FaceSampler
from core.frames import FaceCrop, FrameSet, ModalityMask
from core.inference.engine import Engine
from core.inference.selftest import self_test
from core.inference.shadow_run import ShadowRun
from core.messages import (
    BeginPresentation,
    ChallengeAnswered,
    ChallengeWanted,
    Delay,
    EndPresentation,
    LoadModel,
    LoadShadow,
    LockOutChanged,
    ModelReady,
    ObservationMade,
    Problem,
    SetPolicy,
    SetSession,
    Shutdown,
    Standing,
    Unlock,
    VerdictReached,
)
from core.policy import SitePolicy
from core.ports import FrameSource, Scorer
from core.processes import usable_cores, without_collection
from core.verdict import Observation, Verdict

log = logging.getLogger(__name__)

POLL_MS = 100.0
"""Longest wait for a frame set; orders and a closed pipe are noticed after it."""
OBSERVATION_PERIOD_MS = 1000.0 / 15.0
"""The live picture needs no more observations than this."""

LoadScorer = Callable[[str], Scorer]


def run_inference(
    pipe: Connection,
    source: FrameSource,
    load_scorer: LoadScorer,
    policy: SitePolicy,
    automatic: bool,
    make_sampler: Callable[[], FaceSampler] | None = None,
    clock: Clock | None = None,
    challenging: bool = False,
) -> None:
    """Serve until `core.messages.Shutdown` or until the pipe closes.

    Args:
        pipe: the station's orders and our answers.
        source: where the newest frame set is taken from; it is closed at the end.
        load_scorer: loads and verifies a model, given the path of `core.messages.LoadModel`.
        policy: the site policy until another is sent.
        automatic: whether presentations start by themselves.
        make_sampler: another face sampler than the tracking one with the embedded detector.
        clock: for tests.
        challenging: see `core.decision.DecisionWindow`; a station's process is always told so.
    """
    limit_threads()
    sampler = make_sampler() if make_sampler is not None else FaceSampler(tracking=True)
    worker = InferenceWorker(pipe, source, load_scorer, sampler, DecisionWindow(policy, automatic, challenging), clock)
    try:
        while worker.step():
            pass
    except (EOFError, BrokenPipeError, ConnectionResetError):
        log.info("the station is gone; inference ends")
    finally:
        source.close()
        pipe.close()


def limit_threads() -> None:
    """One core stays free for the camera: on two cores a second torch thread made inference 3x slower."""
    with without_collection():
        import cv2
        import torch

    threads = max(1, usable_cores() - 1)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


class InferenceWorker:
    """The loop of the inference process, one `step` at a time."""

    def __init__(
        self,
        pipe: Connection,
        source: FrameSource,
        load_scorer: LoadScorer,
        sampler: FaceSampler,
        decision: DecisionWindow,
        clock: Clock | None = None,
    ) -> None:
        self._pipe = pipe
        self._source = source
        self._load_scorer = load_scorer
        self._sampler = sampler
        self._decision = decision
        self._clock = clock or SystemClock()
        self._engine: Engine | None = None
        self._shadow: ShadowRun | None = None
        self._decided: Verdict | None = None
        self._after = 0
        self._session: SetSession | None = None
        self._locked = False
        self._profiles: object = None
        self._camera_ms = 0.0
        self._arrived_ms: float | None = None
        self._sent_ms = float("-inf")

    def step(self) -> bool:
        """Obey what was ordered, then look at one frame set; ``False`` when it is over."""
        while self._pipe.poll():
            if not self._obey(self._pipe.recv()):
                return False
            self._say_beside()  # of a verdict that an order brought about, it has seen all that there will be
        self._look(POLL_MS)
        return True

    # --- orders -------------------------------------------------------------------------------------------------

    def _obey(self, message: object) -> bool:
        match message:
            case Shutdown():
                return False
            case LoadModel(path=path):
                self._load(path)
            case LoadShadow(path=path):
                self._load_shadow(path)
            case SetPolicy(policy=policy):
                self._decision.set_policy(policy)
            case SetSession():
                self._answer(self._decision.set_session(message.session, message.source_kind, message.locked))
                self._session = message
                self._locked = self._decision.lock_out.locked(message.source_kind)
            case Standing():
                self._decision.qualified = message.qualified
                self._decision.withheld = message.withheld
                self._decision.camera = message.camera
                self._decision.commissioned = message.commissioned
            case Delay(duration_ms=duration_ms):
                self._decision.hold(duration_ms)
            case ChallengeAnswered(nonce=nonce, answer=answer):
                self._decision.challenged(nonce, answer)
            case BeginPresentation(presentation=presentation, session=session, source_kind=kind, test=test):
                self._answer(self._decision.begin(presentation, session, kind, test))
                self._after = 0  # the newest frame set counts for this presentation too, looked at before or not
            case EndPresentation():
                # What arrived before the order still counts: a short recording may be over before its first look.
                self._look(0.0)
                self._answer(self._decision.end())
            case Unlock():
                self._decision.lock_out.unlock()
                self._tell_lock_out()
            case _:
                log.warning("inference does not know the message %s", type(message).__name__)
        return True

    def _load(self, path: str) -> None:
        scorer = self._tested(path, _told if self._engine is None else _kept)
        if scorer is None:
            return
        self._engine = Engine(scorer, self._sampler, self._clock)
        self._decision.set_model(scorer)
        self._pipe.send(ModelReady(scorer.sha256, scorer.name, scorer.device))

    def _load_shadow(self, path: str) -> None:
        """Another model beside the champion, or none."""
        scorer = self._tested(path, _off) if path else None
        self._shadow = None if scorer is None else ShadowRun(scorer)

    def _tested(self, path: str, form: Callable[[str], str]) -> Scorer | None:
        """A model that passed its self-test; else ``None``, and what went wrong is told in a ``form``."""
        try:
            scorer = self._load_scorer(path)
            self_test(scorer)
        except KnownError as error:
            self._pipe.send(replace(Problem.of(error), what=form(error.what)))
            return None
        return scorer

    # --- frame sets ---------------------------------------------------------------------------------------------

    def _look(self, timeout_ms: float) -> None:
        found = self._source.newest(self._after, timeout_ms)
        if found is None and self._silent_ms() >= self._stale_ms():
            # A camera that was opened again counts from 1: its frame sets look old by their number, not by their age.
            found = self._source.newest(-1, 0.0)
            if found is not None and (found[0].number == self._after or found[1] >= self._stale_ms()):
                found = None
        if found is None:
            self._stale()
            return
        self._observe(*found)

    def _observe(self, frame_set: FrameSet, age_ms: float) -> None:
        self._after = frame_set.number
        self._arrived_ms = self._clock.now_ms()
        self._camera_ms = frame_set.time_ms
        if self._profiles != frame_set.profiles:
            self._profiles = dict(frame_set.profiles)
            self._decision.calibration_sha256 = calibration_sha256(frame_set.profiles)
        if age_ms >= self._stale_ms():
            self._publish(_nothing(frame_set, Reason.STALE))
        elif self._engine is None:
            self._publish(_nothing(frame_set, Reason.MODEL_ERROR))
        else:
            self._publish(self._engine.observe(frame_set, age_ms))
            self._look_beside(frame_set.number, self._engine.crop)

    def _look_beside(self, number: int, crop: FaceCrop | None) -> None:
        """After the champion has answered, so that it never waits; an error ends the shadow run and nothing else."""
        if self._shadow is not None and crop is not None:
            try:
                self._shadow.look(number, crop)
            except Exception:
                log.exception("the shadow run ended")
                self._shadow = None
                self._pipe.send(Problem("The shadow run ended: its model fails.", "Decisions go on. Try it again."))
        self._say_beside()

    def _say_beside(self) -> None:
        """What the shadow run would have answered, right after the verdict and before any other."""
        decided, self._decided = self._decided, None
        if self._shadow is not None and decided is not None:
            said = self._shadow.said(decided, self._decision.policy)
            if said is not None:
                self._pipe.send(said)

    def _stale(self) -> None:
        """Nothing new: after ``stale_ms`` that is an observation of its own, on a clock that goes on."""
        silent_ms = self._silent_ms()
        if silent_ms >= self._stale_ms():
            time_ms = self._camera_ms + silent_ms
            self._publish(Observation(self._after, time_ms, ModalityMask(0), reason=Reason.STALE))

    def _silent_ms(self) -> float:
        """Time since a frame set arrived, or since the first look."""
        now = self._clock.now_ms()
        if self._arrived_ms is None:
            self._arrived_ms = now
        return now - self._arrived_ms

    def _stale_ms(self) -> float:
        return self._decision.policy.stale_ms

    # --- answers ------------------------------------------------------------------------------------------------

    def _publish(self, observation: Observation) -> None:
        verdict = self._decision.feed(observation)
        if nonce := self._decision.wanted_challenge():
            self._pipe.send(ChallengeWanted(nonce))
        now = self._clock.now_ms()
        if verdict is not None or now - self._sent_ms >= OBSERVATION_PERIOD_MS:
            self._sent_ms = now
            self._pipe.send(ObservationMade(observation))
        self._answer(verdict)

    def _answer(self, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        self._sampler.reset()
        self._pipe.send(VerdictReached(verdict))
        self._decided = verdict
        self._tell_lock_out()

    def _tell_lock_out(self) -> None:
        if self._session is None:
            return
        locked = self._decision.lock_out.locked(self._session.source_kind)
        if locked != self._locked:
            self._locked = locked
            self._pipe.send(LockOutChanged(self._session.source_kind, locked))


def _told(what: str) -> str:
    return what


def _kept(what: str) -> str:
    return sentence("{what} The model that ran before stays in use.", what=what)


def _off(what: str) -> str:
    return sentence("The shadow run is off: {what}", what=what)


def _nothing(frame_set: FrameSet, reason: Reason) -> Observation:
    """A frame set that says nothing, and why."""
    return Observation(frame_set.number, frame_set.time_ms, frame_set.mask, reason=reason)
