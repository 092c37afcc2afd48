"""A stored verdict is explained from its frames: means, stability, and what is told when frames or a model are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from core.errors import CanceledError, InputError
from core.explain import Explanation, explain
from core.face.sampler import FaceSampler
from core.frames import ALL_MODALITIES, EVERY_MASK, FaceCrop, FrameSet, Modality, ModalityMask
from core.inference.selftest import drawn_face
from core.stability import SHIFTS, compare, shifted
from core.verdict import Trace, Verdict
from core.verdict_explanation import (
    VerdictExplanation,
    explain_verdict,
    verdict_explanation_from_plain,
    verdict_explanation_to_plain,
)
from tests.perception import ReliefScorer
from tests.unit.test_replay import decided


@dataclass
class WeighingScorer(ReliefScorer):
    """Each modality speaks for itself; colour and depth also against each other."""

    def mask_logits(self, crop: FaceCrop) -> dict[ModalityMask, float]:
        said: Mapping[Modality, float] = {m: self._one(crop.restricted(ModalityMask.of([m]))).logit for m in crop.mask}
        pair = ModalityMask.parse("rgb+depth")
        return {
            mask: sum(said[m] for m in mask) - 0.5 * (mask & pair == pair)
            for mask in EVERY_MASK
            if mask & crop.mask == mask
        }


def stored_verdict() -> tuple[Verdict, list[FrameSet]]:
    return decided(ReliefScorer())


def explained(trace: Trace, frames: list[FrameSet], mask: ModalityMask = ALL_MODALITIES) -> VerdictExplanation:
    return explain_verdict(trace, mask, frames, WeighingScorer(), FaceSampler())


def test_the_whole_is_the_mean_of_its_frame_sets_and_sums_to_its_logit() -> None:
    verdict, frames = stored_verdict()
    steps: list[tuple[int, int]] = []
    found = explain_verdict(
        verdict.trace, verdict.mask, frames, WeighingScorer(), FaceSampler(), lambda *at: steps.append(at)
    )
    assert [one.number for one in found.sets] == list(verdict.trace.frame_sets)
    assert steps[-1] == (5, 5)
    assert found.whole.logit == pytest.approx(np.mean([one.explanation.logit for one in found.sets]))
    assert sum(found.whole.contributions.values()) == pytest.approx(found.whole.logit)
    assert found.whole.interactions[Modality.RGB, Modality.DEPTH] == pytest.approx(-0.5)
    assert found.stability.copies == 5 * len(SHIFTS)
    assert 0.0 <= found.stability.kept <= 1.0
    assert found.missing == ()


def test_it_reads_back_as_it_was_written() -> None:
    verdict, frames = stored_verdict()
    found = explained(verdict.trace, frames)
    assert verdict_explanation_from_plain(json.loads(json.dumps(verdict_explanation_to_plain(found)))) == found
    with pytest.raises(InputError, match="cannot be read"):
        verdict_explanation_from_plain({"mask": "rgb"})


def test_frames_that_are_gone_are_named_and_none_at_all_is_an_error() -> None:
    verdict, frames = stored_verdict()
    assert explained(verdict.trace, frames[1:]).missing == (1,)
    with pytest.raises(InputError, match="Nothing that this verdict rests on"):
        explained(verdict.trace, [])


def test_frame_sets_of_another_mask_do_not_speak() -> None:
    verdict, frames = stored_verdict()
    pair = ModalityMask.parse("rgb+depth")
    evidence = (replace(verdict.trace.evidence[0], mask=pair), *verdict.trace.evidence[1:])
    found = explained(replace(verdict.trace, evidence=evidence), frames)
    assert [one.number for one in found.sets] == list(verdict.trace.frame_sets[1:])


def test_a_model_without_sub_masks_says_so() -> None:
    verdict, frames = stored_verdict()
    with pytest.raises(InputError, match="no modalities to weigh"):
        explain_verdict(verdict.trace, verdict.mask, frames, ReliefScorer(), FaceSampler())


def test_it_can_be_stopped() -> None:
    verdict, frames = stored_verdict()
    with pytest.raises(CanceledError):
        explain_verdict(verdict.trace, verdict.mask, frames, WeighingScorer(), FaceSampler(), canceled=lambda: True)


def test_a_shift_moves_every_modality_alike_and_invents_nothing() -> None:
    crop = drawn_face()
    moved = shifted(crop, 1, -1)
    for before, after in ((crop.rgb, moved.rgb), (crop.depth, moved.depth), (crop.ir, moved.ir)):
        assert before is not None
        assert after is not None
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after[:-1, 1:], before[1:, :-1])
        assert set(np.unique(after)) <= set(np.unique(before))
    assert shifted(crop.restricted(ModalityMask.parse("ir")), 1, 0).mask == ModalityMask.parse("ir")


def test_stability_is_full_for_equal_copies_and_falls_when_another_leads() -> None:
    depth, infrared = ModalityMask.parse("depth"), ModalityMask.parse("ir")

    def said(first: float, second: float) -> Explanation:
        return explain({depth: first, infrared: second, ModalityMask.parse("depth+ir"): first + second})

    same = compare(said(-3.0, 1.0), [said(-3.0, 1.0)] * 4)
    assert same.kept == 1.0
    assert set(same.spread.values()) == {0.0}
    turned = compare(said(-3.0, 1.0), [said(-3.0, 1.0), said(1.0, -3.0)])
    assert turned.kept == 0.5
    assert turned.spread[Modality.DEPTH] == pytest.approx(np.sqrt(8.0))
