"""Shapley values: they sum to the logit, and a planted cause is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.explain import explain
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


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ValueError, match="no value for mask ir"):
        explain({ModalityMask.parse("depth"): 1.0, ModalityMask.parse("depth+ir"): 1.0})
