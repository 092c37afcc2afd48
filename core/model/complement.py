"""Complementary features: what the present modalities predict of each other (method.md section 8.1).

Any modality predicts any other (CTNet, arXiv 2507.05575, generalised from RGB-only sources). A prediction *enhances* a
modality that is present, through a gate, and *substitutes* one that is absent. The relative distance between a present
modality and its prediction is evidence by itself: a screen does not have the depth that its picture promises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import nn

MODALITY_COUNT = 3
MODES = ("full", "substitute", "enhance", "none")
"""What complementary features do: both, only stand in for what is absent, only enhance what is present, or nothing
(drop and renormalise). Switches for the ablation of method.md 8.1."""
GATE_BIAS = -2.0
IMPUTED_TRUST = 0.5
"""beta of method.md 8.1: weight in the fusion of an imputed modality whose predicted error is zero."""
_EPS = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Complemented:
    """Features after complementing, in the order rgb, depth, ir.

    ``maps (B, 3, C, h, w)``: enhanced where present, substituted where absent. ``predicted`` of the same shape: c_m.
    ``weights (B, 3)``: trust in the fusion, 1 where present. ``attention (B, 3, 3)``: row m, from column n.
    ``residual (B, 3)``: `relative_distance` where it can be formed, else 0. ``expected_error (B, 3)``: the residual
    that the prediction expects of itself. ``predictable bool (B, 3)``: another modality is present.
    """

    maps: torch.Tensor
    predicted: torch.Tensor
    weights: torch.Tensor
    attention: torch.Tensor
    residual: torch.Tensor
    expected_error: torch.Tensor
    predictable: torch.Tensor

    def at(self, rows: slice) -> Complemented:
        """Some rows."""
        return Complemented(*(getattr(self, field.name)[rows] for field in fields(self)))


class Generator(nn.Module):
    """G_{n->m}: 1x1 to a bottleneck, GELU, depthwise 3x3, 1x1 back. Never sees a label (method.md 8.1, note a)."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, bottleneck, 1)
        self.mix = nn.Conv2d(bottleneck, bottleneck, 3, padding=1, groups=bottleneck)
        self.expand = nn.Conv2d(bottleneck, width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(B, C, h, w)`` of one modality to a prediction of another."""
        hidden = nn.functional.gelu(self.squeeze(features))
        return torch.relu(self.expand(nn.functional.gelu(self.mix(hidden))))


class ComplementaryFeatures(nn.Module):
    """Generators between all pairs, attention over the present sources, gated enhancement and substitution."""

    def __init__(self, width: int, bottleneck: int, mode: str = "full") -> None:
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"complementary features know {', '.join(MODES)}, not {mode!r}")
        self.mode = mode
        if mode == "none":
            return
        pairs = [(n, m) for m in range(MODALITY_COUNT) for n in range(MODALITY_COUNT) if n != m]
        self.generators = nn.ModuleDict({f"{n}{m}": Generator(width, bottleneck) for n, m in pairs})
        self.source_score = nn.ModuleList(nn.Linear(2 * width, 1) for _ in range(MODALITY_COUNT))
        self.gates = nn.ModuleList(nn.Linear(2 * width + 1, width) for _ in range(MODALITY_COUNT))
        self.error = nn.ModuleList(nn.Linear(width, 1) for _ in range(MODALITY_COUNT))
        for gate in self.gates:
            assert isinstance(gate, nn.Linear)
            nn.init.normal_(gate.weight, std=0.01)
            nn.init.constant_(gate.bias, GATE_BIAS)

    def candidates(self, maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What each source predicts of each target: for each target ``(B, 2, C, h, w)``, empty in mode ``none``.

        No mask takes part: candidates of a batch serve every smaller mask of the same rows too.
        """
        if self.mode == "none":
            return ()
        return tuple(
            torch.stack([self.generators[f"{n}{m}"](maps[:, n]) for n in _sources(m)], dim=1)
            for m in range(MODALITY_COUNT)
        )

    def forward(
        self,
        maps: torch.Tensor,
        presence: torch.Tensor,
        quality: torch.Tensor,
        candidates: Sequence[torch.Tensor] | None = None,
    ) -> Complemented:
        """Complement ``maps (B, 3, C, h, w)``; what is absent must already be zero in ``maps``.

        Args:
            maps: encoded features.
            presence: ``bool (B, 3)``.
            quality: ``float (B, 3)``, q_m of method.md 8.1.
            candidates: `candidates` of the same rows under a mask no smaller, where they are known already.
        """
        if self.mode == "none":
            return _untouched(maps, presence)
        pooled = maps.mean(dim=(3, 4))
        predictions, rows = [], []
        for m, known in enumerate(self.candidates(maps) if candidates is None else candidates):
            predicted, attention = self._predict(m, known, pooled, presence)
            predictions.append(predicted)
            rows.append(attention)
        predicted = torch.stack(predictions, dim=1)
        predictable = torch.stack([_others(presence, m).any(dim=1) for m in range(MODALITY_COUNT)], dim=1)
        enhances, substitutes = self.mode in ("full", "enhance"), self.mode in ("full", "substitute")
        enhanced = self._enhance(maps, predicted, pooled, quality, predictable) if enhances else maps
        present = presence[:, :, None, None, None]
        expected = self._expected_error(predicted)
        trust = IMPUTED_TRUST * torch.exp(-expected.square()) * predictable * substitutes
        return Complemented(
            maps=torch.where(present, enhanced, predicted if substitutes else torch.zeros_like(predicted)),
            predicted=predicted,
            weights=torch.where(presence, torch.ones_like(trust), trust),
            attention=torch.stack(rows, dim=1),
            residual=torch.where(presence & predictable, relative_distance(maps, predicted), torch.zeros_like(trust)),
            expected_error=expected,
            predictable=predictable,
        )

    def _predict(
        self, m: int, candidates: torch.Tensor, pooled: torch.Tensor, presence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """c_m and the attention row ``(B, 3)`` over its sources; both zero where no other modality is present."""
        sources = _sources(m)
        described = torch.cat([pooled[:, sources], candidates.mean(dim=(3, 4))], dim=2)
        usable = presence[:, sources]
        scores = self.source_score[m](described).squeeze(2).masked_fill(~usable, -1e4)
        share = torch.softmax(scores, dim=1) * usable
        attention = torch.zeros_like(pooled[:, :, 0])
        attention[:, sources] = share
        return (share[:, :, None, None, None] * candidates).sum(dim=1), attention

    def _enhance(
        self,
        maps: torch.Tensor,
        predicted: torch.Tensor,
        pooled: torch.Tensor,
        quality: torch.Tensor,
        predictable: torch.Tensor,
    ) -> torch.Tensor:
        """F_m + g_m (c_m - F_m), per channel; unchanged where nothing predicts m."""
        means = predicted.mean(dim=(3, 4))
        described = torch.cat([pooled, means, quality[:, :, None]], dim=2)
        gate = torch.stack([torch.sigmoid(g(described[:, m])) for m, g in enumerate(self.gates)], dim=1)
        gate = gate * predictable[:, :, None]
        return maps + gate[:, :, :, None, None] * (predicted - maps)

    def _expected_error(self, predicted: torch.Tensor) -> torch.Tensor:
        means = predicted.mean(dim=(3, 4))
        raw = torch.cat([layer(means[:, m]) for m, layer in enumerate(self.error)], dim=1)
        return nn.functional.softplus(raw)


def _untouched(maps: torch.Tensor, presence: torch.Tensor) -> Complemented:
    """Drop and renormalise: what is absent has no weight, and nothing predicts anything."""
    nothing = torch.zeros_like(maps[:, :, 0, 0, 0])
    attention = nothing[:, :, None].expand(-1, -1, MODALITY_COUNT)
    weights = presence.to(maps.dtype)
    return Complemented(maps, torch.zeros_like(maps), weights, attention, nothing, nothing, torch.zeros_like(presence))


def relative_distance(features: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
    """rho_m = |F_m - c_m| / (|F_m| + |c_m|), Euclidean over channels and positions: ``(B, 3)``, from 0 to 1.

    Bounded, unlike the form of method.md 8.1: a modality that measured nothing (F = 0) must not drown the head.
    """
    distance = _length(features - predicted)
    return distance / (_length(features) + _length(predicted) + _EPS)


def _length(maps: torch.Tensor) -> torch.Tensor:
    length: torch.Tensor = torch.linalg.vector_norm(maps.flatten(2), dim=2)
    return length


def _sources(m: int) -> list[int]:
    return [n for n in range(MODALITY_COUNT) if n != m]


def _others(presence: torch.Tensor, m: int) -> torch.Tensor:
    return presence.index_select(1, torch.tensor(_sources(m), device=presence.device))
