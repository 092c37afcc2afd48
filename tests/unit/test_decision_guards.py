"""What stands above the evidence: signs of tampering, the challenge, commissioning, a delay. All fail closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.challenge import ChallengeAnswer
from core.codes import TAMPERED, ChallengeResult, Outcome, Reason, Rule, SourceKind
from core.decision import LOCKED_ANSWER_MS, DecisionWindow
from core.frames import ALL_MODALITIES, ModalityMask
from core.policy import SitePolicy
from core.verdict import Observation, Verdict
from tests.unit.test_decision import BOX, Bars, evidence

PERIOD_MS = 1000.0 / 30.0


class Take:
    """A camera that shows one face, and a decision that may ask for a challenge."""

    def __init__(self, kind: SourceKind = SourceKind.SIMULATED, *, automatic: bool = False) -> None:
        self.window = DecisionWindow(SitePolicy(), automatic, challenging=True)
        self.window.set_model(Bars())
        self.window.commissioned = True
        self.window.set_session("s", kind)
        self.kind = kind
        self.number = 0
        self.asked: list[str] = []
        self.verdicts: list[Verdict] = []

    def begin(self) -> Take:
        self.window.begin(f"p{self.number}", "s", self.kind)
        return self

    def see(
        self,
        frames: int,
        logit: float = 9.0,
        reason: Reason = Reason.NONE,
        box: bool = True,
        mask: ModalityMask = ALL_MODALITIES,
    ) -> Take:
        for _ in range(frames):
            self.number += 1
            said = evidence(logit, mask) if reason is Reason.NONE else None
            seen = Observation(self.number, PERIOD_MS * self.number, mask, said, reason)
            verdict = self.window.feed(replace(seen, box=BOX if box else None))
            if verdict is not None:
                self.verdicts.append(verdict)
            if nonce := self.window.wanted_challenge():
                self.asked.append(nonce)
        return self

    def answer(self, result: ChallengeResult) -> Take:
        self.window.challenged(self.asked[-1], ChallengeAnswer(result, "emitter_enabled", (2, 4, 6), 1, 0.9, 0.5))
        return self

    @property
    def last(self) -> tuple[Outcome, Reason, Rule]:
        verdict = self.verdicts[-1]
        return verdict.outcome, verdict.reason, verdict.rule


@pytest.mark.parametrize("kind", [SourceKind.LIVE, SourceKind.SIMULATED, SourceKind.SCRIPTED])
def test_nobody_is_accepted_before_the_camera_has_answered(kind: SourceKind) -> None:
    take = Take(kind).begin().see(30)
    assert len(take.asked) == 1
    assert take.verdicts == []
    take.answer(ChallengeResult.PASSED).see(1)
    assert take.last == (Outcome.BONA_FIDE, Reason.NONE, Rule.THRESHOLD)
    challenge = take.verdicts[0].trace.challenge
    assert challenge is not None
    assert challenge.result is ChallengeResult.PASSED


def test_an_attack_is_told_without_waiting() -> None:
    assert Take().begin().see(5, -9.0).last[0] is Outcome.ATTACK


@pytest.mark.parametrize("result", [None, ChallengeResult.UNSEEN])
def test_no_answer_by_the_deadline_or_at_the_end_is_no_response(result: ChallengeResult | None) -> None:
    for commanded_end in (False, True):
        take = Take().begin().see(20)
        if result is not None:
            take.answer(result)
        take.see(5 if commanded_end else 140)
        if commanded_end:
            take.verdicts.append(take.window.end())  # type: ignore[arg-type]
        assert take.last == (Outcome.NON_RESPONSE, Reason.CHALLENGE_OPEN, Rule.CHALLENGE)
        assert take.verdicts[-1].score is None


@pytest.mark.parametrize("logit", [9.0, 0.1, -9.0])
def test_a_failed_challenge_decides_whatever_the_pictures_say(logit: float) -> None:
    take = Take().begin().see(2, logit).answer(ChallengeResult.FAILED).see(40, logit)
    assert take.last == (Outcome.NON_RESPONSE, Reason.CHALLENGE_FAILED, Rule.CHALLENGE)


def test_what_is_played_is_not_asked() -> None:
    take = Take(SourceKind.PLAYBACK).begin().see(5)
    assert (take.asked, take.last[0]) == ([], Outcome.BONA_FIDE)


def test_an_answer_to_another_presentation_counts_for_nobody() -> None:
    take = Take().begin().see(3)
    take.window.end()
    take.begin().see(3)
    assert len(set(take.asked)) == 2
    take.window.challenged(take.asked[0], ChallengeAnswer(ChallengeResult.PASSED))
    take.see(10)
    assert take.verdicts == []


def test_whoever_comes_after_a_gap_is_asked_again() -> None:
    take = Take().begin().see(3).answer(ChallengeResult.PASSED)
    take.see(20, reason=Reason.NO_FACE, box=False).see(6)
    assert take.verdicts == []
    assert len(take.asked) == 2
    assert take.answer(ChallengeResult.PASSED).see(1).last[0] is Outcome.BONA_FIDE


def test_nobody_in_view_is_no_reason_to_ask() -> None:
    assert Take().begin().see(10, reason=Reason.NO_FACE, box=False).asked == []


@pytest.mark.parametrize("flaw", sorted(TAMPERED))
def test_a_single_sign_of_tampering_spoils_the_presentation(flaw: Reason) -> None:
    take = Take().begin().see(2).answer(ChallengeResult.PASSED).see(1, reason=flaw).see(60)
    assert take.last == (Outcome.NON_RESPONSE, flaw, Rule.TAMPERED)
    assert take.verdicts[0].duration_ms >= LOCKED_ANSWER_MS, "nobody may ask at camera rate"
    assert len(take.verdicts) == 1
    take.begin().see(2).answer(ChallengeResult.PASSED).see(5)
    assert take.last[0] is Outcome.BONA_FIDE, "the next presentation is judged for itself"


def test_frames_of_the_challenge_are_no_evidence_and_no_gap() -> None:
    take = Take().begin().see(4).see(25, reason=Reason.CHALLENGE).answer(ChallengeResult.PASSED).see(1)
    assert take.last[0] is Outcome.BONA_FIDE
    assert take.verdicts[0].trace.frame_sets == (1, 2, 3, 4, 30)


def test_old_evidence_does_not_count_again_when_a_flicker_after_it_has_grown_old() -> None:
    take = Take().begin().see(5).see(1, mask=ModalityMask(6)).see(20, reason=Reason.CHALLENGE)
    take.answer(ChallengeResult.PASSED).see(15, reason=Reason.POOR_QUALITY)
    assert take.verdicts == [], "nothing that is younger than stale_ms speaks for them"
    assert take.see(5).verdicts[0].trace.frame_sets[-5:] == (42, 43, 44, 45, 46)


def test_waiting_until_a_veto_is_old_before_covering_the_sensor_does_not_help() -> None:
    take = Take().begin().see(4, -4.0).see(40, reason=Reason.POOR_QUALITY).answer(ChallengeResult.PASSED)
    take.see(15, mask=ModalityMask(5))
    assert take.last == (Outcome.REFER, Reason.MASK_CHANGED, Rule.MASK_CHANGED)


@pytest.mark.parametrize("logit", [9.0, -9.0])
def test_a_live_camera_that_nobody_accepted_decides_nothing(logit: float) -> None:
    take = Take(SourceKind.LIVE)
    take.window.commissioned = False
    take.begin().see(2, logit).answer(ChallengeResult.PASSED).see(60, logit)
    assert take.last == (Outcome.NON_RESPONSE, Reason.NOT_COMMISSIONED, Rule.NOT_COMMISSIONED)
    assert not take.window.lock_out.locked(SourceKind.LIVE)


def test_a_new_window_takes_no_camera_for_accepted() -> None:
    assert not DecisionWindow(SitePolicy(), automatic=False).commissioned


def test_a_delay_answers_nobody_and_ends_by_itself() -> None:
    take = Take().see(1)
    take.window.hold(3000.0)
    take.begin().see(2).answer(ChallengeResult.PASSED).see(40)
    assert take.last == (Outcome.NON_RESPONSE, Reason.DELAYED, Rule.DELAYED)
    take.see(60)
    take.begin().see(2).answer(ChallengeResult.PASSED).see(5)
    assert take.last[0] is Outcome.BONA_FIDE


def test_a_delay_before_the_first_picture_begins_with_it() -> None:
    take = Take()
    take.window.hold(3000.0)
    assert take.begin().see(50).last[1] is Reason.DELAYED


def test_during_a_delay_no_presentation_begins_by_itself() -> None:
    take = Take(automatic=True).see(1)
    take.window.end()
    take.window.hold(2000.0)
    take.see(30, reason=Reason.NO_FACE, box=False)
    asked = len(take.asked)
    take.see(20)
    assert take.window.running is None
    assert len(take.asked) == asked
    take.window.hold(0.0)
    take.see(5)
    assert take.window.running is not None


def test_a_delay_runs_while_nobody_is_there() -> None:
    take = Take(automatic=True).see(1)
    take.window.end()
    take.window.hold(2000.0)
    take.see(70, reason=Reason.NO_FACE, box=False).see(1)
    assert take.window.running is not None, "whoever comes after it waits for nothing"


def test_the_first_picture_of_a_camera_does_not_end_a_delay() -> None:
    take = Take()
    take.window.hold(3000.0)
    take.begin().see(3, reason=Reason.STALE, box=False)
    take.number += 1_000_000  # the camera has been powered for hours, and its clock says so
    assert take.see(50).last[1] is Reason.DELAYED


def test_a_presentation_that_began_before_the_camera_delivered_is_judged_by_its_pictures() -> None:
    take = Take().begin().see(3, reason=Reason.STALE, box=False)
    take.number += 1_000_000
    take.see(2).answer(ChallengeResult.PASSED).see(5)
    assert take.last[0] is Outcome.BONA_FIDE
    assert take.verdicts[0].duration_ms < 1000.0
