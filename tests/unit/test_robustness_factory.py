"""What the factory model's explanations are worth: planted conflicts are named, shuffled weights name nobody."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from core.benchmark.robustness.conflict import plant, report_conflicts
from core.frames import Modality
from core.model.bundle import FACTORY_BUNDLE, load_scorer
from core.model.scorer import NetworkScorer
from core.scenes import frozen

torch.set_num_threads(1)


@cache
def factory() -> NetworkScorer:
    return load_scorer(FACTORY_BUNDLE, "cpu")


def test_depth_that_says_flat_is_named() -> None:
    """A few of the many cases of `test_planted_conflicts_are_named`."""
    domains = list(frozen.domains().values())
    flat = plant(domains, 8, lambda _what, _share: None, lambda: False, modalities=[Modality.DEPTH])
    found = report_conflicts(factory(), flat, lambda _what, _share: None, lambda: False)
    assert found["by_modality"][Modality.DEPTH]["named"]["errors"] >= 7, "named in all but one"
    assert found["largest_residue_logits"] < 1e-4
    assert found["all"]["leader_kept_under_a_pixel"] > 0.9


@pytest.mark.slow
def test_planted_conflicts_are_named() -> None:
    planted = plant(list(frozen.domains().values()), 120, lambda _what, _share: None, lambda: False)
    found = report_conflicts(factory(), planted, lambda _what, _share: None, lambda: False)
    assert found["by_modality"][Modality.DEPTH]["named"]["value"] >= 0.95
    assert found["all"]["named_where_seen"]["value"] >= 0.95
    assert found["all"]["named_with_shuffled_weights"]["value"] < found["all"]["named"]["value"] - 0.25
    assert found["all"]["leader_kept_under_a_pixel"] > 0.9
