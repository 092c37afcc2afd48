"""Encoders by name: the small trunk, or any trunk of timm (up to ViT-B/16 on a GPU) where timm is installed.

timm is no dependency of this program: it is imported when a network asks for it. Pretrained weights are loaded only by
training; a bundle brings its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from core.errors import UsageError, sentence
from core.model.encoders import ConvEncoder, Encoder

SMALL = "small"
"""The name of `ConvEncoder` in a network's configuration; any other is a name of timm."""


def build_encoder(trunk: str, channels: int, widths: Sequence[int], pretrained: bool = False) -> Encoder:
    """The encoder of one modality.

    Raises:
        UsageError: timm is not installed, or knows no such trunk.
    """
    return ConvEncoder(channels, widths) if trunk == SMALL else TimmEncoder(trunk, channels, pretrained)


class TimmEncoder(Encoder):
    """A trunk of timm without its classifier; images are resized to what it was made for.

    A vision transformer is cut before its last block. Other trunks have no common place to be cut at: all of the trunk
    is stem there, and adaptation reaches the heads only.
    """

    def __init__(self, name: str, channels: int, pretrained: bool) -> None:
        super().__init__()
        self.trunk = _created(name, channels, pretrained)
        self.width = self.taken = int(self.trunk.num_features)
        self._side = int(self.trunk.default_cfg["input_size"][-1])
        self._tokens = hasattr(self.trunk, "blocks") and hasattr(self.trunk, "patch_embed")

    def train(self, mode: bool = True) -> TimmEncoder:
        """Training mode; batch norms of the trunk only while `learning`, as `core.model.encoders.RunningNorm`."""
        super().train(mode)
        for module in self.trunk.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and not self.learning:
                module.eval()
        return self

    def let_adapt(self, stages: int) -> None:
        """The last block, and no more.

        Raises:
            UsageError: more is asked for.
        """
        if stages != 1:
            raise UsageError(
                "A trunk of timm adapts its last block only.", sentence("Use the trunk {trunk!r}.", trunk=SMALL)
            )

    def stem(self, images: torch.Tensor) -> torch.Tensor:
        """Maps ``(B, C, h, w)``, or tokens ``(B, T, C)`` before the last block."""
        sized = nn.functional.interpolate(images, (self._side, self._side), mode="bilinear", antialias=False)
        if not self._tokens:
            maps: torch.Tensor = self.trunk.forward_features(sized)
            return maps
        tokens: torch.Tensor = self.trunk.norm_pre(self.trunk._pos_embed(self.trunk.patch_embed(sized)))
        for block in self.trunk.blocks[:-1]:
            tokens = block(tokens)
        return tokens

    def rest(self, maps: torch.Tensor) -> torch.Tensor:
        """The last block and its norm, patches back in their places."""
        if not self._tokens:
            return maps
        tokens: torch.Tensor = self.trunk.norm(self.trunk.blocks[-1](maps))
        patches = tokens[:, self.trunk.num_prefix_tokens :]
        side = round(patches.shape[1] ** 0.5)
        return patches.transpose(1, 2).reshape(len(patches), self.width, side, side)

    def late_prefixes(self) -> tuple[str, ...]:
        """The last block's and the norm's; of other trunks nothing."""
        return (f"trunk.blocks.{len(self.trunk.blocks) - 1}.", "trunk.norm.") if self._tokens else ()


def _created(name: str, channels: int, pretrained: bool) -> Any:
    try:
        import timm  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UsageError(
            sentence("The trunk {name!r} comes from timm, which is not installed.", name=name),
            sentence("Install it (pip install timm), or use the trunk {trunk!r}.", trunk=SMALL),
        ) from error
    if not timm.is_model(name):
        raise UsageError(sentence("timm has no trunk {name!r}.", name=name), "Choose a name of timm.list_models().")
    return timm.create_model(name, pretrained=pretrained, in_chans=channels, num_classes=0)
