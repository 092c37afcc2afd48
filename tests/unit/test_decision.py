from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.assessment import assess, bar, log_odds
from core.codes import Hint, Outcome, Reason, Rule, SourceKind
from core.decision import DecisionWindow
from core.frames import ALL_MODALITIES, EVERY_MASK, Modality, ModalityMask
from core.policy import SitePolicy
from core.verdict import Evidence, Observation, Verdict, sigmoid

RGB, DEPTH_IR, RGB_IR = ModalityMask(1), ModalityMask(6), ModalityMask(5)
POLICY = SitePolicy()
PERIOD_MS = 66.0
BOX = (200, 150, 120, 120)
ELSEWHERE = (420, 150, 120, 120)


@dataclass
class Bars:
    """Thresholds of a model, one per mask."""

    of_mask: dict[ModalityMask, float | None] = field(default_factory=lambda: dict.fromkeys(EVERY_MASK, 0.5))
    sha256: str = "model"
    withheld: frozenset[ModalityMask] = frozenset()

    def may_accept(self, mask: ModalityMask) -> bool:
        return mask not in self.withheld

    def threshold(self, mask: ModalityMask) -> float | None:
        return self.of_mask.get(mask)


def evidence(logit: float, mask: ModalityMask = ALL_MODALITIES) -> Evidence:
    score = sigmoid(logit) if math.isfinite(logit) else 0.99
    return Evidence(mask, logit, score)


class Take:
    """Feeds a decision window like a camera and keeps the verdicts."""

    def __init__(self, policy: SitePolicy = POLICY, bars: Bars | None = None, automatic: bool = False) -> None:
        self.window = DecisionWindow(policy, automatic)
        self.window.set_model(bars or Bars())
        self.window.set_session("session", SourceKind.SIMULATED)
        self.time_ms = 1000.0
        self.number = 0
        self.verdicts: list[Verdict] = []

    def begin(self, presentation: str = "p") -> Take:
        self.keep(self.window.begin(presentation, "session", SourceKind.SIMULATED))
        return self

    def keep(self, verdict: Verdict | None) -> None:
        if verdict is not None:
            self.verdicts.append(verdict)

    def see(
        self,
        *logits: float,
        mask: ModalityMask = ALL_MODALITIES,
        box: tuple[int, int, int, int] | None = BOX,
        period_ms: float = PERIOD_MS,
    ) -> Take:
        for logit in logits:
            self.feed(Observation(0, 0.0, mask, evidence(logit, mask), box=box), period_ms)
        return self

    def miss(self, reason: Reason, times: int = 1, period_ms: float = PERIOD_MS) -> Take:
        box = BOX if reason is Reason.SEVERAL_FACES else None
        for _ in range(times):
            self.feed(Observation(0, 0.0, ALL_MODALITIES, reason=reason, hints=(Hint.NO_FACE,), box=box), period_ms)
        return self

    def feed(self, observation: Observation, period_ms: float = PERIOD_MS) -> None:
        self.number += 1
        self.time_ms += period_ms
        self.keep(self.window.feed(replace(observation, frame_set=self.number, time_ms=self.time_ms)))

    @property
    def only(self) -> Verdict:
        assert len(self.verdicts) == 1
        return self.verdicts[0]


def test_enough_good_evidence_is_bona_fide() -> None:
    take = Take().begin().see(*[3.0] * 4)
    assert not take.verdicts
    verdict = take.see(3.0).only
    assert verdict.outcome is Outcome.BONA_FIDE
    assert verdict.rule is Rule.THRESHOLD
    assert verdict.mask == ALL_MODALITIES
    assert verdict.score == pytest.approx(sigmoid(3.0))
    assert verdict.duration_ms == pytest.approx(4 * PERIOD_MS)
    assert verdict.trace.frame_sets == (1, 2, 3, 4, 5)
    assert verdict.trace.boxes == (BOX,) * 5
    assert verdict.trace.policy_sha256 == POLICY.sha256()


def test_low_evidence_is_an_attack() -> None:
    assert Take().begin().see(*[-3.0] * 5).only.outcome is Outcome.ATTACK


def test_the_band_waits_for_more_and_then_refers() -> None:
    take = Take().begin().see(*[0.2] * 14)
    assert not take.verdicts
    verdict = take.see(0.2).only
    assert (verdict.outcome, verdict.reason, verdict.rule) == (Outcome.REFER, Reason.IN_BAND, Rule.ABSTAIN_BAND)
    assert verdict.trace.abstain_band == pytest.approx((-0.5, 0.5))


