"""The three-branch network in the shape of MFAS-DANet: encode, complement, fuse, heads.

MFAS-DANet (arXiv 2509.23475) is public as an abstract only; this is our reconstruction of its missing-modality part
(method.md sections 0 and 8.1), with physics evidence beside the learnt features. The steps are methods of their own, so
that adaptation can cache features and explanations can ask again under other masks without touching the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import nn

from core.frames import CROP_PX, MODALITIES
from core.model.complement import ComplementaryFeatures, Complemented
from core.model.crossing import EarlyCrossing
from core.model.encoders import Encoder
from core.model.features import Features, evidence_under, not_crossed
from core.model.heads import Fusion, Heads, Logits
from core.model.inputs import CHANNELS, ModelInputs, shrunk
from core.model.share import ALONE
from core.model.trunks import SMALL, build_encoder

ARCHITECTURE = "sallyport-danet-2"
"""Name of this architecture in a bundle's manifest; weights of another are refused."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes and switches of the network; they stand in the manifest beside `ARCHITECTURE`.

    ``trunk``: ``small`` (with ``widths``) or a name of timm. ``complementary``: see `core.model.complement.MODES`.
    ``residuals`` and ``evidence``: whether the heads are told of them (ablations; what is off is 0). ``pixels``: the
    side of the planes that the encoders see; larger ones are shrunk by area. ``crossing``: widths of the early
    cross-modal stage (`core.model.crossing`), none = there is none.
    """

    widths: tuple[int, ...] = (24, 48, 96, 160)
    bottleneck: int = 64
    hidden: int = 64
    dropout: float = 0.3
    trunk: str = SMALL
    complementary: str = "full"
    residuals: bool = True
    evidence: bool = True
    pixels: int = CROP_PX
    crossing: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain data for the manifest."""
        return {**asdict(self), "widths": list(self.widths), "crossing": list(self.crossing)}


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

    def at(self, rows: slice) -> ModelOutput:
        """What the network says of some rows."""
        return ModelOutput(
            self.fused[rows], self.present[rows], self.modality[rows], self.features.at(rows),
            self.complemented.at(rows), self.pooled[rows], self.joint[rows],
        )  # fmt: skip


