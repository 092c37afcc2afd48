"""Shapley values: they sum to the logit, and a planted cause is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.explain import explain, explanation_from_plain, explanation_to_plain, mean_explanation
from core.frames import EVERY_MASK, Modality, ModalityMask

LOGITS = st.lists(st.floats(-20, 20), min_size=7, max_size=7)


@given(values=LOGITS, base=st.floats(-3, 3))
def test_contributions_and_base_sum_to_the_logit(values: list[float], base: float) -> None:
    found = explain(dict(zip(EVERY_MASK, values, strict=True)), base)
    assert found.base + sum(found.contributions.values()) == pytest.approx(values[-1], abs=1e-9)


@given(weights=st.tuples(*[st.floats(-5, 5)] * 3))
def test_independent_modalities_get_their_own_weight_and_no_interaction(weights: tuple[float, float, float]) -> None:
    own = dict(zip(Modality, weights, strict=True))
    found = explain({mask: sum(own[m] for m in mask) for mask in EVERY_MASK})
    for modality, weight in own.items():
        assert found.contributions[modality] == pytest.approx(weight, abs=1e-9)
    assert all(abs(value) < 1e-9 for value in found.interactions.values())


def test_a_contradiction_between_two_modalities_is_named() -> None:
    pair = ModalityMask.parse("rgb+depth")
    found = explain({mask: -4.0 if mask & pair == pair else 0.0 for mask in EVERY_MASK})
    assert min(found.interactions, key=lambda key: found.interactions[key]) == (Modality.RGB, Modality.DEPTH)
    assert found.contributions[Modality.IR] == pytest.approx(0.0)


def test_two_modalities_are_explained_by_their_three_masks() -> None:
    masks = [ModalityMask.parse(text) for text in ("depth", "ir", "depth+ir")]
    found = explain(dict(zip(masks, (1.0, 2.0, 5.0), strict=True)))
    assert set(found.contributions) == {Modality.DEPTH, Modality.IR}
    assert sum(found.contributions.values()) == pytest.approx(5.0)


@given(values=LOGITS, bits=st.integers(1, 7), base=st.floats(-3, 3))
def test_any_present_mask_is_explained_by_its_own_sub_masks(values: list[float], bits: int, base: float) -> None:
    logits = dict(zip(EVERY_MASK, values, strict=True))
    present = ModalityMask(bits)
    found = explain({mask: value for mask, value in logits.items() if mask & present == mask}, base)
    assert found.mask == present
    assert found.base + sum(found.contributions.values()) == pytest.approx(logits[present], abs=1e-9)


@given(values=LOGITS)
def test_values_and_interactions_are_consistent(values: list[float]) -> None:
    """Dropping a modality costs its value, half of its interactions, and a sixth of what all three share."""
    logits = dict(zip(EVERY_MASK, values, strict=True))
    found = explain(logits)
    whole = ModalityMask(7)
    for modality in Modality:
        others = ModalityMask.of(m for m in whole if m is not modality)
        pairs = [value for pair, value in found.interactions.items() if modality in pair]
        first = [logits[ModalityMask.of([m])] for m in Modality]
        second = [logits[ModalityMask.of(pair)] for pair in found.interactions]
        shared = logits[whole] - sum(second) + sum(first)
        expected = found.contributions[modality] + sum(pairs) / 2 + shared / 6
        assert logits[whole] - logits[others] == pytest.approx(expected, abs=1e-9)


@given(first=LOGITS, second=LOGITS)
def test_the_mean_of_explanations_explains_the_mean_logit(first: list[float], second: list[float]) -> None:
    each = [explain(dict(zip(EVERY_MASK, values, strict=True))) for values in (first, second)]
    found = mean_explanation(each)
    assert found.logit == pytest.approx((first[-1] + second[-1]) / 2, abs=1e-9)
    assert found.base + sum(found.contributions.values()) == pytest.approx(found.logit, abs=1e-9)


def test_explanations_of_different_masks_have_no_mean() -> None:
    alone = explain({ModalityMask.parse("depth"): 1.0})
    with pytest.raises(ValueError, match="one mask"):
        mean_explanation([alone, explain({ModalityMask.parse("ir"): 1.0})])


@given(values=LOGITS)
def test_an_explanation_reads_back_as_it_was_written(values: list[float]) -> None:
    found = explain(dict(zip(EVERY_MASK, values, strict=True)))
    assert explanation_from_plain(json.loads(json.dumps(explanation_to_plain(found)))) == found


def test_who_is_accused_and_who_leads() -> None:
    masks = [ModalityMask.parse(text) for text in ("depth", "ir", "depth+ir")]
    found = explain(dict(zip(masks, (-3.0, 5.0, 2.0), strict=True)))
    assert found.accused is Modality.DEPTH
    assert found.leading is Modality.IR
    down = explain(dict(zip(masks, (-5.0, 3.0, -2.0), strict=True)))
    assert down.leading is down.accused is Modality.DEPTH


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ValueError, match="no value for mask ir"):
        explain({ModalityMask.parse("depth"): 1.0, ModalityMask.parse("depth+ir"): 1.0})
