"""Complementary features with their point taken out: the controls of evaluation.md section 4."""

from __future__ import annotations

import torch

from core.model.complement import MODALITY_COUNT, ComplementaryFeatures


class ShuffledSources(ComplementaryFeatures):
    """Predicts a modality from the features of another sample: whatever is gained so is not complementary."""

    def _predict(
        self, m: int, maps: torch.Tensor, pooled: torch.Tensor, presence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Half a batch away: rows beside each other may be frames of one presentation."""
        off = max(1, len(maps) // 2)
        return super()._predict(m, maps.roll(off, 0), pooled.roll(off, 0), presence.roll(off, 0))


class OwnFeatures(ComplementaryFeatures):
    """The same parameters without cross-modal input: both generators of a modality see that modality itself."""

    def _predict(
        self, m: int, maps: torch.Tensor, pooled: torch.Tensor, presence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        sources = [n for n in range(MODALITY_COUNT) if n != m]
        candidates = torch.stack([self.generators[f"{n}{m}"](maps[:, m]) for n in sources], dim=1)
        own = pooled[:, [m] * len(sources)]
        scores = self.source_score[m](torch.cat([own, candidates.mean(dim=(3, 4))], dim=2)).squeeze(2)
        share = torch.softmax(scores, dim=1)
        attention = torch.zeros_like(pooled[:, :, 0])
        attention[:, sources] = share * presence[:, m, None]
        return (share[:, :, None, None, None] * candidates).sum(dim=1), attention
