"""Weights as safetensors: written from a network, verified before they become one."""

from __future__ import annotations

from collections.abc import Mapping

import safetensors
import torch
from safetensors.torch import load as read_safetensors
from safetensors.torch import save as write_safetensors

from core.errors import InputError, sentence
from core.frames import EVERY_MASK
from core.model.complement import MODES
from core.model.golden import TOLERANCE, golden_crop
from core.model.inputs import to_tensors
from core.model.manifest import Manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork

_SMALLEST_PIXELS = 16


def to_bytes(network: PadNetwork) -> bytes:
    """The network's weights as a safetensors file."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return write_safetensors(tensors, metadata={"architecture": ARCHITECTURE})


def build(content: bytes, manifest: Manifest) -> PadNetwork:
    """A network with these weights, on the CPU, channels last, in evaluation mode.

    Raises:
        InputError: another architecture, damaged file, unexpected tensors, or values that are not finite.
    """
    if manifest.architecture != ARCHITECTURE:
        raise InputError(
            sentence(
                "These are weights of another architecture: {architecture}; this program runs {own}.",
                architecture=manifest.architecture,
                own=ARCHITECTURE,
            ),
            "Choose a model that was made with this version of the program.",
        )
    try:
        tensors = read_safetensors(content)
    except safetensors.SafetensorError as error:
        raise InputError(
            sentence("The weights are no safetensors file: {error}.", error=error), "Copy the model again."
        ) from error
    network = PadNetwork(_config(manifest))
    _require_same_tensors(tensors, network.state_dict())
    require_finite(tensors)
    network.load_state_dict(tensors)
    return network.channels_last().eval()


def require_finite(tensors: Mapping[str, torch.Tensor]) -> None:
    """Raises ``InputError`` naming the first tensor that holds NaN or an infinity."""
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            kind = "NaN" if bool(torch.isnan(tensor).any()) else sentence("an infinite value")
            raise InputError(
                sentence("The weights hold {kind} ({name}).", kind=kind, name=name),
                "The model is broken: train or copy it again.",
            )


def golden_logits(network: PadNetwork) -> dict[str, float]:
    """Raw safe logit of the golden crop for each mask, on the network's device."""
    crop = golden_crop()
    inputs = to_tensors([crop.restricted(mask) for mask in EVERY_MASK])
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        logits = network(inputs.to(device)).safe.cpu().tolist()
    network.train(was_training)
    return {str(mask): float(value) for mask, value in zip(EVERY_MASK, logits, strict=True)}


def check_golden(measured: Mapping[str, float], manifest: Manifest) -> None:
    """Raises ``InputError`` unless ``measured``, a logit for each mask, are the golden outputs of the manifest."""
    for mask in map(str, EVERY_MASK):
        promised = manifest.golden.get(mask)
        if promised is None or not abs(measured[mask] - promised) <= TOLERANCE:
            raise InputError(
                sentence(
                    "The model fails its self-test: mask {mask} gives {measured:.4f}, not {promised}.",
                    mask=mask,
                    measured=measured[mask],
                    promised=promised,
                ),
                "The model was made by another version of the program, or the machine computes wrongly.",
            )


def _config(manifest: Manifest) -> NetworkConfig:
    values = dict(manifest.config)
    try:
        lists = {name: tuple(values.get(name, getattr(NetworkConfig(), name))) for name in ("widths", "crossing")}
        config = NetworkConfig(**{**values, **lists})
        sizes = (*config.widths, *config.crossing, config.bottleneck, config.hidden, config.pixels)
        valid = 1 <= len(config.widths) <= 6 and all(isinstance(n, int) and 0 < n <= 2048 for n in sizes)
        valid = valid and len(config.crossing) <= 6 and config.pixels >= _SMALLEST_PIXELS
        valid = valid and 0.0 <= config.dropout < 1.0
    except TypeError as error:
        raise InputError(
            sentence("The manifest's network sizes are not understood: {error}.", error=error),
            "Export the model again.",
        ) from error
    if not valid or any(width % 8 for width in (*config.widths, *config.crossing)):
        raise InputError(
            sentence("The manifest's network sizes are impossible: {values}.", values=values), "Export the model again."
        )
    switches = isinstance(config.residuals, bool) and isinstance(config.evidence, bool)
    if not switches or not isinstance(config.trunk, str) or config.complementary not in MODES:
        raise InputError(
            sentence("The manifest's network switches are unknown: {values}.", values=values), "Export the model again."
        )
    return config


def _require_same_tensors(tensors: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> None:
    if missing := sorted(set(expected) - set(tensors)):
        raise InputError(
            sentence(
                "These are weights of another architecture: {name} is missing for {own}.",
                name=missing[0],
                own=ARCHITECTURE,
            ),
            "Choose a model that was made with this version of the program.",
        )
    if surplus := sorted(set(tensors) - set(expected)):
        raise InputError(
            sentence(
                "These are weights of another architecture: {own} has no {name}.", own=ARCHITECTURE, name=surplus[0]
            ),
            "Choose a model that was made with this version of the program.",
        )
    for name, tensor in tensors.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
            raise InputError(
                sentence(
                    "These are weights of another architecture: {name} is {shape} {dtype}, {own} has {wanted_shape} "
                    "{wanted_dtype}.",
                    name=name,
                    shape=tuple(tensor.shape),
                    dtype=tensor.dtype,
                    own=ARCHITECTURE,
                    wanted_shape=tuple(wanted.shape),
                    wanted_dtype=wanted.dtype,
                ),
                "Choose a model that was made with this version of the program.",
            )
