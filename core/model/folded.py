"""A copy of the network for inference: norms folded into convolutions, and every mask of a crop in one pass.

The numbers are those of `core.model.network.PadNetwork` to 1e-4 (tests/unit/test_folded.py) on any device; a bundle
keeps the network as it was trained. What is saved: a norm with stored statistics is one weight and one bias of the
convolution before it (Jacob et al. 2018, arXiv 1712.05877, section 3.2), and what the modalities predict of each other
does not depend on the mask, so that it is computed once for all masks that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.model.complement import IMPUTED_TRUST, MODALITY_COUNT, ComplementaryFeatures, Complemented, Generator
from core.model.crossing import crossed_under
from core.model.encoders import ConvEncoder, ConvStage
from core.model.features import Features, evidence_under
from core.model.network import ModelOutput, PadNetwork

_EPS = 1e-6
_SOURCES = tuple(n for m in range(MODALITY_COUNT) for n in range(MODALITY_COUNT) if n != m)
_TARGETS = tuple(m for m in range(MODALITY_COUNT) for _ in range(MODALITY_COUNT - 1))
"""The six pairs by target: a target's two sources lie side by side."""


def folded(network: PadNetwork) -> PadNetwork:
    """A copy of ``network`` for evaluation whose norms are part of their convolutions; the original is untouched."""
    copy = deepcopy(network).eval().requires_grad_(False)
    side = copy.config.pixels
    for encoder in copy.encoders.values():
        if isinstance(encoder, ConvEncoder):
            for depth in range(len(encoder.stages)):
                _fold_stage(encoder.stages, depth, side >> depth)
    if copy.crossing is not None:
        for number in range(len(copy.crossing.stems)):
            _fold_stage(copy.crossing.stems, number, side)
        for meeting in copy.crossing.meetings:
            _fold(meeting, "mix", "norm")
        for depth in range(len(copy.crossing.trunk)):
            _fold_stage(copy.crossing.trunk, depth, side >> (depth + 1))
    _fold(copy.fusion, "mix", "norm")
    return copy.channels_last()


def _fold_stage(stages: nn.ModuleList | nn.Sequential, number: int, side: int) -> None:
    """Fold one stage, which sees maps of ``side`` pixels, where it stands."""
    stage = stages[number]
    assert isinstance(stage, ConvStage)
    _fold(stage, "down", "down_norm")
    _fold(stage, "keep", "keep_norm")
    if _packable(stage.down.weight):
        # Their ReLU is part of them: the stage's own would only pass over the maps once more.
        stages[number] = nn.Sequential(_PackedConvolution(stage.down, side), _PackedConvolution(stage.keep, side // 2))


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm)))
    setattr(module, norm, nn.Identity())


