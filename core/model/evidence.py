"""Physics evidence for the heads: figures that need no training and mean the same before every camera.

Every figure is free of gain, unit and resolution unless its name says ``per_width``, which needs metric depth;
``over_level`` and ``over_span`` stand in for it where depth has no unit (collections scale a crop by its largest value
or by its own range). It is brought to
about -3..3 by fixed constants, clipped, and 0 where it is not known; a flag per group says which are. A figure that
compares modalities exists only where all of them are present, so that what is absent can say nothing.

Sources: scenes.md ("Geometry and speed": sheets leave nothing after a quadric; "Infrared": light of the camera's own
falls off with the angle to the surface) and method.md section 8.1 (a print does not have the depth or the infrared that
its picture promises). The level of infrared times the square of the distance is shown to people (`core.physics`) but is
no evidence here: it needs the gain of the very camera (evaluation.md section 3 forbids sensor identity as a feature).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.frames import MODALITIES, Modality
from core.model import blocks
from core.model.blocks import BlockMap, block_map
from core.surface import MAD_TO_SIGMA, Bool, Float, Sheets, face_ellipse

LIMIT = 3.0
_R, _D, _I = Modality.RGB, Modality.DEPTH, Modality.IR
_USUAL_WIDTH_MM = 220.0
"""Width of a crop (`core.face.crop`), for metric crops without a calibration."""
_FAR_SIGMAS, _FAR_RELIEFS = 6.0, 2.5
_INNER = 0.8
"""Colour and infrared look at this much of the face ellipse: its rim is hair or wall in other people's framing."""
_TINY = np.float32(1e-4)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it needs, and the value and spread that become 0 and 1."""

    name: str
    needs: tuple[Modality, ...]
    middle: float
    spread: float


FIGURES: tuple[Figure, ...] = (
    Figure("quadric_per_width", (_D,), -7.0, 1.0),
    Figure("plane_per_width", (_D,), -6.0, 1.0),
    Figure("relief_per_width", (_D,), -2.7, 1.0),
    Figure("quadric_over_level", (_D,), -7.0, 1.5),
    Figure("quadric_over_span", (_D,), -5.5, 1.2),
    Figure("quadric_structure", (_D,), 0.5, 1.0),
    Figure("dome", (_D,), 0.4, 0.35),
    Figure("nose", (_D,), 0.5, 0.25),
    Figure("depth_symmetry", (_D,), 0.4, 0.35),
    Figure("depth_outliers", (_D,), 0.06, 0.08),
    Figure("middle_holes", (_D,), 0.0, 0.15),
    Figure("saturation", (_R,), 0.35, 0.18),
    Figure("colour_spread", (_R,), 0.12, 0.08),
    Figure("luma_contrast", (_R,), 0.7, 0.4),
    Figure("luma_detail", (_R,), -1.5, 0.8),
    Figure("luma_highlights", (_R,), 0.03, 0.08),
    Figure("luma_eyes", (_R,), 0.5, 0.2),
    Figure("ir_shade", (_I,), 0.35, 0.3),
    Figure("ir_shine", (_I,), 0.5, 0.4),
    Figure("ir_detail", (_I,), -1.5, 0.8),
    Figure("ir_dome", (_I,), 0.3, 0.4),
    Figure("ir_eyes", (_I,), 0.5, 0.2),
    Figure("ir_dark", (_I,), 0.02, 0.1),
    Figure("ir_saturated", (_I,), 0.02, 0.1),
    Figure("ir_on_slope", (_D, _I), 0.2, 0.35),
    Figure("ir_by_relief", (_D, _I), 0.4, 0.25),
    Figure("luma_by_relief", (_R, _D), 0.4, 0.25),
    Figure("ir_like_luma", (_R, _I), 0.3, 0.35),
    Figure("ir_detail_like_luma", (_R, _I), 0.3, 0.3),
    Figure("ir_over_luma_contrast", (_R, _I), -0.5, 1.0),
    Figure("ir_over_luma_spread", (_R, _I), 0.6, 0.4),
)
_FLAGS: tuple[tuple[str, tuple[Modality, ...]], ...] = (
    ("knows_width", (_D,)),
    ("knows_no_unit", (_D,)),
    ("knows_depth", (_D,)),
    ("knows_colour", (_R,)),
    ("knows_infrared", (_I,)),
    ("knows_depth_and_infrared", (_D, _I)),
    ("knows_colour_and_depth", (_R, _D)),
    ("knows_colour_and_infrared", (_R, _I)),
)
EVIDENCE: tuple[str, ...] = (*(figure.name for figure in FIGURES), *(name for name, _ in _FLAGS))
"""Names of the columns of ``ModelInputs.evidence``."""
_NEEDS = (*(figure.needs for figure in FIGURES), *(needs for _, needs in _FLAGS))
_MIDDLE = np.array([figure.middle for figure in FIGURES])
_SPREAD = np.array([figure.spread for figure in FIGURES])
_METRIC, _NO_UNIT = "metric", "no unit"
_UNITS = {
    "_per_width": _METRIC, "_over_level": _NO_UNIT, "_over_span": _NO_UNIT,
    "knows_width": _METRIC, "knows_no_unit": _NO_UNIT,
}  # fmt: skip
_USABLE = tuple(
    next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), needs)
    for name, needs in zip(EVIDENCE, _NEEDS, strict=True)
)
"""What must hold for each column: the modalities known that it needs, or depth with or without a unit."""
REQUIRED: NDArray[np.bool_] = np.array([[modality in needs for modality in MODALITIES] for needs in _NEEDS])
"""``bool (E, 3)``: the modalities without which a column is 0."""


def columns_of(modality: Modality) -> NDArray[np.intp]:
    """The columns that need ``modality`` and nothing else: what its own head may see."""
    only = np.array([m is modality for m in MODALITIES])
    return np.flatnonzero((only == REQUIRED).all(axis=1))


def evidence_of(
    rgb: NDArray[np.uint8],
    depth: Float,
    infrared: Float,
    presence: Bool,
    metric: Bool,
    face_mm: Float,
    sheets: Sheets,
) -> Float:
    """The evidence of a batch of crops.

    Args:
        rgb: ``uint8 (B, S, S, 3)``.
        depth: ``float32 (B, S, S)``, 0 = hole.
        infrared: ``float32 (B, S, S)``, 0 = unlit.
        presence: ``bool (B, 3)``.
        metric: ``bool (B,)``: depth is in millimetres.
        face_mm: ``float32 (B,)``, width of the region, 0 = unknown.
        sheets: the fits of the depth.

    Returns:
        ``float32 (B, E)`` in the order of `EVIDENCE`, within +-`LIMIT`.
    """
    has = {modality: presence[:, column] for column, modality in enumerate(MODALITIES)}
    found: dict[str, Float] = {}
    known: dict[tuple[Modality, ...], Bool] = {}
    relief = luma = heat = None
    if has[_D].any():
        relief = _Relief(depth, sheets)
        found |= relief.figures(face_mm)
        known[_D,] = has[_D] & relief.usable
    if has[_R].any():
        luma, figures = _colour(rgb)
        found |= figures
        known[_R,] = has[_R] & luma.usable
    if has[_I].any():
        heat, figures = _infrared(infrared)
        found |= figures
        known[_I,] = has[_I] & heat.usable
    if relief is not None and heat is not None:
        found["ir_on_slope"] = blocks.correlation(heat.smooth, relief.facing)
        found["ir_by_relief"] = blocks.explained(heat.smooth, (*relief.slopes, relief.facing))
        known[_D, _I] = known[_D,] & known[_I,]
    if relief is not None and luma is not None:
        found["luma_by_relief"] = blocks.explained(luma.smooth, (*relief.slopes, relief.facing))
        known[_R, _D] = known[_R,] & known[_D,]
    if luma is not None and heat is not None:
        found |= _colour_and_infrared(luma, heat)
        known[_R, _I] = known[_R,] & known[_I,]
    return _columns(found, known, metric)


def _columns(found: Mapping[str, Float], known: Mapping[tuple[Modality, ...], Bool], metric: Bool) -> Float:
    """Standardise, clip, and blank what is not known."""
    nothing = np.zeros(len(metric))
    raw = np.stack([found.get(figure.name, nothing) for figure in FIGURES], axis=1)
    scaled = np.clip((raw - _MIDDLE) / _SPREAD, -LIMIT, LIMIT)
    table = np.concatenate([np.where(np.isfinite(scaled), scaled, 0.0), np.ones((len(metric), len(_FLAGS)))], axis=1)
    never = np.zeros(len(metric), dtype=bool)
    depth = known.get((_D,), never)
    usable: dict[object, Bool] = dict(known.items())
    usable |= {_METRIC: depth & metric, _NO_UNIT: depth & ~metric}
    return np.where(np.stack([usable.get(key, never) for key in _USABLE], axis=1), table, 0.0).astype(np.float32)


class _Relief:
    """Coarse maps of the geometry; nearer is larger."""

    def __init__(self, depth: Float, sheets: Sheets) -> None:
        self._sheets = sheets
        self._depth = block_map(depth, sheets.valid)
        whole, flat = block_map(-sheets.quadric, sheets.valid), block_map(-sheets.plane, sheets.valid)
        usual = np.maximum(_FAR_SIGMAS * _absolute(whole).quantile(0.5), _FAR_RELIEFS * _absolute(flat).quantile(0.5))
        limit = np.maximum(np.float32(MAD_TO_SIGMA) * usual, np.float32(1e-9))[:, None]
        self._off = BlockMap((np.abs(whole.values) > limit).astype(np.float32), whole.known)
        # What lies far off the fitted surface is background or hair behind: it must not pass for relief.
        face = whole.known & (self._off.values == 0.0)
        self._quadric = BlockMap(whole.values * face, face)
        self._plane = _within(flat, face)
        self.usable = self._plane.usable
        across, down = blocks.gradients(self._plane.smooth)
        self.slopes = across, down
        steep = across.values**2 + down.values**2
        usual = BlockMap(steep, across.known & down.known).quantile(0.5)[:, None]
        self.facing = BlockMap(usual / np.maximum(steep + usual, np.float32(1e-12)), across.known & down.known)
        """Near 1 where the surface faces the camera, falling with its slope; free of the depth's unit."""

    def figures(self, face_mm: Float) -> dict[str, Float]:
        width = np.where(face_mm > 0, face_mm, np.float32(_USUAL_WIDTH_MM))
        quadric, plane = _absolute(self._quadric).quantile(0.5), _absolute(self._plane).quantile(0.5)
        relief = self._plane.quantile(0.98) - self._plane.quantile(0.02)
        middle = face_ellipse(self._sheets.valid.shape[1], 0.5)
        return {
            "quadric_per_width": _log2(quadric / width),
            "plane_per_width": _log2(plane / width),
            "relief_per_width": _log2(relief / width),
            "quadric_over_level": _log2(quadric / np.maximum(self._sheets.median, np.float32(1e-6))),
            "quadric_over_span": _log2(quadric / np.maximum(self._span(), np.float32(1e-6))),
            "quadric_structure": _structure(self._quadric),
            "dome": blocks.correlation(self._plane, _like(self._plane, -blocks.radius())),
            "nose": blocks.matched(self._quadric.smooth, blocks.nose_templates()),
            "depth_symmetry": blocks.mirrored(self._quadric.smooth),
            "depth_outliers": self._off.mean(),
            "middle_holes": 1.0 - self._sheets.valid[:, middle].mean(axis=1, dtype=np.float32),
        }

    def _span(self) -> Float:
        """How far the depth of the face's blocks reaches, tilt included: 95th minus 5th percentile."""
        return self._depth.quantile(0.95) - self._depth.quantile(0.05)


