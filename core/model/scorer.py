"""The network as a `Scorer`: crops in, calibrated evidence out, the same numbers every time."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core import physics
from core.errors import HostError, sentence
from core.frames import EVERY_MASK, MODALITIES, FaceCrop, ModalityMask
from core.model.golden import golden_crop
from core.model.inference import Inference
from core.model.inputs import normalise, stack
from core.model.manifest import Manifest
from core.model.network import ModelOutput, PadNetwork
from core.model.novelty import Novelty
from core.surface import Sheets, fit_sheets
from core.verdict import Evidence, sigmoid

MAX_BATCH = 32


class NetworkScorer:
    """See `core.ports.Scorer`. Scores are deterministic and do not depend on which crops share a call."""

    def __init__(self, network: PadNetwork, manifest: Manifest, device: torch.device) -> None:
        if device.type == "cuda":  # convolutions would round to 10 bits (TF32); thresholds were found in single floats
            torch.backends.cudnn.allow_tf32 = False
        self.network = network.to(device).channels_last().eval()
        self.manifest = manifest
        self._inference = Inference(self.network, device)
        self._device = device
        self._novelty = Novelty(manifest.novelty)

    @property
    def name(self) -> str:
        """See `Scorer.name`."""
        return self.manifest.name

    @property
    def sha256(self) -> str:
        """See `Scorer.sha256`."""
        return self.manifest.sha256

    @property
    def device(self) -> str:
        """See `Scorer.device`."""
        return device_name(self._device)

    @property
    def threshold_source(self) -> str:
        """See `Scorer.threshold_source`."""
        return self.manifest.threshold_source

    def may_accept(self, mask: ModalityMask) -> bool:
        """See `Scorer.may_accept`."""
        return self.manifest.may_accept(mask)

    def threshold(self, mask: ModalityMask) -> float | None:
        """See `Scorer.threshold`."""
        return self.manifest.threshold(mask)

    def score(self, crops: Sequence[FaceCrop]) -> list[Evidence]:
        """See `Scorer.score`. A crop without any modality is a caller's mistake (``ValueError``)."""
        evidence: list[Evidence] = []
        for start in range(0, len(crops), MAX_BATCH):
            evidence += self._answer(crops[start : start + MAX_BATCH])[0]
        return evidence

    def explained(self, crop: FaceCrop) -> tuple[Evidence, dict[ModalityMask, float]]:
        """What `score` and `mask_logits` say of one crop, for the price of one pass."""
        others = [mask for mask in EVERY_MASK if mask & crop.mask == mask and mask != crop.mask]
        (evidence,), (logits,) = self._answer([crop], others)
        values = {mask: logit / self.manifest.temperature_of(mask) for mask, logit in zip(others, logits, strict=True)}
        return evidence, {**values, crop.mask: evidence.logit}

    def mask_logits(self, crop: FaceCrop) -> dict[ModalityMask, float]:
        """Calibrated logit of ``crop`` under every sub-mask of its own, from one encoding (for `core.explain`)."""
        return self.explained(crop)[1]

    def output(self, crops: Sequence[FaceCrop]) -> ModelOutput:
        """The network's raw output for at most `MAX_BATCH` crops, features included."""
        return self._inference.output(normalise(stack(crops)))

    def golden_logits(self) -> dict[str, float]:
        """As `core.model.weights.golden_logits`, of the copy that decides, where it computes."""
        crop = golden_crop()
        logits = self.output([crop.restricted(mask) for mask in EVERY_MASK]).safe.cpu().tolist()
        return {str(mask): float(logit) for mask, logit in zip(EVERY_MASK, logits, strict=True)}

    def _answer(
        self, crops: Sequence[FaceCrop], masks: Sequence[ModalityMask] = ()
    ) -> tuple[list[Evidence], list[list[float]]]:
        """Evidence of each crop, and its logits under ``masks``, not calibrated."""
        if any(not crop.mask for crop in crops):
            raise ValueError("a crop without any modality cannot be scored")
        batch = stack(crops)
        sheets = fit_sheets(batch.depth)
        answer = self._inference.ask(normalise(batch, sheets), masks)
        output, uncertainty = answer.output, answer.uncertainty.cpu().tolist()
        logits = output.safe.cpu().tolist()
        modality = output.modality.cpu().tolist()
        residual = output.complemented.residual.cpu().tolist()
        features = output.features
        novelty = self._novelty.of(features.evidence.cpu().numpy(), features.presence.cpu().numpy()).tolist()
        evidence = [
            self._evidence(crop, sheets.row(i), logits[i], modality[i], residual[i], uncertainty[i], novelty[i])
            for i, crop in enumerate(crops)
        ]
        return evidence, answer.others.cpu().tolist()

    def _evidence(
        self,
        crop: FaceCrop,
        sheets: Sheets,
        logit: float,
        modality: list[float],
        residual: list[float],
        uncertainty: float,
        novelty: float,
    ) -> Evidence:
        mask = crop.mask
        calibrated = logit / self.manifest.temperature_of(mask)
        score = sigmoid(calibrated)
        if not 0.0 <= score <= 1.0:
            raise HostError(
                "The model gave a number that is not finite.",
                "Check the model with `main.py models`; the frame has no score.",
            )
        columns = [(i, m) for i, m in enumerate(MODALITIES) if m in mask]
        alone = {m: self.manifest.temperature_of(ModalityMask.of([m])) for _, m in columns}
        return Evidence(
            mask=mask,
            logit=calibrated,
            score=score,
            modality_scores={str(m): sigmoid(modality[i] / alone[m]) for i, m in columns},
            residuals={str(m): residual[i] for i, m in columns} if len(mask) > 1 else {},
            physics=physics.figures(crop, sheets),
            uncertainty=uncertainty,
            novelty=novelty,
        )


def device_name(device: torch.device) -> str:
    """``cpu``, or what a GPU calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def choose_device(name: str) -> torch.device:
    """``auto``: CUDA where present, else the CPU.

    Raises:
        HostError: the device is not on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()  # one that only plays a device ("meta") takes tensors and gives none back
    except (RuntimeError, AssertionError, ImportError) as error:
        raise HostError(
            sentence("The device {name!r} cannot be used on this machine.", name=name), "Use `cpu` or `auto`."
        ) from error
    return device
