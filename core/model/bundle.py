"""Saving and loading models. Importing this module does not import torch; loading does.

Every load verifies: sha256, architecture, tensor names, shapes and dtypes, finiteness, golden outputs
(reliability.md section 3.5), of a scorer also those of its folded copy on its device, which is what decides. Nothing is
ever unpickled.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import HostError, sentence
from core.model.manifest import (
    FACTORY_BUNDLE,
    MANIFEST_FILE,
    WEIGHTS_FILE,
    Manifest,
    is_factory,
    read_manifest,
    verify_digest,
)
from core.processes import without_collection

if TYPE_CHECKING:
    from core.model.network import PadNetwork
    from core.model.scorer import NetworkScorer

__all__ = [
    "FACTORY_BUNDLE",
    "Manifest",
    "is_factory",
    "load_network",
    "load_scorer",
    "read_manifest",
    "save_bundle",
    "verify_digest",
]


def load_scorer(bundle: Path | str, device: str = "auto") -> NetworkScorer:
    """Load, verify and self-test a model.

    Args:
        bundle: the model's folder.
        device: ``auto`` (CUDA where present, else the CPU), ``cpu`` or a torch device name.

    Raises:
        InputError: the model cannot be used; the message says why.
        HostError: the device does not exist on this machine.
    """
    with without_collection():
        from core.model.scorer import NetworkScorer, choose_device
        from core.model.weights import check_golden

    chosen = choose_device(device)
    network, manifest = load_network(bundle)
    scorer = NetworkScorer(network, manifest, chosen)
    check_golden(scorer.golden_logits(), manifest)
    return scorer


def load_network(bundle: Path | str) -> tuple[PadNetwork, Manifest]:
    """The verified network on the CPU, in evaluation mode, with its manifest.

    Raises:
        InputError: the model cannot be used; the message says why.
    """
    from core.model.weights import build, check_golden, golden_logits

    folder = Path(bundle)
    manifest = read_manifest(folder)
    network = build(verify_digest(folder, manifest), manifest)
    check_golden(golden_logits(network), manifest)
    return network, manifest


def save_bundle(folder: Path | str, network: PadNetwork, manifest: Manifest) -> Manifest:
    """Write a bundle; ``sha256``, ``architecture``, ``config`` and ``golden`` of the manifest are filled in here.

    The weights are on disk before the manifest that names them, each by rename: a cut leaves no half model.

    Raises:
        InputError: the network holds NaN or infinite weights.
        HostError: the folder cannot be written.
    """
    from core.model.weights import golden_logits, require_finite, to_bytes

    require_finite(network.state_dict())
    weights = to_bytes(network)
    complete = manifest.model_copy(
        update={
            "sha256": hashlib.sha256(weights).hexdigest(),
            "architecture": network.architecture,
            "config": network.config.as_dict(),
            "golden": golden_logits(network),
        }
    )
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        _write(target / WEIGHTS_FILE, weights)
        _write(target / MANIFEST_FILE, complete.to_json().encode())
    except OSError as error:
        raise HostError(
            sentence("Cannot write the model to {path}: {strerror}.", path=target, strerror=error.strerror or error),
            "Choose a folder with room and rights.",
        ) from error
    return complete


def _write(path: Path, content: bytes) -> None:
    """Write beside the target, flush to the disk, rename."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
