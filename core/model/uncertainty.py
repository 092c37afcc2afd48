"""Uncertainty across modalities and dropout passes (method.md section 8.2), on features that are computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from core.model.complement import MODALITY_COUNT
from core.model.network import ModelOutput, NetworkConfig, PadNetwork

PASSES = 20
_SEED = 20_250_923
_TOTAL_WEIGHT, _EPISTEMIC_WEIGHT, _DISAGREEMENT_WEIGHT = 2.0, 5.0, 2.0
"""k_H, k_I and k_d of method.md 8.2."""


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """The heads' vote weighted by reliability (method.md 8.2), ``(B,)`` each, entropies in bits.

    ``bona_fide``: q, a probability; ``doubt``: H(q); ``disagreement``: d; ``heads (4, B)``: each head's own mean.
    """

    bona_fide: torch.Tensor
    doubt: torch.Tensor
    disagreement: torch.Tensor
    heads: torch.Tensor

    @property
    def uncertainty(self) -> torch.Tensor:
        """U = H(q) + 2 d."""
        return self.doubt + _DISAGREEMENT_WEIGHT * self.disagreement


class Uncertainty:
    """Fixed dropout masks, so that the figure is the same in a replay."""

    def __init__(self, config: NetworkConfig, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(_SEED)
        draws = torch.rand((MODALITY_COUNT + 1, PASSES, config.hidden), generator=generator)
        self._keep = (draws >= config.dropout).to(device)

    def probabilities(self, network: PadNetwork, output: ModelOutput) -> torch.Tensor:
        """Bona fide probability of each head in each pass, ``(4, T, B)``: rgb, depth, ir, fused."""
        heads = network.head
        residual, evidence = network.told(output.features, output.complemented)
        drawn = [
            head.sample(output.pooled[:, m], heads.own_evidence(evidence, m), self._keep[m])
            for m, head in enumerate(heads.by_modality())
        ]
        described = heads.described(output.joint, residual, output.features)
        return torch.sigmoid(torch.stack([*drawn, heads.fused.sample(described, evidence, self._keep[-1])]))

    def vote(self, network: PadNetwork, output: ModelOutput) -> Vote:
        """What the heads say together, each trusted by how sure it is."""
        p = self.probabilities(network, output)
        mean = p.mean(dim=1)
        total = binary_entropy(mean)
        epistemic = (total - binary_entropy(p).mean(dim=1)).clamp_min(0.0)
        ones = torch.ones_like(output.fused)[None]
        trust = torch.cat([output.features.presence.T.to(mean.dtype), ones])
        reliability = trust * torch.exp(-_TOTAL_WEIGHT * total - _EPISTEMIC_WEIGHT * epistemic)
        share = reliability / reliability.sum(dim=0)
        bona_fide = (share * mean).sum(dim=0)
        doubt = binary_entropy(bona_fide)
        return Vote(bona_fide, doubt, (doubt - (share * total).sum(dim=0)).clamp_min(0.0), mean)

    def of(self, network: PadNetwork, output: ModelOutput) -> torch.Tensor:
        """U in [0, 1], ``(B,)``: entropy of the reliability-weighted vote plus the heads' disagreement."""
        return self.vote(network, output).uncertainty.clamp(0.0, 1.0)


def binary_entropy(p: torch.Tensor) -> torch.Tensor:
    """Entropy of a bona fide probability in bits, so that 1 is a coin."""
    q = p.clamp(1e-7, 1.0 - 1e-7)
    return -(q * q.log() + (1.0 - q) * (1.0 - q).log()) / math.log(2.0)
