"""Hybrid attacks: a real capture whose relief or infrared is replaced by an attack's, its own noise kept.

Real bona fide captures trained against simulated attacks alone teach "real = bona fide" (evaluation.md section 3: the
APCER on hybrids of other people rises to 17-99 %). A hybrid shares sensor, noise, hair, background and crop path with
the bona fide capture that it was made from; only the evidence of an attack differs. There are two families that share
no model of sheet, mask or noise: one trains, the other judges, so that nobody is judged on what was practised.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.frames import FaceCrop, Modality, ModalityMask
from core.surface import MAD_TO_SIGMA, face_ellipse

Map = NDArray[np.float32]

_MIN_FACE_SHARE = 0.05
"""Share of a crop's pixels that must be measured face before a surface is fitted to it."""
_FACE_MADS = 6.0
"""What lies farther from the face's median distance (in MADs, about 12 mm each) is hair behind, torso or background."""


class Family(StrEnum):
    """Which of the two ways of making hybrids."""

    TRAINING = "training"
    JUDGING = "judging"


@dataclass(frozen=True, slots=True)
class Hybrid:
    """An attack presentation made from a bona fide one.

    ``changed`` are the modalities that carry the attack: in a mask without any of them the hybrid *is* the bona fide
    capture, so it neither trains nor judges there.
    """

    species: Species
    crops: tuple[FaceCrop, ...]
    changed: ModalityMask


def hybrids_of(crops: Sequence[FaceCrop], family: Family, seed: int, presentation: str) -> list[Hybrid]:
    """The hybrids of one bona fide presentation: a sheet where it has depth, a mask where it has infrared.

    The parameters are drawn once per presentation from ``seed`` and its id; equal input gives equal pixels. A crop on
    which no surface can be fitted (too few measured pixels) is left out, and a hybrid without crops with it.
    """
    makers = (
        (Species.HYBRID_SHEET, Modality.DEPTH, _training_sheet if family is Family.TRAINING else _judging_sheet),
        (Species.HYBRID_MASK, Modality.IR, _training_mask if family is Family.TRAINING else _judging_mask),
    )
    made = []
    for species, modality, make in makers:
        generator_seed = [seed, zlib.crc32(f"{family}/{species}/{presentation}".encode())]
        changed = [
            crop
            for source in crops
            if modality in source.mask
            # the same draws for every frame of the presentation: one artefact
            if (crop := make(source, np.random.default_rng(generator_seed))) is not None
        ]
        if changed:
            made.append(Hybrid(species, tuple(changed), ModalityMask.of([modality])))
    return made


# --- training family: plane with a random bend, Gaussian noise split, smooth material ------------------------------


def _training_sheet(crop: FaceCrop, generator: np.random.Generator) -> FaceCrop | None:
    """Relief -> its plane, bent a little about a random axis; often held before the whole picture."""
    angle, bend, covers_all = generator.uniform(0, np.pi), generator.uniform(-0.4, 0.4), generator.random() < 0.4
    depth = _required(crop.depth)
    face = _face(depth)
    if face is None:
        return None
    x, y = _grid(depth.shape)
    plane = _surface(depth, face, np.stack([np.ones_like(x), x, y], axis=-1))
    across = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    sheet = plane + np.float32(bend * _spread(depth[face])) * (across * across - np.float32(0.3))
    noise = _clipped(_high_pass(depth, face), face)
    return replace(crop, depth=_laid_over(depth, sheet + noise, depth > 0 if covers_all else face))


def _training_mask(crop: FaceCrop, generator: np.random.Generator) -> FaceCrop | None:
    """Infrared -> its broad shading on a smooth, brighter material (resin, plaster: scenes.md), own noise kept."""
    gain, contrast, width = generator.uniform(1.05, 1.6), generator.uniform(0.05, 0.35), generator.uniform(0.12, 0.2)
    ir = _required(crop.ir)
    face = _lit(ir) if crop.depth is None else _face(crop.depth)
    if face is None:
        return None
    level = np.log(np.maximum(ir, 1e-4))
    broad = _blurred(level, face, width * ir.shape[0])
    features = _blurred(level, face, 0.015 * ir.shape[0]) - broad
    noise = _clipped(level - broad - features, face)
    return replace(crop, ir=_material(ir, face, broad + np.float32(contrast) * features + noise, gain))


# --- judging family: cylinder fitted to the face, median noise split, polynomial material ---------------------------


def _judging_sheet(crop: FaceCrop, generator: np.random.Generator) -> FaceCrop | None:
    """Relief -> the cylinder about a random axis that lies nearest to it, as a print that is bent round a head."""
    angle = generator.uniform(0, np.pi)
    depth = _required(crop.depth)
    face = _face(depth)
    if face is None:
        return None
    x, y = _grid(depth.shape)
    across = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    cylinder = _surface(depth, face, np.stack([np.ones_like(x), x, y, across**2], axis=-1))
    noise = _clipped(depth - _median(depth, 5), face)
    return replace(crop, depth=_laid_over(depth, cylinder + noise, face))


