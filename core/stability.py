"""Whether an explanation survives what nobody would notice: the face's place, moved by a pixel in every modality alike.

"Unified stability" of 2506.13060 (method.md section 9): an explanation that changes when the crop moves by a hundredth
of its width explains the crop's place, not the face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.explain import Explanation, explain
from core.frames import FaceCrop, Modality, ModalityMask

SHIFTS: tuple[tuple[int, int], ...] = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if (x, y) != (0, 0))
"""One pixel of the crop (about 2 mm on the face) in each of eight directions."""

Pixel = TypeVar("Pixel", np.uint8, np.float32)


@runtime_checkable
class Explainable(Protocol):
    """A scorer that can be asked under every sub-mask of a crop."""

    def mask_logits(self, crop: FaceCrop) -> dict[ModalityMask, float]:
        """Calibrated logit under every sub-mask of the crop's mask."""
        ...


@dataclass(frozen=True, slots=True)
class Stability:
    """How an explanation varies over ``copies`` shifted crops.

    ``spread``: standard deviation of each contribution around the unshifted one, in logits. ``kept``: share of the
    copies in which the modality that leads is the same.
    """

    copies: int
    spread: Mapping[Modality, float]
    kept: float


def explain_crop(scorer: Explainable, crop: FaceCrop) -> Explanation:
    """The explanation of one crop, from one encoding."""
    return explain(scorer.mask_logits(crop))


def shifted(crop: FaceCrop, x: int, y: int) -> FaceCrop:
    """The crop with every modality moved by the same whole pixels; the edge is repeated, no value is invented."""
    return replace(
        crop,
        rgb=None if crop.rgb is None else _moved(crop.rgb, x, y),
        depth=None if crop.depth is None else _moved(crop.depth, x, y),
        ir=None if crop.ir is None else _moved(crop.ir, x, y),
    )


def measure(scorer: Explainable, crop: FaceCrop, explanation: Explanation) -> Stability:
    """Explain the shifted copies of ``crop``, whose own explanation is ``explanation``."""
    return compare(explanation, [explain_crop(scorer, shifted(crop, x, y)) for x, y in SHIFTS])


def compare(explanation: Explanation, copies: Sequence[Explanation]) -> Stability:
    """How the explanations of copies vary around the original's."""
    spread = {
        m: float(np.sqrt(np.mean([(copy.contributions[m] - value) ** 2 for copy in copies])))
        for m, value in explanation.contributions.items()
    }
    kept = sum(copy.leading is explanation.leading for copy in copies) / len(copies)
    return Stability(len(copies), spread, kept)


def pooled(found: Sequence[Stability]) -> Stability:
    """Over the frame sets of one presentation: all copies count, spreads are root mean squares."""
    copies = sum(one.copies for one in found)
    spread = {m: float(np.sqrt(np.mean([one.spread[m] ** 2 for one in found]))) for m in found[0].spread}
    return Stability(copies, spread, sum(one.kept * one.copies for one in found) / copies)


def _moved(image: NDArray[Pixel], x: int, y: int) -> NDArray[Pixel]:
    size = image.shape[0]
    rows, columns = (np.clip(np.arange(size) - by, 0, size - 1) for by in (y, x))
    return np.ascontiguousarray(image[rows][:, columns])