def test_a_mask_that_may_only_refuse_refers_whom_it_would_accept() -> None:
    bars = Bars(withheld=frozenset({DEPTH_IR}))
    good = Take(bars=bars).begin().see(*[9.0] * 15, mask=DEPTH_IR).only
    assert (good.outcome, good.rule) == (Outcome.REFER, Rule.MASK_NEVER_ACCEPTS)
    bad = Take(bars=bars).begin().see(*[-9.0] * 5, mask=DEPTH_IR).only
    assert bad.outcome is Outcome.ATTACK


def test_rgb_alone_and_uncalibrated_masks_are_referred_however_good() -> None:
    alone = Take().begin().see(*[9.0] * 15, mask=RGB).only
    assert (alone.outcome, alone.rule) == (Outcome.REFER, Rule.RGB_ALONE_REFERS)
    bars = Bars({ALL_MODALITIES: 0.5, DEPTH_IR: None})
    unknown = Take(bars=bars).begin().see(*[9.0] * 15, mask=DEPTH_IR).only
    assert (unknown.outcome, unknown.reason) == (Outcome.REFER, Reason.MASK_NOT_CALIBRATED)
    allowed = POLICY.model_copy(update={"rgb_alone_refers": False})
    assert Take(allowed).begin().see(*[9.0] * 5, mask=RGB).only.outcome is Outcome.BONA_FIDE


def test_the_policy_raises_thresholds_and_never_lowers_them() -> None:
    bars = Bars()
    assert bar(bars, SitePolicy(thresholds={"depth+ir": 0.9}), DEPTH_IR) == 0.9
    assert bar(bars, SitePolicy(thresholds={"depth+ir": 0.1}), DEPTH_IR) == 0.5
    assert bar(bars, SitePolicy(thresholds={"depth+ir": 1.0}), DEPTH_IR) is None
    for nonsense in (math.nan, -1.0, 0.0, 1.5, None):
        assert bar(Bars({DEPTH_IR: nonsense}), POLICY, DEPTH_IR) is None


def test_a_policy_under_which_no_verdict_is_possible_is_refused() -> None:
    with pytest.raises(ValueError, match="min_frame_sets is 9 and max_frame_sets 8: no verdict could ever"):
        SitePolicy(min_frame_sets=9, max_frame_sets=8)


@pytest.mark.parametrize("reason", [Reason.NO_FACE, Reason.SEVERAL_FACES, Reason.POOR_QUALITY, Reason.STALE])
def test_the_deadline_names_the_most_frequent_reason(reason: Reason) -> None:
    take = Take().begin().miss(Reason.INVALID_PIXELS, 3).miss(reason, 80)
    verdict = take.verdicts[0]
    assert (verdict.outcome, verdict.reason, verdict.rule) == (Outcome.NON_RESPONSE, reason, Rule.DEADLINE)
    assert verdict.score is None
    assert verdict.duration_ms == pytest.approx(POLICY.deadline_ms, abs=PERIOD_MS)
    assert verdict.trace.hints[Hint.NO_FACE] > 50


def test_too_slow_evidence_is_a_timeout() -> None:
    verdict = Take().begin().see(*[5.0] * 20, period_ms=450.0).verdicts[0]
    assert (verdict.outcome, verdict.reason) == (Outcome.NON_RESPONSE, Reason.TIMEOUT)


def test_ending_answers_with_what_there_is() -> None:
    take = Take().begin().see(5.0, 5.0)
    take.keep(take.window.end())
    assert (take.only.outcome, take.only.reason, take.only.rule) == (
        Outcome.NON_RESPONSE,
        Reason.OPERATOR,
        Rule.ENDED,
    )
    take = Take().begin().see(*[0.1] * 6)
    take.keep(take.window.end())
    assert (take.only.outcome, take.only.reason) == (Outcome.REFER, Reason.IN_BAND)
    assert take.window.end() is None


def test_a_new_command_ends_the_running_presentation() -> None:
    take = Take().begin("first").see(5.0).begin("second").see(*[5.0] * 5)
    assert [(v.presentation, v.outcome) for v in take.verdicts] == [
        ("first", Outcome.NON_RESPONSE),
        ("second", Outcome.BONA_FIDE),
    ]


