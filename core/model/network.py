"""The three-branch network in the shape of MFAS-DANet: encode, complement, fuse, heads.

MFAS-DANet (arXiv 2509.23475) is public as an abstract only; this is our reconstruction of its missing-modality part
(method.md sections 0 and 8.1). The four steps are methods of their own, so that adaptation can cache features and
explanations can ask again under other masks without touching the pixels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import nn

from core.frames import MODALITIES
from core.model.complement import ComplementaryFeatures, Complemented
from core.model.encoders import Encoder
from core.model.heads import Fusion, Heads, Logits
from core.model.inputs import CHANNELS, ModelInputs

ARCHITECTURE = "sallyport-danet-1"
"""Name of this architecture in a bundle's manifest; weights of another are refused."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of the network; they stand in the manifest beside `ARCHITECTURE`."""

    widths: tuple[int, ...] = (24, 48, 96, 160)
    bottleneck: int = 64
    hidden: int = 64
    dropout: float = 0.3

    def as_dict(self) -> dict[str, object]:
        """Plain data for the manifest."""
        return {**asdict(self), "widths": list(self.widths)}


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the encoders give: ``maps (B, 3, C, h, w)``, zero where absent; ``presence bool (B, 3)``; ``quality``."""

    maps: torch.Tensor
    presence: torch.Tensor
    quality: torch.Tensor

    def restricted(self, presence: torch.Tensor) -> Features:
        """The same features with only the modalities of ``presence bool (B, 3)`` (and never more than there were)."""
        kept = self.presence & presence
        return Features(torch.where(kept[:, :, None, None, None], self.maps, 0.0), kept, self.quality * kept)


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutput:
    """Everything the network says of a batch; logits are uncalibrated, positive = bona fide.

    ``fused (B,)``: with imputed modalities taking part. ``present (B,)``: the present modalities alone.
    ``modality (B, 3)``; ``complemented``: residuals, weights, attention; ``pooled (B, 3, C)`` and ``joint (B, C)``:
    the heads' inputs, from which dropout passes are drawn.
    """

    fused: torch.Tensor
    present: torch.Tensor
    modality: torch.Tensor
    features: Features
    complemented: Complemented
    pooled: torch.Tensor
    joint: torch.Tensor

    @property
    def safe(self) -> torch.Tensor:
        """``(B,)``: an imputed modality may lower the logit, never raise it (method.md 8.1, security note c)."""
        return torch.minimum(self.fused, self.present)


class PadNetwork(nn.Module):
    """Encode per modality, complement, fuse, heads."""

    architecture = ARCHITECTURE

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        width = self.config.widths[-1]
        self.encoders = nn.ModuleDict({str(m): Encoder(CHANNELS[m], self.config.widths) for m in MODALITIES})
        self.complementary = ComplementaryFeatures(width, self.config.bottleneck)
        self.fusion = Fusion(width)
        self.head = Heads(width, self.config.hidden, self.config.dropout)

    def channels_last(self) -> PadNetwork:
        """Lay the convolutions' weights out as the kernels of CPU and CUDA like them; returns itself."""
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return self

    def encode(self, inputs: ModelInputs) -> Features:
        """Encode every modality that any row has; rows that lack it get exact zeros, whatever its pixels hold."""
        if not bool(inputs.presence.any()):
            raise ValueError("a batch without any modality cannot be encoded")
        maps = [self._encode_one(column, inputs) for column in range(len(MODALITIES))]
        blank = torch.zeros_like(next(encoded for encoded in maps if encoded is not None))
        stacked = torch.stack([blank if encoded is None else encoded for encoded in maps], dim=1)
        return Features(stacked, inputs.presence, inputs.quality * inputs.presence)

    def _encode_one(self, column: int, inputs: ModelInputs) -> torch.Tensor | None:
        """Maps of one modality, zero in the rows that lack it; ``None`` where every row lacks it."""
        present = inputs.presence[:, column]
        if not bool(present.any()):
            return None
        images = inputs.images[column]
        encoder = self.encoders[str(MODALITIES[column])]
        if bool(present.all()):
            whole: torch.Tensor = encoder(images).float()
            return whole
        encoded: torch.Tensor = encoder(images[present]).float()
        rows = torch.zeros(len(present), *encoded.shape[1:], dtype=encoded.dtype, device=encoded.device)
        return rows.index_put((present.nonzero()[:, 0],), encoded)

    def complement(self, features: Features) -> Complemented:
        """Predict each modality from the others; enhance what is present, substitute what is absent."""
        done: Complemented = self.complementary(features.maps, features.presence, features.quality)
        return done

    def fuse(self, maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Joint features ``(B, C)`` of weighted maps."""
        joint: torch.Tensor = self.fusion(maps, weights)
        return joint

    def heads(
        self, pooled: torch.Tensor, joint: torch.Tensor, residual: torch.Tensor, presence: torch.Tensor
    ) -> Logits:
        """Logits of the per-modality heads and the fused head."""
        logits: Logits = self.head(pooled, joint, residual, presence)
        return logits

    def from_features(self, features: Features) -> ModelOutput:
        """Everything after the encoders, on cached features."""
        complemented = self.complement(features)
        pooled = features.maps.mean(dim=(3, 4))
        joint = self.fuse(complemented.maps, complemented.weights)
        logits = self.heads(pooled, joint, complemented.residual, features.presence)
        alone = self.fuse(complemented.maps, features.presence.to(joint.dtype))
        present = self.head.fused(self.head.described(alone, complemented.residual, features.presence))
        return ModelOutput(logits.fused, present, logits.modality, features, complemented, pooled, joint)

    def forward(self, inputs: ModelInputs) -> ModelOutput:
        """Encode and finish."""
        return self.from_features(self.encode(inputs))