def _judging_mask(crop: FaceCrop, generator: np.random.Generator) -> FaceCrop | None:
    """Infrared -> a quadratic of the picture's coordinates on a duller or brighter material, with some paint left."""
    gain, paint = generator.uniform(0.8, 1.4), generator.uniform(0.1, 0.3)
    ir = _required(crop.ir)
    face = _lit(ir) if crop.depth is None else _face(crop.depth)
    if face is None:
        return None
    level = np.log(np.maximum(ir, 1e-4))
    x, y = _grid(ir.shape)
    terms = [x**i * y**j for i in range(3) for j in range(3 - i)]
    smooth = np.clip(_surface(level, face, np.stack(terms, axis=-1)), *np.percentile(level[face], [5, 95]))
    without_noise = _median(level, 5)
    noise = _clipped(level - without_noise, face)
    return replace(crop, ir=_material(ir, face, smooth + np.float32(paint) * (without_noise - smooth) + noise, gain))


# --- shared pieces ---------------------------------------------------------------------------------------------------


def _required(pixels: Map | None) -> Map:
    if pixels is None:
        raise ValueError("the crop lacks the modality that this hybrid changes")
    return pixels


def _grid(shape: tuple[int, ...]) -> tuple[Map, Map]:
    """Coordinates from -1 to 1 across the crop."""
    y, x = np.mgrid[-1.0 : 1.0 : shape[0] * 1j, -1.0 : 1.0 : shape[1] * 1j].astype(np.float32)
    return x, y


def _face(depth: Map) -> NDArray[np.bool_] | None:
    """Measured pixels near the surface inside the face ellipse; ``None`` where too few of it are measured."""
    inside = face_ellipse(depth.shape[0]) & (depth > 0)
    if inside.mean() < _MIN_FACE_SHARE:
        return None
    centre = np.median(depth[inside])
    reach = _FACE_MADS * np.median(np.abs(depth[inside] - centre))
    face: NDArray[np.bool_] = (depth > 0) & (np.abs(depth - centre) <= reach)
    return face


def _lit(ir: Map) -> NDArray[np.bool_] | None:
    """Pixels that the illuminator reaches, where there is no depth to find the face by."""
    level = float(np.median(ir[face_ellipse(ir.shape[0])]))
    lit: NDArray[np.bool_] = ir > 0.3 * level
    return lit if level > 0 else None


def _spread(values: Map) -> float:
    """95th minus 5th percentile, never zero."""
    low, high = np.percentile(values, [5, 95])
    return max(float(high - low), 1e-6)


def _surface(values: Map, where: NDArray[np.bool_], terms: Map) -> Map:
    """Least-squares surface through the face in ``where``, refitted once without the fifth that fits worst."""
    fitted = where & face_ellipse(values.shape[0], 1.2)
    basis, target = terms[fitted].astype(np.float64), values[fitted].astype(np.float64)
    coefficients = np.linalg.lstsq(basis, target, rcond=None)[0]
    residual = np.abs(basis @ coefficients - target)
    near = residual <= np.percentile(residual, 80)
    coefficients = np.linalg.lstsq(basis[near], target[near], rcond=None)[0]
    surface: Map = (terms.astype(np.float64) @ coefficients).astype(np.float32)
    return surface


def _blurred(values: Map, where: NDArray[np.bool_], sigma_px: float) -> Map:
    """Gaussian mean over the pixels of ``where`` only, so that nothing bleeds in from outside."""
    weight = where.astype(np.float32)
    total = cv2.GaussianBlur(values * weight, (0, 0), sigma_px)
    share = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    return np.asarray(total / np.maximum(share, 1e-6), np.float32)


def _high_pass(values: Map, where: NDArray[np.bool_]) -> Map:
    return values - _blurred(values, where, 0.012 * values.shape[0])


def _median(values: Map, size: int) -> Map:
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(values), size), np.float32)


def _clipped(noise: Map, where: NDArray[np.bool_]) -> Map:
    """Noise without the steps that an edge of the relief or of the albedo leaves in it."""
    face = where & face_ellipse(noise.shape[0])
    limit = 3.0 * MAD_TO_SIGMA * float(np.median(np.abs(noise[face])))
    return np.clip(noise, -limit, limit)


def _laid_over(depth: Map, sheet: Map, where: NDArray[np.bool_]) -> Map:
    """``sheet`` at ``where``; holes stay holes and nothing comes to lie behind the camera."""
    smallest = float(depth[depth > 0].min()) * 0.5
    laid: Map = np.where(where, np.maximum(sheet, smallest), depth)
    return laid


def _material(ir: Map, where: NDArray[np.bool_], level: Map, gain: float) -> Map:
    """The log level ``level`` at ``where``, its median in the face brought to ``gain`` times that of the capture."""
    face = where & face_ellipse(ir.shape[0])
    material = np.exp(level - np.median(level[face])) * np.float32(gain * np.median(ir[face]))
    replaced: Map = np.where(where, np.clip(material, 0.0, 1.0), ir).astype(np.float32)
    return replaced