def _colour(rgb: NDArray[np.uint8]) -> tuple[BlockMap, dict[str, Float]]:
    """The log2 luma in blocks, and what colour alone tells."""
    planes = [rgb[..., i].astype(np.float32) for i in range(3)]
    grey = (planes[0] + planes[1] + planes[2]) * np.float32(1.0 / 3.0)
    lit = grey > 4.0
    channels = [_inner(block_map(plane, lit)) for plane in planes]
    red, green, blue = (np.maximum(channel.values, 1.0) for channel in channels)
    known = channels[0].known
    brightest, darkest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    log_grey = np.log2(np.maximum(grey, 1.0))
    luma = _inner(block_map(log_grey, lit))
    return luma, {
        "saturation": BlockMap(np.asarray(1.0 - darkest / brightest, np.float32), known).quantile(0.5),
        "colour_spread": BlockMap(np.log2(red / green), known).spread(),
        "luma_contrast": luma.quantile(0.9) - luma.quantile(0.2),
        "luma_detail": _detail(log_grey, lit, luma),
        "luma_highlights": BlockMap((darkest > 235.0).astype(np.float32), known).mean(),
        "luma_eyes": blocks.matched(luma, blocks.eye_templates()),
    }


def _infrared(infrared: Float) -> tuple[BlockMap, dict[str, Float]]:
    """The log2 infrared in blocks, and what infrared alone tells."""
    lit = infrared > 0
    level = np.log2(np.maximum(infrared, _TINY))
    heat = _inner(block_map(level, lit))
    middle = heat.quantile(0.5)
    face = infrared[:, face_ellipse(infrared.shape[1], _INNER)]
    return heat, {
        "ir_shade": middle - heat.quantile(0.2),
        "ir_shine": heat.quantile(0.95) - middle,
        "ir_detail": _detail(level, lit, heat),
        "ir_dome": blocks.correlation(heat, _like(heat, -blocks.radius())),
        "ir_eyes": blocks.matched(heat, blocks.eye_templates()),
        "ir_dark": (face <= 0.012).mean(axis=1, dtype=np.float32),
        "ir_saturated": (face >= 0.98).mean(axis=1, dtype=np.float32),
    }


