"""Complementary features with their point taken out: the controls of evaluation.md section 4."""

from __future__ import annotations

import torch

from core.model.complement import MODALITY_COUNT, ComplementaryFeatures


class ShuffledSources(ComplementaryFeatures):
    """Predicts a modality from the features of another sample: whatever is gained so is not complementary."""

    def _predict(
        self, m: int, candidates: torch.Tensor, pooled: torch.Tensor, presence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Half a batch away: rows beside each other may be frames of one presentation."""
        off = max(1, len(candidates) // 2)
        return super()._predict(m, candidates.roll(off, 0), pooled.roll(off, 0), presence.roll(off, 0))


class OwnFeatures(ComplementaryFeatures):
    """The same parameters without cross-modal input: both generators of a modality see that modality itself."""

    def candidates(self, maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Both generators of a target see the target: ``(B, 2, C, h, w)`` each."""
        own = self.generators
        return tuple(
            torch.stack([own[f"{n}{m}"](maps[:, m]) for n in range(MODALITY_COUNT) if n != m], dim=1)
            for m in range(MODALITY_COUNT)
        )

    def _predict(
        self, m: int, candidates: torch.Tensor, pooled: torch.Tensor, presence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        sources = [n for n in range(MODALITY_COUNT) if n != m]
        own = pooled[:, [m] * len(sources)]
        scores = self.source_score[m](torch.cat([own, candidates.mean(dim=(3, 4))], dim=2)).squeeze(2)
        share = torch.softmax(scores, dim=1)
        attention = torch.zeros_like(pooled[:, :, 0])
        attention[:, sources] = share * presence[:, m, None]
        return (share[:, :, None, None, None] * candidates).sum(dim=1), attention
