"""The product's own network on the study's trunk: complementary features, residuals, physics evidence.

Everything after the trunk's last stage is `core.model`, trained by `core.training.losses.source_loss`; the score is the
safe one, which an imputed modality cannot raise. Switches take parts of it away for the ablation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from core.benchmark.maps import MapBatch
from core.benchmark.methods.base import SMOOTHING, Base, Knobs, Peer, Step
from core.model.complement import ComplementaryFeatures
from core.model.features import Features, not_crossed
from core.model.masks import narrowed
from core.model.network import ModelOutput, NetworkConfig, PadNetwork
from core.training.losses import COMPLEMENT_WEIGHT, complementary_loss, source_loss
from core.training.sampling import MaskSampler

Complement = Callable[[int, int], ComplementaryFeatures]
"""Makes another complementary module of a width and a bottleneck."""


class Ours(Peer):
    """`PadNetwork` behind the interface of the study."""

    def __init__(
        self,
        base: Base,
        knobs: Knobs,
        *,
        complementary: str = "full",
        residuals: bool = True,
        evidence: bool = True,
        generate_all: bool = False,
        module: Complement | None = None,
    ) -> None:
        super().__init__(base, knobs)
        config = NetworkConfig(widths=base.widths, complementary=complementary, residuals=residuals, evidence=evidence)
        self.network = PadNetwork(config)
        if module is not None:
            self.network.complementary = module(base.width, config.bottleneck)
        del self.network.encoders
        self._generate_all = generate_all
        self._masks = MaskSampler()

    def features(self, batch: MapBatch) -> Features:
        """The batch after the last stages, as the product's network takes it."""
        whole = Features(
            self.encode(batch.stems), batch.presence, batch.quality, batch.evidence, not_crossed(batch.presence)
        )
        return whole.restricted(batch.presence)

    def output(self, features: Features) -> ModelOutput:
        """Everything the network says of features."""
        return self.network.from_features(features)

    def loss(self, batch: MapBatch, step: Step) -> torch.Tensor:
        """The loss of source training; ``auxiliary`` scales the complementary term."""
        features = self.features(batch)
        masks, chosen = self._masks.draw(len(batch), step.generator)
        kept = narrowed(features.presence, masks)
        full, subset = self.output(features), self.output(features.restricted(kept))
        parts = source_loss(full, subset, batch.bona_fide, torch.ones(len(batch), 3), SMOOTHING)
        self._masks.update(chosen, parts.subset)
        return parts.total + COMPLEMENT_WEIGHT * self._change_of_complement_loss(full, batch)

    def _change_of_complement_loss(self, full: ModelOutput, batch: MapBatch) -> torch.Tensor:
        """What turns `source_loss`'s complementary loss into the wanted one: scaled, or over attacks as well."""
        shown = torch.ones_like(batch.bona_fide) if self._generate_all else batch.bona_fide
        given = full.complemented, full.features.maps, full.features.presence
        return self.knobs.auxiliary * complementary_loss(*given, shown) - complementary_loss(*given, batch.bona_fide)

    def under_masks(self, batch: MapBatch, masks: torch.Tensor) -> torch.Tensor:
        """See `Peer.under_masks`."""
        features = self.features(batch)
        found = [self.output(features.restricted(mask.expand_as(batch.presence))).safe for mask in masks]
        return torch.stack(found, dim=1)