def _colour_and_infrared(luma: BlockMap, heat: BlockMap) -> dict[str, Float]:
    """Does what is dark in colour look dark in infrared, as skin, hair and eyes do and inks do not?"""
    ratio = BlockMap(heat.values - luma.values, heat.known & luma.known)
    return {
        "ir_like_luma": blocks.correlation(heat, luma),
        "ir_detail_like_luma": blocks.correlation(heat.detail, luma.detail),
        "ir_over_luma_contrast": np.log2((heat.detail.spread() + 1e-3) / (luma.detail.spread() + 1e-3)),
        "ir_over_luma_spread": ratio.spread(),
    }


def _structure(maps: BlockMap) -> Float:
    """How much of a map is smooth, log2: noise gives about -1.5, a surface more."""
    smooth = maps.smooth
    rough = BlockMap((maps.values - smooth.values) * maps.known, maps.known)
    return np.log2((smooth.spread() + 1e-9) / (rough.spread() + 1e-9))


def _detail(level: Float, lit: Bool, coarse: BlockMap) -> Float:
    """Contrast within blocks over contrast between neighbouring blocks, log2: blur, print and compression show."""
    squared = block_map(level * level, lit)
    within: Float = np.sqrt(np.maximum(squared.values - coarse.values**2, np.float32(0.0)))
    usual = BlockMap(within, squared.known & coarse.known).quantile(0.5)
    return np.log2((usual + 1e-3) / (coarse.detail.spread() + 1e-3))


def _within(maps: BlockMap, where: Bool) -> BlockMap:
    known = maps.known & where
    return BlockMap(maps.values * known, known)


def _inner(maps: BlockMap) -> BlockMap:
    inside = face_ellipse(blocks.GRID, _INNER)[face_ellipse(blocks.GRID)]
    return _within(maps, np.broadcast_to(inside, maps.known.shape))


def _absolute(maps: BlockMap) -> BlockMap:
    return BlockMap(np.abs(maps.values), maps.known)


def _like(maps: BlockMap, row: Float) -> BlockMap:
    return BlockMap(np.broadcast_to(row, maps.values.shape), maps.known)


def _log2(values: NDArray[np.floating[Any]]) -> Float:
    return np.asarray(np.log2(np.maximum(values, np.float32(1e-6))), dtype=np.float32)