def test_without_a_model_nobody_passes() -> None:
    window = DecisionWindow(POLICY, automatic=False)
    window.begin("p", "s", SourceKind.LIVE)
    verdict = None
    for i in range(100):
        verdict = verdict or window.feed(Observation(i, i * PERIOD_MS, ALL_MODALITIES, evidence(9.0), box=BOX))
    assert verdict is not None
    assert verdict.outcome is Outcome.NON_RESPONSE


def test_evidence_of_two_models_is_never_pooled() -> None:
    take = Take().begin().see(*[9.0] * 4)
    take.window.set_model(Bars(sha256="other"))
    take.see(*[-9.0] * 4)
    assert not take.verdicts
    take.see(-9.0)
    assert (take.only.outcome, take.only.model) == (Outcome.ATTACK, "other")
    assert "model changed" in take.only.trace.notes


def test_covering_a_sensor_that_spoke_against_does_not_help() -> None:
    take = Take().begin().see(*[-4.0] * 4).see(*[4.0] * 15, mask=RGB_IR)
    verdict = take.only
    assert (verdict.outcome, verdict.reason, verdict.rule) == (
        Outcome.REFER,
        Reason.MASK_CHANGED,
        Rule.MASK_CHANGED,
    )


def test_a_flicker_of_one_modality_holds_nobody_up() -> None:
    take = Take().begin().see(4.0, 4.0).see(0.5, mask=RGB_IR).see(4.0, 4.0, 4.0)
    assert take.only.outcome is Outcome.BONA_FIDE
    assert take.only.trace.masks == {"rgb+depth+ir": 5, "rgb+ir": 1}


def test_old_evidence_is_not_used() -> None:
    take = Take().begin().see(*[6.0] * 4).miss(Reason.POOR_QUALITY, 20).see(*[6.0] * 4)
    assert not take.verdicts


def test_after_a_gap_in_sight_it_may_be_somebody_else() -> None:
    take = Take().begin().see(*[6.0] * 4).miss(Reason.NO_FACE, 9).see(6.0)
    assert not take.verdicts
    take.see(*[6.0] * 4)
    assert take.only.trace.notes == ("face lost from sight",)


def test_another_face_starts_anew() -> None:
    take = Take().begin().see(*[6.0] * 4).see(*[-6.0] * 4, box=ELSEWHERE)
    assert not take.verdicts
    verdict = take.see(-6.0, box=ELSEWHERE).only
    assert verdict.outcome is Outcome.ATTACK
    assert verdict.trace.frame_sets == (5, 6, 7, 8, 9)
    assert verdict.trace.notes == ("another face",)


def test_a_camera_clock_that_goes_back_keeps_no_evidence() -> None:
    take = Take().begin().see(*[6.0] * 4)
    take.time_ms -= 10_000.0
    take.see(*[6.0] * 4)
    assert not take.verdicts
    assert take.see(6.0).only.duration_ms < 1000.0


class TestAutomatic:
    def test_a_face_starts_and_its_leaving_allows_the_next(self) -> None:
        take = Take(automatic=True).miss(Reason.NO_FACE, 100)
        assert not take.verdicts
        take.see(*[4.0] * 20)
        assert take.only.outcome is Outcome.BONA_FIDE
        assert take.only.presentation == ""
        take.miss(Reason.NO_FACE, 20).see(*[-4.0] * 20)
        assert [v.outcome for v in take.verdicts] == [Outcome.BONA_FIDE, Outcome.ATTACK]

    def test_a_face_that_leaves_early_is_a_non_response(self) -> None:
        take = Take(automatic=True).see(4.0, 4.0).miss(Reason.NO_FACE, 40)
        assert (take.only.outcome, take.only.reason, take.only.rule) == (
            Outcome.NON_RESPONSE,
            Reason.NO_FACE,
            Rule.ENDED,
        )

    def test_another_face_ends_one_presentation_and_starts_the_next(self) -> None:
        take = Take(automatic=True).see(4.0, 4.0).see(*[4.0] * 7, box=ELSEWHERE)
        assert [v.outcome for v in take.verdicts] == [Outcome.NON_RESPONSE, Outcome.BONA_FIDE]

    def test_without_a_session_nothing_starts(self) -> None:
        window = DecisionWindow(POLICY, automatic=True)
        window.set_model(Bars())
        for i in range(200):
            assert window.feed(Observation(i, i * PERIOD_MS, ALL_MODALITIES, evidence(4.0), box=BOX)) is None

    def test_several_faces_are_a_non_response_of_their_own(self) -> None:
        take = Take(automatic=True).miss(Reason.SEVERAL_FACES, 90)
        assert (take.only.outcome, take.only.reason) == (Outcome.NON_RESPONSE, Reason.SEVERAL_FACES)