def _packable(weight: torch.Tensor) -> bool:
    """Whether it lies on the CPU, and torch has oneDNN there."""
    return weight.device.type == "cpu" and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class _PackedConvolution(nn.Module):
    """A convolution with its ReLU on the CPU, its weight laid out once for oneDNN.

    torch lays it out anew at every call, and does not ask oneDNN at all for one small image (measured on one core: 1.5
    against 1.0 ms for the small trunk). The operators are those that torch's own compiler emits.

    Args:
        convolution: with a bias, its norm folded in.
        side: of the maps that it will be given (of others it takes the same, but slower).
    """

    def __init__(self, convolution: nn.Conv2d, side: int) -> None:
        super().__init__()
        weight, groups = convolution.weight.detach(), convolution.groups
        geometry = [list(pair) for pair in (convolution.padding, convolution.stride, convolution.dilation)]
        shape = [1, convolution.in_channels, side, side]
        arrange: Callable[..., torch.Tensor] = torch._C._nn.mkldnn_reorder_conv2d_weight
        self._weight = arrange(weight.to_mkldnn(), *geometry, groups, shape)
        self._arguments = (_bias(convolution).detach(), *geometry, groups, "relu", [], "")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H', W')``."""
        done: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(images, self._weight, *self._arguments)
        return done


@dataclass(frozen=True, slots=True, eq=False)
class _Filled:
    """Features of each mask: ``maps (B, 3, Q, P, C)``; ``weights, residual (B, 3, Q)``; ``own``: of the first mask."""

    maps: torch.Tensor
    weights: torch.Tensor
    residual: torch.Tensor
    own: Complemented


class MaskedHeads:
    """Everything after the encoders of a `folded` network, under several masks of each crop at once.

    Shapes below: ``B`` crops, ``Q`` masks of each, ``C`` channels, ``P`` places of a feature map.
    """

    def __init__(self, network: PadNetwork) -> None:
        self._network = network
        mix = network.fusion.mix
        width = len(mix.weight)
        self._mix = mix.weight.reshape(width, MODALITY_COUNT, width).permute(1, 2, 0).contiguous()
        self._mix_bias = _bias(mix)
        self._predictor = None if network.config.complementary == "none" else _Predictor(network.complementary)

    def __call__(self, features: Features, masks: torch.Tensor | None = None) -> tuple[ModelOutput, torch.Tensor]:
        """Answer under each crop's own mask, and under ``masks bool (R, 3)``.

        Returns:
            The output of the ``B`` crops, and ``safe (B, R)`` logits; of a mask, a crop has what it has, and where
            it has nothing of it the logit means nothing.
        """
        presence = features.presence[:, None]
        if masks is not None:
            presence = torch.cat([presence, presence & masks], dim=1)
        head, pooled = self._network.head, features.maps.mean(dim=(3, 4))
        fill = self._predictor or _renormalised
        filled = fill(features, pooled, presence.transpose(1, 2))
        joint = self._fuse(filled, presence)
        fused, present = self._fused_logits(joint, filled.residual, presence, features)
        _, evidence = self._network.told(features, filled.own)
        heads = enumerate(head.by_modality())
        modality = torch.stack([one(pooled[:, m], head.own_evidence(evidence, m)) for m, one in heads], dim=1)
        own = ModelOutput(fused[:, 0], present[:, 0], modality, features, filled.own, pooled, joint[0][:, 0])
        return own, torch.minimum(fused, present)[:, 1:]

    def _fuse(self, filled: _Filled, presence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Joint features, twice ``(B, Q, C)``: with what was imputed, and of the present modalities alone."""
        mixed = (filled.maps.flatten(2, 3) @ self._mix).reshape(filled.maps.shape)

        def summed(weights: torch.Tensor) -> torch.Tensor:
            share = weights * (MODALITY_COUNT / weights.sum(dim=1, keepdim=True).clamp_min(_EPS))
            parts = mixed * share[..., None, None]
            joint = nn.functional.gelu(parts[:, 0] + parts[:, 1] + parts[:, 2] + self._mix_bias)
            return joint.mean(dim=2)

        return summed(filled.weights), summed(presence.transpose(1, 2).to(mixed.dtype))

    def _fused_logits(
        self,
        joint: tuple[torch.Tensor, torch.Tensor],
        residual: torch.Tensor,
        presence: torch.Tensor,
        features: Features,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The fused head on both kinds of joint features: twice ``(B, Q)``."""
        batch, count = presence.shape[:2]
        config = self._network.config
        shown = presence.flatten(0, 1)
        told = evidence_under(features.evidence.repeat_interleave(count, dim=0), shown) * config.evidence
        crossed = crossed_under(features.crossed.repeat_interleave(count, dim=0), shown)
        given = [residual.transpose(1, 2) * config.residuals, presence, crossed.reshape(batch, count, -1)]
        described = torch.cat([torch.cat([one, *given], dim=2).flatten(0, 1) for one in joint])
        logits = self._network.head.fused(described, torch.cat([told, told])).reshape(2, batch, count)
        return logits[0], logits[1]


def _renormalised(features: Features, pooled: torch.Tensor, presence: torch.Tensor) -> _Filled:
    """Drop and renormalise: nothing predicts anything."""
    maps = torch.where(presence[..., None, None], _by_place(features.maps), 0.0)
    nothing = torch.zeros_like(pooled[:, :, 0])
    attention = nothing[:, :, None].expand(-1, -1, MODALITY_COUNT)
    weights = presence.to(maps.dtype)
    blank = torch.zeros_like(features.maps)
    own = Complemented(
        features.maps, blank, weights[:, :, 0], attention, nothing, nothing, torch.zeros_like(features.presence)
    )
    return _Filled(maps, weights, torch.zeros_like(weights), own)


class _Predictor:
    """`ComplementaryFeatures`, its generators run side by side, under several masks at once."""

    def __init__(self, complementary: ComplementaryFeatures) -> None:
        self._enhances = complementary.mode in ("full", "enhance")
        self._substitutes = complementary.mode in ("full", "substitute")
        generators = [complementary.generators[f"{n}{m}"] for n, m in zip(_SOURCES, _TARGETS, strict=True)]
        made = [generator for generator in generators if isinstance(generator, Generator)]
        self._squeeze, self._squeeze_bias = _stacked([g.squeeze for g in made])
        self._expand, self._expand_bias = _stacked([g.expand for g in made])
        self._mix = torch.cat([g.mix.weight for g in made])
        self._mix_bias = torch.cat([_bias(g.mix) for g in made])
        self._sources = torch.tensor(_SOURCES, device=self._mix.device)
        self._score, score_bias = _stacked([complementary.source_score[m] for m in _TARGETS])
        self._score, self._score_bias = self._score[:, :, 0], score_bias[:, 0, 0]
        gates, self._gate_bias = _stacked(list(complementary.gates))
        width = gates.shape[2]
        self._gate_own, self._gate_seen, self._gate_quality = torch.split(gates, [width, width, 1], dim=1)
        self._error, self._error_bias = _stacked(list(complementary.error))

    def __call__(self, features: Features, pooled: torch.Tensor, presence: torch.Tensor) -> _Filled:
        """``presence bool (B, 3, Q)``."""
        maps = _by_place(features.maps)
        candidates = self._candidates(features.maps)
        means = candidates.mean(dim=2)
        described = torch.cat([pooled.index_select(1, self._sources), means], dim=2)
        scores = _by_target((described * self._score).sum(dim=2) + self._score_bias)[..., None]
        usable = _by_target(presence.index_select(1, self._sources))
        share = torch.softmax(torch.where(usable, scores, -1e4), dim=2) * usable
        predictable = usable.any(dim=2)
        predicted = _weighted(candidates[:, :, None], share[..., None, None])
        seen = _weighted(means[:, :, None], share[..., None])
        off = predicted - maps
        enhanced = maps
        if self._enhances:
            own = pooled[:, :, None] @ self._gate_own + self._gate_quality * features.quality[..., None, None]
            gate = torch.sigmoid(seen @ self._gate_seen + (own + self._gate_bias)) * predictable[..., None]
            enhanced = torch.addcmul(maps, gate[..., None, :], off)
        expected = nn.functional.softplus(seen @ self._error + self._error_bias)[..., 0]
        trust = IMPUTED_TRUST * torch.exp(-expected.square()) * predictable * self._substitutes
        weights = torch.where(presence, 1.0, trust)
        distance = _length(off) / (_length(maps) + _length(predicted) + _EPS)
        residual = torch.where(presence & predictable, distance, 0.0)
        filled = torch.where(presence[..., None, None], enhanced, predicted if self._substitutes else 0.0)
        own_mask = Complemented(
            _maps_like(features.maps, filled), _maps_like(features.maps, predicted), weights[:, :, 0],
            _attention(share[..., 0]), residual[:, :, 0], expected[:, :, 0], predictable[:, :, 0],
        )  # fmt: skip
        return _Filled(filled, weights, residual, own_mask)

    def _candidates(self, maps: torch.Tensor) -> torch.Tensor:
        """What each source predicts of each target: ``(B, 6, P, C)``."""
        batch, _, _, height, breadth = maps.shape
        given = _by_place(maps)[:, :, 0].index_select(1, self._sources)
        hidden = nn.functional.gelu(given @ self._squeeze + self._squeeze_bias)
        planes = hidden.transpose(1, 2).reshape(batch, height, breadth, -1).permute(0, 3, 1, 2)
        mixed = nn.functional.conv2d(planes, self._mix, self._mix_bias, padding=1, groups=planes.shape[1])
        mixed = nn.functional.gelu(mixed).permute(0, 2, 3, 1).reshape(batch, height * breadth, len(_TARGETS), -1)
        return torch.relu_(mixed.transpose(1, 2) @ self._expand + self._expand_bias)


def _stacked(layers: Sequence[nn.Module]) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights ``(n, inputs, outputs)`` and biases ``(n, 1, outputs)`` of linear layers or 1x1 convolutions."""
    weights = [torch.as_tensor(layer.weight).flatten(1).T for layer in layers]
    return torch.stack(weights).contiguous(), torch.stack([_bias(layer) for layer in layers])[:, None]


def _bias(layer: nn.Module) -> torch.Tensor:
    return torch.as_tensor(layer.bias)


def _weighted(candidates: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Sum over each target's two sources: ``candidates (B, 6, ...)``, ``share (B, 3, 2, ...)`` to ``(B, 3, ...)``."""
    first, second = _by_target(candidates).unbind(dim=2)
    return torch.addcmul(first * share[:, :, 0], second, share[:, :, 1])


def _by_target(pairs: torch.Tensor) -> torch.Tensor:
    """``(B, 6, ...)`` to ``(B, 3, 2, ...)``."""
    return pairs.reshape(len(pairs), MODALITY_COUNT, 2, *pairs.shape[2:])


def _by_place(maps: torch.Tensor) -> torch.Tensor:
    """``(B, 3, C, h, w)`` to ``(B, 3, 1, P, C)``."""
    return maps.flatten(3).transpose(2, 3).contiguous()[:, :, None]


def _length(maps: torch.Tensor) -> torch.Tensor:
    """Of ``(B, 3, Q, P, C)`` over places and channels: ``(B, 3, Q)``."""
    length: torch.Tensor = torch.linalg.vector_norm(maps.flatten(3), dim=3)
    return length


def _maps_like(maps: torch.Tensor, filled: torch.Tensor) -> torch.Tensor:
    """The first mask's of ``(B, 3, Q, P, C)``, in the shape of ``maps``."""
    return filled[:, :, 0].transpose(2, 3).reshape(maps.shape)


def _attention(share: torch.Tensor) -> torch.Tensor:
    """``(B, 3, 2)`` over the other modalities to ``(B, 3, 3)`` over all."""
    first, second = share.unbind(dim=2)
    nothing = torch.zeros_like(first[:, 0])
    rgb = [nothing, first[:, 0], second[:, 0]]
    depth = [first[:, 1], nothing, second[:, 1]]
    infrared = [first[:, 2], second[:, 2], nothing]
    return torch.stack([*rgb, *depth, *infrared], dim=1).reshape(-1, MODALITY_COUNT, MODALITY_COUNT)
