"""What the encoders know of a batch, and what of it a smaller mask leaves."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import torch

from core.model.crossing import crossed_under
from core.model.evidence import REQUIRED


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the encoders give, or what they give before the stages that adapt (`PadNetwork.encode_stem`).

    ``maps (B, 3, ...)``, zero where absent: ``(B, 3, C, h, w)`` for the heads; ``presence bool (B, 3)``;
    ``quality (B, 3)``; ``evidence (B, E)``, zero where what it needs is absent; ``crossed (B, 3, P)``: what pairs of
    modalities show together (`core.model.crossing`), zero where one of the two is absent, P = 0 without it.
    """

    maps: torch.Tensor
    presence: torch.Tensor
    quality: torch.Tensor
    evidence: torch.Tensor
    crossed: torch.Tensor

    def restricted(self, presence: torch.Tensor) -> Features:
        """The same features with only the modalities of ``presence bool (B, 3)`` (and never more than there were)."""
        kept = self.presence & presence
        shown = kept.reshape(*kept.shape, *[1] * (self.maps.dim() - 2))
        return Features(
            torch.where(shown, self.maps, 0.0),
            kept,
            self.quality * kept,
            evidence_under(self.evidence, kept),
            crossed_under(self.crossed, kept),
        )

    def at(self, index: torch.Tensor | slice) -> Features:
        """Some rows as they are."""
        return Features(*(getattr(self, field.name)[index] for field in fields(self)))

    def rows(self, index: torch.Tensor) -> Features:
        """Some rows, as single floats."""
        some = self.at(index)
        return Features(some.maps.float(), some.presence, some.quality, some.evidence.float(), some.crossed.float())


def joined(parts: list[Features]) -> Features:
    """The rows of all parts, one after the other."""
    return Features(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Features)))


def not_crossed(presence: torch.Tensor) -> torch.Tensor:
    """``crossed`` of a batch ``presence bool (B, 3)`` for a network that crosses nothing: ``(B, 3, 0)``."""
    return torch.zeros(len(presence), presence.shape[1], 0, device=presence.device)


def evidence_under(evidence: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
    """``evidence (B, E)`` without the columns that need a modality which ``presence bool (B, 3)`` lacks."""
    required = _required_on(presence.device)
    allowed = (presence[:, None, :] | ~required[None]).all(dim=2)
    return torch.where(allowed, evidence, 0.0)


@lru_cache
def _required_on(device: torch.device) -> torch.Tensor:
    """`REQUIRED` where it is needed: copied there once, since a recorded graph cannot copy."""
    return torch.from_numpy(REQUIRED).to(device)