class TestLockOut:
    def attack(self, take: Take, times: int) -> None:
        for i in range(times):
            take.begin(f"attack {i}").see(*[-5.0] * 5)

    def test_repeated_attacks_lock_until_a_supervisor_unlocks(self) -> None:
        take = Take()
        self.attack(take, 3)
        take.begin("locked").see(*[9.0] * 40)
        locked = take.verdicts[3]
        assert (locked.outcome, locked.reason, locked.rule) == (
            Outcome.NON_RESPONSE,
            Reason.LOCK_OUT,
            Rule.LOCKED_OUT,
        )
        take.window.lock_out.unlock()
        take.begin("again").see(*[9.0] * 5)
        assert take.verdicts[4].outcome is Outcome.BONA_FIDE

    def test_ending_a_locked_presentation_says_lock_out(self) -> None:
        take = Take()
        self.attack(take, 3)
        take.begin("locked").see(*[9.0] * 5)
        take.keep(take.window.end())
        assert take.verdicts[3].reason is Reason.LOCK_OUT

    def test_bona_fide_starts_the_count_again_and_stepping_away_does_not(self) -> None:
        take = Take()
        self.attack(take, 2)
        take.begin().see(*[5.0] * 5)
        self.attack(take, 2)
        assert not take.window.lock_out.locked(SourceKind.SIMULATED)
        take.begin().miss(Reason.NO_FACE, 90)
        self.attack(take, 1)
        assert take.window.lock_out.locked(SourceKind.SIMULATED)

    def test_simulated_attacks_do_not_lock_the_live_camera(self) -> None:
        take = Take()
        self.attack(take, 3)
        assert not take.window.lock_out.locked(SourceKind.LIVE)

    def test_attacks_long_ago_do_not_count(self) -> None:
        take = Take()
        self.attack(take, 2)
        take.time_ms += POLICY.lock_out_window_ms
        self.attack(take, 1)
        assert not take.window.lock_out.locked(SourceKind.SIMULATED)

    def test_a_restored_lock_out_stands(self) -> None:
        take = Take()
        take.window.set_session("session", SourceKind.SIMULATED, locked=True)
        take.begin().see(*[9.0] * 40)
        assert take.only.reason is Reason.LOCK_OUT


# --- invariants ------------------------------------------------------------------------------------------------------

masks = st.sampled_from(EVERY_MASK)
logits = st.floats(-8, 8, allow_nan=False)
seen = st.tuples(logits, masks, st.sampled_from([BOX, BOX, BOX, ELSEWHERE]), st.sampled_from([33.0, 66.0, 400.0]))
missed = st.sampled_from([Reason.NO_FACE, Reason.SEVERAL_FACES, Reason.POOR_QUALITY, Reason.STALE])
streams = st.lists(st.one_of(seen, seen, seen, missed), max_size=60)
bars_of_masks = st.fixed_dictionaries(
    {
        mask: st.one_of(st.none(), st.sampled_from([0.3, 0.5, 0.9]), st.sampled_from([math.nan, 0.0, 1.0]))
        for mask in EVERY_MASK
    }
)
policies = st.builds(
    SitePolicy,
    min_frame_sets=st.integers(1, 6),
    max_frame_sets=st.integers(6, 10),
    abstain_margin=st.sampled_from([0.0, 0.5, 2.0]),
    deadline_ms=st.sampled_from([500.0, 3000.0]),
    lock_out_attacks=st.integers(0, 2),
    rgb_alone_refers=st.booleans(),
)
Step = Reason | tuple[float, ModalityMask, tuple[int, int, int, int], float]


def play(stream: Sequence[Step], policy: SitePolicy, bars: Bars, automatic: bool) -> list[Verdict]:
    take = Take(policy, bars, automatic)
    if not automatic:
        take.begin()
    for step in stream:
        if isinstance(step, Reason):
            take.miss(step)
        else:
            logit, mask, box, period_ms = step
            take.see(logit, mask=mask, box=box, period_ms=period_ms)
    take.keep(take.window.end())
    return take.verdicts