class PadNetwork(nn.Module):
    """Encode per modality, complement, fuse, heads."""

    architecture = ARCHITECTURE

    def __init__(self, config: NetworkConfig | None = None, pretrained: bool = False) -> None:
        """``pretrained``: load the weights that timm has for the trunk (training only; needs a network once)."""
        super().__init__()
        self.config = config or NetworkConfig()
        self.share = ALONE
        """Who encodes what where several processes train one network."""
        self.encoders = nn.ModuleDict(
            {str(m): build_encoder(self.config.trunk, CHANNELS[m], self.config.widths, pretrained) for m in MODALITIES}
        )
        width = self.encoder(0).width
        self.complementary = ComplementaryFeatures(width, self.config.bottleneck, self.config.complementary)
        self.fusion = Fusion(width)
        self.crossing = EarlyCrossing(self.config.crossing) if self.config.crossing else None
        self.head = Heads(width, self.config.hidden, self.config.dropout, self.crossing.width if self.crossing else 0)

    def encoder(self, column: int) -> Encoder:
        """The encoder of one modality, by its place in `MODALITIES`."""
        encoder = self.encoders[str(MODALITIES[column])]
        assert isinstance(encoder, Encoder)
        return encoder

    def let_adapt(self, stages: int) -> PadNetwork:
        """Let adaptation reach the last ``stages`` stages of every encoder, not the last one alone; returns itself."""
        for column in range(len(MODALITIES)):
            self.encoder(column).let_adapt(stages)
        return self

    def late_parameters(self) -> dict[str, nn.Parameter]:
        """Everything but what looks at pixels (stems, crossing), by name: what adaptation may change."""
        late = tuple(
            f"encoders.{m}.{prefix}" for column, m in enumerate(MODALITIES)
            for prefix in self.encoder(column).late_prefixes()
        )  # fmt: skip
        return {
            name: value
            for name, value in self.named_parameters()
            if not name.startswith(("encoders.", "crossing.")) or (late and name.startswith(late))
        }

    def channels_last(self) -> PadNetwork:
        """Lay the convolutions' weights out as the kernels of CPU and CUDA like them; returns itself."""
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return self

    def encode(self, inputs: ModelInputs) -> Features:
        """Encode every modality that any row has; rows that lack it get exact zeros, whatever its pixels hold."""
        return self._gathered(inputs, lambda column, images: self.encoder(column)(images).float())

    def encode_stem(self, inputs: ModelInputs) -> Features:
        """As `encode`, but only up to the stages that adapt: ``maps (B, 3, ...)`` to be cached.

        Where the modalities' maps differ in channels (images do), they have as many as the widest, the others zero.
        """
        return self._gathered(inputs, lambda column, images: self.encoder(column).stem(images).float())

    def encode_rest(self, stem: Features) -> Features:
        """From `encode_stem` to what `encode` gives."""
        by_modality = stem.maps.unbind(dim=1)
        maps = [self._column(stem.presence, column, by_modality, self._rest) for column in range(len(MODALITIES))]
        return replace(stem, maps=_stacked(maps))

    def _rest(self, column: int, given: torch.Tensor) -> torch.Tensor:
        encoder = self.encoder(column)
        if given.dim() == 4:
            given = given[:, : encoder.taken].contiguous(memory_format=torch.channels_last)
        return encoder.rest(given).float()

    def encode_unasked(self, inputs: ModelInputs) -> Features:
        """As `encode`, but every modality of every row is encoded, so that the device need not be asked what there is.

        A CUDA graph can record this. A batch without any modality is all zero here.
        """
        images = [shrunk(planes, self.config.pixels) for planes in inputs.images]
        maps = torch.stack([self.encoder(column)(planes).float() for column, planes in enumerate(images)], dim=1)
        shown = inputs.presence.reshape(*inputs.presence.shape, *[1] * (maps.dim() - 2))
        return self._features(inputs, images, torch.where(shown, maps, 0.0))

    def _gathered(self, inputs: ModelInputs, encode: Callable[[int, torch.Tensor], torch.Tensor]) -> Features:
        if not bool(inputs.presence.any()):
            raise ValueError("a batch without any modality cannot be encoded")
        images = [shrunk(planes, self.config.pixels) for planes in inputs.images]
        maps = [self._column(inputs.presence, column, images, encode) for column in range(len(MODALITIES))]
        return self._features(inputs, images, _stacked(maps))

    def _features(self, inputs: ModelInputs, images: Sequence[torch.Tensor], maps: torch.Tensor) -> Features:
        """The maps with what the heads are told beside them; ``images`` as the encoders saw them."""
        quality = inputs.quality * inputs.presence
        crossed = self.crossing(images, inputs.presence) if self.crossing else not_crossed(inputs.presence)
        evidence = evidence_under(inputs.evidence, inputs.presence)
        return Features(maps, inputs.presence, quality, evidence, crossed)

    def _column(
        self,
        presence: torch.Tensor,
        column: int,
        images: Sequence[torch.Tensor],
        encode: Callable[[int, torch.Tensor], torch.Tensor],
    ) -> torch.Tensor | None:
        """Maps of one modality, encoded here or by the process that shares the work."""
        if not bool(presence[:, column].any()):
            return None
        mine = self.share.mine(column)
        encoded = _of_present(presence, column, images, encode) if mine else None
        return self.share.hand_over(column, encoded, presence.device)

    def gather_gradients(self) -> None:
        """After a backward pass: what each process knows of its encoders is known to all that share the work."""
        self.share.gather_gradients([self.encoder(column) for column in range(len(MODALITIES))])

    def complement(self, features: Features, candidates: Sequence[torch.Tensor] | None = None) -> Complemented:
        """Predict each modality from the others; enhance what is present, substitute what is absent."""
        done: Complemented = self.complementary(features.maps, features.presence, features.quality, candidates)
        return done

    def fuse(self, maps: torch.Tensor, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Joint features ``(B, C)`` of the maps for each of ``weights (B, 3)``."""
        return self.fusion.under_each(maps, *weights)

    def heads(
        self,
        pooled: torch.Tensor,
        joint: torch.Tensor,
        residual: torch.Tensor,
        features: Features,
        evidence: torch.Tensor,
    ) -> Logits:
        """Logits of the per-modality heads and the fused head."""
        logits: Logits = self.head(pooled, joint, residual, features, evidence)
        return logits

    def told(self, features: Features, complemented: Complemented) -> tuple[torch.Tensor, torch.Tensor]:
        """Residuals ``(B, 3)`` and evidence ``(B, E)`` as the heads see them: 0 where switched off."""
        residual, evidence = complemented.residual, features.evidence
        return (
            residual if self.config.residuals else torch.zeros_like(residual),
            evidence if self.config.evidence else torch.zeros_like(evidence),
        )

    def from_features(self, features: Features) -> ModelOutput:
        """Everything after the encoders, on cached features."""
        return self._finished(features, None)

    def under_both(self, features: Features, fewer: torch.Tensor) -> tuple[ModelOutput, ModelOutput]:
        """`from_features`, and the same of ``features.restricted(fewer)``; what no mask changes is computed once."""
        candidates = self.complementary.candidates(features.maps)
        return self._finished(features, candidates), self._finished(features.restricted(fewer), candidates)

    def _finished(self, features: Features, candidates: Sequence[torch.Tensor] | None) -> ModelOutput:
        complemented = self.complement(features, candidates)
        pooled = features.maps.mean(dim=(3, 4))
        joint, alone = self.fuse(complemented.maps, complemented.weights, features.presence.to(pooled.dtype))
        residual, evidence = self.told(features, complemented)
        logits = self.heads(pooled, joint, residual, features, evidence)
        present = self.head.fused(self.head.described(alone, residual, features), evidence)
        return ModelOutput(logits.fused, present, logits.modality, features, complemented, pooled, joint)

    def forward(self, inputs: ModelInputs) -> ModelOutput:
        """Encode and finish."""
        return self.from_features(self.encode(inputs))


def _of_present(
    presence: torch.Tensor,
    column: int,
    images: Sequence[torch.Tensor],
    encode: Callable[[int, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Maps of one modality that some row has, zero in the rows that lack it."""
    present = presence[:, column]
    if bool(present.all()):
        return encode(column, images[column])
    encoded = encode(column, images[column][present])
    rows = torch.zeros(len(present), *encoded.shape[1:], dtype=encoded.dtype, device=encoded.device)
    return rows.index_put((present.nonzero()[:, 0],), encoded)


def _stacked(maps: Sequence[torch.Tensor | None]) -> torch.Tensor:
    """One map for each modality, zero for those that no row has, all with the channels of the widest."""
    widest = max((encoded for encoded in maps if encoded is not None), key=lambda encoded: encoded.shape[1])
    blank = torch.zeros_like(widest)
    return torch.stack([blank if encoded is None else _as_wide(encoded, widest.shape[1]) for encoded in maps], dim=1)


def _as_wide(maps: torch.Tensor, channels: int) -> torch.Tensor:
    missing = channels - maps.shape[1]
    return nn.functional.pad(maps, (0, 0, 0, 0, 0, missing)) if missing else maps
