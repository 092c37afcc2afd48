"""Modalities that are lost, or there and hardly usable: a site's profile, and what it does to crops.

Missing modalities are not only missing at random (evaluation.md section 2, guarantee 6): the sun or a cover takes depth
and infrared together, a modality may be there and worth little, sites differ, and an attacker chooses. Only the last
looks at what is presented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from core.codes import Species
from core.frames import ALL_MODALITIES, MODALITIES, FaceCrop, Modality, ModalityMask
from core.scenes.artefacts import MASKS

_Share = Annotated[float, Field(ge=0.0, le=1.0)]


NO_MODALITY = ModalityMask(0)


class Cause(StrEnum):
    """Why a presentation lacks something."""

    NONE = ""
    RANDOM = "random"
    COVER = "cover"
    SUN = "sun"
    DEGRADED = "degraded"
    ATTACKER = "attacker"


class Missingness(BaseModel):
    """Shares of a site's presentations. All but ``attacker`` act on bona fide and attack presentations alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rgb: _Share = 0.0
    """Lost by itself, as ``depth`` and ``ir``: a stream that dropped out."""
    depth: _Share = 0.0
    ir: _Share = 0.0
    cover: _Share = 0.0
    """Depth and infrared lost together: one lens, one cable, one hand."""
    sun: _Share = 0.0
    """Depth and infrared there, flooded by ambient infrared together."""
    degraded: _Share = 0.0
    """One modality there and hardly usable: dark colour, half of the depth gone, flooded infrared."""
    attacker: _Share = 0.0
    """Share of attacks in which what would give the instrument away is hidden."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What one presentation has: ``kept`` modalities, of which ``poor`` are hardly usable, and why."""

    kept: ModalityMask = ALL_MODALITIES
    poor: ModalityMask = NO_MODALITY
    cause: Cause = Cause.NONE


_DEPTH_AND_IR = ModalityMask.of((Modality.DEPTH, Modality.IR))


def draw_loss(profile: Missingness, species: Species, rng: np.random.Generator) -> Loss:
    """The loss of one presentation: the same draws whatever is presented, but for the attacker's choice."""
    chance, which = rng.random(7), MODALITIES[int(rng.integers(0, len(MODALITIES)))]
    if species is not Species.BONA_FIDE and chance[0] < profile.attacker:
        return Loss(without(hidden_by_attacker(species)), cause=Cause.ATTACKER)
    if chance[1] < profile.cover:
        return Loss(without(_DEPTH_AND_IR), cause=Cause.COVER)
    if chance[2] < profile.sun:
        return Loss(poor=_DEPTH_AND_IR, cause=Cause.SUN)
    if chance[3] < profile.degraded:
        return Loss(poor=ModalityMask.of((which,)), cause=Cause.DEGRADED)
    shares = (profile.rgb, profile.depth, profile.ir)
    lost = ModalityMask.of(m for m, share, drawn in zip(MODALITIES, shares, chance[4:], strict=True) if drawn < share)
    if not lost or lost == ALL_MODALITIES:
        return Loss()
    return Loss(without(lost), cause=Cause.RANDOM)


def hidden_by_attacker(species: Species) -> ModalityMask:
    """What an attacker hides: relief betrays sheets and screens, infrared betrays what has relief."""
    return ModalityMask.of((Modality.IR,) if species in (*MASKS, Species.MANNEQUIN) else (Modality.DEPTH,))


def without(lost: ModalityMask) -> ModalityMask:
    """All modalities but those."""
    return ModalityMask(ALL_MODALITIES.bits & ~lost.bits)


def apply_loss(crops: Sequence[FaceCrop], loss: Loss, rng: np.random.Generator) -> tuple[FaceCrop, ...]:
    """The crops as they come with that loss."""
    return tuple(_spoiled(crop.restricted(loss.kept), loss.poor, rng) for crop in crops)


def _spoiled(crop: FaceCrop, poor: ModalityMask, rng: np.random.Generator) -> FaceCrop:
    if Modality.RGB in poor and crop.rgb is not None:
        dark = crop.rgb * np.float32(rng.uniform(0.08, 0.2)) + rng.normal(0, 3.0, crop.rgb.shape)
        crop = replace(crop, rgb=np.clip(dark, 0, 255).astype(np.uint8))
    if Modality.DEPTH in poor and crop.depth is not None:
        crop = replace(crop, depth=_torn(crop.depth, rng))
    if Modality.IR in poor and crop.ir is not None:
        flood = np.float32(rng.uniform(0.35, 0.6))
        flooded = crop.ir * np.float32(0.5) + flood + rng.normal(0, 0.02, crop.ir.shape).astype(np.float32)
        crop = replace(crop, ir=np.clip(flooded, 1 / 255, 1.0).astype(np.float32))
    return crop


def _torn(depth: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Half of the depth lost in patches, the rest with twice the error of a good sensor."""
    size = depth.shape[0]
    coarse = rng.standard_normal((size // 6, size // 6)).astype(np.float32)
    patches = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    noisy = depth * (1 + np.float32(0.004) * rng.standard_normal(depth.shape).astype(np.float32))
    keep = (depth > 0) & (patches < np.quantile(patches, rng.uniform(0.35, 0.6)))
    return np.where(keep, noisy, np.float32(0.0)).astype(np.float32)