@settings(max_examples=250, deadline=None)
@given(streams, policies, bars_of_masks, st.booleans())
def test_bona_fide_only_with_enough_evidence_above_the_bar_of_its_mask(
    stream: list[Step], policy: SitePolicy, of_mask: dict[ModalityMask, float | None], automatic: bool
) -> None:
    bars = Bars(of_mask)
    for verdict in play(stream, policy, bars, automatic):
        if verdict.outcome is not Outcome.BONA_FIDE:
            continue
        spoken = [e for e in verdict.trace.evidence if e.mask == verdict.mask]
        threshold = of_mask[verdict.mask]
        assert threshold is not None
        assert 0.0 < threshold < 1.0
        assert len(spoken) >= policy.min_frame_sets
        assert math.fsum(e.logit for e in spoken) / len(spoken) >= log_odds(threshold) + policy.abstain_margin
        assert verdict.mask != RGB or not policy.rgb_alone_refers


@settings(max_examples=250, deadline=None)
@given(streams, policies, bars_of_masks, st.data())
def test_lowering_scores_never_turns_a_refusal_into_acceptance(
    stream: list[Step], policy: SitePolicy, of_mask: dict[ModalityMask, float | None], data: st.DataObject
) -> None:
    before = play(stream, policy, Bars(of_mask), automatic=False)
    lowered: list[Step] = [
        step if isinstance(step, Reason) else (step[0] - data.draw(st.sampled_from([0.0, 1.0, 6.0])), *step[1:])
        for step in stream
    ]
    after = play(lowered, policy, Bars(of_mask), automatic=False)
    if before[0].outcome is not Outcome.BONA_FIDE:
        assert after[0].outcome is not Outcome.BONA_FIDE


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(logits, st.booleans()), max_size=40), policies)
def test_broken_numbers_are_never_evidence(steps: list[tuple[float, bool]], policy: SitePolicy) -> None:
    take = Take(policy).begin()
    for logit, infinite in steps:
        broken = Evidence(ALL_MODALITIES, math.inf if infinite else math.nan, 0.99)
        take.feed(Observation(0, 0.0, ALL_MODALITIES, replace(broken), box=BOX))
        foreign = Evidence(ModalityMask.of([Modality.IR]), logit, 0.99)
        take.feed(Observation(0, 0.0, ALL_MODALITIES, foreign, box=BOX))
        take.feed(Observation(0, 0.0, ALL_MODALITIES, replace(foreign, mask=ALL_MODALITIES, score=1.5), box=BOX))
    take.keep(take.window.end())
    assert all(v.outcome is Outcome.NON_RESPONSE and v.reason is not Reason.NONE for v in take.verdicts)


@settings(max_examples=150, deadline=None)
@given(st.lists(logits, min_size=1, max_size=12), masks, masks, policies, bars_of_masks)
def test_losing_a_modality_never_lowers_the_bar(
    given_logits: list[float],
    rich: ModalityMask,
    other: ModalityMask,
    policy: SitePolicy,
    of_mask: dict[ModalityMask, float | None],
) -> None:
    """With one modality covered, acceptance needs what that mask alone would need, whatever went before."""
    poor = rich & other
    if not poor or poor == rich:
        return
    half = len(given_logits) // 2
    window = [evidence(x, rich) for x in given_logits[:half]] + [evidence(x, poor) for x in given_logits[half:]]
    mixed, alone = (assess(w, policy, Bars(of_mask)) for w in (window, [e for e in window if e.mask == poor]))
    if mixed is not None and mixed.outcome is Outcome.BONA_FIDE:
        assert alone is not None
        assert alone.outcome is Outcome.BONA_FIDE


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(logits, st.integers(5, 9)), max_size=12))
def test_after_a_lock_out_nobody_passes(people: list[tuple[float, int]]) -> None:
    take = Take(SitePolicy(lock_out_attacks=1))
    locked = False
    for logit, count in people:
        take.verdicts.clear()
        take.begin().see(*[logit] * count)
        take.keep(take.window.end())
        assert not locked or all(v.outcome is Outcome.NON_RESPONSE for v in take.verdicts)
        locked = locked or any(v.outcome is Outcome.ATTACK for v in take.verdicts)
