"""The out-of-distribution check: what is familiar, what is not, and what the decision makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.assessment import assess
from core.codes import Outcome, Rule
from core.frames import MODALITIES, FaceCrop, ModalityMask
from core.model.inputs import normalise, stack, to_tensors
from core.model.manifest import Manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork
from core.model.novelty import Novelty, fit_limits
from core.model.scorer import NetworkScorer
from core.policy import SitePolicy
from core.training.augment import augment
from core.verdict import Evidence
from tests.unit.faces import garbage, head, sheet


@pytest.fixture(scope="module")
def limits() -> dict[str, dict[str, object]]:
    crops = [make(seed, noise_mm=1.0) for seed in range(60) for make in (head, sheet)]
    varied = to_tensors(crops)
    return fit_limits(varied.evidence.numpy(), varied.presence.numpy())


def _novelty(limits: dict[str, dict[str, object]], *crops: FaceCrop) -> list[float]:
    inputs = to_tensors(crops)
    return [float(value) for value in Novelty(limits).of(inputs.evidence.numpy(), inputs.presence.numpy())]


def test_heads_and_sheets_are_familiar_and_noise_is_not(limits: dict[str, dict[str, object]]) -> None:
    person, paper, noise = _novelty(limits, head(999), sheet(999), garbage())
    assert person < 1.5
    assert paper < 1.5
    assert noise > 2.0


def test_only_what_is_present_counts(limits: dict[str, dict[str, object]]) -> None:
    spoiled = replace(head(999), depth=garbage().depth)
    whole, without = _novelty(limits, spoiled, spoiled.restricted(ModalityMask.parse("rgb+ir")))
    assert whole > without


def test_too_few_rows_give_no_limit() -> None:
    inputs = to_tensors([head()])
    assert fit_limits(inputs.evidence.numpy(), inputs.presence.numpy()) == {}
    assert _novelty({}, garbage()) == [0.0]


def test_variation_as_strong_as_in_training_stays_mostly_familiar() -> None:
    batch = stack([make(seed) for seed in range(40) for make in (head, sheet)])
    varied = normalise(augment(batch, np.random.default_rng(0)))
    evidence, presence = varied.evidence.numpy(), varied.presence.numpy()
    found = Novelty(fit_limits(evidence, presence)).of(evidence, presence)
    assert (found > 1.0).mean() <= 0.05


def test_the_scorer_tells_the_novelty_of_each_crop(limits: dict[str, dict[str, object]]) -> None:
    torch.manual_seed(1)
    network = PadNetwork(NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8))
    manifest = Manifest(name="test", sha256="0" * 64, architecture=ARCHITECTURE, novelty=limits)
    scorer = NetworkScorer(network, manifest, torch.device("cpu"))
    familiar, strange = scorer.score([head(999), garbage()])
    assert familiar.novelty < strange.novelty
    assert strange.novelty > 1.0


class _Model:
    sha256 = "0" * 64

    def threshold(self, mask: ModalityMask) -> float | None:
        return 0.5

    def may_accept(self, mask: ModalityMask) -> bool:
        return True


@pytest.mark.parametrize(
    ("logit", "novelty", "outcome"),
    [(4.0, 0.4, Outcome.BONA_FIDE), (4.0, 1.8, Outcome.REFER), (-4.0, 1.8, Outcome.ATTACK)],
)
def test_the_unfamiliar_is_never_accepted_but_may_be_refused(logit: float, novelty: float, outcome: Outcome) -> None:
    mask = ModalityMask.of(MODALITIES)
    window = [Evidence(mask, logit, 1.0 / (1.0 + float(np.exp(-logit))), novelty=novelty) for _ in range(5)]
    found = assess(window, SitePolicy(), _Model())
    assert found is not None
    assert found.outcome is outcome
    assert (found.rule is Rule.UNFAMILIAR_REFERS) == (outcome is Outcome.REFER)
