"""The self-test that a model must pass before it decides: finite, repeatable, and aware of what it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.assessment import valid
from core.errors import InputError, sentence
from core.frames import CROP_PX, EVERY_MASK, FaceCrop, ModalityMask
from core.ports import Scorer
from core.verdict import Evidence

_TOLERANCE = 1e-4
_ALONE_TOLERANCE = 2e-3
"""Libraries choose other kernels for one crop than for seven, and these round differently; as in `core.model.golden`,
this is above what they differ by and below what matters."""


def self_test(scorer: Scorer) -> None:
    """Score a drawn face in every mask, twice together and twice one by one, as a camera asks.

    One crop may go another way than several (`core.model.inference`), and that is the way that decides.

    Raises:
        InputError: a score is not finite or outside [0, 1], belongs to another mask, or does not repeat.
    """
    face = drawn_face()
    crops = [face.restricted(mask) for mask in EVERY_MASK]
    together = [scorer.score(crops) for _ in range(2)]
    alone = [[one for crop in crops for one in scorer.score([crop])] for _ in range(2)]
    for mask, *answers in zip(EVERY_MASK, *together, *alone, strict=True):
        if problem := _problem(mask, answers):
            raise InputError(
                sentence("The model {name} fails its self-test: {problem}.", name=scorer.name, problem=problem),
                "Keep the model in use, and train or import this one again.",
            )


def _problem(mask: ModalityMask, answers: Sequence[Evidence]) -> str:
    """What is wrong with the answers to one crop, two of them together with others and two alone; "" if nothing."""
    if not all(valid(one) and one.mask == mask for one in answers):
        return sentence("it gives no valid score for {mask}", mask=mask)
    first, second, alone, again = (one.logit for one in answers)
    apart = abs(first - second) > _TOLERANCE or abs(alone - again) > _TOLERANCE
    if apart or abs(first - alone) > _ALONE_TOLERANCE:
        return sentence("it gives two answers for one picture ({mask})", mask=mask)
    return ""


def drawn_face() -> FaceCrop:
    """An egg-shaped head with eyes and mouth in all modalities: no picture of anybody, the same every time."""
    v, u = np.mgrid[-1.0 : 1.0 : CROP_PX * 1j, -1.0 : 1.0 : CROP_PX * 1j].astype(np.float32)
    inside = np.clip(1.0 - (u / 0.62) ** 2 - (v / 0.8) ** 2, 0.0, None)
    relief = np.sqrt(inside)
    features = sum(
        np.exp(-(((u - x) / 0.1) ** 2) - ((v - y) / 0.06) ** 2) for x, y in ((-0.25, -0.2), (0.25, -0.2), (0.0, 0.4))
    )
    shade = np.where(inside > 0, 0.75 * relief + 0.1, 0.15) - 0.3 * features
    grain = np.random.default_rng(7).normal(0.0, 1.0, (3, CROP_PX, CROP_PX)).astype(np.float32)
    rgb = np.stack([shade * gain for gain in (210.0, 165.0, 140.0)], axis=2) + 2.0 * grain[0][:, :, None]
    depth = np.where(inside > 0, 640.0 - 70.0 * relief, 1200.0) + grain[1]
    return FaceCrop(
        rgb=np.clip(rgb, 0, 255).astype(np.uint8),
        depth=depth.astype(np.float32),
        ir=np.clip(0.5 * shade + 0.01 * grain[2], 0.0, 1.0).astype(np.float32),
        metric_depth=True,
        face_mm=220.0,
    )
