from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import Outcome, Rule, SourceKind
from core.decision import DecisionWindow
from core.errors import InputError
from core.face.sampler import FaceSampler
from core.frames import EVERY_MASK, FrameSet, ModalityMask
from core.inference.engine import Engine
from core.policy import SitePolicy
from core.replay import replay_verdict
from core.verdict import Evidence, Trace, Verdict
from storage.forms import canonical, read_trace, trace_to_json
from tests.perception import ReliefScorer, drawn_pixels, frame_set


def decided(scorer: ReliefScorer) -> tuple[Verdict, list[FrameSet]]:
    stored = [frame_set(drawn_pixels(100 + i), i + 1, 66.0 * i) for i in range(6)]
    window, engine = DecisionWindow(SitePolicy(), automatic=False), Engine(scorer, FaceSampler(tracking=True))
    window.set_model(scorer)
    window.begin("p", "s", SourceKind.SIMULATED)
    verdicts = [window.feed(engine.observe(frames)) for frames in stored]
    return next(verdict for verdict in verdicts if verdict is not None), stored


def test_a_verdict_replays_to_the_same_logits() -> None:
    scorer = ReliefScorer()
    verdict, stored = decided(scorer)
    assert verdict.outcome is Outcome.BONA_FIDE
    trace = read_trace(canonical(trace_to_json(verdict.trace)))
    report = replay_verdict(trace, stored, scorer, FaceSampler())
    assert report.equal
    assert report.max_logit_difference == 0.0
    assert len(report.logits) == 5


def test_what_differs_is_said() -> None:
    verdict, stored = decided(ReliefScorer())
    other = replay_verdict(verdict.trace, stored, ReliefScorer(sha256="other", offset=0.25), FaceSampler())
    assert not other.equal
    assert not other.same_model
    assert other.max_logit_difference == pytest.approx(0.25)
    gone = replay_verdict(verdict.trace, stored[1:], ReliefScorer(), FaceSampler())
    assert not gone.equal
    assert gone.missing == (1,)
    darker = [frames.restricted(ModalityMask(5)) for frames in stored]
    assert not replay_verdict(verdict.trace, darker, ReliefScorer(), FaceSampler()).equal


def test_a_trace_without_boxes_cannot_be_replayed() -> None:
    verdict, stored = decided(ReliefScorer())
    stripped = replace(verdict.trace, boxes=())
    with pytest.raises(InputError, match="no face boxes"):
        replay_verdict(stripped, stored, ReliefScorer(), FaceSampler())


numbers = st.floats(allow_nan=False, allow_infinity=False)
figures = st.dictionaries(st.sampled_from(["rgb", "ir", "relief_mm"]), numbers, max_size=3)
pieces = st.builds(
    Evidence, st.sampled_from(EVERY_MASK), numbers, st.floats(0, 1), figures, figures, figures, st.floats(0, 1)
)
boxes = st.none() | st.tuples(*[st.integers(-50, 700)] * 4)
traces = st.builds(
    Trace,
    frame_sets=st.lists(st.integers(1, 10**6), max_size=3).map(tuple),
    evidence=st.lists(pieces, max_size=3).map(tuple),
    hints=st.dictionaries(st.text(max_size=5), st.integers(0, 99), max_size=3),
    masks=st.dictionaries(st.text(max_size=5), st.integers(0, 99), max_size=3),
    threshold=st.none() | st.floats(0, 1),
    abstain_band=st.none() | st.tuples(numbers, numbers),
    rule=st.sampled_from(Rule),
    model=st.text(max_size=8),
    policy_sha256=st.text(max_size=8),
    calibration_sha256=st.text(max_size=8),
    notes=st.lists(st.text(max_size=8), max_size=2).map(tuple),
    boxes=st.lists(boxes, max_size=3).map(tuple),
)


@given(traces)
def test_traces_survive_json_bit_for_bit(trace: Trace) -> None:
    assert read_trace(canonical(trace_to_json(trace))) == trace


@given(st.text(max_size=60) | st.just("{}") | st.just('{"evidence": [{"mask": "radar"}]}'))
def test_a_broken_trace_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="trace is damaged"):
        read_trace(text)
